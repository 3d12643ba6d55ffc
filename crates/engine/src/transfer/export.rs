//! An index as a table.

use std::collections::BTreeSet;
use std::path::{Path, PathBuf};

use sensorium_store::{Catalog as _, FileState, ItemKey};
use sensorium_types::Modality;
use serde::Serialize;

use super::rows::Row;
use super::source::Source;
use super::{matrix, table};
use crate::{Progress, Result, parse_condition};

/// What is exported.
#[derive(Debug, Clone, PartialEq, Default)]
pub struct ExportOptions {
    /// Only items of these; all when empty.
    pub modalities: Vec<Modality>,
    /// Only what fulfils this condition, written as for a search.
    pub condition: Option<String>,
}

/// What was exported.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize)]
pub struct Exported {
    /// Where it is: the table, or the matrix and its rows.
    pub files: Vec<PathBuf>,
    /// The space of the vectors.
    pub space: String,
    /// How many components each has.
    pub dimension: usize,
    /// Rows, which are segments of files.
    pub rows: usize,
    /// Files whose items are of an older state and were left out: `sensorium index` brings them up to date.
    pub stale: usize,
}

/// Writes a row for each segment of each file of the index in `folder` to `to`, in the order of paths: a Parquet table, or where the name ends
/// in `.npy`, a matrix with JSON Lines beside it. A file appears whole or not at all.
///
/// # Errors
/// [`Error::Store`] when the index cannot be read, [`Error::SeveralSpaces`], [`Error::Condition`], and [`Error::Table`] when
/// nothing is to be written or it cannot be.
pub fn export(
    folder: &Path,
    to: &Path,
    options: &ExportOptions,
    progress: &mut dyn FnMut(Progress),
) -> Result<Exported> {
    let source = Source::open(folder)?;
    let nothing = || super::bad(to, "was not written, since the index has nothing of this kind");
    let space = source.space()?.ok_or_else(nothing)?;
    let walk = Walk::new(&source, options)?;
    let (rows, dimension) = walk.count()?;
    if rows == 0 {
        return Err(nothing());
    }
    let mut exported = Exported {
        space: space.clone(),
        dimension,
        rows,
        ..Exported::default()
    };
    progress(Progress::Planned(rows));
    let step = |row: &Row, progress: &mut dyn FnMut(Progress)| {
        progress(Progress::Done(1));
        if row.vector.len() == dimension {
            return Ok(());
        }
        Err(super::bad(
            &row.path,
            "has a vector of another length: `sensorium verify` says more",
        ))
    };
    if super::is_matrix(to) {
        exported.files = matrix::write(to, rows, dimension, |put| {
            exported.stale = walk.rows(&mut |row| step(&row, progress).and_then(|()| put(&row)))?;
            Ok(())
        })?;
    } else {
        table::write(to, &space, dimension, |put| {
            exported.stale = walk.rows(&mut |row| step(&row, progress).and_then(|()| put(row)))?;
            Ok(())
        })?;
        exported.files = vec![to.to_owned()];
    }
    Ok(exported)
}

/// What of an index is exported.
struct Walk<'a> {
    source: &'a Source,
    modalities: &'a [Modality],
    /// The items that fulfil the condition, when there is one.
    fulfilling: Option<BTreeSet<ItemKey>>,
}

impl<'a> Walk<'a> {
    fn new(source: &'a Source, options: &'a ExportOptions) -> Result<Self> {
        let condition = options.condition.as_deref().map(parse_condition).transpose()?;
        let matching = |condition| source.catalog().matching(&condition);
        Ok(Self {
            source,
            modalities: &options.modalities,
            fulfilling: condition.map(matching).transpose()?,
        })
    }

    /// How many rows there are, and how many components the first vector has.
    fn count(&self) -> Result<(usize, usize)> {
        let (mut rows, mut dimension) = (0, 0);
        self.rows(&mut |row| {
            if rows == 0 {
                dimension = row.vector.len();
            }
            rows += 1;
            Ok(())
        })?;
        Ok((rows, dimension))
    }

    /// Gives `sink` the rows, and returns how many files were left out.
    fn rows(&self, sink: &mut dyn FnMut(Row) -> Result<()>) -> Result<usize> {
        let mut stale = 0;
        let files = self.source.files()?.into_iter();
        for file in files.filter(|file| file.state == FileState::Indexed) {
            let mut is_whole = file.refusals.is_empty();
            let Some(items) = self.source.items(&file)? else {
                stale += 1;
                continue;
            };
            let all = items.len();
            let wanted: Vec<_> = items
                .into_iter()
                .filter(|(key, item)| self.wants(*key, item.modality))
                .collect();
            is_whole &= wanted.len() == all;
            for (key, item) in wanted {
                for segment in self.source.segments(key)? {
                    sink(Row::new(&file, is_whole, &item, segment))?;
                }
            }
        }
        Ok(stale)
    }

    fn wants(&self, item: ItemKey, modality: Modality) -> bool {
        let fulfils = self.fulfilling.as_ref().is_none_or(|items| items.contains(&item));
        fulfils && (self.modalities.is_empty() || self.modalities.contains(&modality))
    }
}
