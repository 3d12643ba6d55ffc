//! An index that is read as a whole, file by file.

use std::collections::{BTreeSet, HashMap};
use std::path::{Path, PathBuf};

use sensorium_store::{
    Catalog, Error as StoreError, IndexedFile, ItemKey, NewItem, NewSegment, SqliteCatalog, StoredItem,
    WriterLock,
};
use sensorium_types::{Fields, Location};

use crate::{Error, Result};

/// An index to which nobody writes meanwhile.
pub(super) struct Source {
    folder: PathBuf,
    catalog: SqliteCatalog,
    // Where nothing can be written there is nobody to keep out.
    _lock: Option<WriterLock>,
}

impl Source {
    /// Opens the index in `folder`.
    ///
    /// # Errors
    /// As [`SqliteCatalog::open`], and [`StoreError::Busy`] while another process writes to it.
    pub(super) fn open(folder: &Path) -> Result<Self> {
        let catalog = SqliteCatalog::open(folder)?;
        let lock = match WriterLock::acquire(folder) {
            Ok(lock) => Some(lock),
            Err(StoreError::ReadOnly { .. }) => None,
            Err(error) => return Err(error.into()),
        };
        Ok(Self {
            folder: folder.to_owned(),
            catalog,
            _lock: lock,
        })
    }

    pub(super) fn catalog(&self) -> &SqliteCatalog {
        &self.catalog
    }

    /// The space of its vectors; nothing when there are none.
    ///
    /// # Errors
    /// [`Error::SeveralSpaces`] when they are of several.
    pub(super) fn space(&self) -> Result<Option<String>> {
        one_space(&self.catalog, &self.folder)
    }

    /// All its files, in the order of their paths.
    pub(super) fn files(&self) -> Result<Vec<IndexedFile>> {
        Ok(self.catalog.files(Path::new("/"))?)
    }

    /// The items of `file`, in the order of its records, without their segments; nothing when one of them is not of the file's
    /// generation.
    pub(super) fn items(&self, file: &IndexedFile) -> Result<Option<Vec<(ItemKey, NewItem)>>> {
        let places = self.catalog.at(&file.path)?;
        let keys: BTreeSet<ItemKey> = places.iter().map(|(_, key)| *key).collect();
        let stored = self.catalog.items(&Vec::from_iter(keys))?;
        if stored.iter().any(|item| item.generation != file.generation) {
            return Ok(None);
        }
        let stored: HashMap<ItemKey, StoredItem> = stored.into_iter().map(|item| (item.key, item)).collect();
        let items = places.into_iter().filter_map(|(record, key)| {
            let item = stored.get(&key)?;
            Some((key, new_item(item, file, record)))
        });
        Ok(Some(items.collect()))
    }

    /// The segments of `item` with all that is kept of them.
    pub(super) fn segments(&self, item: ItemKey) -> Result<Vec<NewSegment>> {
        Ok(self.catalog.encoded(item)?)
    }
}

/// `item` as record `record` of `file`.
fn new_item(item: &StoredItem, file: &IndexedFile, record: Option<u64>) -> NewItem {
    let here = |place: &&Location| place.path == file.path && place.record == record;
    let place = item.locations.iter().find(here);
    NewItem {
        id: item.id,
        modality: item.modality,
        format: item.format.clone(),
        bytes: item.bytes,
        facts: item.facts.clone(),
        record,
        fields: place.map_or_else(Fields::new, |place| place.fields.clone()),
        segments: Vec::new(),
    }
}

/// The space of the vectors of `catalog`, the index in `folder`; nothing when there are none.
///
/// # Errors
/// [`Error::SeveralSpaces`] when they are of several.
pub(super) fn one_space(catalog: &dyn Catalog, folder: &Path) -> Result<Option<String>> {
    let generations = catalog.generations()?;
    let spaces = generations.into_iter().map(|generation| generation.space);
    let mut spaces = BTreeSet::from_iter(spaces).into_iter();
    match (spaces.next(), spaces.next()) {
        (Some(one), Some(other)) => Err(Error::SeveralSpaces {
            folder: folder.to_owned(),
            one,
            other,
        }),
        (space, _) => Ok(space),
    }
}
