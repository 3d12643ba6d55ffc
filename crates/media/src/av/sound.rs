use std::io;

use sensorium_types::{Segment, Span, Track};

use super::window::Stream;
use super::{Source, too_long};
use crate::ffmpeg::FFMPEG;
use crate::process::Process;
use crate::{Cause, Piece, Sample};

/// Read at once, in bytes: a second at 16 kHz.
const CHUNK: usize = 64 << 10;

/// One audio stream, as ffmpeg decodes it.
pub(super) struct Sound {
    source: Source,
    index: u32,
    rate: u32,
    process: Option<Process>,
    /// The bytes of a sample that is not yet whole.
    bytes: Vec<u8>,
    /// Decoded samples from `offset` on.
    samples: Vec<f32>,
    /// How many samples were before them.
    offset: usize,
}

impl Sound {
    /// The audio stream `index` of `source`, at `rate` samples a second.
    pub(super) fn new(source: Source, index: u32, rate: u32) -> Self {
        Self {
            source,
            index,
            rate,
            process: None,
            bytes: Vec::new(),
            samples: Vec::new(),
            offset: 0,
        }
    }

    /// All that was decoded and not taken yet.
    pub(super) fn take_samples(&mut self) -> Vec<f32> {
        self.offset += self.samples.len();
        std::mem::take(&mut self.samples)
    }

    fn launch(&self) -> std::result::Result<Process, Cause> {
        let mut args = self.source.input("error");
        args.extend(["-map".into(), format!("0:{}", self.index).into()]);
        // Times are those of the file: what is missing before the first sample, and between others, is silence.
        args.extend(["-af", "aresample=async=1:first_pts=0"].map(Into::into));
        args.extend(["-vn", "-sn", "-dn", "-ac", "1", "-ar"].map(Into::into));
        args.push(self.rate.to_string().into());
        args.extend(["-f", "f32le", "pipe:1"].map(Into::into));
        Process::start(FFMPEG, args, self.source.bounds(), |_| {})
    }

    /// Moves the whole samples among `self.bytes` to `self.samples`.
    fn take(&mut self) -> std::result::Result<(), Cause> {
        let (whole, _) = self.bytes.as_chunks::<4>();
        let count = whole.len();
        for &sample in whole {
            let sample = f32::from_le_bytes(sample);
            if !sample.is_finite() {
                return Err(self.source.damaged("it holds samples that are not numbers"));
            }
            self.samples.push(sample);
        }
        self.bytes.drain(..count * 4);
        if self.known() > self.source.limits.seconds {
            return Err(too_long(self.known(), &self.source.limits));
        }
        Ok(())
    }

    fn end(&self, process: Process) -> std::result::Result<(), Cause> {
        let said = process.finish().map_err(|failure| self.source.failed(failure))?;
        match (self.known() > 0.0, said.is_empty()) {
            (true, _) => Ok(()),
            (false, true) => Err(Cause::Nothing("a sound track without samples")),
            (false, false) => Err(self.source.damaged(&said)),
        }
    }
}

impl Stream for Sound {
    fn read(&mut self) -> std::result::Result<bool, Cause> {
        let mut process = match self.process.take() {
            Some(process) => process,
            None => self.launch()?,
        };
        let start = self.bytes.len();
        self.bytes.resize(CHUNK, 0);
        let read = read_some(process.stdout(), &mut self.bytes[start..])?;
        self.bytes.truncate(start + read);
        if read == 0 {
            self.end(process)?;
            return Ok(false);
        }
        self.take()?;
        self.process = Some(process);
        Ok(true)
    }

    fn known(&self) -> f64 {
        (self.offset + self.samples.len()) as f64 / f64::from(self.rate)
    }

    fn total(&self) -> f64 {
        self.known()
    }

    fn piece(&mut self, span: Span, needed_from: f64) -> Piece {
        let place = |seconds: f64| {
            let sample = (seconds * f64::from(self.rate)).round() as usize;
            sample.saturating_sub(self.offset).min(self.samples.len())
        };
        let window = self.samples[place(span.start)..place(span.end)].to_vec();
        let unneeded = place(needed_from);
        self.samples.drain(..unneeded);
        self.offset += unneeded;
        Piece {
            record: None,
            segment: Segment::window(Track::Audio, span.start, span.end),
            sample: Sample::Sound(window),
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
