//! Files with their items into an index, in batches.

use std::path::Path;

use sensorium_store::{Catalog, NewFile, Write};

use super::Received;
use crate::Result;
use crate::index::{BATCH_BYTES, BATCH_FILES, item_bytes};

/// Takes files into a catalogue. After a stop in between, what was written is known, and the rest comes when the same is done
/// again.
pub(super) struct Receiver<'a> {
    catalog: &'a mut dyn Catalog,
    batch: Vec<Write>,
    bytes: usize,
    pub(super) received: Received,
}

impl<'a> Receiver<'a> {
    pub(super) fn new(catalog: &'a mut dyn Catalog) -> Self {
        Self {
            catalog,
            batch: Vec::new(),
            bytes: 0,
            received: Received::default(),
        }
    }

    /// Whether the catalogue knows the file at `path`. What it knows stays, so such a file is counted and to be passed over.
    pub(super) fn knows(&mut self, path: &Path) -> Result<bool> {
        let is_known = self.catalog.files(path)?.iter().any(|file| file.path == path);
        self.received.known += usize::from(is_known);
        Ok(is_known)
    }

    /// Takes a file that the catalogue does not know.
    pub(super) fn add(&mut self, file: NewFile) -> Result<()> {
        self.bytes += item_bytes(&file.items);
        self.batch.push(Write::File(file));
        self.received.added += 1;
        if self.batch.len() >= BATCH_FILES || self.bytes >= BATCH_BYTES {
            self.flush()?;
        }
        Ok(())
    }

    fn flush(&mut self) -> Result<()> {
        self.bytes = 0;
        self.catalog.write(std::mem::take(&mut self.batch))?;
        Ok(())
    }

    /// Writes what is left.
    pub(super) fn finish(mut self) -> Result<Received> {
        self.flush()?;
        Ok(self.received)
    }
}
