//! A table into an index.

use std::collections::HashSet;
use std::path::{Path, PathBuf};

use sensorium_model::Package;
use sensorium_store::{FileState, IndexedFile, NewFile, NewItem, NewSegment};

use super::receive::Receiver;
use super::rows::Row;
use super::{Received, bad, read};
use crate::space::items_elsewhere;
use crate::{ARRANGE_FROM, Indexer, Progress, Result};

impl Indexer {
    /// Takes in the rows of the Parquet table at `path`, as [`export`](crate::export) writes them, without encoding anything. All
    /// of it is checked first. What the index knows of a file stays.
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
        let mut check = |file: NewFile| match paths.insert(file.file.path.clone()) {
            true => Ok(()),
            false => Err(bad(path, apart(&file.file.path))),
        };
        let rows = read::rows(path, space, &mut |row| files.add(path, row, &mut check))?;
        files.finish(&mut check)?;
        progress(Progress::Planned(rows));

        let mut receiver = Receiver::new(&mut *self.catalog);
        let mut receive = |file: NewFile| match receiver.knows(&file.file.path)? {
            true => Ok(()),
            false => receiver.add(file),
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
    file: Option<NewFile>,
}

impl Files {
    /// Takes the next row of `table`; the file before it is given to `sink` when this is the first of another.
    fn add(&mut self, table: &Path, row: Row, sink: &mut dyn FnMut(NewFile) -> Result<()>) -> Result<()> {
        if self.file.as_ref().is_none_or(|file| file.file.path != row.path) {
            self.finish(sink)?;
        }
        let file = self.file.get_or_insert_with(|| new_file(&row));
        let segment = NewSegment {
            segment: row.segment,
            text: row.text,
            vector: row.vector,
            features: Vec::new(),
        };
        match file.items.last_mut() {
            Some(item) if item.record == row.record && item.id == row.item => item.segments.push(segment),
            Some(item) if item.record >= row.record => return Err(bad(table, apart(&row.path))),
            _ => file.items.push(NewItem {
                id: row.item,
                modality: row.modality,
                format: row.format,
                bytes: row.bytes,
                facts: row.facts,
                record: row.record,
                fields: row.fields,
                segments: vec![segment],
            }),
        }
        Ok(())
    }

    fn finish(&mut self, sink: &mut dyn FnMut(NewFile) -> Result<()>) -> Result<()> {
        self.file.take().map_or(Ok(()), sink)
    }
}

/// The file of `row`, without its items. Where the table does not tell what it was like, the next run looks at it again.
fn new_file(row: &Row) -> NewFile {
    NewFile {
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
    }
}
