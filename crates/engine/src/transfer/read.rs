//! Rows of a Parquet table.

use std::ffi::OsStr;
use std::fs::File;
use std::os::unix::ffi::OsStrExt as _;
use std::path::{Component, Path, PathBuf};
use std::str::FromStr;

use arrow_array::cast::AsArray as _;
use arrow_array::types::{Float32Type, Float64Type};
use arrow_array::{
    Array, BinaryArray, Float64Array, Int64Array, ListArray, RecordBatch, StringArray, UInt32Array,
    UInt64Array,
};
use arrow_schema::DataType;
use half::f16;
use parquet::arrow::arrow_reader::{ArrowReaderOptions, ParquetRecordBatchReaderBuilder};
use sensorium_media::WINDOWING_VERSION;
use sensorium_store::{Content, Generation, Stamp};
use sensorium_types::{Fields, ItemId, Modality, Segment, Space, Track};

use super::bad;
use super::rows::Row;
use super::table::SPACE;
use crate::halves::halves;
use crate::{Error, Result};

/// Rows that are read together.
const BATCH: usize = 512;

/// What was read, or what is wrong with it, in words.
type Read<T> = std::result::Result<T, String>;

/// Gives `sink` each row of the table at `path`, whose vectors have to be of `space`, and returns how many there are.
///
/// # Errors
/// [`Error::Table`], which names the row, when something in it cannot be used; those of `sink`.
pub(super) fn rows(path: &Path, space: &Space, sink: &mut dyn FnMut(Row) -> Result<()>) -> Result<usize> {
    let read = || Ok(read(path, space, sink));
    // A fault in the reader concerns this table.
    let read = sensorium_media::contained(path, read);
    read.map_err(|error| bad(path, error.cause))?
}

fn read(path: &Path, space: &Space, sink: &mut dyn FnMut(Row) -> Result<()>) -> Result<usize> {
    let file = File::open(path).map_err(|source| Error::path(path, source))?;
    let damaged =
        |error: &dyn std::error::Error| bad(path, format!("is no Parquet table, or damaged: {error}"));
    // Without what a writer in Rust left for itself, types are those of any writer.
    let options = ArrowReaderOptions::new().with_skip_arrow_metadata(true);
    let builder = ParquetRecordBatchReaderBuilder::try_new_with_options(file, options);
    let builder = builder.map_err(|error| damaged(&error))?;
    let metadata = builder.metadata().file_metadata().key_value_metadata();
    let named = metadata.into_iter().flatten().find(|entry| entry.key == SPACE);
    let named = named.and_then(|entry| entry.value.clone());
    let batches = builder.with_batch_size(BATCH).build();
    let mut count = 0;
    for batch in batches.map_err(|error| damaged(&error))? {
        let batch = batch.map_err(|error| damaged(&error))?;
        let columns = Columns::new(&batch).map_err(|wrong| bad(path, wrong))?;
        for place in 0..batch.num_rows() {
            count += 1;
            let row = columns.row(place, space, named.as_deref());
            sink(row.map_err(|wrong| bad(path, format!("row {count}: {wrong}")))?)?;
        }
    }
    Ok(count)
}

/// The columns of a batch that are of use.
struct Columns<'a> {
    item: &'a StringArray,
    path: &'a StringArray,
    modality: &'a StringArray,
    track: &'a StringArray,
    vector: &'a ListArray,
    record: Option<&'a UInt64Array>,
    start: Option<&'a Float64Array>,
    end: Option<&'a Float64Array>,
    text: Option<&'a StringArray>,
    space: Option<&'a StringArray>,
    fields: Option<&'a StringArray>,
    facts: Option<&'a StringArray>,
    format: Option<&'a StringArray>,
    bytes: Option<&'a UInt64Array>,
    windowing: Option<&'a UInt32Array>,
    file_hash: Option<&'a StringArray>,
    file_size: Option<&'a UInt64Array>,
    file_modified: Option<&'a Int64Array>,
    file_changed: Option<&'a Int64Array>,
    path_bytes: Option<&'a BinaryArray>,
}

impl<'a> Columns<'a> {
    fn new(batch: &'a RecordBatch) -> Read<Self> {
        Ok(Self {
            item: needed(batch, "item")?,
            path: needed(batch, "path")?,
            modality: needed(batch, "modality")?,
            track: needed(batch, "track")?,
            vector: needed(batch, "vector")?,
            record: column(batch, "record")?,
            start: column(batch, "start")?,
            end: column(batch, "end")?,
            text: column(batch, "text")?,
            space: column(batch, "space")?,
            fields: column(batch, "fields")?,
            facts: column(batch, "facts")?,
            format: column(batch, "format")?,
            bytes: column(batch, "bytes")?,
            windowing: column(batch, "windowing")?,
            file_hash: column(batch, "file_hash")?,
            file_size: column(batch, "file_size")?,
            file_modified: column(batch, "file_modified")?,
            file_changed: column(batch, "file_changed")?,
            path_bytes: column(batch, "path_bytes")?,
        })
    }

    fn row(&self, place: usize, space: &Space, named: Option<&str>) -> Read<Row> {
        let modality: Modality = parsed(self.modality, place, "modality")?;
        Ok(Row {
            path: self.path(place)?,
            record: valid(self.record, place).map(|column| column.value(place)),
            item: parsed(self.item, place, "item")?,
            segment: self.segment(place, modality)?,
            modality,
            format: text(self.format, place).unwrap_or_default().to_owned(),
            bytes: valid(self.bytes, place).map_or(0, |column| column.value(place)),
            facts: fields(self.facts, place, "facts")?,
            fields: fields(self.fields, place, "fields")?,
            text: text(self.text, place).map(str::to_owned),
            generation: Generation {
                space: same_space(text(self.space, place).or(named), space)?,
                windowing: valid(self.windowing, place)
                    .map_or(WINDOWING_VERSION, |column| column.value(place)),
            },
            file: self.file(place)?,
            vector: self.vector(place, space)?,
        })
    }

    fn path(&self, place: usize) -> Read<PathBuf> {
        let path = match valid(self.path_bytes, place) {
            Some(column) => PathBuf::from(OsStr::from_bytes(column.value(place))),
            None => PathBuf::from(text(Some(self.path), place).ok_or("has no path")?),
        };
        let is_plain = path.is_absolute()
            && path
                .components()
                .all(|component| matches!(component, Component::RootDir | Component::Normal(_)));
        match is_plain {
            true => Ok(path),
            false => Err("its path is not absolute, or leads up again".into()),
        }
    }

    fn segment(&self, place: usize, modality: Modality) -> Read<Segment> {
        let track: Track = parsed(self.track, place, "track")?;
        if !modality.tracks().contains(&track) {
            return Err(format!("{} has no track {}", modality.name(), track.name()));
        }
        let start = valid(self.start, place).map(|column| column.value(place));
        let end = valid(self.end, place).map(|column| column.value(place));
        match (start, end) {
            (None, None) => Ok(Segment::whole(track)),
            (Some(start), Some(end)) if start >= 0.0 && start < end && end.is_finite() => {
                Ok(Segment::window(track, start, end))
            }
            _ => Err("its start and end are no stretch of time".into()),
        }
    }

    /// By what the file is known to be unchanged, where all of that is told.
    fn file(&self, place: usize) -> Read<Option<(Content, Stamp)>> {
        let hash = text(self.file_hash, place);
        let size = valid(self.file_size, place).map(|column| column.value(place));
        let modified = valid(self.file_modified, place).map(|column| column.value(place));
        let changed = valid(self.file_changed, place).map(|column| column.value(place));
        let (Some(hash), Some(size), Some(modified), Some(changed)) = (hash, size, modified, changed) else {
            return Ok(None);
        };
        let hash: ItemId = hash.parse().map_err(|error| format!("file_hash: {error}"))?;
        let stamp = Stamp {
            size,
            modified,
            changed,
        };
        Ok(Some((*hash.as_bytes(), stamp)))
    }

    fn vector(&self, place: usize, space: &Space) -> Read<Vec<f16>> {
        let column = valid(Some(self.vector), place).ok_or("has no vector")?;
        let components = column.value(place);
        if components.null_count() > 0 {
            return Err("its vector has gaps".into());
        }
        let vector: Vec<f32> = match components.data_type() {
            DataType::Float32 => components.as_primitive::<Float32Type>().values().to_vec(),
            DataType::Float64 => {
                let values = components.as_primitive::<Float64Type>().values();
                values.iter().map(|value| *value as f32).collect()
            }
            other => return Err(format!("its vector is a list of {other}: expected float32")),
        };
        let dimension = space.dimension();
        if vector.len() != dimension {
            return Err(format!(
                "its vector has {} components, those of {space} have {dimension}: vectors of another model are of no common \
                 space, so that nothing here could be compared with them; index the files themselves instead",
                vector.len()
            ));
        }
        match vector.iter().all(|component| component.is_finite()) {
            true => Ok(halves(&vector)),
            false => Err("its vector has components that are no finite numbers".into()),
        }
    }
}

/// `space`, if the row is of it.
fn same_space(named: Option<&str>, space: &Space) -> Read<String> {
    let ours = space.to_string();
    match named {
        Some(theirs) if theirs == ours => Ok(ours),
        Some(theirs) => Err(format!(
            "its vector is of {theirs}, the model gives {ours}, and vectors of different spaces cannot be compared: name the right \
             package with --model, or index the files themselves"
        )),
        None => Err(format!(
            "does not say of which space its vector is, and only those of {ours} can be compared here: if it is of that, say so \
             in a column 'space'"
        )),
    }
}

/// The column `name`, when there is one.
fn column<'a, A: Array + 'static>(batch: &'a RecordBatch, name: &str) -> Read<Option<&'a A>> {
    let Some(column) = batch.column_by_name(name) else {
        return Ok(None);
    };
    let typed = column.as_any().downcast_ref();
    let wrong = || {
        format!(
            "its column '{name}' is of {}, other than `sensorium export` writes it",
            column.data_type()
        )
    };
    typed.map(Some).ok_or_else(wrong)
}

fn needed<'a, A: Array + 'static>(batch: &'a RecordBatch, name: &str) -> Read<&'a A> {
    column(batch, name)?.ok_or_else(|| {
        format!("has no column '{name}': item, path, modality, track and vector are needed, as `sensorium export` writes them")
    })
}

/// `column`, when it is there and has a value at `place`.
fn valid<A: Array>(column: Option<&A>, place: usize) -> Option<&A> {
    column.filter(|column| column.is_valid(place))
}

fn text(column: Option<&StringArray>, place: usize) -> Option<&str> {
    valid(column, place).map(|column| column.value(place))
}

fn parsed<T: FromStr<Err: std::fmt::Display>>(column: &StringArray, place: usize, name: &str) -> Read<T> {
    let text = text(Some(column), place).ok_or_else(|| format!("has no {name}"))?;
    text.parse().map_err(|error| format!("{name}: {error}"))
}

fn fields(column: Option<&StringArray>, place: usize, name: &str) -> Read<Fields> {
    let text = text(column, place).unwrap_or("{}");
    serde_json::from_str(text).map_err(|error| format!("its {name} are no JSON object: {error}"))
}
