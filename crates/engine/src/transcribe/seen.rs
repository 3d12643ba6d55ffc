//! What is to be read in a picture, or in the frames of a video.

use sensorium_media::Picture;
use sensorium_model::Reader;
use sensorium_types::Span;

/// Seconds from one frame of a video that is read to the next.
pub(super) const STEP: f64 = 2.0;

/// A frame whose values differ by less from those of the one before, of 255 and on average, reads the same.
const SAME: f64 = 1.0;

/// Frames as they come.
pub(super) struct Seen<'a> {
    eyes: &'a mut Reader,
    /// The last frame that was read.
    last: Option<Picture>,
    lines: Lines,
}

impl<'a> Seen<'a> {
    pub(super) fn begin(eyes: &'a mut Reader) -> Self {
        Self {
            eyes,
            last: None,
            lines: Lines::default(),
        }
    }

    /// Reads what is to be seen during `span`, or always.
    pub(super) fn see(&mut self, span: Option<Span>, picture: &Picture) -> sensorium_model::Result<()> {
        match &self.last {
            Some(last) if is_same(last, picture) => self.lines.go_on(span),
            _ => {
                let texts = self.eyes.read(picture)?.into_iter().map(|line| line.text);
                self.lines.show(span, texts.collect());
                self.last = Some(picture.clone());
            }
        }
        Ok(())
    }

    /// All that was to be read, in the order in which it came.
    pub(super) fn end(self) -> Vec<(Option<Span>, String)> {
        self.lines
            .0
            .into_iter()
            .map(|line| (line.span, line.text))
            .collect()
    }
}

fn is_same(one: &Picture, other: &Picture) -> bool {
    let size = |picture: &Picture| (picture.width(), picture.height());
    let values = one.rgb().iter().zip(other.rgb());
    let difference: u64 = values.map(|(a, b)| u64::from(a.abs_diff(*b))).sum();
    size(one) == size(other) && (difference as f64) < SAME * one.rgb().len() as f64
}

/// The lines of frames that follow each other: one that stays is one line.
#[derive(Debug, Default)]
struct Lines(Vec<Shown>);

#[derive(Debug)]
struct Shown {
    span: Option<Span>,
    text: String,
    is_there: bool,
}

impl Lines {
    /// Shows `texts` during `span`; what was there before and is not among them ends.
    fn show(&mut self, span: Option<Span>, texts: Vec<String>) {
        let there = self.0.iter_mut().filter(|line| line.is_there);
        there.for_each(|line| line.is_there = texts.contains(&line.text));
        self.go_on(span);
        for text in texts {
            if !self.0.iter().any(|line| line.is_there && line.text == text) {
                self.0.push(Shown {
                    span,
                    text,
                    is_there: true,
                });
            }
        }
    }

    /// What is there stays during `span`.
    fn go_on(&mut self, span: Option<Span>) {
        for line in self.0.iter_mut().filter(|line| line.is_there) {
            if let (Some(shown), Some(now)) = (&mut line.span, span) {
                shown.end = shown.end.max(now.end);
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn lines(frames: &[&[&str]]) -> Vec<(f64, f64, String)> {
        let mut lines = Lines::default();
        for (place, texts) in frames.iter().enumerate() {
            let start = place as f64 * STEP;
            let texts = texts.iter().map(|text| (*text).to_owned()).collect();
            lines.show(
                Some(Span {
                    start,
                    end: start + STEP,
                }),
                texts,
            );
        }
        let told = lines
            .0
            .into_iter()
            .filter_map(|line| line.span.map(|span| (span.start, span.end, line.text)));
        told.collect()
    }

    #[test]
    fn a_line_that_stays_is_one_line() {
        let shown = lines(&[
            &["EXIT"],
            &["EXIT", "No smoking"],
            &["No smoking"],
            &[],
            &["EXIT"],
        ]);
        assert_eq!(
            shown,
            [
                (0.0, 4.0, "EXIT".to_owned()),
                (2.0, 6.0, "No smoking".to_owned()),
                (8.0, 10.0, "EXIT".to_owned())
            ]
        );
        assert_eq!(lines(&[&["EXIT", "EXIT"]]).len(), 1, "twice on one sign is once");
    }

    #[test]
    fn a_frame_that_hardly_changed_is_the_same() {
        let picture = |value: u8| Picture::new(4, 4, vec![value; 48]).unwrap();
        assert!(is_same(&picture(9), &picture(9)) && !is_same(&picture(9), &picture(12)));
        assert!(!is_same(&picture(9), &Picture::new(8, 2, vec![9; 48]).unwrap()));
    }
}
