//! Other indexes into one.

use std::path::Path;

use sensorium_store::{FileState, NewFile};

use super::Received;
use super::receive::Receiver;
use super::source::{Source, one_space};
use crate::{ARRANGE_FROM, Error, Indexer, Progress, Result};

impl Indexer {
    /// Takes in what the index in `other` knows and this one does not: files, items, vectors and features. What this one knows of
    /// a path stays. Fingerprints are left to be made anew.
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
        if let Some(space) = one_space(&*self.catalog, &self.folder)? {
            self.keep_near(&space, ARRANGE_FROM, progress);
        }
        Ok(received)
    }
}
