//! Makes fingerprints for items that have none, and keeps them.

use std::collections::BTreeMap;
use std::path::Path;
use std::sync::atomic::AtomicBool;

use sensorium_model::{CopyEncoder, CopyPackage};
use sensorium_store::{Catalog, Fingerprint, ItemKey, SqliteCatalog, Write, WriterLock};
use sensorium_types::{Modality, Track};

use super::print::{EARS, Wanted, fingerprints};
use super::{DuplicateOptions, DuplicateProgress};
use crate::Result;
use crate::reread::{Failure, Job, Reread, reread};

/// Makes what is missing. Without `eyes`, pictures are left aside.
pub(super) fn make(
    folder: &Path,
    catalog: &dyn Catalog,
    eyes: Option<&CopyPackage>,
    options: &DuplicateOptions,
    progress: &mut dyn FnMut(DuplicateProgress),
) -> Result<Reread> {
    let wanted = missing(catalog, eyes, &options.modalities)?;
    if wanted.is_empty() {
        return Ok(Reread::default());
    }
    let lock = WriterLock::acquire(folder)?;
    let mut writer = SqliteCatalog::create(folder, &lock)?;
    progress(DuplicateProgress::Reading(wanted.len()));
    let makers = || {
        let mut encoder = None;
        move |job: &Job<Wanted>| make_of(job, eyes, &mut encoder, options)
    };
    let never = AtomicBool::new(false);
    let mut done = || progress(DuplicateProgress::Done(1));
    reread(
        folder,
        &mut writer,
        wanted,
        options.threads,
        makers,
        &never,
        &mut done,
    )
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

/// Reads the file of `job`. The `encoder` is loaded with the first that needs it.
fn make_of(
    job: &Job<Wanted>,
    eyes: Option<&CopyPackage>,
    encoder: &mut Option<CopyEncoder>,
    options: &DuplicateOptions,
) -> std::result::Result<Vec<Write>, Failure> {
    if let (true, None, Some(eyes)) = (job.wanted.visual, &encoder, eyes) {
        *encoder = Some(CopyEncoder::load(eyes)?);
    }
    let side = eyes.map_or(1, CopyPackage::side);
    let prints = fingerprints(job, encoder.as_mut(), side, &options.limits)?;
    let writes = prints.into_iter().map(|(track, bytes)| {
        let seen = eyes.filter(|_| track == Track::Visual);
        Write::Fingerprint(Fingerprint {
            item: job.item,
            track,
            maker: seen.map_or_else(|| EARS.to_owned(), CopyPackage::maker),
            bytes,
        })
    });
    Ok(writes.collect())
}
