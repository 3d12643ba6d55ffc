//! By what copies are recognised: vectors of pictures and frames, and the hashes of a sound.

use half::f16;
use rusty_chromaprint::{Configuration, Fingerprinter};
use sensorium_media::{Limits, Picture, Sample, Target, Windowing};
use sensorium_model::CopyEncoder;
use sensorium_types::Track;

use crate::halves::halves;
use crate::reread::{Failure, Job};

/// What makes the hashes of sounds, with its settings.
pub(super) const EARS: &str = "chromaprint-2/341";

/// Samples a second that are listened to.
const RATE: u32 = 11_025;

/// Samples of a frame of Chromaprint, and from one to the next: closer than its own, so that a cut that falls between two of
/// them matters little and short sounds have enough.
const FRAME: usize = 4096;
const HOP: usize = 341;

/// Seconds from one hash of a sound to the next.
pub(super) const HASH_SECONDS: f64 = HOP as f64 / RATE as f64;

/// Seconds from one frame of a video to the next.
pub(super) const FRAME_SECONDS: f64 = 1.0;

/// A picture whose colours deviate less, of 255, shows nothing to be recognised by.
const PLAIN: f64 = 4.0;

/// What is wanted of a file.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub(super) struct Wanted {
    pub(super) visual: bool,
    pub(super) audio: bool,
}

/// The fingerprints of a file, by track.
pub(super) type Prints = Vec<(Track, Vec<u8>)>;

/// Reads the file of `job` and makes what is wanted of it.
pub(super) fn fingerprints(
    job: &Job<Wanted>,
    eyes: Option<&mut CopyEncoder>,
    side: u32,
    limits: &Limits,
) -> std::result::Result<Prints, Failure> {
    let wanted = job.wanted;
    let step = vec![Windowing {
        seconds: FRAME_SECONDS,
        hop: FRAME_SECONDS,
    }];
    let target = Target {
        picture_side: side,
        sample_rate: RATE,
        sound_windows: step.clone(),
        video_windows: step,
        frame_rate: 1.0 / FRAME_SECONDS,
        visual_track: wanted.visual,
        audio_track: wanted.audio,
    };
    let media = sensorium_media::open(&job.path, limits, &target)?;
    if media.modality() != job.modality {
        return Err(Failure::Changed);
    }
    let mut seen = Seen {
        eyes,
        bytes: Vec::new(),
    };
    let mut heard = Heard::new();
    for piece in media {
        let piece = piece?;
        let start = piece.segment.span.map_or(0.0, |span| span.start);
        match piece.sample {
            Sample::Picture(picture) => seen.see(start, &picture)?,
            Sample::Frames(frames) => {
                if let Some(frame) = frames.first() {
                    seen.see(start, frame)?;
                }
            }
            Sample::Sound(samples) => heard.hear(start, &samples),
            Sample::Text(_) => {}
        }
    }
    let visual = wanted.visual.then_some((Track::Visual, seen.bytes));
    let audio = wanted.audio.then(|| (Track::Audio, heard.bytes()));
    Ok(visual.into_iter().chain(audio).collect())
}

/// Frames with their times.
struct Seen<'a> {
    eyes: Option<&'a mut CopyEncoder>,
    bytes: Vec<u8>,
}

impl Seen<'_> {
    fn see(&mut self, seconds: f64, picture: &Picture) -> std::result::Result<(), Failure> {
        let Some(eyes) = self.eyes.as_mut().filter(|_| !is_plain(picture)) else {
            return Ok(());
        };
        let vector = eyes.encode(picture)?;
        self.bytes.extend((seconds as f32).to_le_bytes());
        for half in halves(&vector) {
            self.bytes.extend(half.to_le_bytes());
        }
        Ok(())
    }
}

/// Calls `sink` with the time and the vector, of `dimension` components, of each frame in a fingerprint.
pub(super) fn frames(bytes: &[u8], dimension: usize, mut sink: impl FnMut(f32, Vec<f16>)) {
    for frame in bytes.chunks_exact(4 + 2 * dimension) {
        let (pairs, _) = frame[4..].as_chunks::<2>();
        let seconds = f32::from_le_bytes([frame[0], frame[1], frame[2], frame[3]]);
        sink(
            seconds,
            pairs.iter().map(|pair| f16::from_le_bytes(*pair)).collect(),
        );
    }
}

/// The hashes in a fingerprint of a sound.
pub(super) fn hashes(bytes: &[u8]) -> Vec<u32> {
    let (hashes, _) = bytes.as_chunks::<4>();
    hashes.iter().map(|hash| u32::from_le_bytes(*hash)).collect()
}

/// Whether there is nothing in it to be recognised by: all such pictures would be copies of each other.
fn is_plain(picture: &Picture) -> bool {
    let (pixels, _) = picture.rgb().as_chunks::<3>();
    let count = pixels.len().max(1) as f64;
    (0..3).all(|channel| {
        let values = || pixels.iter().map(move |pixel| f64::from(pixel[channel]));
        let mean = values().sum::<f64>() / count;
        let variance = values().map(|value| (value - mean).powi(2)).sum::<f64>() / count;
        variance.sqrt() < PLAIN
    })
}

/// A sound as it comes.
struct Heard {
    printer: Option<Fingerprinter>,
    /// Samples that were heard.
    known: usize,
}

impl Heard {
    fn new() -> Self {
        let configuration = Configuration::preset_test2().with_frame_overlap(FRAME - HOP);
        let mut printer = Fingerprinter::new(&configuration);
        // It refuses odd rates and channels only, and these are its own.
        let ready = printer.start(RATE, 1).is_ok();
        Self {
            printer: ready.then_some(printer),
            known: 0,
        }
    }

    /// The last window reaches back into the one before.
    fn hear(&mut self, start: f64, samples: &[f32]) {
        let start = (start * f64::from(RATE)).round() as usize;
        let fresh = samples
            .get(self.known.saturating_sub(start)..)
            .unwrap_or_default();
        self.known = self.known.max(start + samples.len());
        let whole = |sample: &f32| (sample * f32::from(i16::MAX)) as i16;
        let fresh: Vec<i16> = fresh.iter().map(whole).collect();
        if let Some(printer) = &mut self.printer {
            printer.consume(&fresh);
        }
    }

    fn bytes(self) -> Vec<u8> {
        let Some(mut printer) = self.printer.filter(|_| self.known > 0) else {
            return Vec::new();
        };
        printer.finish();
        printer
            .fingerprint()
            .iter()
            .flat_map(|hash| hash.to_le_bytes())
            .collect()
    }
}
