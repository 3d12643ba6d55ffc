//! A table into an index.

use std::collections::HashSet;
use std::os::unix::ffi::OsStrExt as _;
use std::path::{Path, PathBuf};

use sensorium_media::Limits;
use sensorium_model::Package;
use sensorium_store::{FileState, IndexedFile, NewFile, NewItem, NewSegment};
use sensorium_types::ItemId;

use super::receive::Receiver;
use super::rows::Row;
use super::{Received, bad, read};
use crate::index::name_record;
use crate::space::items_elsewhere;
use crate::{ARRANGE_FROM, Indexer, Progress, Result};

impl Indexer {
    /// Takes in the rows of the table at `path`, without encoding anything: of a Parquet table, or of a NumPy matrix (`.npy`) with JSON
    /// Lines beside it, as [`export`](crate::export) writes them; only vectors, and texts or paths and modalities are needed. All of it is
    /// checked first. What the index knows of a file stays.
    ///
    /// # Errors
    /// [`Error::Table`](crate::Error::Table) when the table cannot be used, as with vectors of another space, and
    /// [`Error::OtherSpace`](crate::Error::OtherSpace), before anything is changed; [`Error::Store`](crate::Error::Store) when
    /// the index cannot be written, after which everything that was committed stays.
    pub fn import(
        &mut self,
        path: &Path,
        package: &Package,
        progress: &mut dyn FnMut(Progress),
    ) -> Result<Received> {
        let space = package.space();
        items_elsewhere(&*self.catalog, &self.folder, &space.to_string())?;
        let mut paths = HashSet::new();
        let mut files = Files::default();
        let mut check = |Gathered { file, .. }: Gathered| match paths.insert(file.file.path.clone()) {
            true => Ok(()),
            false => Err(bad(path, apart(&file.file.path))),
        };
        let rows = read::rows(path, space, &mut |row| files.add(path, row, &mut check))?;
        files.finish(&mut check)?;
        progress(Progress::Planned(rows));

        let mut receiver = Receiver::new(&mut *self.catalog);
        let mut receive = |gathered: Gathered| match receiver.knows(&gathered.file.file.path)? {
            true => Ok(()),
            false => receiver.add(gathered.named()),
        };
        let mut files = Files::default();
        read::rows(path, space, &mut |row| {
            progress(Progress::Done(1));
            files.add(path, row, &mut receive)
        })?;
        files.finish(&mut receive)?;
        let received = receiver.finish()?;
        self.keep_near(&space.to_string(), ARRANGE_FROM, progress);
        Ok(received)
    }
}

fn apart(path: &Path) -> String {
    format!(
        "the rows of {} are not together: sort the table by path and record",
        path.display()
    )
}

/// Rows that become files.
#[derive(Default)]
struct Files {
    file: Option<Gathered>,
}

/// A file as its rows tell it.
struct Gathered {
    file: NewFile,
    /// Places of the items that no row names.
    unnamed: Vec<usize>,
}

impl Files {
    /// Takes the next row of `table`; the file before it is given to `sink` when this is the first of another.
    fn add(&mut self, table: &Path, row: Row, sink: &mut dyn FnMut(Gathered) -> Result<()>) -> Result<()> {
        if self
            .file
            .as_ref()
            .is_none_or(|gathered| gathered.file.file.path != row.path)
        {
            self.finish(sink)?;
        }
        let gathered = self.file.get_or_insert_with(|| Gathered::new(&row));
        gathered.add(row).map_err(|path| bad(table, apart(&path)))
    }

    fn finish(&mut self, sink: &mut dyn FnMut(Gathered) -> Result<()>) -> Result<()> {
        self.file.take().map_or(Ok(()), sink)
    }
}

impl Gathered {
    /// The file of `row`, without its items. Where the table does not tell what it was like, the next run looks at it again.
    fn new(row: &Row) -> Self {
        let file = NewFile {
            file: IndexedFile {
                path: PathBuf::from(&row.path),
                stamp: row.file.map(|(_, stamp)| stamp).unwrap_or_default(),
                content: row.file.map(|(content, _)| content),
                state: FileState::Indexed,
                limits: None,
                generation: row.generation.clone(),
                refusals: Vec::new(),
            },
            items: Vec::new(),
        };
        Self {
            file,
            unnamed: Vec::new(),
        }
    }

    /// Takes the next row of the file; gives the path back when it should have come before.
    fn add(&mut self, row: Row) -> std::result::Result<(), PathBuf> {
        let items = &mut self.file.items;
        let is_unnamed = self.unnamed.last() == items.len().checked_sub(1).as_ref();
        let segment = NewSegment {
            segment: row.segment,
            text: row.text,
            vector: row.vector,
            features: Vec::new(),
        };
        match items.last_mut() {
            Some(item)
                if item.record == row.record && row.item.map_or(is_unnamed, |named| named == item.id) =>
            {
                item.segments.push(segment);
            }
            Some(item) if item.record >= row.record => return Err(row.path),
            _ => {
                if row.item.is_none() {
                    self.unnamed.push(items.len());
                }
                items.push(NewItem {
                    id: row.item.unwrap_or_else(|| place_id(&row.path, row.record)),
                    modality: row.modality,
                    format: row.format,
                    bytes: row.bytes,
                    facts: row.facts,
                    record: row.record,
                    fields: row.fields,
                    segments: vec![segment],
                });
            }
        }
        Ok(())
    }

    /// The file, its items named as `index` names them: records by their words, others by the content of the file. Where that is not to
    /// be had, by the place.
    fn named(self) -> NewFile {
        let mut file = self.file;
        for place in self.unnamed {
            let item = &mut file.items[place];
            let has_words = item.segments.iter().any(|segment| segment.text.is_some());
            if item.record.is_some() && has_words {
                name_record(item);
            } else if item.record.is_none()
                && let Ok(content) = sensorium_media::check(&file.file.path, &Limits::default())
                && let Ok(hasher) = blake3::Hasher::new().update_reader(&content)
            {
                item.id = ItemId::from_hash(*hasher.finalize().as_bytes());
                item.bytes = hasher.count();
            }
        }
        file
    }
}

/// What an item is called of which nothing but its place is known.
fn place_id(path: &Path, record: Option<u64>) -> ItemId {
    let mut hasher = blake3::Hasher::new_derive_key("sensorium place of an imported item");
    hasher.update(path.as_os_str().as_bytes());
    hasher.update(format!("#{record:?}").as_bytes());
    ItemId::from_hash(*hasher.finalize().as_bytes())
}
