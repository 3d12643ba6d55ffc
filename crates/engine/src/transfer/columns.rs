//! Rows of a Parquet table, of any writer.

use std::fs::File;
use std::path::Path;
use std::str::FromStr;

use arrow_array::cast::AsArray as _;
use arrow_array::types::{
    Float16Type, Float32Type, Float64Type, Int32Type, Int64Type, UInt32Type, UInt64Type,
};
use arrow_array::{Array, ArrayRef, RecordBatch};
use arrow_schema::DataType;
use parquet::arrow::arrow_reader::{ArrowReaderOptions, ParquetRecordBatchReaderBuilder};
use sensorium_types::Fields;

use super::bad;
use super::read::Sink;
use super::table::SPACE;
use super::told::{Read, Told};
use crate::{Error, Result};

/// Rows that are read together.
const BATCH: usize = 512;

/// Gives `sink` each row of the table at `path`.
///
/// # Errors
/// [`Error::Path`] and [`Error::Table`] when it cannot be read; those of `sink`.
pub(super) fn read(path: &Path, sink: Sink<'_>) -> Result<()> {
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
    let mut vector = Vec::new();
    for batch in batches.map_err(|error| damaged(&error))? {
        let batch = batch.map_err(|error| damaged(&error))?;
        let columns = Columns::new(&batch).map_err(|wrong| bad(path, wrong))?;
        for place in 0..batch.num_rows() {
            let told = columns.told(place, named.as_deref(), &mut vector);
            sink(told.map(|told| (told, vector.as_slice())))?;
        }
    }
    Ok(())
}

/// The columns of a batch that are of use.
struct Columns<'a> {
    vector: Column<'a>,
    path: Column<'a>,
    path_bytes: Column<'a>,
    record: Column<'a>,
    item: Column<'a>,
    modality: Column<'a>,
    track: Column<'a>,
    start: Column<'a>,
    end: Column<'a>,
    text: Column<'a>,
    fields: Column<'a>,
    facts: Column<'a>,
    format: Column<'a>,
    bytes: Column<'a>,
    space: Column<'a>,
    windowing: Column<'a>,
    file_hash: Column<'a>,
    file_size: Column<'a>,
    file_modified: Column<'a>,
    file_changed: Column<'a>,
}

impl<'a> Columns<'a> {
    fn new(batch: &'a RecordBatch) -> Read<Self> {
        let column = |name| Column {
            name,
            array: batch.column_by_name(name),
        };
        let columns = Self {
            vector: column("vector"),
            path: column("path"),
            path_bytes: column("path_bytes"),
            record: column("record"),
            item: column("item"),
            modality: column("modality"),
            track: column("track"),
            start: column("start"),
            end: column("end"),
            text: column("text"),
            fields: column("fields"),
            facts: column("facts"),
            format: column("format"),
            bytes: column("bytes"),
            space: column("space"),
            windowing: column("windowing"),
            file_hash: column("file_hash"),
            file_size: column("file_size"),
            file_modified: column("file_modified"),
            file_changed: column("file_changed"),
        };
        match columns.vector.array {
            Some(_) => Ok(columns),
            None => Err(
                "has no column 'vector'; beside it, 'text' or 'path' and 'modality' are needed, and others are \
                         taken as `sensorium export` writes them"
                    .into(),
            ),
        }
    }

    /// What is told of the row at `place`, whose vector is put into `vector`.
    fn told(&self, place: usize, space: Option<&str>, vector: &mut Vec<f32>) -> Read<Told> {
        self.vector.floats(place, vector)?;
        Ok(Told {
            path: self.path.text(place)?.map(str::to_owned),
            path_bytes: self.path_bytes.bytes(place)?.map(<[u8]>::to_vec),
            record: self.record.number(place)?,
            item: self.item.parsed(place)?,
            modality: self.modality.parsed(place)?,
            track: self.track.parsed(place)?,
            start: self.start.float(place)?,
            end: self.end.float(place)?,
            text: self.text.text(place)?.map(str::to_owned),
            fields: self.fields.fields(place)?,
            facts: self.facts.fields(place)?,
            format: self.format.text(place)?.map(str::to_owned),
            bytes: self.bytes.number(place)?,
            space: self.space.text(place)?.or(space).map(str::to_owned),
            windowing: self.windowing.number(place)?,
            file_hash: self.file_hash.parsed(place)?,
            file_size: self.file_size.number(place)?,
            file_modified: self.file_modified.number(place)?,
            file_changed: self.file_changed.number(place)?,
        })
    }
}

/// A column, if there is one of this name.
struct Column<'a> {
    name: &'static str,
    array: Option<&'a ArrayRef>,
}

impl<'a> Column<'a> {
    /// What `read` makes of the column, when it has a value at `place`.
    fn valid<T>(&self, place: usize, read: impl FnOnce(&'a ArrayRef) -> Read<T>) -> Read<Option<T>> {
        let valid = self.array.filter(|array| array.is_valid(place));
        valid.map(read).transpose()
    }

    fn wrong(&self, array: &dyn Array, wanted: &str) -> String {
        format!(
            "its column '{}' is of {}, where {wanted} are expected",
            self.name,
            array.data_type()
        )
    }

    fn text(&self, place: usize) -> Read<Option<&'a str>> {
        self.valid(place, |array| {
            let texts = array.as_string_opt::<i32>();
            let texts = texts.ok_or_else(|| self.wrong(array, "texts"))?;
            Ok(texts.value(place))
        })
    }

    fn bytes(&self, place: usize) -> Read<Option<&'a [u8]>> {
        self.valid(place, |array| {
            let bytes = array.as_binary_opt::<i32>();
            let bytes = bytes.ok_or_else(|| self.wrong(array, "bytes"))?;
            Ok(bytes.value(place))
        })
    }

    /// A whole number, in whatever width it is kept; pandas makes floats of numbers among which some are missing.
    fn number<T: TryFrom<i128>>(&self, place: usize) -> Read<Option<T>> {
        self.valid(place, |array| {
            let value = match array.data_type() {
                DataType::Int32 => i128::from(array.as_primitive::<Int32Type>().value(place)),
                DataType::Int64 => i128::from(array.as_primitive::<Int64Type>().value(place)),
                DataType::UInt32 => i128::from(array.as_primitive::<UInt32Type>().value(place)),
                DataType::UInt64 => i128::from(array.as_primitive::<UInt64Type>().value(place)),
                DataType::Float64 => match array.as_primitive::<Float64Type>().value(place) {
                    value if value.fract() == 0.0 => value as i128,
                    value => return Err(format!("its {} is no whole number: {value}", self.name)),
                },
                _ => return Err(self.wrong(array, "whole numbers")),
            };
            T::try_from(value).map_err(|_| format!("its {} cannot be {value}", self.name))
        })
    }

    fn float(&self, place: usize) -> Read<Option<f64>> {
        self.valid(place, |array| match array.data_type() {
            DataType::Float64 => Ok(array.as_primitive::<Float64Type>().value(place)),
            DataType::Float32 => Ok(array.as_primitive::<Float32Type>().value(place).into()),
            _ => Err(self.wrong(array, "numbers")),
        })
    }

    /// Puts the list at `place` into `into`.
    fn floats(&self, place: usize, into: &mut Vec<f32>) -> Read<()> {
        let list = self.valid(place, |array| {
            let lists = array.as_list_opt::<i32>();
            let lists = lists.ok_or_else(|| self.wrong(array, "lists of numbers"))?;
            Ok(lists.value(place))
        })?;
        let list = list.ok_or("has no vector")?;
        if list.null_count() > 0 {
            return Err("its vector has gaps".into());
        }
        into.clear();
        match list.data_type() {
            DataType::Float32 => into.extend_from_slice(list.as_primitive::<Float32Type>().values()),
            DataType::Float64 => {
                let values = list.as_primitive::<Float64Type>().values();
                into.extend(values.iter().map(|value| *value as f32));
            }
            DataType::Float16 => {
                let values = list.as_primitive::<Float16Type>().values();
                into.extend(values.iter().map(|value| value.to_f32()));
            }
            other => return Err(format!("its vector is a list of {other}: expected float32")),
        }
        Ok(())
    }

    fn parsed<T: FromStr<Err: std::fmt::Display>>(&self, place: usize) -> Read<Option<T>> {
        let parsed = self.text(place)?.map(str::parse).transpose();
        parsed.map_err(|error| format!("{}: {error}", self.name))
    }

    fn fields(&self, place: usize) -> Read<Option<Fields>> {
        let parsed = self.text(place)?.map(serde_json::from_str).transpose();
        parsed.map_err(|error| format!("its {} are no JSON object: {error}", self.name))
    }
}
