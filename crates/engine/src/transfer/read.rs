//! Rows of a table, whatever it is kept in.

use std::path::Path;

use sensorium_types::Space;

use super::rows::Row;
use super::told::{Read, Table, Told};
use super::{bad, columns, is_matrix, matrix};
use crate::Result;

/// What a reader gives: the next row with its vector, or what is wrong with it.
pub(super) type Sink<'a> = &'a mut dyn FnMut(Read<(Told, &[f32])>) -> Result<()>;

/// Gives `sink` each row of the table at `path`, whose vectors have to be of `space`, and returns how many there are.
///
/// # Errors
/// [`Error::Table`](crate::Error::Table), which names the row, when something in it cannot be used; those of `sink`.
pub(super) fn rows(path: &Path, space: &Space, sink: &mut dyn FnMut(Row) -> Result<()>) -> Result<usize> {
    let table = Table::new(path, space)?;
    let mut count = 0;
    let mut take = |told: Read<(Told, &[f32])>| {
        count += 1;
        let row = told.and_then(|(told, vector)| told.row(vector, &table, count));
        sink(row.map_err(|wrong| bad(path, format!("row {count}: {wrong}")))?)
    };
    let read = || match is_matrix(path) {
        true => Ok(matrix::read(path, table.dimension(), &mut take)),
        false => Ok(columns::read(path, &mut take)),
    };
    // A fault in the reader concerns this table.
    sensorium_media::contained(path, read).map_err(|error| bad(path, error.cause))??;
    Ok(count as usize)
}
