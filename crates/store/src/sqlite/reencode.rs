//! New vectors for what is there, made of what is kept.

use std::collections::BTreeSet;

use half::f16;
use rusqlite::{Connection, OptionalExtension as _, Transaction, params};

use super::codes::at_most;
use super::items::note_change;
use super::write::generation_key;
use crate::halves::half_bytes;
use crate::{Generation, ItemKey};

/// Items of other generations, in the order of their keys.
pub(super) fn stale(
    connection: &Connection,
    generation: &Generation,
    after: Option<ItemKey>,
    limit: usize,
) -> rusqlite::Result<Vec<ItemKey>> {
    connection
        .prepare_cached(
            "SELECT key FROM items WHERE key > ? AND generation NOT IN
                (SELECT key FROM generations WHERE space = ? AND windowing = ?)
             ORDER BY key LIMIT ?",
        )?
        .query_map(
            params![
                after.map_or(0, |key| key.0),
                generation.space,
                generation.windowing,
                at_most(limit)
            ],
            |row| Ok(ItemKey(row.get(0)?)),
        )?
        .collect()
}

/// Gives the items their new vectors, and the files that hold them their new generation.
pub(super) fn put(
    transaction: &Transaction<'_>,
    generation: &Generation,
    items: &[(ItemKey, Vec<Vec<f16>>)],
) -> rusqlite::Result<()> {
    let key = generation_key(transaction, generation)?;
    let mut files = BTreeSet::new();
    for (item, vectors) in items {
        if put_item(transaction, item.0, generation.windowing, key, vectors)? {
            files.extend(holders(transaction, item.0)?);
        }
    }
    files
        .into_iter()
        .try_for_each(|file| settle(transaction, file, key))
}

/// Returns whether there is an item that these can be the vectors of.
fn put_item(
    transaction: &Transaction<'_>,
    item: u64,
    windowing: u32,
    generation: i64,
    vectors: &[Vec<f16>],
) -> rusqlite::Result<bool> {
    let present: Option<u32> = transaction
        .prepare_cached(
            "SELECT windowing FROM items JOIN generations ON generations.key = generation WHERE items.key = ?",
        )?
        .query_row([item], |row| row.get(0))
        .optional()?;
    let segments: Vec<i64> = transaction
        .prepare_cached("SELECT key FROM segments WHERE item = ? ORDER BY key")?
        .query_map([item], |row| row.get(0))?
        .collect::<rusqlite::Result<_>>()?;
    if present != Some(windowing) || segments.len() != vectors.len() {
        return Ok(false);
    }
    for (segment, vector) in segments.iter().zip(vectors) {
        transaction
            .prepare_cached("UPDATE vectors SET generation = ?, vector = ? WHERE segment = ?")?
            .execute(params![generation, half_bytes(vector), segment])?;
    }
    transaction
        .prepare_cached("UPDATE items SET generation = ? WHERE key = ?")?
        .execute(params![generation, item])?;
    note_change(transaction, i64::try_from(item).unwrap_or(i64::MAX))?;
    Ok(true)
}

fn holders(transaction: &Transaction<'_>, item: u64) -> rusqlite::Result<Vec<i64>> {
    transaction
        .prepare_cached("SELECT DISTINCT file FROM locations WHERE item = ?")?
        .query_map([item], |row| row.get(0))?
        .collect()
}

/// A file is of the generation of its items when all are of one; until then it is of none.
fn settle(transaction: &Transaction<'_>, file: i64, generation: i64) -> rusqlite::Result<()> {
    // Items mostly come in the order of their records, so that the last tells that some are left.
    let other: Option<i64> = transaction
        .prepare_cached(
            "SELECT item FROM locations JOIN items ON items.key = item
             WHERE file = ? AND generation <> ? ORDER BY record DESC LIMIT 1",
        )?
        .query_row([file, generation], |row| row.get(0))
        .optional()?;
    let generation = match other {
        Some(_) => generation_key(transaction, &Generation::SEVERAL)?,
        None => generation,
    };
    transaction
        .prepare_cached("UPDATE files SET generation = ? WHERE key = ?")?
        .execute([generation, file])?;
    Ok(())
}
