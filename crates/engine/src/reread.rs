//! Reads files of items that are there once more, on all cores, for something that was not made of them yet.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicBool, Ordering};
use std::thread;
use std::time::{Duration, Instant};

use crossbeam_channel::{Receiver, RecvTimeoutError, Sender, bounded};
use sensorium_media::contained;
use sensorium_store::{Catalog, ItemKey, SqliteCatalog, Write};
use sensorium_types::{Modality, path_text};

use crate::index::Refused;
use crate::{Error, Result, open_unchanged};

/// Items that are looked up at once.
const BATCH: usize = 256;

/// What was made is kept at least so often.
const AGE: Duration = Duration::from_secs(1);

/// A file to read, and what is `wanted` of it.
pub(crate) struct Job<W> {
    pub(crate) item: ItemKey,
    pub(crate) modality: Modality,
    pub(crate) path: PathBuf,
    pub(crate) wanted: W,
}

/// What came of it.
#[derive(Debug, Default)]
pub(crate) struct Reread {
    /// Files that were read.
    pub(crate) read: usize,
    pub(crate) refused: Vec<Refused>,
}

/// Why nothing was made of a file.
pub(crate) enum Failure {
    /// It cannot be read.
    Media(sensorium_media::Error),
    /// It is not what was indexed.
    Changed,
    /// No other file will fare better.
    Fatal(Error),
}

impl From<sensorium_media::Error> for Failure {
    fn from(error: sensorium_media::Error) -> Self {
        Self::Media(error)
    }
}

impl From<sensorium_model::Error> for Failure {
    fn from(error: sensorium_model::Error) -> Self {
        Self::Fatal(error.into())
    }
}

type Answer = (PathBuf, std::result::Result<Vec<Write>, Failure>);

/// Reads a file of each item in `wanted` of the index in `folder`, on `threads` cores, each with a maker of its own out of
/// `makers`, and gives `writer` what these make. It may be stopped at any time: what was made stays.
///
/// # Errors
/// [`Error::Cancelled`] after `cancelled` was set; when the index cannot be read or written, and with [`Failure::Fatal`].
pub(crate) fn reread<W, M>(
    folder: &Path,
    writer: &mut dyn Catalog,
    wanted: BTreeMap<ItemKey, W>,
    threads: usize,
    makers: impl Fn() -> M + Sync,
    cancelled: &AtomicBool,
    progress: &mut dyn FnMut(),
) -> Result<Reread>
where
    W: Copy + Send,
    M: FnMut(&Job<W>) -> std::result::Result<Vec<Write>, Failure>,
{
    let (job_sender, jobs) = bounded::<Job<W>>(2 * threads);
    let (sender, answers) = bounded::<Answer>(2 * threads);
    thread::scope(|scope| {
        for _ in 0..threads {
            let (jobs, sender, makers) = (jobs.clone(), sender.clone(), &makers);
            scope.spawn(move || work(&jobs, &sender, makers()));
        }
        drop((jobs, sender));
        let feeder = scope.spawn(move || feed(folder, wanted, cancelled, &job_sender));
        let mut reread = Reread::default();
        let kept = keep(writer, answers, &mut reread, progress);
        let unread = feeder
            .join()
            .unwrap_or_else(|panic| std::panic::resume_unwind(panic));
        kept?;
        reread.refused.extend(unread?);
        if cancelled.load(Ordering::Relaxed) {
            return Err(Error::Cancelled);
        }
        Ok(reread)
    })
}

/// Sends a job for each item that a file still holds; the others are refused.
fn feed<W: Copy>(
    folder: &Path,
    wanted: BTreeMap<ItemKey, W>,
    cancelled: &AtomicBool,
    jobs: &Sender<Job<W>>,
) -> Result<Vec<Refused>> {
    let catalog = SqliteCatalog::open(folder)?;
    let mut refused = Vec::new();
    let keys: Vec<ItemKey> = wanted.keys().copied().collect();
    for batch in keys.chunks(BATCH) {
        for item in catalog.items(batch)? {
            let mut places = item.locations.iter();
            let Some(place) = places.find(|place| open_unchanged(place).is_some()) else {
                let first = item.locations.first();
                refused.extend(first.map(|place| changed(&place.path)));
                continue;
            };
            let job = Job {
                item: item.key,
                modality: item.modality,
                path: place.path.clone(),
                wanted: wanted[&item.key],
            };
            if cancelled.load(Ordering::Relaxed) || jobs.send(job).is_err() {
                return Ok(refused);
            }
        }
    }
    Ok(refused)
}

fn changed(path: &Path) -> Refused {
    Refused {
        path: path_text(path).into_owned(),
        cause: "is not what was indexed any more: bring the index up to date with `sensorium index`".into(),
    }
}

/// Works on what comes until nobody listens.
fn work<W>(
    jobs: &Receiver<Job<W>>,
    answers: &Sender<Answer>,
    mut make: impl FnMut(&Job<W>) -> std::result::Result<Vec<Write>, Failure>,
) {
    for job in jobs {
        let made = contained(&job.path, || Ok(make(&job)));
        let made = made.unwrap_or_else(|panicked| Err(Failure::Media(panicked)));
        if answers.send((job.path, made)).is_err() {
            return;
        }
    }
}

/// Writes what comes, now and then.
fn keep(
    writer: &mut dyn Catalog,
    answers: Receiver<Answer>,
    reread: &mut Reread,
    progress: &mut dyn FnMut(),
) -> Result<()> {
    let mut batch = Vec::new();
    let mut since = Instant::now();
    loop {
        let answer = answers.recv_timeout(AGE.saturating_sub(since.elapsed()));
        let ended = matches!(answer, Err(RecvTimeoutError::Disconnected));
        let failed = match answer {
            Ok(answer) => {
                progress();
                take(answer, reread, &mut batch).err()
            }
            Err(_) => None,
        };
        if ended || failed.is_some() || since.elapsed() >= AGE {
            writer.write(std::mem::take(&mut batch))?;
            since = Instant::now();
        }
        match (failed, ended) {
            (Some(error), _) => return Err(error),
            (None, true) => return Ok(()),
            (None, false) => {}
        }
    }
}

fn take((path, made): Answer, reread: &mut Reread, batch: &mut Vec<Write>) -> Result<()> {
    match made {
        Ok(writes) => {
            reread.read += 1;
            batch.extend(writes);
        }
        Err(Failure::Fatal(error)) => return Err(error),
        Err(Failure::Changed) => reread.refused.push(changed(&path)),
        Err(Failure::Media(error)) => reread.refused.push(Refused::from(&error)),
    }
    Ok(())
}
