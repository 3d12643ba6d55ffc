//! By what copies are recognised: kept with the items that they were made of.

use rusqlite::{Connection, Transaction, params};
use sensorium_types::Track;

use super::codes::Code as _;
use crate::{Fingerprint, ItemKey};

/// Format 5: fingerprints.
pub(super) fn create(transaction: &Transaction<'_>) -> rusqlite::Result<()> {
    transaction.execute_batch(
        "CREATE TABLE fingerprints (
            item INTEGER NOT NULL REFERENCES items,
            track INTEGER NOT NULL,
            maker TEXT NOT NULL,
            fingerprint BLOB NOT NULL,
            PRIMARY KEY (item, track)
        ) STRICT;",
    )
}

pub(super) fn put(transaction: &Transaction<'_>, new: &Fingerprint) -> rusqlite::Result<()> {
    // The item may be gone since its file was read.
    transaction
        .prepare_cached(
            "INSERT OR REPLACE INTO fingerprints (item, track, maker, fingerprint)
             SELECT key, ?2, ?3, ?4 FROM items WHERE key = ?1",
        )?
        .execute(params![new.item.0, new.track.code(), new.maker, new.bytes])?;
    Ok(())
}

pub(super) fn drop_of(transaction: &Transaction<'_>, item: i64) -> rusqlite::Result<()> {
    transaction
        .prepare_cached("DELETE FROM fingerprints WHERE item = ?")?
        .execute([item])?;
    Ok(())
}

/// Ends early when `sink` says no.
pub(super) fn all(
    connection: &Connection,
    track: Track,
    maker: &str,
    sink: &mut dyn FnMut(ItemKey, &[u8]) -> bool,
) -> rusqlite::Result<()> {
    let mut statement = connection.prepare_cached(
        "SELECT item, fingerprint FROM fingerprints WHERE track = ? AND maker = ? ORDER BY item",
    )?;
    let mut rows = statement.query(params![track.code(), maker])?;
    while let Some(row) = rows.next()? {
        if !sink(ItemKey(row.get(0)?), row.get_ref(1)?.as_blob()?) {
            break;
        }
    }
    Ok(())
}
