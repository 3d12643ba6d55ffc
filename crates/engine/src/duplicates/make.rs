//! Makes fingerprints for items that have none, on all cores, and keeps them.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use std::thread;
use std::time::{Duration, Instant};

use crossbeam_channel::{Receiver, RecvTimeoutError, Sender, bounded};
use sensorium_media::{Limits, contained};
use sensorium_model::{CopyEncoder, CopyPackage};
use sensorium_store::{Catalog, Fingerprint, ItemKey, SqliteCatalog, Write, WriterLock};
use sensorium_types::{Modality, Track, path_text};

use super::print::{EARS, Failure, Prints, Wanted, fingerprints};
use super::{DuplicateOptions, DuplicateProgress};
use crate::index::Refused;
use crate::{Error, Result, open_unchanged};

/// Items that are looked up at once.
const BATCH: usize = 256;

/// What was made is kept at least so often.
const AGE: Duration = Duration::from_secs(1);

/// What came of it.
#[derive(Debug, Default)]
pub(super) struct Made {
    pub(super) read: usize,
    pub(super) refused: Vec<Refused>,
}

/// A file to read.
struct Job {
    item: ItemKey,
    modality: Modality,
    path: PathBuf,
    wanted: Wanted,
}

type Answer = (Job, std::result::Result<Prints, Failure>);

/// Makes what is missing. Without `eyes`, pictures are left aside.
pub(super) fn make(
    folder: &Path,
    catalog: &dyn Catalog,
    eyes: Option<&CopyPackage>,
    options: &DuplicateOptions,
    progress: &mut dyn FnMut(DuplicateProgress),
) -> Result<Made> {
    let wanted = missing(catalog, eyes, &options.modalities)?;
    let mut made = Made::default();
    if wanted.is_empty() {
        return Ok(made);
    }
    let lock = WriterLock::acquire(folder)?;
    let mut writer = SqliteCatalog::create(folder, &lock)?;
    progress(DuplicateProgress::Reading(wanted.len()));
    let (job_sender, jobs) = bounded::<Job>(2 * options.threads);
    let (sender, answers) = bounded::<Answer>(2 * options.threads);
    thread::scope(|scope| {
        for _ in 0..options.threads {
            let (jobs, sender) = (jobs.clone(), sender.clone());
            scope.spawn(move || work(&jobs, &sender, eyes, &options.limits));
        }
        drop((jobs, sender));
        let feeder = scope.spawn(move || feed(catalog_of(folder), wanted, &job_sender));
        let kept = keep(&mut writer, answers, eyes, &mut made, progress);
        let unread = feeder
            .join()
            .unwrap_or_else(|panic| std::panic::resume_unwind(panic));
        kept?;
        made.refused.extend(unread?);
        Ok(made)
    })
}

fn catalog_of(folder: &Path) -> Result<SqliteCatalog> {
    Ok(SqliteCatalog::open(folder)?)
}

/// The items that lack something.
fn missing(
    catalog: &dyn Catalog,
    eyes: Option<&CopyPackage>,
    modalities: &[Modality],
) -> Result<BTreeMap<ItemKey, Wanted>> {
    let of = |track: Track| {
        let modalities = modalities.iter().copied();
        modalities.filter(move |modality| modality.tracks().contains(&track))
    };
    let mut wanted: BTreeMap<ItemKey, Wanted> = BTreeMap::new();
    for modality in of(Track::Audio) {
        for item in catalog.without_fingerprint(modality, Track::Audio, EARS)? {
            wanted.entry(item).or_default().audio = true;
        }
    }
    if let Some(eyes) = eyes {
        for modality in of(Track::Visual) {
            for item in catalog.without_fingerprint(modality, Track::Visual, &eyes.maker())? {
                wanted.entry(item).or_default().visual = true;
            }
        }
    }
    Ok(wanted)
}

/// Sends a job for each item that a file still holds; the others are refused.
fn feed(
    catalog: Result<SqliteCatalog>,
    wanted: BTreeMap<ItemKey, Wanted>,
    jobs: &Sender<Job>,
) -> Result<Vec<Refused>> {
    let catalog = catalog?;
    let mut refused = Vec::new();
    let keys: Vec<ItemKey> = wanted.keys().copied().collect();
    for batch in keys.chunks(BATCH) {
        for item in catalog.items(batch)? {
            let Some(place) = item
                .locations
                .iter()
                .find(|place| open_unchanged(place).is_some())
            else {
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
            if jobs.send(job).is_err() {
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
fn work(jobs: &Receiver<Job>, answers: &Sender<Answer>, package: Option<&CopyPackage>, limits: &Limits) {
    let mut eyes: Option<CopyEncoder> = None;
    for job in jobs {
        let loaded = match package {
            Some(package) if job.wanted.visual && eyes.is_none() => {
                CopyEncoder::load(package).map(|encoder| eyes = Some(encoder))
            }
            _ => Ok(()),
        };
        let side = package.map_or(1, CopyPackage::side);
        let made = match loaded {
            Err(error) => Err(Failure::Fatal(error.into())),
            Ok(()) => contained(&job.path, || {
                let (item, wanted) = (job.modality, job.wanted);
                Ok(fingerprints(&job.path, item, wanted, eyes.as_mut(), side, limits))
            })
            .unwrap_or_else(|panicked| Err(Failure::Media(panicked))),
        };
        if answers.send((job, made)).is_err() {
            return;
        }
    }
}

/// Writes what comes, now and then.
fn keep(
    writer: &mut dyn Catalog,
    answers: Receiver<Answer>,
    eyes: Option<&CopyPackage>,
    made: &mut Made,
    progress: &mut dyn FnMut(DuplicateProgress),
) -> Result<()> {
    let mut batch = Vec::new();
    let mut since = Instant::now();
    loop {
        let answer = answers.recv_timeout(AGE.saturating_sub(since.elapsed()));
        let ended = matches!(answer, Err(RecvTimeoutError::Disconnected));
        let failed = match answer {
            Ok(answer) => take(answer, eyes, made, &mut batch, progress).err(),
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

fn take(
    (job, answer): Answer,
    eyes: Option<&CopyPackage>,
    made: &mut Made,
    batch: &mut Vec<Write>,
    progress: &mut dyn FnMut(DuplicateProgress),
) -> std::result::Result<(), Error> {
    progress(DuplicateProgress::Done(1));
    let prints = match answer {
        Ok(prints) => prints,
        Err(Failure::Fatal(error)) => return Err(error),
        Err(Failure::Changed) => {
            made.refused.push(changed(&job.path));
            return Ok(());
        }
        Err(Failure::Media(error)) => {
            made.refused.push(Refused::from(&error));
            return Ok(());
        }
    };
    made.read += 1;
    batch.extend(prints.into_iter().map(|(track, bytes)| {
        let seen = eyes.filter(|_| track == Track::Visual);
        Write::Fingerprint(Fingerprint {
            item: job.item,
            track,
            maker: seen.map_or_else(|| EARS.to_owned(), CopyPackage::maker),
            bytes,
        })
    }));
    Ok(())
}
