use std::collections::VecDeque;
use std::io::Read as _;
use std::sync::Arc;
use std::sync::mpsc::{self, Receiver};

use sensorium_types::{Segment, Span, Track};

use super::window::Stream;
use super::{Source, too_long};
use crate::ffmpeg::{FFMPEG, shrink};
use crate::process::{Failure, Process};
use crate::{Cause, Picture, Piece, Sample, Target};

/// How much a picture must change to count as another scene, 0 to 1.
const SCENE_CHANGE: f64 = 0.3;

/// Scene changes count at most this often, in seconds, so that a flicker is no flood.
const SCENE_PAUSE: f64 = 0.25;

/// One video stream, as ffmpeg decodes it.
pub(super) struct Video {
    source: Source,
    index: u32,
    /// How long the container says that it is, in seconds.
    promised: Option<f64>,
    frame_rate: f64,
    side: u32,
    running: Option<(Process, Receiver<Shown>)>,
    /// Frames with their times, from the last one that may still be needed on.
    frames: VecDeque<(f64, Arc<Picture>)>,
}

/// What ffmpeg's filter `showinfo` says of a frame.
#[derive(Debug, Clone, Copy, PartialEq)]
struct Shown {
    seconds: f64,
    width: u32,
    height: u32,
}

impl Video {
    /// The video stream `index` of `source`, which is `promised` to last so many seconds.
    pub(super) fn new(source: Source, index: u32, promised: Option<f64>, target: &Target) -> Self {
        Self {
            source,
            index,
            promised,
            frame_rate: target.frame_rate,
            side: target.picture_side,
            running: None,
            frames: VecDeque::new(),
        }
    }

    fn launch(&self) -> std::result::Result<(Process, Receiver<Shown>), Cause> {
        let mut args = self.source.input("info");
        args.extend(["-map".into(), format!("0:{}", self.index).into()]);
        args.extend(["-an", "-sn", "-dn", "-vf"].map(Into::into));
        args.push(self.filters().into());
        args.extend(["-fps_mode", "passthrough", "-f", "rawvideo", "pipe:1"].map(Into::into));
        let (sender, shown) = mpsc::channel();
        let process = Process::start(FFMPEG, args, self.source.bounds(), move |line| {
            if let Some(frame) = parse_showinfo(line) {
                // Nobody listens only when the stream was dropped.
                let _ = sender.send(frame);
            }
        })?;
        Ok((process, shown))
    }

    /// Frames no larger than needed, about `frame_rate` a second and those of new scenes.
    fn filters(&self) -> String {
        let scale = shrink(self.side, self.most_pixels());
        let pause = 1.0 / self.frame_rate;
        format!(
            "{scale},\
             select='isnan(prev_selected_t)+gte(t-prev_selected_t,{pause})\
             +gt(scene,{SCENE_CHANGE})*gte(t-prev_selected_t,{SCENE_PAUSE})',\
             format=rgb24,showinfo"
        )
    }

    /// Of a frame as it is wanted: no more than a panorama has.
    fn most_pixels(&self) -> u64 {
        4 * u64::from(self.side) * u64::from(self.side)
    }

    fn take(&mut self, shown: Shown, process: &mut Process) -> std::result::Result<(), Cause> {
        if shown.seconds > self.source.limits.seconds {
            return Err(too_long(shown.seconds, &self.source.limits));
        }
        let pixels = u64::from(shown.width) * u64::from(shown.height);
        if pixels > self.most_pixels() {
            return Err(self
                .source
                .damaged("ffmpeg gives larger frames than it was asked for"));
        }
        let bytes = pixels * 3;
        let mut rgb = Vec::new();
        process.stdout().take(bytes).read_to_end(&mut rgb)?;
        match Picture::new(shown.width, shown.height, rgb) {
            Some(picture) => self.frames.push_back((shown.seconds, Arc::new(picture))),
            // The process ended within a frame: its end says why.
            None => tracing::debug!(path = %self.source.path.display(), "the last frame is not whole"),
        }
        Ok(())
    }

    fn end(&self, process: Process) -> std::result::Result<(), Cause> {
        match process.finish() {
            Ok(_) if self.frames.is_empty() => Err(Cause::Nothing("a video track without frames")),
            // How ffmpeg 5 puts the same thing.
            Err(Failure::Said(said)) if said.contains("Cannot determine format of input stream") => {
                Err(Cause::Nothing("a video track without frames"))
            }
            Ok(_) => Ok(()),
            Err(failure) => Err(self.source.failed(failure)),
        }
    }
}

impl Stream for Video {
    fn read(&mut self) -> std::result::Result<bool, Cause> {
        let (mut process, shown) = match self.running.take() {
            Some(running) => running,
            None => self.launch()?,
        };
        // The channel closes when the process has said its last.
        let Ok(frame) = shown.recv() else {
            self.end(process)?;
            return Ok(false);
        };
        self.take(frame, &mut process)?;
        self.running = Some((process, shown));
        Ok(true)
    }

    fn known(&self) -> f64 {
        self.frames.back().map_or(0.0, |(seconds, _)| *seconds)
    }

    /// As promised, unless the frames belie it.
    fn total(&self) -> f64 {
        let least = self.known();
        let most = least + 2.0 / self.frame_rate;
        match self.promised {
            Some(promised) if (least..=most).contains(&promised) => promised,
            _ => least + 1.0 / self.frame_rate,
        }
    }

    fn piece(&mut self, span: Span, needed_from: f64) -> Piece {
        let inside = |seconds: f64| seconds >= span.start && seconds < span.end;
        let mut frames: Vec<Arc<Picture>> = self
            .frames
            .iter()
            .filter(|(seconds, _)| inside(*seconds))
            .map(|(_, frame)| Arc::clone(frame))
            .collect();
        if frames.is_empty() {
            // A still that lasts: the frame before the window is what is seen in it.
            let before = self.frames.iter().rev().find(|(seconds, _)| *seconds < span.end);
            frames.extend(before.or(self.frames.front()).map(|(_, frame)| Arc::clone(frame)));
        }
        while self
            .frames
            .get(1)
            .is_some_and(|(seconds, _)| *seconds <= needed_from)
        {
            self.frames.pop_front();
        }
        Piece {
            record: None,
            segment: Segment::window(Track::Visual, span.start, span.end),
            sample: Sample::Frames(frames),
        }
    }
}

/// Reads `[Parsed_showinfo_4 @ 0x55d0] n:   3 pts:   6006 pts_time:3.003 … s:320x240 …`. What the file itself has to
/// say, its title for one, stands in other lines, behind spaces.
fn parse_showinfo(line: &str) -> Option<Shown> {
    let line = line.strip_prefix("[Parsed_showinfo_")?;
    let field = |name: &str| {
        let (_, rest) = line.split_once(name)?;
        rest.split_whitespace().next()
    };
    let seconds: f64 = field(" pts_time:")?.parse().ok()?;
    let (width, height) = field(" s:")?.split_once('x')?;
    Some(Shown {
        seconds: if seconds.is_finite() {
            seconds.max(0.0)
        } else {
            0.0
        },
        width: width.parse().ok()?,
        height: height.parse().ok()?,
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn times_and_sizes_are_read_from_showinfo() {
        let line = "[Parsed_showinfo_4 @ 0x55d0] n:   3 pts:  36036 pts_time:3.003   duration:      1 \
            fmt:rgb24 cl:unspecified sar:1/1 s:320x240 i:P iskey:0 type:B checksum:8F3C";
        let shown = Shown {
            seconds: 3.003,
            width: 320,
            height: 240,
        };
        assert_eq!(parse_showinfo(line), Some(shown));
        assert_eq!(
            parse_showinfo("[Parsed_showinfo_4 @ 0x55d0]   color_range:tv"),
            None
        );
        assert_eq!(parse_showinfo("frame=1 s:9x9 pts_time:1"), None);
        assert_eq!(parse_showinfo(&format!("    title: {line}")), None);
        assert_eq!(parse_showinfo(&format!("    {line}")), None);
    }
}
