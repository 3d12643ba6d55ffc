use std::io;

use sensorium_types::{Segment, Span, Track};

use super::window::Cutter;
use super::{Source, too_long};
use crate::process::{FFMPEG, Process};
use crate::{Cause, Piece, Result, Sample, Target};

/// Read at once, in bytes: a second at 16 kHz.
const CHUNK: usize = 64 << 10;

/// The windows of one audio stream, as ffmpeg decodes it. It starts with the first call of `next`.
pub(super) struct SoundWindows {
    source: Source,
    stream: u32,
    rate: f64,
    cutter: Cutter,
    state: State,
    /// Decoded samples from `offset` on.
    samples: Vec<f32>,
    /// How many samples were before them.
    offset: usize,
}

enum State {
    Waiting,
    /// With the bytes of a sample that is not yet whole.
    Running(Process, Vec<u8>),
    /// No more comes; the window that is left over may.
    Drained,
    Done,
}

impl SoundWindows {
    pub(super) fn start(source: Source, stream: u32, target: &Target) -> Self {
        Self {
            source,
            stream,
            rate: f64::from(target.sample_rate),
            cutter: Cutter::new(target.sound_windows),
            state: State::Waiting,
            samples: Vec::new(),
            offset: 0,
        }
    }

    fn launch(&self) -> std::result::Result<Process, Cause> {
        let mut args = self.source.input("error");
        args.extend(["-map".into(), format!("0:{}", self.stream).into()]);
        args.extend(["-vn", "-sn", "-dn", "-ac", "1", "-ar"].map(Into::into));
        args.push(format!("{}", self.rate).into());
        args.extend(["-f", "f32le", "pipe:1"].map(Into::into));
        Process::start(FFMPEG, args, self.source.bounds(), |_| {})
    }

    /// Decodes some more, or finds that there is no more.
    fn read(&mut self) -> std::result::Result<(), Cause> {
        match std::mem::replace(&mut self.state, State::Done) {
            State::Waiting => self.state = State::Running(self.launch()?, Vec::new()),
            State::Running(mut process, mut bytes) => {
                let start = bytes.len();
                bytes.resize(CHUNK, 0);
                let read = read_some(process.stdout(), &mut bytes[start..])?;
                bytes.truncate(start + read);
                if read == 0 {
                    self.end(process)?;
                    self.state = State::Drained;
                } else {
                    self.take(&mut bytes)?;
                    self.state = State::Running(process, bytes);
                }
            }
            other => self.state = other,
        }
        Ok(())
    }

    /// Moves whole samples from `bytes` to `self.samples`.
    fn take(&mut self, bytes: &mut Vec<u8>) -> std::result::Result<(), Cause> {
        let (whole, _) = bytes.as_chunks::<4>();
        let count = whole.len();
        for &sample in whole {
            let sample = f32::from_le_bytes(sample);
            if !sample.is_finite() {
                return Err(self.damaged("it holds samples that are not numbers".into()));
            }
            self.samples.push(sample);
        }
        bytes.drain(..count * 4);
        if self.seconds() > self.source.limits.seconds {
            return Err(too_long(self.seconds(), &self.source.limits));
        }
        Ok(())
    }

    fn end(&self, process: Process) -> std::result::Result<(), Cause> {
        let said = process
            .finish()
            .map_err(|failure| failure.into_cause(&self.source.format))?;
        match (self.seconds() > 0.0, said.is_empty()) {
            (true, _) => Ok(()),
            (false, true) => Err(Cause::Nothing("a sound track without samples")),
            (false, false) => Err(self.damaged(said)),
        }
    }

    fn damaged(&self, detail: String) -> Cause {
        Cause::Damaged {
            format: self.source.format.clone(),
            detail,
        }
    }

    /// How much was decoded so far.
    fn seconds(&self) -> f64 {
        (self.offset + self.samples.len()) as f64 / self.rate
    }

    fn piece(&mut self, span: Span) -> Piece {
        let place = |seconds: f64| {
            let sample = (seconds * self.rate).round() as usize;
            sample.saturating_sub(self.offset).min(self.samples.len())
        };
        let window = self.samples[place(span.start)..place(span.end)].to_vec();
        let unneeded = place(self.cutter.needed_from());
        self.samples.drain(..unneeded);
        self.offset += unneeded;
        Piece {
            record: None,
            segment: Segment::window(Track::Audio, span.start, span.end),
            sample: Sample::Sound(window),
        }
    }
}

impl Iterator for SoundWindows {
    type Item = Result<Piece>;

    fn next(&mut self) -> Option<Self::Item> {
        loop {
            if let Some(span) = self.cutter.next(self.seconds()) {
                return Some(Ok(self.piece(span)));
            }
            match self.state {
                State::Done => return None,
                State::Drained => {
                    self.state = State::Done;
                    let span = self.cutter.last(self.seconds())?;
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

/// Like `read`, but not ended by a signal.
fn read_some(input: &mut impl io::Read, bytes: &mut [u8]) -> io::Result<usize> {
    loop {
        match input.read(bytes) {
            Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
            other => return other,
        }
    }
}
