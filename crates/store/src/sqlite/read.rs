//! Questions to the database.

use std::collections::BTreeSet;
use std::os::unix::ffi::OsStrExt as _;
use std::path::{Path, PathBuf};

use half::f16;
use rusqlite::{Connection, OptionalExtension as _, Row, Rows, params};
use sensorium_types::{Fields, ItemId, Location, Modality, Segment, Track};

use super::SqliteCatalog;
use super::codes::{
    self, Code as _, get_fields, get_halves, get_id, get_path, get_record, get_segment, path_bytes,
};
use super::words;
use crate::{
    Change, Condition, Content, FileState, Generation, IndexedFile, ItemKey, NewSegment, Place, Refusal,
    SegmentKey, Stamp, StoredItem, StoredSegment, Summary,
};

/// The half-open range of paths below the folder `path`, as bytes.
pub(super) fn below(path: &Path) -> (Vec<u8>, Vec<u8>) {
    let folder = path_bytes(path).strip_suffix(b"/").unwrap_or(path_bytes(path));
    // '0' is the character after '/'.
    ([folder, b"/"].concat(), [folder, b"0"].concat())
}

pub(super) fn files(connection: &Connection, path: &Path) -> rusqlite::Result<Vec<IndexedFile>> {
    let (from, to) = below(path);
    let mut statement = connection.prepare_cached(
        "SELECT files.key, path, size, modified, changed, content, state, space, windowing,
            EXISTS (SELECT 1 FROM refusals WHERE file = files.key), limits
         FROM files JOIN generations ON generations.key = generation
         WHERE path = ?1 OR (path >= ?2 AND path < ?3) ORDER BY path",
    )?;
    let rows = statement.query_map(params![path_bytes(path), from, to], |row| {
        let refusals = if row.get(9)? {
            refusals_of(connection, row.get(0)?)?
        } else {
            Vec::new()
        };
        Ok(IndexedFile {
            path: get_path(row, 1)?,
            stamp: Stamp {
                size: row.get(2)?,
                modified: row.get(3)?,
                changed: row.get(4)?,
            },
            content: row.get(5)?,
            state: FileState::get(row, 6)?,
            limits: row.get(10)?,
            generation: get_generation(row, 7)?,
            refusals,
        })
    })?;
    rows.collect()
}

pub(super) fn get_generation(row: &Row<'_>, column: usize) -> rusqlite::Result<Generation> {
    Ok(Generation {
        space: row.get(column)?,
        windowing: row.get(column + 1)?,
    })
}

fn get_refusal(row: &Row<'_>, column: usize) -> rusqlite::Result<Refusal> {
    Ok(Refusal {
        record: get_record(row, column)?,
        cause: row.get(column + 1)?,
    })
}

pub(super) fn refusals_of(connection: &Connection, file: i64) -> rusqlite::Result<Vec<Refusal>> {
    connection
        .prepare_cached("SELECT record, cause FROM refusals WHERE file = ? ORDER BY record")?
        .query_map([file], |row| get_refusal(row, 0))?
        .collect()
}

pub(super) fn refusals(connection: &Connection) -> rusqlite::Result<Vec<(PathBuf, Refusal)>> {
    connection
        .prepare_cached(
            "SELECT path, record, cause FROM refusals JOIN files ON files.key = file ORDER BY path, record",
        )?
        .query_map([], |row| Ok((get_path(row, 0)?, get_refusal(row, 1)?)))?
        .collect()
}

/// A file with this content, extension and generation that holds items.
pub(super) fn holder(
    connection: &Connection,
    content: &Content,
    extension: &[u8],
    generation: &Generation,
) -> rusqlite::Result<Option<i64>> {
    let mut statement = connection.prepare_cached(
        "SELECT files.key, path FROM files JOIN generations ON generations.key = generation
         WHERE content = ? AND state = ? AND space = ? AND windowing = ? ORDER BY files.key",
    )?;
    let mut rows = statement.query(params![
        content,
        FileState::Indexed.code(),
        generation.space,
        generation.windowing
    ])?;
    while let Some(row) = rows.next()? {
        let path = get_path(row, 1)?;
        let found = path
            .extension()
            .map(|extension| extension.as_bytes())
            .unwrap_or_default();
        if found.eq_ignore_ascii_case(extension) {
            return row.get(0).map(Some);
        }
    }
    Ok(None)
}

/// Ends early when `sink` says no.
pub(super) fn changes(
    connection: &Connection,
    space: &str,
    sequence: u64,
    sink: &mut dyn FnMut(Change) -> bool,
) -> rusqlite::Result<u64> {
    // All that follows is of one moment.
    let snapshot = connection.unchecked_transaction()?;
    let last = SqliteCatalog::last_change(&snapshot)?;
    if sequence == 0 || sequence > last {
        if !sink(Change::Reset) {
            return Ok(last);
        }
        let mut statement = snapshot.prepare_cached(
            "SELECT segment, item, modality, track, vector FROM vectors
             WHERE generation IN (SELECT key FROM generations WHERE space = ?) ORDER BY segment",
        )?;
        let mut rows = statement.query([space])?;
        while let Some(row) = rows.next()? {
            if !sink(get_vector(row)?) {
                break;
            }
        }
        return Ok(last);
    }
    let mut items =
        snapshot.prepare_cached("SELECT item FROM changes WHERE sequence > ? ORDER BY sequence")?;
    let mut vectors = snapshot.prepare_cached(
        "SELECT vectors.segment, vectors.item, modality, vectors.track, vector
         FROM segments JOIN vectors ON vectors.segment = segments.key
         WHERE segments.item = ?1 AND generation IN (SELECT key FROM generations WHERE space = ?2)
         ORDER BY segments.key",
    )?;
    let mut changed = items.query([sequence])?;
    while let Some(row) = changed.next()? {
        let item: u64 = row.get(0)?;
        if !sink(Change::Gone(ItemKey(item))) {
            break;
        }
        let mut rows = vectors.query(params![item, space])?;
        while let Some(row) = rows.next()? {
            if !sink(get_vector(row)?) {
                return Ok(last);
            }
        }
    }
    Ok(last)
}

fn get_vector(row: &Row<'_>) -> rusqlite::Result<Change> {
    Ok(Change::Vector {
        segment: SegmentKey(row.get(0)?),
        item: ItemKey(row.get(1)?),
        modality: Modality::get(row, 2)?,
        track: Track::get(row, 3)?,
        vector: get_halves(row, 4)?,
    })
}

pub(super) fn items(connection: &Connection, keys: &[ItemKey]) -> rusqlite::Result<Vec<StoredItem>> {
    let mut statement = connection.prepare_cached(
        "SELECT id, modality, format, bytes, space, windowing, facts
         FROM items JOIN generations ON generations.key = generation WHERE items.key = ?",
    )?;
    let mut items = Vec::with_capacity(keys.len());
    for &key in keys {
        let item = statement.query_row([key.0], |row| {
            Ok(StoredItem {
                key,
                id: get_id(row, 0)?,
                modality: Modality::get(row, 1)?,
                format: row.get(2)?,
                bytes: row.get(3)?,
                generation: get_generation(row, 4)?,
                facts: get_fields(row, 6)?,
                locations: locations(connection, key)?,
            })
        });
        items.extend(item.optional()?);
    }
    Ok(items)
}

pub(super) fn matching(
    connection: &Connection,
    condition: &Condition,
) -> rusqlite::Result<BTreeSet<ItemKey>> {
    const PLACES: &str = "SELECT item, path, record, modified, modality, format, bytes, facts, fields
         FROM locations JOIN files ON files.key = file JOIN items ON items.key = item";
    let mut found = BTreeSet::new();
    match condition.said() {
        // Fields are among the words: only some places are looked at.
        Some(text) => {
            let mut statement = connection.prepare_cached(&format!("{PLACES} WHERE locations.key = ?"))?;
            for location in words::locations_saying(connection, text)? {
                add_matching(&mut statement.query([location])?, condition, &mut found)?;
            }
        }
        None => {
            let mut statement = connection.prepare_cached(PLACES)?;
            add_matching(&mut statement.query([])?, condition, &mut found)?;
        }
    }
    Ok(found)
}

/// Adds the items of those of `rows` that fulfil `condition`.
fn add_matching(
    rows: &mut Rows<'_>,
    condition: &Condition,
    found: &mut BTreeSet<ItemKey>,
) -> rusqlite::Result<()> {
    let reads_json = condition.asks_content();
    let json = |row: &Row<'_>, column| match reads_json {
        true => get_fields(row, column),
        false => Ok(Fields::new()),
    };
    while let Some(row) = rows.next()? {
        let item = ItemKey(row.get(0)?);
        if found.contains(&item) {
            continue;
        }
        let place = Place {
            path: &get_path(row, 1)?,
            record: get_record(row, 2)?,
            modified: row.get(3)?,
            modality: Modality::get(row, 4)?,
            format: row.get_ref(5)?.as_str()?,
            size: row.get(6)?,
            facts: &json(row, 7)?,
            fields: &json(row, 8)?,
        };
        if condition.holds(&place) {
            found.insert(item);
        }
    }
    Ok(())
}

fn locations(connection: &Connection, item: ItemKey) -> rusqlite::Result<Vec<Location>> {
    connection
        .prepare_cached(
            "SELECT path, record, modified, fields FROM locations JOIN files ON files.key = file
             WHERE item = ? ORDER BY path, record",
        )?
        .query_map([item.0], |row| {
            Ok(Location {
                path: get_path(row, 0)?,
                record: get_record(row, 1)?,
                modified: row.get(2)?,
                fields: get_fields(row, 3)?,
            })
        })?
        .collect()
}

pub(super) fn find(connection: &Connection, id: &ItemId) -> rusqlite::Result<Option<ItemKey>> {
    connection
        .prepare_cached("SELECT key FROM items WHERE id = ?")?
        .query_row([id.as_bytes()], |row| Ok(ItemKey(row.get(0)?)))
        .optional()
}

pub(super) fn at(connection: &Connection, path: &Path) -> rusqlite::Result<Vec<(Option<u64>, ItemKey)>> {
    let mut statement = connection.prepare_cached(
        "SELECT record, item FROM locations JOIN files ON files.key = locations.file WHERE files.path = ?
         ORDER BY record",
    )?;
    let rows = statement.query_map([path_bytes(path)], |row| {
        Ok((get_record(row, 0)?, ItemKey(row.get(1)?)))
    })?;
    rows.collect()
}

pub(super) fn segments(connection: &Connection, keys: &[SegmentKey]) -> rusqlite::Result<Vec<StoredSegment>> {
    let mut statement =
        connection.prepare_cached("SELECT key, item, track, start, end, text FROM segments WHERE key = ?")?;
    let mut segments = Vec::with_capacity(keys.len());
    for &key in keys {
        segments.extend(statement.query_row([key.0], get_stored_segment).optional()?);
    }
    Ok(segments)
}

pub(super) fn segments_of(
    connection: &Connection,
    item: ItemKey,
    after: Option<SegmentKey>,
    limit: usize,
) -> rusqlite::Result<Vec<StoredSegment>> {
    connection
        .prepare_cached(
            "SELECT key, item, track, start, end, text FROM segments WHERE item = ? AND key > ?
             ORDER BY key LIMIT ?",
        )?
        .query_map(
            params![item.0, after.map_or(0, |key| key.0), codes::at_most(limit)],
            get_stored_segment,
        )?
        .collect()
}

fn get_stored_segment(row: &Row<'_>) -> rusqlite::Result<StoredSegment> {
    Ok(StoredSegment {
        key: SegmentKey(row.get(0)?),
        item: ItemKey(row.get(1)?),
        segment: get_segment(row, 2)?,
        text: row.get(5)?,
    })
}

pub(super) fn list(
    connection: &Connection,
    modalities: &[Modality],
    before: Option<ItemKey>,
    limit: usize,
) -> rusqlite::Result<Vec<ItemKey>> {
    // Codes are numbers of our own.
    let codes: Vec<String> = modalities
        .iter()
        .map(|modality| modality.code().to_string())
        .collect();
    let last = before.map_or(i64::MAX, |key| i64::try_from(key.0).unwrap_or(i64::MAX));
    connection
        .prepare_cached(&format!(
            "SELECT key FROM items WHERE key < ? AND modality IN ({}) ORDER BY key DESC LIMIT ?",
            codes.join(",")
        ))?
        .query_map(params![last, codes::at_most(limit)], |row| {
            Ok(ItemKey(row.get(0)?))
        })?
        .collect()
}

pub(super) fn encoded(connection: &Connection, item: ItemKey) -> rusqlite::Result<Vec<NewSegment>> {
    connection
        .prepare_cached(
            "SELECT segments.track, start, end, text, vector, features FROM segments
             JOIN vectors ON vectors.segment = segments.key
             LEFT JOIN features ON features.segment = segments.key
             WHERE segments.item = ? ORDER BY segments.key",
        )?
        .query_map([item.0], |row| {
            Ok(NewSegment {
                segment: get_segment(row, 0)?,
                text: row.get(3)?,
                vector: get_halves(row, 4)?,
                features: get_halves(row, 5)?,
            })
        })?
        .collect()
}

pub(super) fn vectors(connection: &Connection, item: ItemKey) -> rusqlite::Result<Vec<(Segment, Vec<f16>)>> {
    connection
        .prepare_cached(
            "SELECT segments.track, start, end, vector FROM segments
             JOIN vectors ON vectors.segment = segments.key
             WHERE segments.item = ? ORDER BY segments.key",
        )?
        .query_map([item.0], |row| Ok((get_segment(row, 0)?, get_halves(row, 3)?)))?
        .collect()
}

pub(super) fn features(connection: &Connection, segment: SegmentKey) -> rusqlite::Result<Vec<f16>> {
    let features = connection
        .prepare_cached("SELECT features FROM features WHERE segment = ?")?
        .query_row([segment.0], |row| get_halves(row, 0))
        .optional()?;
    Ok(features.unwrap_or_default())
}

/// The items of `modality` that have `track` but no row of it by `maker` in `table`.
pub(super) fn without(
    connection: &Connection,
    table: &'static str,
    modality: Modality,
    track: Track,
    maker: &str,
) -> rusqlite::Result<Vec<ItemKey>> {
    connection
        .prepare_cached(&format!(
            "SELECT key FROM items WHERE modality = ?1
                AND EXISTS (SELECT 1 FROM segments WHERE item = items.key AND track = ?2)
                AND NOT EXISTS (SELECT 1 FROM {table} WHERE item = items.key AND track = ?2 AND maker = ?3)
             ORDER BY key"
        ))?
        .query_map(params![modality.code(), track.code(), maker], |row| {
            Ok(ItemKey(row.get(0)?))
        })?
        .collect()
}

pub(super) fn at_several_places(connection: &Connection) -> rusqlite::Result<Vec<ItemKey>> {
    connection
        .prepare_cached("SELECT item FROM locations GROUP BY item HAVING count(*) > 1 ORDER BY item")?
        .query_map([], |row| Ok(ItemKey(row.get(0)?)))?
        .collect()
}

pub(super) fn generations(connection: &Connection) -> rusqlite::Result<Vec<Generation>> {
    connection
        .prepare_cached(
            "SELECT space, windowing FROM generations
             WHERE EXISTS (SELECT 1 FROM items WHERE generation = generations.key) ORDER BY key",
        )?
        .query_map([], |row| get_generation(row, 0))?
        .collect()
}

pub(super) fn summary(connection: &Connection) -> rusqlite::Result<Summary> {
    // All numbers are of one moment.
    let snapshot = connection.unchecked_transaction()?;
    let number = |sql: &str| snapshot.query_row(sql, [], |row| row.get::<_, u64>(0));
    Ok(Summary {
        items: counts(&snapshot, "SELECT modality, count(*) FROM items GROUP BY modality ORDER BY modality")?,
        segments: counts(&snapshot, "SELECT track, count(*) FROM segments GROUP BY track ORDER BY track")?,
        files: counts(&snapshot, "SELECT state, count(*) FROM files GROUP BY state ORDER BY state")?,
        generations: snapshot
            .prepare(
                "SELECT space, windowing, count(*) FROM items JOIN generations ON generations.key = generation
                 GROUP BY generation ORDER BY generation",
            )?
            .query_map([], |row| Ok((get_generation(row, 0)?, row.get(2)?)))?
            .collect::<rusqlite::Result<_>>()?,
        locations: number("SELECT count(*) FROM locations")?,
        vector_bytes: number("SELECT coalesce(sum(length(vector)), 0) FROM vectors")?,
        feature_bytes: number("SELECT coalesce(sum(length(features)), 0) FROM features")?,
        fingerprint_bytes: number("SELECT coalesce(sum(length(fingerprint)), 0) FROM fingerprints")?,
        transcripts: counts(&snapshot, "SELECT track, count(*) FROM transcripts GROUP BY track ORDER BY track")?,
        sequence: SqliteCatalog::last_change(&snapshot)?,
    })
}

fn counts<T: codes::Code>(connection: &Connection, sql: &str) -> rusqlite::Result<Vec<(T, u64)>> {
    connection
        .prepare(sql)?
        .query_map([], |row| Ok((T::get(row, 0)?, row.get(1)?)))?
        .collect()
}
