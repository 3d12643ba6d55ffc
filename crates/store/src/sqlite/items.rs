//! Items and their segments, for the files that hold them.

use rusqlite::{OptionalExtension as _, Transaction, params};

use sensorium_types::Fields;

use super::codes::{Code as _, fields_code, get_fields};
use super::{fingerprints, transcripts, words};
use crate::NewItem;
use crate::halves::half_bytes;

/// How an item came to have segments of the generation that was asked for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Made {
    /// It had them before, or is new.
    Once,
    /// Those of another generation were there.
    Anew,
}

/// The item, with segments of this generation.
pub(super) fn put(
    transaction: &Transaction<'_>,
    item: &NewItem,
    generation: i64,
) -> rusqlite::Result<(i64, Made)> {
    let known: Option<(i64, i64)> = transaction
        .prepare_cached("SELECT key, generation FROM items WHERE id = ?")?
        .query_row([item.id.as_bytes()], |row| Ok((row.get(0)?, row.get(1)?)))
        .optional()?;
    let (key, made) = match known {
        Some((key, present)) if present == generation => return Ok((key, Made::Once)),
        Some((key, _)) => {
            drop_segments(transaction, key)?;
            // Other files that hold it are not what they were: the next run looks at them again.
            transaction
                .prepare_cached(
                    "UPDATE files SET size = 0, modified = 0, changed = 0, content = NULL
                     WHERE key IN (SELECT file FROM locations WHERE item = ?)",
                )?
                .execute([key])?;
            transaction
                .prepare_cached(
                    "UPDATE items SET modality = ?, format = ?, bytes = ?, generation = ?, facts = ? WHERE key = ?",
                )?
                .execute(params![
                    item.modality.code(),
                    item.format,
                    item.bytes,
                    generation,
                    fields_code(&item.facts),
                    key
                ])?;
            words::refresh_locations(transaction, key, &item.facts)?;
            (key, Made::Anew)
        }
        None => {
            transaction
                .prepare_cached(
                    "INSERT INTO items (id, modality, format, bytes, generation, facts) VALUES (?, ?, ?, ?, ?, ?)",
                )?
                .execute(params![
                    item.id.as_bytes(),
                    item.modality.code(),
                    item.format,
                    item.bytes,
                    generation,
                    fields_code(&item.facts)
                ])?;
            (transaction.last_insert_rowid(), Made::Once)
        }
    };
    put_segments(transaction, key, item, generation)?;
    note_change(transaction, key)?;
    Ok((key, made))
}

fn put_segments(
    transaction: &Transaction<'_>,
    key: i64,
    item: &NewItem,
    generation: i64,
) -> rusqlite::Result<()> {
    for new in &item.segments {
        let span = new.segment.span;
        let track = new.segment.track.code();
        transaction
            .prepare_cached("INSERT INTO segments (item, track, start, end, text) VALUES (?, ?, ?, ?, ?)")?
            .execute(params![
                key,
                track,
                span.map(|span| span.start),
                span.map(|span| span.end),
                new.text
            ])?;
        let segment = transaction.last_insert_rowid();
        transaction
            .prepare_cached(
                "INSERT INTO vectors (segment, item, generation, modality, track, vector) VALUES (?, ?, ?, ?, ?, ?)",
            )?
            .execute(params![
                segment,
                key,
                generation,
                item.modality.code(),
                track,
                half_bytes(&new.vector)
            ])?;
        if !new.features.is_empty() {
            transaction
                .prepare_cached("INSERT INTO features (segment, features) VALUES (?, ?)")?
                .execute(params![segment, half_bytes(&new.features)])?;
        }
        if let Some(text) = &new.text {
            words::add_text(transaction, segment, text)?;
        }
    }
    Ok(())
}

fn drop_segments(transaction: &Transaction<'_>, item: i64) -> rusqlite::Result<()> {
    let mut statement =
        transaction.prepare_cached("SELECT key, text IS NOT NULL FROM segments WHERE item = ?")?;
    let mut rows = statement.query([item])?;
    while let Some(row) = rows.next()? {
        let segment: i64 = row.get(0)?;
        if row.get(1)? {
            words::remove_text(transaction, segment)?;
        }
        for sql in [
            "DELETE FROM vectors WHERE segment = ?",
            "DELETE FROM features WHERE segment = ?",
        ] {
            transaction.prepare_cached(sql)?.execute([segment])?;
        }
    }
    transaction
        .prepare_cached("DELETE FROM segments WHERE item = ?")?
        .execute([item])?;
    Ok(())
}

/// Drops those of `items` that no file holds any more.
pub(super) fn drop_homeless(
    transaction: &Transaction<'_>,
    items: impl IntoIterator<Item = i64>,
) -> rusqlite::Result<()> {
    for item in items {
        let lives: bool = transaction
            .prepare_cached("SELECT EXISTS (SELECT 1 FROM locations WHERE item = ?)")?
            .query_row([item], |row| row.get(0))?;
        if !lives {
            drop_segments(transaction, item)?;
            fingerprints::drop_of(transaction, item)?;
            transcripts::drop_of(transaction, item)?;
            transaction
                .prepare_cached("DELETE FROM items WHERE key = ?")?
                .execute([item])?;
            note_change(transaction, item)?;
        }
    }
    Ok(())
}

/// What the content of an item says of itself.
pub(super) fn facts(transaction: &Transaction<'_>, item: i64) -> rusqlite::Result<Fields> {
    transaction
        .prepare_cached("SELECT facts FROM items WHERE key = ?")?
        .query_row([item], |row| get_fields(row, 0))
}

pub(super) fn note_change(transaction: &Transaction<'_>, item: i64) -> rusqlite::Result<()> {
    transaction
        .prepare_cached("INSERT OR REPLACE INTO changes (item) VALUES (?)")?
        .execute([item])?;
    Ok(())
}
