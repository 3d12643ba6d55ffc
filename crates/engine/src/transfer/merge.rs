//! Other indexes into one.

use std::path::Path;

use sensorium_store::{Catalog, FileState, ItemKey, NewFile, Transcript, Write};
use sensorium_types::Modality;

use super::Received;
use super::receive::Receiver;
use super::source::{Source, one_space};
use crate::{ARRANGE_FROM, Error, Indexer, Progress, Result};

impl Indexer {
    /// Takes in what the index in `other` knows and this one does not: files, items, vectors, features and transcripts. What this
    /// one knows of a path stays. Fingerprints are left to be made anew.
    ///
    /// # Errors
    /// [`Error::DifferentSpaces`] when their vectors cannot be compared and [`Error::SeveralSpaces`], before anything is changed;
    /// [`Error::Store`] when `other` cannot be read or this one not be written, after which everything that was committed stays.
    pub fn merge(&mut self, other: &Path, progress: &mut dyn FnMut(Progress)) -> Result<Received> {
        let other = other
            .canonicalize()
            .map_err(|source| Error::path(other, source))?;
        if other == self.folder {
            return Err(Error::MergeOfItself(other));
        }
        let source = Source::open(&other)?;
        if let (Some(theirs), Some(ours)) = (source.space()?, one_space(&*self.catalog, &self.folder)?)
            && theirs != ours
        {
            return Err(Error::DifferentSpaces {
                folder: self.folder.clone(),
                ours,
                other,
                theirs,
            });
        }
        let files = source.files()?;
        progress(Progress::Planned(files.len()));
        let mut receiver = Receiver::new(&mut *self.catalog);
        for file in files {
            progress(Progress::Done(1));
            if receiver.knows(&file.path)? {
                continue;
            }
            let Some(found) = source.items(&file)? else {
                receiver.received.stale += 1;
                continue;
            };
            let mut items = Vec::with_capacity(found.len());
            for (key, mut item) in found {
                item.segments = source.segments(key)?;
                items.push(item);
            }
            // One whose items are gone holds nothing that could be searched.
            if file.state == FileState::Indexed && items.is_empty() {
                receiver.received.stale += 1;
                continue;
            }
            receiver.add(NewFile { file, items })?;
        }
        let received = receiver.finish()?;
        take_transcripts(source.catalog(), &mut *self.catalog)?;
        if let Some(space) = one_space(&*self.catalog, &self.folder)? {
            self.keep_near(&space, ARRANGE_FROM, progress);
        }
        Ok(received)
    }
}

/// Items whose transcripts are taken in one write.
const BATCH: usize = 512;

/// Takes the transcripts in `theirs` of items that both have, where ours has none.
fn take_transcripts(theirs: &dyn Catalog, ours: &mut dyn Catalog) -> Result<()> {
    if theirs.summary()?.transcripts.is_empty() {
        return Ok(());
    }
    let mut before = None;
    loop {
        let keys = theirs.list(&Modality::ALL, before, BATCH)?;
        let Some(last) = keys.last() else {
            return Ok(());
        };
        before = Some(*last);
        let mut writes = Vec::new();
        for item in theirs.items(&keys)? {
            if let Some(key) = ours.find(&item.id)? {
                let new = new_transcripts(theirs.transcripts(item.key)?, key, ours)?;
                writes.extend(new.into_iter().map(Write::Transcript));
            }
        }
        ours.write(writes)?;
    }
}

/// Those of `transcripts` whose track `item` of `ours` has none of yet, as its own.
fn new_transcripts(
    transcripts: Vec<Transcript>,
    item: ItemKey,
    ours: &dyn Catalog,
) -> Result<Vec<Transcript>> {
    if transcripts.is_empty() {
        return Ok(transcripts);
    }
    let known = ours.transcripts(item)?;
    let is_new = |new: &Transcript| known.iter().all(|known| known.track != new.track);
    let new = transcripts.into_iter().filter(is_new);
    Ok(new.map(|transcript| Transcript { item, ..transcript }).collect())
}
