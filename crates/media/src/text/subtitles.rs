//! Subtitles: SubRip and WebVTT, which differ in little.

use std::iter::Peekable;
use std::path::Path;

use sensorium_types::{Segment, Span, Track};

use super::passage::{LONGEST, passages};
use crate::deadline::Deadline;
use crate::media::Pieces;
use crate::{Cause, Error, Piece, Sample};

/// Cues are joined into passages of at most this many seconds.
const LONGEST_PASSAGE: f64 = 30.0;

/// The longest tag, in bytes. What goes on without an end is no tag, and is not looked through for each `<` in it.
const LONGEST_TAG: usize = 1024;

/// What is shown for a while.
#[derive(Debug, Clone, PartialEq)]
struct Cue {
    span: Span,
    text: String,
}

/// Whether a text that begins so is in SubRip: a number, then times.
pub(super) fn is_subrip(start: &str) -> bool {
    let mut lines = start.lines().map(str::trim);
    let number = lines
        .next()
        .is_some_and(|line| !line.is_empty() && line.bytes().all(|b| b.is_ascii_digit()));
    number && lines.next().is_some_and(|line| times(line).is_some())
}

/// Whether a text that begins so is in WebVTT and not only about it: its mark, then cues.
pub(super) fn is_webvtt(start: &str) -> bool {
    let after = start.strip_prefix("WEBVTT");
    after.is_some_and(|after| after.starts_with([' ', '\t', '\r', '\n']) && has_cues(after))
}

fn has_cues(text: &str) -> bool {
    text.lines().any(|line| times(line).is_some())
}

/// The passages of subtitles, each with the time of its cues.
///
/// # Errors
/// When no cue can be read. Single cues that cannot are passed over.
pub(super) fn pieces(path: &Path, text: &str, format: &str, deadline: Deadline) -> Result<Pieces, Cause> {
    let mut cues = cues(text, &deadline)?;
    if cues.is_empty() {
        return Err(Cause::Damaged {
            format: format.to_owned(),
            detail: "no cue can be read".into(),
        });
    }
    cues.sort_by(|a, b| a.span.start.total_cmp(&b.span.start));
    let mut cues = cues.into_iter().peekable();
    let path = path.to_owned();
    let steps = deadline.steps(move |deadline| {
        let joined = next_passage(&mut cues)?;
        Some(match cut(&joined, deadline) {
            Ok(pieces) => pieces.into_iter().map(Ok).collect(),
            Err(cause) => vec![Err(Error::new(&path, cause))],
        })
    });
    Ok(Box::new(steps.flatten()))
}

/// The pieces of what is shown in a while, which may be longer than a passage.
fn cut(cue: &Cue, deadline: &Deadline) -> Result<Vec<Piece>, Cause> {
    let pieces = passages(&cue.text, deadline)?.into_iter().map(|text| Piece {
        record: None,
        segment: Segment::window(Track::Text, cue.span.start, cue.span.end),
        sample: Sample::Text(text),
    });
    Ok(pieces.collect())
}

/// Joins cues while they fit into one passage.
fn next_passage(cues: &mut Peekable<impl Iterator<Item = Cue>>) -> Option<Cue> {
    let mut passage = cues.next()?;
    while let Some(cue) = cues.next_if(|cue| fits(&passage, cue)) {
        passage.text.push('\n');
        passage.text.push_str(&cue.text);
        passage.span.end = passage.span.end.max(cue.span.end);
    }
    Some(passage)
}

fn fits(passage: &Cue, cue: &Cue) -> bool {
    cue.span.end - passage.span.start <= LONGEST_PASSAGE
        && passage.text.chars().count() + cue.text.chars().count() < LONGEST
}

fn cues(text: &str, deadline: &Deadline) -> Result<Vec<Cue>, Cause> {
    let mut cues = Vec::new();
    let mut lines = text.lines().peekable();
    while let Some(line) = lines.next() {
        deadline.check()?;
        let Some(span) = times(line) else {
            // A number, a header, a note or a style.
            continue;
        };
        let mut shown = Vec::new();
        while let Some(line) = lines.next_if(|line| !line.trim().is_empty()) {
            shown.push(without_tags(line));
        }
        let text = shown.join("\n").trim().to_owned();
        if !text.is_empty() {
            cues.push(Cue { span, text });
        }
    }
    Ok(cues)
}

/// Reads `00:00:01,000 --> 00:00:02,500 …`. A cue that ends before it begins has no time.
fn times(line: &str) -> Option<Span> {
    let (start, rest) = line.split_once("-->")?;
    let start = seconds(start.trim())?;
    let end = seconds(rest.split_whitespace().next()?)?;
    (end > start).then_some(Span { start, end })
}

/// Reads `[[h:]m:]s[.,]ms`.
fn seconds(time: &str) -> Option<f64> {
    let mut total = 0.0;
    let mut parts = time.split(':').peekable();
    while let Some(part) = parts.next() {
        let number = part.replace(',', ".");
        let plain = number.bytes().all(|byte| byte.is_ascii_digit() || byte == b'.');
        if !plain || part.len() > 9 || (parts.peek().is_some() && number.contains('.')) {
            return None;
        }
        total = total * 60.0 + number.parse::<f64>().ok()?;
    }
    total.is_finite().then_some(total)
}

/// `line` without `<i>`, `<v Name>` and `{\an8}`.
fn without_tags(line: &str) -> String {
    let mut text = String::with_capacity(line.len());
    let mut rest = line;
    while let Some(at) = rest.find(['<', '{']) {
        let (before, tag) = rest.split_at(at);
        text.push_str(before);
        let close = if tag.starts_with('<') { '>' } else { '}' };
        let is_tag = tag.starts_with("{\\")
            || tag[1..].starts_with(|c: char| c == '/' || c.is_ascii_alphanumeric()) && tag.starts_with('<');
        match tag[..tag.floor_char_boundary(LONGEST_TAG)].find(close) {
            Some(end) if is_tag => rest = &tag[end + 1..],
            _ => {
                text.push_str(&tag[..1]);
                rest = &tag[1..];
            }
        }
    }
    text.push_str(rest);
    text
}

#[cfg(test)]
mod tests {
    use std::time::{Duration, Instant};

    use super::*;

    fn deadline() -> Deadline {
        Deadline::after(Duration::from_secs(60))
    }

    fn read(text: &str) -> Vec<(f64, f64, String)> {
        pieces(Path::new("a"), text, "SubRip", deadline())
            .unwrap()
            .map(|piece| {
                let piece = piece.unwrap();
                let (Some(span), Sample::Text(text)) = (piece.segment.span, piece.sample) else {
                    panic!("no time");
                };
                (span.start, span.end, text)
            })
            .collect()
    }

    #[test]
    fn cues_are_joined_with_their_times() {
        let srt = "1\r\n00:00:01,500 --> 00:00:03,000\r\n<i>The hen</i>\r\n{\\an8}clucks.\r\n\r\n\
            2\r\n00:00:04,000 --> 00:00:06,000\r\nA < B\r\n\r\n\
            3\r\n00:01:10,000 --> 00:01:12,000\r\nMuch later.\r\n";
        assert_eq!(
            read(srt),
            [
                (1.5, 6.0, "The hen\nclucks.\nA < B".to_owned()),
                (70.0, 72.0, "Much later.".to_owned()),
            ]
        );
    }

    #[test]
    fn notes_styles_settings_and_broken_cues_are_passed_over() {
        let vtt = "WEBVTT\n\nNOTE nothing\n\nSTYLE\n::cue { color: red }\n\nintro\n00:05.000 --> 00:07.000 align:start\n\
            <v Ann>Hello</v>\n\n00:09.000 --> 00:08.000\nbackwards\n\nxx --> yy\nnonsense\n";
        assert_eq!(read(vtt), [(5.0, 7.0, "Hello".to_owned())]);
    }

    #[test]
    fn subtitles_without_a_cue_are_damaged() {
        let cause = pieces(Path::new("a"), "WEBVTT\n\nnothing", "WebVTT", deadline())
            .err()
            .unwrap();
        assert_eq!(
            cause.to_string(),
            "cannot be decoded as WebVTT: no cue can be read"
        );
    }

    #[test]
    fn tags_that_never_end_are_read_in_linear_time() {
        let started = Instant::now();
        assert_eq!(without_tags(&"<a".repeat(500_000)).len(), 1_000_000);
        assert!(started.elapsed() < Duration::from_secs(10));
    }

    #[test]
    fn a_time_beyond_all_numbers_is_none() {
        assert_eq!(seconds("01:02:03,5"), Some(3723.5));
        assert_eq!(seconds(&["9"; 500].join(":")), None);
    }
}
