//! How nouns are written in the database.

use std::ffi::OsString;
use std::os::unix::ffi::{OsStrExt as _, OsStringExt as _};
use std::path::{Path, PathBuf};

use half::f16;
use rusqlite::Row;
use rusqlite::types::Type;
use sensorium_types::{Fields, ItemId, Modality, Segment, Span, Track};

use crate::FileState;
use crate::halves::halves;

/// A noun that is written as a small number.
pub(super) trait Code: Copy + PartialEq + Sized + 'static {
    /// All of them, in the order of their numbers. The order is part of the format.
    const ALL: &'static [Self];

    fn code(self) -> i64 {
        let place = Self::ALL.iter().position(|other| *other == self);
        // Every value is in the list.
        place.map_or(-1, |place| place as i64)
    }

    /// The value in column `column` of `row`.
    fn get(row: &Row<'_>, column: usize) -> rusqlite::Result<Self> {
        let code: i64 = row.get(column)?;
        let known = usize::try_from(code).ok().and_then(|place| Self::ALL.get(place));
        known
            .copied()
            .ok_or(rusqlite::Error::IntegralValueOutOfRange(column, code))
    }
}

/// A `LIMIT`.
pub(super) fn at_most(limit: usize) -> i64 {
    i64::try_from(limit).unwrap_or(i64::MAX)
}

impl Code for Modality {
    const ALL: &'static [Self] = &Modality::ALL;
}

impl Code for Track {
    const ALL: &'static [Self] = &Track::ALL;
}

impl Code for FileState {
    const ALL: &'static [Self] = &[Self::Indexed, Self::Refused, Self::RefusedForNow, Self::Ignored];
}

/// Records are counted from 1; 0 stands for a whole file.
pub(super) fn record_code(record: Option<u64>) -> u64 {
    record.unwrap_or(0)
}

pub(super) fn get_record(row: &Row<'_>, column: usize) -> rusqlite::Result<Option<u64>> {
    let record: u64 = row.get(column)?;
    Ok((record > 0).then_some(record))
}

pub(super) fn path_bytes(path: &Path) -> &[u8] {
    path.as_os_str().as_bytes()
}

pub(super) fn get_path(row: &Row<'_>, column: usize) -> rusqlite::Result<PathBuf> {
    Ok(OsString::from_vec(row.get(column)?).into())
}

pub(super) fn get_id(row: &Row<'_>, column: usize) -> rusqlite::Result<ItemId> {
    Ok(ItemId::from_hash(row.get(column)?))
}

pub(super) fn get_halves(row: &Row<'_>, column: usize) -> rusqlite::Result<Vec<f16>> {
    let bytes = row.get_ref(column)?.as_blob_or_null()?.unwrap_or_default();
    if !bytes.len().is_multiple_of(2) {
        return Err(rusqlite::Error::InvalidColumnType(
            column,
            "an odd number of bytes".into(),
            Type::Blob,
        ));
    }
    Ok(halves(bytes).collect())
}

/// Fields as JSON; NULL when there are none.
pub(super) fn fields_code(fields: &Fields) -> Option<String> {
    // A map of strings to JSON values always serialises.
    (!fields.is_empty()).then(|| serde_json::to_string(fields).unwrap_or_default())
}

pub(super) fn get_fields(row: &Row<'_>, column: usize) -> rusqlite::Result<Fields> {
    let text: Option<String> = row.get(column)?;
    text.map_or(Ok(Fields::new()), |text| {
        serde_json::from_str(&text)
            .map_err(|error| rusqlite::Error::FromSqlConversionFailure(column, Type::Text, error.into()))
    })
}

/// A segment from its track and times, in three columns from `column` on.
pub(super) fn get_segment(row: &Row<'_>, column: usize) -> rusqlite::Result<Segment> {
    let times: (Option<f64>, Option<f64>) = (row.get(column + 1)?, row.get(column + 2)?);
    Ok(Segment {
        track: Track::get(row, column)?,
        span: match times {
            (Some(start), Some(end)) => Some(Span { start, end }),
            _ => None,
        },
    })
}
