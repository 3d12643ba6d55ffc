//! Changes of the database, in transactions.

use std::os::unix::ffi::OsStrExt as _;
use std::path::Path;

use rusqlite::{Connection, OptionalExtension as _, Transaction, TransactionBehavior, params};

use super::codes::{Code as _, fields_code, get_fields, half_bytes, path_bytes, record_code};
use super::{SqliteCatalog, read, reencode, words};
use crate::{Generation, IndexedFile, NewFile, NewItem, Write};

pub(super) fn all(connection: &mut Connection, writes: Vec<Write>) -> rusqlite::Result<u64> {
    let transaction = connection.transaction_with_behavior(TransactionBehavior::Immediate)?;
    for write in writes {
        match write {
            Write::File(file) => put_file(&transaction, &file)?,
            Write::Same {
                path,
                stamp,
                content,
                generation,
            } => {
                let extension = path
                    .extension()
                    .map(|extension| extension.as_bytes())
                    .unwrap_or_default();
                if let Some(holder) = read::holder(&transaction, &content, extension, &generation)? {
                    let file = IndexedFile {
                        path,
                        stamp,
                        content: Some(content),
                        state: crate::FileState::Indexed,
                        generation,
                        refusals: Vec::new(),
                    };
                    put_same(&transaction, &file, holder)?;
                }
            }
            Write::Forget(path) => forget(&transaction, &path)?,
            Write::Reencode { generation, items } => reencode::put(&transaction, &generation, &items)?,
        }
    }
    let sequence = SqliteCatalog::sequence(&transaction)?;
    transaction.commit()?;
    Ok(sequence)
}

fn put_file(transaction: &Transaction<'_>, new: &NewFile) -> rusqlite::Result<()> {
    let generation = generation_key(transaction, &new.file.generation)?;
    let file = put_file_row(transaction, &new.file, generation)?;
    let before = take_locations(transaction, file)?;
    for refusal in &new.file.refusals {
        transaction
            .prepare_cached("INSERT OR REPLACE INTO refusals (file, record, cause) VALUES (?, ?, ?)")?
            .execute(params![file, record_code(refusal.record), refusal.cause])?;
    }
    for item in &new.items {
        let key = put_item(transaction, item, generation)?;
        transaction
            .prepare_cached("INSERT INTO locations (item, file, record, fields) VALUES (?, ?, ?, ?)")?
            .execute(params![
                key,
                file,
                record_code(item.record),
                fields_code(&item.fields)
            ])?;
        words::add_location(
            transaction,
            transaction.last_insert_rowid(),
            &new.file.path,
            &item.fields,
        )?;
    }
    drop_homeless(transaction, before)
}

/// The file holds what the file `holder` holds.
fn put_same(transaction: &Transaction<'_>, new: &IndexedFile, holder: i64) -> rusqlite::Result<()> {
    let generation = generation_key(transaction, &new.generation)?;
    let known = transaction
        .prepare_cached("SELECT key FROM files WHERE path = ?")?
        .query_row([path_bytes(&new.path)], |row| row.get::<_, i64>(0))
        .optional()?;
    if known == Some(holder) {
        // Touched, but not changed: what it holds stays.
        transaction
            .prepare_cached("UPDATE files SET size = ?, modified = ?, changed = ? WHERE key = ?")?
            .execute(params![
                new.stamp.size,
                new.stamp.modified,
                new.stamp.changed,
                holder
            ])?;
        return Ok(());
    }
    let file = put_file_row(transaction, new, generation)?;
    let before = take_locations(transaction, file)?;
    transaction
        .prepare_cached("INSERT INTO refusals SELECT ?1, record, cause FROM refusals WHERE file = ?2")?
        .execute([file, holder])?;
    let mut locations = transaction
        .prepare_cached("SELECT item, record, fields FROM locations WHERE file = ? ORDER BY record")?;
    let mut rows = locations.query([holder])?;
    while let Some(row) = rows.next()? {
        let fields = get_fields(row, 2)?;
        transaction
            .prepare_cached("INSERT INTO locations (item, file, record, fields) VALUES (?, ?, ?, ?)")?
            .execute(params![
                row.get::<_, i64>(0)?,
                file,
                row.get::<_, i64>(1)?,
                fields_code(&fields)
            ])?;
        words::add_location(transaction, transaction.last_insert_rowid(), &new.path, &fields)?;
    }
    drop_homeless(transaction, before)
}

fn forget(transaction: &Transaction<'_>, path: &Path) -> rusqlite::Result<()> {
    let file: Option<i64> = transaction
        .prepare_cached("SELECT key FROM files WHERE path = ?")?
        .query_row([path_bytes(path)], |row| row.get(0))
        .optional()?;
    let Some(file) = file else { return Ok(()) };
    let before = take_locations(transaction, file)?;
    transaction
        .prepare_cached("DELETE FROM files WHERE key = ?")?
        .execute([file])?;
    drop_homeless(transaction, before)
}

pub(super) fn generation_key(
    transaction: &Transaction<'_>,
    generation: &Generation,
) -> rusqlite::Result<i64> {
    transaction
        .prepare_cached("INSERT OR IGNORE INTO generations (space, windowing) VALUES (?, ?)")?
        .execute(params![generation.space, generation.windowing])?;
    transaction
        .prepare_cached("SELECT key FROM generations WHERE space = ? AND windowing = ?")?
        .query_row(params![generation.space, generation.windowing], |row| row.get(0))
}

fn put_file_row(transaction: &Transaction<'_>, file: &IndexedFile, generation: i64) -> rusqlite::Result<i64> {
    transaction
        .prepare_cached(
            "INSERT INTO files (path, size, modified, changed, content, state, generation) VALUES (?, ?, ?, ?, ?, ?, ?)
             ON CONFLICT (path) DO UPDATE SET size = excluded.size, modified = excluded.modified,
                changed = excluded.changed, content = excluded.content, state = excluded.state,
                generation = excluded.generation
             RETURNING key",
        )?
        .query_row(
            params![
                path_bytes(&file.path),
                file.stamp.size,
                file.stamp.modified,
                file.stamp.changed,
                file.content,
                file.state.code(),
                generation
            ],
            |row| row.get(0),
        )
}

/// Removes what `file` held, and returns the items, which may have no other place.
fn take_locations(transaction: &Transaction<'_>, file: i64) -> rusqlite::Result<Vec<i64>> {
    transaction
        .prepare_cached("DELETE FROM refusals WHERE file = ?")?
        .execute([file])?;
    let taken: Vec<(i64, i64)> = transaction
        .prepare_cached("DELETE FROM locations WHERE file = ? RETURNING key, item")?
        .query_map([file], |row| Ok((row.get(0)?, row.get(1)?)))?
        .collect::<rusqlite::Result<_>>()?;
    for (location, _) in &taken {
        words::remove_location(transaction, *location)?;
    }
    Ok(taken.into_iter().map(|(_, item)| item).collect())
}

/// The item, with segments of this generation.
fn put_item(transaction: &Transaction<'_>, item: &NewItem, generation: i64) -> rusqlite::Result<i64> {
    let known: Option<(i64, i64)> = transaction
        .prepare_cached("SELECT key, generation FROM items WHERE id = ?")?
        .query_row([item.id.as_bytes()], |row| Ok((row.get(0)?, row.get(1)?)))
        .optional()?;
    let key = match known {
        Some((key, present)) if present == generation => return Ok(key),
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
                    "UPDATE items SET modality = ?, format = ?, bytes = ?, generation = ? WHERE key = ?",
                )?
                .execute(params![
                    item.modality.code(),
                    item.format,
                    item.bytes,
                    generation,
                    key
                ])?;
            key
        }
        None => {
            transaction
                .prepare_cached(
                    "INSERT INTO items (id, modality, format, bytes, generation) VALUES (?, ?, ?, ?, ?)",
                )?
                .execute(params![
                    item.id.as_bytes(),
                    item.modality.code(),
                    item.format,
                    item.bytes,
                    generation
                ])?;
            transaction.last_insert_rowid()
        }
    };
    put_segments(transaction, key, item, generation)?;
    note_change(transaction, key)?;
    Ok(key)
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
fn drop_homeless(transaction: &Transaction<'_>, items: Vec<i64>) -> rusqlite::Result<()> {
    for item in items {
        let lives: bool = transaction
            .prepare_cached("SELECT EXISTS (SELECT 1 FROM locations WHERE item = ?)")?
            .query_row([item], |row| row.get(0))?;
        if !lives {
            drop_segments(transaction, item)?;
            let dropped = transaction
                .prepare_cached("DELETE FROM items WHERE key = ?")?
                .execute([item])?;
            // A file may have held it twice.
            if dropped > 0 {
                note_change(transaction, item)?;
            }
        }
    }
    Ok(())
}

pub(super) fn note_change(transaction: &Transaction<'_>, item: i64) -> rusqlite::Result<()> {
    transaction
        .prepare_cached("INSERT OR REPLACE INTO changes (item) VALUES (?)")?
        .execute([item])?;
    Ok(())
}
