use std::collections::VecDeque;
use std::io::Read as _;
use std::sync::Arc;
use std::sync::mpsc::{self, Receiver};

use sensorium_types::{Segment, Span, Track};

use super::probe::VideoStream;
use super::window::Cutter;
use super::{Source, too_long};
use crate::process::{FFMPEG, Failure, Process};
use crate::{Cause, Picture, Piece, Result, Sample, Target};

/// How much a picture must change to count as another scene, 0 to 1.
const SCENE_CHANGE: f64 = 0.3;

/// Scene changes count at most this often, in seconds, so that a flicker is no flood.
const SCENE_PAUSE: f64 = 0.25;

/// The windows of one video stream, as ffmpeg decodes it. It starts with the first call of `next`.
pub(super) struct VideoWindows {
    source: Source,
    stream: u32,
    /// How long the container says that it is.
    promised: Option<f64>,
    frame_rate: f64,
    side: u32,
    cutter: Cutter,
    state: State,
    /// Frames with their times, from the last one before `cutter.needed_from()` on.
    frames: VecDeque<(f64, Arc<Picture>)>,
}

enum State {
    Waiting,
    Running(Process, Receiver<Shown>),
    /// No more comes; the window that is left over may.
    Drained,
    Done,
}

/// What ffmpeg's filter `showinfo` says of a frame.
#[derive(Debug, Clone, Copy, PartialEq)]
struct Shown {
    seconds: f64,
    width: u32,
    height: u32,
}

impl VideoWindows {
    pub(super) fn start(
        source: Source,
        stream: &VideoStream,
        promised: Option<f64>,
        target: &Target,
    ) -> Self {
        Self {
            source,
            stream: stream.index,
            promised,
            frame_rate: target.frame_rate,
            side: target.picture_side,
            cutter: Cutter::new(target.video_windows),
            state: State::Waiting,
            frames: VecDeque::new(),
        }
    }

    fn launch(&self) -> std::result::Result<State, Cause> {
        let mut args = self.source.input("info");
        args.extend(["-map".into(), format!("0:{}", self.stream).into()]);
        args.extend(["-an", "-sn", "-dn", "-vf"].map(Into::into));
        args.push(self.filters().into());
        args.extend(["-fps_mode", "passthrough", "-f", "rawvideo", "pipe:1"].map(Into::into));
        let (sender, shown) = mpsc::channel();
        let process = Process::start(FFMPEG, args, self.source.bounds(), move |line| {
            if let Some(frame) = parse_showinfo(line) {
                // Nobody listens only when the windows were dropped.
                let _ = sender.send(frame);
            }
        })?;
        Ok(State::Running(process, shown))
    }

    /// Times from zero, frames no larger than needed, about `frame_rate` a second and those of new scenes.
    fn filters(&self) -> String {
        let scale = format!("min(1,{}/min(iw,ih))", self.side);
        let pause = 1.0 / self.frame_rate;
        format!(
            "setpts=PTS-STARTPTS,\
             scale=w='max(1,trunc(iw*{scale}))':h='max(1,trunc(ih*{scale}))':flags=area,\
             select='isnan(prev_selected_t)+gte(t-prev_selected_t,{pause})\
             +gt(scene,{SCENE_CHANGE})*gte(t-prev_selected_t,{SCENE_PAUSE})',\
             format=rgb24,showinfo"
        )
    }

    /// Decodes one more frame, or finds that there is no more.
    fn read(&mut self) -> std::result::Result<(), Cause> {
        match std::mem::replace(&mut self.state, State::Done) {
            State::Waiting => self.state = self.launch()?,
            State::Running(mut process, shown) => match shown.recv() {
                Ok(frame) => {
                    self.take(frame, &mut process)?;
                    self.state = State::Running(process, shown);
                }
                Err(_) => {
                    self.end(process)?;
                    self.state = State::Drained;
                }
            },
            other => self.state = other,
        }
        Ok(())
    }

    fn take(&mut self, shown: Shown, process: &mut Process) -> std::result::Result<(), Cause> {
        if shown.seconds > self.source.limits.seconds {
            return Err(too_long(shown.seconds, &self.source.limits));
        }
        let bytes = u64::from(shown.width) * u64::from(shown.height) * 3;
        if bytes > self.source.limits.pixels.saturating_mul(3) {
            return Err(self.damaged("a frame is larger than its header says".into()));
        }
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
            Err(failure) => Err(failure.into_cause(&self.source.format)),
        }
    }

    fn damaged(&self, detail: String) -> Cause {
        Cause::Damaged {
            format: self.source.format.clone(),
            detail,
        }
    }

    /// Up to where all frames are known.
    fn seconds(&self) -> f64 {
        self.frames.back().map_or(0.0, |(seconds, _)| *seconds)
    }

    /// Where the video ends: as promised, unless the frames belie it.
    fn total(&self) -> f64 {
        let least = self.seconds();
        let most = least + 2.0 / self.frame_rate;
        match self.promised {
            Some(promised) if (least..=most).contains(&promised) => promised,
            _ => least + 1.0 / self.frame_rate,
        }
    }

    fn piece(&mut self, span: Span) -> Piece {
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
        let needed = self.cutter.needed_from();
        while self.frames.get(1).is_some_and(|(seconds, _)| *seconds <= needed) {
            self.frames.pop_front();
        }
        Piece {
            record: None,
            segment: Segment::window(Track::Visual, span.start, span.end),
            sample: Sample::Frames(frames),
        }
    }
}

impl Iterator for VideoWindows {
    type Item = Result<Piece>;

    fn next(&mut self) -> Option<Self::Item> {
        loop {
            if let Some(span) = self.cutter.next(self.seconds()) {
                return Some(Ok(self.piece(span)));
            }
            match self.state {
                State::Done => return None,
                State::Drained => {
                    let total = self.total();
                    if let Some(span) = self.cutter.next(total) {
                        return Some(Ok(self.piece(span)));
                    }
                    self.state = State::Done;
                    let span = self.cutter.last(total)?;
                    return Some(Ok(self.piece(span)));
                }
                State::Waiting | State::Running(..) => {
                    if let Err(cause) = self.read() {
                        return Some(Err(self.source.error(cause)));
                    }
                }
            }
        }
    }
}

/// Reads `… n:   3 pts:   6006 pts_time:3.003 … s:320x240 …`.
fn parse_showinfo(line: &str) -> Option<Shown> {
    let (_, line) = line.split_once("Parsed_showinfo")?;
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
    }
}
