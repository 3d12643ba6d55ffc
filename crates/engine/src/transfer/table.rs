//! Rows as a Parquet table.

use std::os::unix::ffi::OsStrExt as _;
use std::path::Path;
use std::sync::Arc;

use arrow_array::builder::{FixedSizeListBuilder, Float32Builder};
use arrow_array::{
    ArrayRef, BinaryArray, Float64Array, Int64Array, RecordBatch, StringArray, UInt32Array, UInt64Array,
};
use arrow_schema::{DataType, Field, Schema};
use atomic_write_file::AtomicWriteFile;
use parquet::arrow::ArrowWriter;
use parquet::basic::{Compression, Encoding};
use parquet::errors::ParquetError;
use parquet::file::metadata::KeyValue;
use parquet::file::properties::WriterProperties;
use parquet::schema::types::ColumnPath;
use sensorium_types::{Fields, ItemId, path_text};

use super::rows::Row;
use super::unwritable;
use crate::Result;
use crate::halves::floats;

/// The key under which a table says of which space its vectors are.
pub(super) const SPACE: &str = "sensorium.space";

/// Rows that are handed on together.
const BATCH: usize = 512;

/// Rows that are compressed together and can be read by themselves.
const GROUP: usize = 8192;

/// Writes the rows that `feed` gives, with vectors of `space` and `dimension`, to `path`.
pub(super) fn write(
    path: &Path,
    space: &str,
    dimension: usize,
    feed: impl FnOnce(&mut dyn FnMut(Row) -> Result<()>) -> Result<()>,
) -> Result<()> {
    let schema = Arc::new(schema(dimension));
    let failed = |error: ParquetError| unwritable(path, &error);
    let mut file = AtomicWriteFile::open(path).map_err(|error| unwritable(path, &error))?;
    let mut writer =
        ArrowWriter::try_new(&mut file, Arc::clone(&schema), Some(properties(space))).map_err(failed)?;
    let mut put = |rows: &mut Vec<Row>| {
        let batch = RecordBatch::try_new(Arc::clone(&schema), columns(rows, dimension));
        rows.clear();
        writer.write(&batch.map_err(ParquetError::from)?)
    };
    let mut rows = Vec::with_capacity(BATCH);
    feed(&mut |row| {
        rows.push(row);
        if rows.len() == BATCH {
            put(&mut rows).map_err(failed)?;
        }
        Ok(())
    })?;
    put(&mut rows).map_err(failed)?;
    writer.close().map_err(failed)?;
    file.commit().map_err(|error| unwritable(path, &error))
}

fn schema(dimension: usize) -> Schema {
    let component = Arc::new(Field::new_list_field(DataType::Float32, false));
    let vector = DataType::FixedSizeList(component, i32::try_from(dimension).unwrap_or(i32::MAX));
    Schema::new(vec![
        Field::new("item", DataType::Utf8, false),
        Field::new("path", DataType::Utf8, false),
        Field::new("record", DataType::UInt64, true),
        Field::new("modality", DataType::Utf8, false),
        Field::new("track", DataType::Utf8, false),
        Field::new("start", DataType::Float64, true),
        Field::new("end", DataType::Float64, true),
        Field::new("text", DataType::Utf8, true),
        Field::new("space", DataType::Utf8, false),
        Field::new("vector", vector, false),
        Field::new("fields", DataType::Utf8, false),
        Field::new("facts", DataType::Utf8, false),
        Field::new("format", DataType::Utf8, false),
        Field::new("bytes", DataType::UInt64, false),
        Field::new("windowing", DataType::UInt32, false),
        // By what the file is known to be unchanged: its hash, its size, and its times in nanoseconds since 1970.
        Field::new("file_hash", DataType::Utf8, true),
        Field::new("file_size", DataType::UInt64, true),
        Field::new("file_modified", DataType::Int64, true),
        Field::new("file_changed", DataType::Int64, true),
        // The path itself, where it is not UTF-8.
        Field::new("path_bytes", DataType::Binary, true),
    ])
}

fn properties(space: &str) -> WriterProperties {
    // What was stored as half floats has zeros in the last bytes, which this encoding puts together.
    let vector = || {
        ColumnPath::new(
            ["vector", "list", Field::LIST_FIELD_DEFAULT_NAME]
                .map(String::from)
                .to_vec(),
        )
    };
    WriterProperties::builder()
        .set_compression(Compression::SNAPPY)
        .set_max_row_group_row_count(Some(GROUP))
        .set_column_dictionary_enabled(vector(), false)
        .set_column_encoding(vector(), Encoding::BYTE_STREAM_SPLIT)
        .set_key_value_metadata(Some(vec![KeyValue::new(SPACE.to_owned(), space.to_owned())]))
        .build()
}

/// The columns of the schema, in its order.
fn columns(rows: &[Row], dimension: usize) -> Vec<ArrayRef> {
    let texts =
        |of: fn(&Row) -> String| -> ArrayRef { Arc::new(StringArray::from_iter_values(rows.iter().map(of))) };
    let file =
        |of: fn(&Row) -> Option<u64>| -> ArrayRef { Arc::new(UInt64Array::from_iter(rows.iter().map(of))) };
    let time =
        |of: fn(&Row) -> Option<i64>| -> ArrayRef { Arc::new(Int64Array::from_iter(rows.iter().map(of))) };
    let second =
        |of: fn(&Row) -> Option<f64>| -> ArrayRef { Arc::new(Float64Array::from_iter(rows.iter().map(of))) };
    vec![
        texts(|row| row.item.map_or_else(String::new, |item| item.to_string())),
        texts(|row| path_text(&row.path).into_owned()),
        file(|row| row.record),
        texts(|row| row.modality.name().to_owned()),
        texts(|row| row.segment.track.name().to_owned()),
        second(|row| row.segment.span.map(|span| span.start)),
        second(|row| row.segment.span.map(|span| span.end)),
        Arc::new(StringArray::from_iter(rows.iter().map(|row| row.text.as_deref()))),
        texts(|row| row.generation.space.clone()),
        vectors(rows, dimension),
        texts(|row| json(&row.fields)),
        texts(|row| json(&row.facts)),
        texts(|row| row.format.clone()),
        file(|row| Some(row.bytes)),
        Arc::new(UInt32Array::from_iter_values(
            rows.iter().map(|row| row.generation.windowing),
        )),
        Arc::new(StringArray::from_iter(rows.iter().map(|row| {
            row.file
                .map(|(content, _)| ItemId::from_hash(content).to_string())
        }))),
        file(|row| row.file.map(|(_, stamp)| stamp.size)),
        time(|row| row.file.map(|(_, stamp)| stamp.modified)),
        time(|row| row.file.map(|(_, stamp)| stamp.changed)),
        Arc::new(BinaryArray::from_iter(rows.iter().map(|row| {
            row.path
                .to_str()
                .is_none()
                .then(|| row.path.as_os_str().as_bytes())
        }))),
    ]
}

fn vectors(rows: &[Row], dimension: usize) -> ArrayRef {
    let components = Float32Builder::with_capacity(rows.len() * dimension);
    let field = Arc::new(Field::new_list_field(DataType::Float32, false));
    let size = i32::try_from(dimension).unwrap_or(i32::MAX);
    let mut vectors = FixedSizeListBuilder::new(components, size).with_field(field);
    for row in rows {
        vectors.values().append_slice(&floats(&row.vector));
        vectors.append(true);
    }
    Arc::new(vectors.finish())
}

fn json(fields: &Fields) -> String {
    // A map of JSON values is JSON.
    serde_json::to_string(fields).unwrap_or_default()
}
