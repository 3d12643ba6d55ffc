//! What is said and to be read in media, as transcripts in the catalogue.

mod heard;
mod seen;

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use std::sync::atomic::AtomicBool;

use sensorium_media::{Limits, Media, Sample, Target, Windowing};
use sensorium_model::{Listener, Package, PrintPackage, Reader, SpeechPackage};
use sensorium_store::{Catalog, ItemKey, Transcript, Write};
use sensorium_types::{Modality, Track};

use self::heard::Heard;
use self::seen::{STEP, Seen};
use crate::reread::{Failure, Job, Reread, reread};
use crate::{Error, Progress, Result};

/// Items that are looked up at once.
const BATCH: usize = 512;

/// A recogniser takes some hundred megabytes, and several read faster than a disk can give.
const MOST_THREADS: usize = 8;

/// Which words are looked for in media.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Transcripts {
    /// Those that are said in sounds and videos.
    pub speech: bool,
    /// Those that are to be read in pictures and videos.
    pub print: bool,
}

impl Transcripts {
    /// Whether what recognises them is there, beside `package`.
    ///
    /// # Errors
    /// [`Error::NoPart`] when it is not; [`Error::Model`] when it cannot be read.
    pub fn check(self, package: &Package) -> Result<()> {
        Recognisers::find(package, self).map(drop)
    }
}

/// What recognises words.
#[derive(Debug, Clone, Default)]
pub(crate) struct Recognisers {
    speech: Option<SpeechPackage>,
    print: Option<PrintPackage>,
}

impl Recognisers {
    /// Those that are `wanted`, beside `package`.
    ///
    /// # Errors
    /// [`Error::NoPart`] for one that is not there.
    pub(crate) fn find(package: &Package, wanted: Transcripts) -> Result<Self> {
        let base = package.folder();
        let mut found = Self::default();
        if wanted.speech {
            let missing = || {
                Error::no_part(
                    "--speech",
                    SpeechPackage::place(base),
                    "`make speech` in a checkout gets it",
                )
            };
            found.speech = Some(SpeechPackage::find(base)?.ok_or_else(missing)?);
        }
        if wanted.print {
            let missing = || {
                Error::no_part(
                    "--print",
                    PrintPackage::place(base),
                    "it is part of Sensorium, so install that anew",
                )
            };
            found.print = Some(PrintPackage::find(base)?.ok_or_else(missing)?);
        }
        Ok(found)
    }

    /// What makes the transcripts of `track`.
    fn maker(&self, track: Track) -> Option<String> {
        match track {
            Track::Audio => self.speech.as_ref().map(SpeechPackage::maker),
            Track::Visual => self.print.as_ref().map(PrintPackage::maker),
            Track::Text => None,
        }
    }
}

/// The tracks of an item of which transcripts are wanted.
#[derive(Debug, Clone, Copy, Default)]
struct Wanted {
    audio: bool,
    visual: bool,
}

/// A run of recognition.
pub(crate) struct Transcription<'a> {
    pub(crate) recognisers: &'a Recognisers,
    pub(crate) limits: &'a Limits,
    pub(crate) threads: usize,
    /// Only items at or below these, which are absolute and without links.
    pub(crate) roots: &'a [PathBuf],
    pub(crate) cancelled: &'a AtomicBool,
}

impl Transcription<'_> {
    /// Makes the transcripts that the index in `folder` lacks and gives them to `writer`.
    ///
    /// # Errors
    /// As [`reread`].
    pub(crate) fn run(
        &self,
        folder: &Path,
        writer: &mut dyn Catalog,
        progress: &mut dyn FnMut(Progress),
    ) -> Result<Reread> {
        let wanted = self.missing(writer)?;
        if wanted.is_empty() {
            return Ok(Reread::default());
        }
        progress(Progress::Transcribing(wanted.len()));
        let makers = || {
            let mut senses = Senses::default();
            move |job: &Job<Wanted>| self.transcribe(job, &mut senses)
        };
        let threads = self.threads.min(MOST_THREADS);
        let mut done = || progress(Progress::Transcribed(1));
        reread(folder, writer, wanted, threads, makers, self.cancelled, &mut done)
    }

    fn missing(&self, catalog: &dyn Catalog) -> Result<BTreeMap<ItemKey, Wanted>> {
        let mut wanted: BTreeMap<ItemKey, Wanted> = BTreeMap::new();
        for track in [Track::Audio, Track::Visual] {
            let Some(maker) = self.recognisers.maker(track) else {
                continue;
            };
            let modalities = Modality::ALL.into_iter();
            for modality in modalities.filter(|modality| modality.tracks().contains(&track)) {
                for item in self.below_roots(catalog, catalog.without_transcript(modality, track, &maker)?)? {
                    let wanted = wanted.entry(item).or_default();
                    wanted.audio |= track == Track::Audio;
                    wanted.visual |= track == Track::Visual;
                }
            }
        }
        Ok(wanted)
    }

    fn below_roots(&self, catalog: &dyn Catalog, items: Vec<ItemKey>) -> Result<Vec<ItemKey>> {
        let mut below = Vec::new();
        for batch in items.chunks(BATCH) {
            let items = catalog.items(batch)?.into_iter();
            let items = items.filter(|item| {
                let mut places = item.locations.iter();
                places.any(|place| self.roots.iter().any(|root| place.path.starts_with(root)))
            });
            below.extend(items.map(|item| item.key));
        }
        Ok(below)
    }

    fn transcribe(&self, job: &Job<Wanted>, senses: &mut Senses) -> std::result::Result<Vec<Write>, Failure> {
        let media = sensorium_media::open(&job.path, self.limits, &target(job.wanted))?;
        if media.modality() != job.modality {
            return Err(Failure::Changed);
        }
        let mut heard = match &self.recognisers.speech {
            Some(package) if job.wanted.audio => {
                Some(Heard::begin(ready(&mut senses.ears, || Listener::load(package))?))
            }
            _ => None,
        };
        let mut seen = match &self.recognisers.print {
            Some(package) if job.wanted.visual => {
                Some(Seen::begin(ready(&mut senses.eyes, || Reader::load(package))?))
            }
            _ => None,
        };
        perceive(media, &mut heard, &mut seen)?;
        let mut writes = Vec::new();
        let mut keep = |track, lines| {
            writes.extend(self.recognisers.maker(track).map(|maker| {
                Write::Transcript(Transcript {
                    item: job.item,
                    track,
                    maker,
                    lines,
                })
            }));
        };
        if let Some(heard) = heard {
            keep(Track::Audio, heard.end()?);
        }
        if let Some(seen) = seen {
            keep(Track::Visual, seen.end());
        }
        Ok(writes)
    }
}

/// How media are decoded for what is `wanted` of them.
fn target(wanted: Wanted) -> Target {
    let step = |seconds| Windowing {
        seconds,
        hop: seconds,
    };
    Target {
        picture_side: Reader::PICTURE_SIDE,
        sample_rate: Listener::SAMPLE_RATE,
        sound_windows: vec![step(heard::PIECE)],
        video_windows: vec![step(STEP)],
        frame_rate: 1.0 / STEP,
        visual_track: wanted.visual,
        audio_track: wanted.audio,
    }
}

fn perceive(
    media: Media,
    heard: &mut Option<Heard<'_>>,
    seen: &mut Option<Seen<'_>>,
) -> std::result::Result<(), Failure> {
    for piece in media {
        let piece = piece?;
        let span = piece.segment.span;
        match (piece.sample, &mut *heard, &mut *seen) {
            (Sample::Sound(samples), Some(heard), _) => {
                heard.hear(span.map_or(0.0, |span| span.start), &samples)?;
            }
            (Sample::Picture(picture), _, Some(seen)) => seen.see(None, &picture)?,
            (Sample::Frames(frames), _, Some(seen)) => {
                if let (Some(frame), Some(span)) = (frames.first(), span) {
                    seen.see(Some(span), frame)?;
                }
            }
            _ => {}
        }
    }
    Ok(())
}

/// What a thread recognises with, loaded with the first file that needs it.
#[derive(Default)]
struct Senses {
    ears: Option<Listener>,
    eyes: Option<Reader>,
}

/// What is in `place`, loaded where nothing is yet.
fn ready<T>(
    place: &mut Option<T>,
    load: impl FnOnce() -> sensorium_model::Result<T>,
) -> sensorium_model::Result<&mut T> {
    let loaded = match place.take() {
        Some(loaded) => loaded,
        None => load()?,
    };
    Ok(place.insert(loaded))
}
