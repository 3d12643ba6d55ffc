//! Thumbnails, waveforms and copies for browsers: made when they are asked for, and kept on disk.

use std::collections::{HashMap, HashSet};
use std::fs;
use std::io::Write as _;
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex};
use std::time::{Instant, SystemTime};

use axum::http::StatusCode;
use sensorium_media::{Limits, Waveform};
use sensorium_types::ItemId;
use tokio::sync::Semaphore;

use crate::metrics::Metrics;
use crate::problem::{Problem, Result};

/// Thumbnails and waveforms that are made at a time.
const SMALL_AT_A_TIME: usize = 2;

/// Failures that are remembered, so that a file that cannot be shown is not tried again and again.
const MOST_FAILURES: usize = 10_000;

/// After so many new ones, old ones may have to go.
const PRUNE_EVERY: usize = 200;

/// Sides of thumbnails, in pixels: others are rounded up.
const SIDES: [u32; 4] = [160, 320, 640, 1280];

/// Steps of a waveform.
const STEPS: [usize; 3] = [200, 800, 2000];

/// What is made of an item.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(crate) enum Preview {
    /// A picture, its longer side so many pixels at most, of a video at so many half seconds.
    Thumbnail { side: u32, half_seconds: u32 },
    /// A drawing with so many steps.
    Waveform { steps: usize },
    /// What a browser plays or shows.
    Copy,
}

impl Preview {
    pub(crate) fn thumbnail(side: u32, seconds: f64) -> Self {
        let side = SIDES.into_iter().find(|known| side <= *known);
        Self::Thumbnail {
            side: side.unwrap_or(SIDES[SIDES.len() - 1]),
            // A saturating cast: what is no time is the beginning.
            half_seconds: (seconds * 2.0) as u32,
        }
    }

    pub(crate) fn waveform(steps: usize) -> Self {
        let steps = STEPS.into_iter().find(|known| steps <= *known);
        Self::Waveform {
            steps: steps.unwrap_or(STEPS[STEPS.len() - 1]),
        }
    }

    fn name(self) -> String {
        match self {
            Self::Thumbnail { side, half_seconds } => format!("{side}-{half_seconds}.jpg"),
            Self::Waveform { steps } => format!("{steps}.svg"),
            Self::Copy => "copy".to_owned(),
        }
    }

    /// Writes it, of the file at `path`, to `out`.
    fn make(self, path: &Path, limits: &Limits, out: &mut fs::File, scratch: &Path) -> Result<()> {
        let unreadable = |error: sensorium_media::Error| {
            tracing::info!(%error, "no preview");
            Problem::new(StatusCode::NOT_FOUND, format!("no preview: {}", error.cause))
        };
        let bytes = match self {
            Self::Thumbnail { side, half_seconds } => {
                sensorium_media::thumbnail(path, limits, side, f64::from(half_seconds) / 2.0)
                    .map_err(unreadable)?
            }
            Self::Waveform { steps } => {
                let wave = sensorium_media::waveform(path, limits, steps).map_err(unreadable)?;
                draw(&wave).into_bytes()
            }
            Self::Copy => {
                sensorium_media::playable_copy(path, limits, scratch).map_err(unreadable)?;
                return Ok(());
            }
        };
        out.write_all(&bytes).map_err(Problem::internal)
    }
}

/// A preview that is there, or will be.
pub(crate) enum Made {
    /// The file.
    Ready(PathBuf),
    /// It takes a while.
    Making,
}

/// All that are kept.
pub(crate) struct Previews {
    folder: PathBuf,
    most_bytes: u64,
    limits: Limits,
    metrics: Arc<Metrics>,
    small: Semaphore,
    /// One copy is made at a time.
    copies: Arc<Semaphore>,
    making: Mutex<HashSet<PathBuf>>,
    failed: Mutex<HashMap<PathBuf, Problem>>,
    new: Mutex<usize>,
}

impl Previews {
    /// Keeps at most `most_bytes` in `folder`.
    pub(crate) fn new(
        folder: PathBuf,
        most_bytes: u64,
        limits: Limits,
        metrics: Arc<Metrics>,
    ) -> std::io::Result<Self> {
        fs::create_dir_all(&folder)?;
        Ok(Self {
            folder,
            most_bytes,
            limits,
            metrics,
            small: Semaphore::new(SMALL_AT_A_TIME),
            copies: Arc::new(Semaphore::new(1)),
            making: Mutex::default(),
            failed: Mutex::default(),
            new: Mutex::default(),
        })
    }

    /// The preview of `item`, whose file is at `path`. Small ones are waited for.
    pub(crate) async fn get(self: &Arc<Self>, item: ItemId, path: PathBuf, preview: Preview) -> Result<Made> {
        let kept = self.place(item, preview);
        if let Some(problem) = self.failed.lock().map_err(Problem::internal)?.get(&kept) {
            return Err(problem.clone());
        }
        if kept.exists() {
            self.metrics.preview(true);
            return Ok(Made::Ready(kept));
        }
        if preview == Preview::Copy {
            self.make_later(path, kept)?;
            return Ok(Made::Making);
        }
        let _permit = self.small.acquire().await.map_err(Problem::internal)?;
        // Another request may have made it meanwhile.
        if !kept.exists() {
            let (previews, place) = (Arc::clone(self), kept.clone());
            tokio::task::spawn_blocking(move || previews.make(&path, &place, preview))
                .await
                .map_err(Problem::internal)??;
        }
        Ok(Made::Ready(kept))
    }

    fn make_later(self: &Arc<Self>, path: PathBuf, kept: PathBuf) -> Result<()> {
        if !self
            .making
            .lock()
            .map_err(Problem::internal)?
            .insert(kept.clone())
        {
            return Ok(());
        }
        let previews = Arc::clone(self);
        tokio::spawn(async move {
            let permit = Arc::clone(&previews.copies).acquire_owned().await;
            let made = tokio::task::spawn_blocking(move || {
                let _permit = permit;
                let made = previews.make(&path, &kept, Preview::Copy);
                if let Ok(mut making) = previews.making.lock() {
                    making.remove(&kept);
                }
                made
            });
            if let Ok(Err(problem)) = made.await {
                tracing::info!(?problem, "no copy for browsers");
            }
        });
        Ok(())
    }

    /// Makes it beside its place and puts it there whole.
    fn make(&self, path: &Path, kept: &Path, preview: Preview) -> Result<()> {
        let started = Instant::now();
        let made = self.try_make(path, kept, preview);
        self.metrics.preview(false);
        self.metrics.stage("preview", started.elapsed());
        if let Err(problem) = &made {
            let mut failed = self.failed.lock().map_err(Problem::internal)?;
            if failed.len() >= MOST_FAILURES {
                failed.clear();
            }
            failed.insert(kept.to_owned(), problem.clone());
        }
        made
    }

    fn try_make(&self, path: &Path, kept: &Path, preview: Preview) -> Result<()> {
        let folder = kept.parent().unwrap_or(&self.folder);
        fs::create_dir_all(folder).map_err(Problem::internal)?;
        let mut scratch = tempfile::Builder::new()
            .prefix(".making")
            .tempfile_in(folder)
            .map_err(Problem::internal)?;
        let place = scratch.path().to_owned();
        preview.make(path, &self.limits, scratch.as_file_mut(), &place)?;
        scratch.persist(kept).map_err(Problem::internal)?;
        let mut new = self.new.lock().map_err(Problem::internal)?;
        *new += 1;
        if preview == Preview::Copy || *new >= PRUNE_EVERY {
            *new = 0;
            self.prune();
        }
        Ok(())
    }

    /// Removes the oldest until the rest is small enough.
    fn prune(&self) {
        let mut files: Vec<(SystemTime, u64, PathBuf)> = Vec::new();
        for folder in fs::read_dir(&self.folder).into_iter().flatten().flatten() {
            for file in fs::read_dir(folder.path()).into_iter().flatten().flatten() {
                if let Ok(about) = file.metadata() {
                    let made = about.modified().unwrap_or(SystemTime::UNIX_EPOCH);
                    files.push((made, about.len(), file.path()));
                }
            }
        }
        let mut total: u64 = files.iter().map(|(_, length, _)| length).sum();
        files.sort();
        for (_, length, path) in files {
            if total <= self.most_bytes {
                break;
            }
            if fs::remove_file(path).is_ok() {
                total -= length;
            }
        }
    }

    fn place(&self, item: ItemId, preview: Preview) -> PathBuf {
        let id = item.to_string();
        let digits = id.trim_start_matches("b3:");
        self.folder
            .join(&digits[..2])
            .join(format!("{}-{}", &digits[2..], preview.name()))
    }
}

/// The waveform as a drawing that fills its frame: one bar a step, around the middle.
fn draw(wave: &Waveform) -> String {
    let count = wave.peaks.len().max(1);
    let mut path = String::new();
    for (place, peak) in wave.peaks.iter().enumerate() {
        // Quiet sounds are seen, too.
        let half = (peak.sqrt() * 49.0).max(1.0);
        let (left, top, height) = (place, 50.0 - half, 2.0 * half);
        path.push_str(&format!("M{left}.15 {top:.1}h.7v{height:.1}h-.7z"));
    }
    format!(
        "<svg xmlns=\"http://www.w3.org/2000/svg\" viewBox=\"0 0 {count} 100\" preserveAspectRatio=\"none\">\
         <path fill=\"#fff\" d=\"{path}\"/></svg>"
    )
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn there_are_few_sizes_and_times_and_none_is_wrong() {
        let thumbnail = |side, half_seconds| Preview::Thumbnail { side, half_seconds };
        assert_eq!(Preview::thumbnail(300, 5.6), thumbnail(320, 11));
        assert_eq!(Preview::thumbnail(u32::MAX, f64::NAN), thumbnail(1280, 0));
        assert_eq!(Preview::thumbnail(0, -3.0), thumbnail(160, 0));
        assert_eq!(Preview::waveform(0), Preview::Waveform { steps: 200 });
    }

    #[test]
    fn the_oldest_previews_go_when_they_are_too_many() {
        let folder = tempfile::tempdir().unwrap();
        let metrics = Arc::new(Metrics::new());
        let previews = Previews::new(folder.path().join("p"), 25, Limits::default(), metrics).unwrap();
        let place = |byte| previews.place(ItemId::from_hash([byte; 32]), Preview::Copy);
        for (age, byte) in [(300, 1), (200, 2), (100, 3)] {
            fs::create_dir_all(place(byte).parent().unwrap()).unwrap();
            fs::write(place(byte), [0; 10]).unwrap();
            let made = SystemTime::now() - std::time::Duration::from_secs(age);
            fs::File::options()
                .write(true)
                .open(place(byte))
                .unwrap()
                .set_modified(made)
                .unwrap();
        }
        previews.prune();
        assert_eq!([1, 2, 3].map(|byte| place(byte).exists()), [false, true, true]);
    }
}
