//! Changes of files, in transactions.

use std::collections::{BTreeSet, HashMap, HashSet};
use std::ffi::OsStr;
use std::os::unix::ffi::OsStrExt as _;
use std::path::Path;

use rusqlite::{Connection, OptionalExtension as _, Transaction, TransactionBehavior, params};
use sensorium_types::Fields;

use super::codes::{Code as _, fields_code, get_fields, get_path, get_record, path_bytes, record_code};
use super::{SqliteCatalog, fingerprints, items, read, reencode, transcripts, words};
use crate::{Content, FileState, Generation, IndexedFile, NewFile, Refusal, Write, Written};

pub(super) fn all(connection: &mut Connection, writes: Vec<Write>) -> rusqlite::Result<Written> {
    let transaction = connection.transaction_with_behavior(TransactionBehavior::Immediate)?;
    let mut writer = Writer {
        transaction: &transaction,
        wanted: writes.iter().filter_map(wanted).collect(),
        kept: HashMap::new(),
        uprooted: BTreeSet::new(),
    };
    let mut unfound = Vec::new();
    for (place, write) in writes.into_iter().enumerate() {
        if !writer.step(write)? {
            unfound.push(place);
        }
    }
    items::drop_homeless(&transaction, writer.uprooted)?;
    let sequence = SqliteCatalog::last_change(&transaction)?;
    transaction.commit()?;
    Ok(Written { sequence, unfound })
}

/// Files of one kind hold the same: their content, their extension, and what they were read with.
type Kind = (Content, Vec<u8>, Generation);

fn kind(content: Content, path: &Path, generation: &Generation) -> Kind {
    let extension = extension(path).to_ascii_lowercase();
    (content, extension, generation.clone())
}

fn extension(path: &Path) -> &[u8] {
    path.extension().map(OsStr::as_bytes).unwrap_or_default()
}

/// What the step hopes to find.
fn wanted(write: &Write) -> Option<Kind> {
    match write {
        Write::Same {
            path,
            content,
            generation,
            ..
        } => Some(kind(*content, path, generation)),
        Write::File(_)
        | Write::Forget(_)
        | Write::Reencode { .. }
        | Write::Fingerprint(_)
        | Write::Transcript(_) => None,
    }
}

/// What a file holds.
#[derive(Debug, Clone)]
struct Held {
    refusals: Vec<Refusal>,
    places: Vec<Place>,
}

/// An item, and which record of the file it is.
#[derive(Debug, Clone)]
struct Place {
    item: i64,
    record: Option<u64>,
    fields: Fields,
}

/// One write on its way.
struct Writer<'a> {
    transaction: &'a Transaction<'a>,
    /// What later steps may ask for.
    wanted: HashSet<Kind>,
    /// What was wanted of files that were overwritten or forgotten since.
    kept: HashMap<Kind, Held>,
    /// Items that lost a place; they go at the end, unless another place was found.
    uprooted: BTreeSet<i64>,
}

impl Writer<'_> {
    /// Takes a step, and tells whether it found what it wants.
    fn step(&mut self, write: Write) -> rusqlite::Result<bool> {
        match write {
            Write::File(file) => self.put_file(&file).map(|()| true),
            Write::Forget(path) => self.forget(&path).map(|()| true),
            Write::Reencode { generation, items } => {
                // What was kept may have been of the old generation.
                self.kept.clear();
                reencode::put(self.transaction, &generation, &items).map(|()| true)
            }
            Write::Fingerprint(fingerprint) => {
                fingerprints::put(self.transaction, &fingerprint).map(|()| true)
            }
            Write::Transcript(transcript) => transcripts::put(self.transaction, &transcript).map(|()| true),
            Write::Same {
                path,
                stamp,
                content,
                generation,
            } => self.put_same(&IndexedFile {
                path,
                stamp,
                content: Some(content),
                state: FileState::Indexed,
                limits: None,
                generation,
                refusals: Vec::new(),
            }),
        }
    }

    fn put_file(&mut self, new: &NewFile) -> rusqlite::Result<()> {
        let generation = generation_key(self.transaction, &new.file.generation)?;
        let file = self.replace(&new.file, generation)?;
        put_refusals(self.transaction, file, &new.file.refusals)?;
        for item in &new.items {
            let (key, made) = items::put(self.transaction, item, generation)?;
            if made == items::Made::Anew {
                self.kept
                    .retain(|_, held| held.places.iter().all(|place| place.item != key));
            }
            self.put_place(file, &new.file.path, key, item.record, &item.fields)?;
        }
        Ok(())
    }

    /// The file holds what another of its kind holds, or held before an earlier step; tells whether there is one.
    fn put_same(&mut self, new: &IndexedFile) -> rusqlite::Result<bool> {
        let Some(content) = new.content else {
            return Ok(false);
        };
        let holder = read::holder(self.transaction, &content, extension(&new.path), &new.generation)?;
        let held = match holder {
            Some(holder) if find(self.transaction, &new.path)? == Some(holder) => {
                // Touched, but not changed: what it holds stays.
                return restamp(self.transaction, holder, new).map(|()| true);
            }
            Some(holder) => held(self.transaction, holder)?,
            None => match self.kept.get(&kind(content, &new.path, &new.generation)) {
                Some(held) => held.clone(),
                None => return Ok(false),
            },
        };
        let generation = generation_key(self.transaction, &new.generation)?;
        let file = self.replace(new, generation)?;
        put_refusals(self.transaction, file, &held.refusals)?;
        for place in &held.places {
            self.put_place(file, &new.path, place.item, place.record, &place.fields)?;
        }
        Ok(true)
    }

    fn forget(&mut self, path: &Path) -> rusqlite::Result<()> {
        let Some(file) = find(self.transaction, path)? else {
            return Ok(());
        };
        self.take(file)?;
        self.transaction
            .prepare_cached("DELETE FROM files WHERE key = ?")?
            .execute([file])?;
        Ok(())
    }

    /// The file as it is known now, holding nothing yet.
    fn replace(&mut self, new: &IndexedFile, generation: i64) -> rusqlite::Result<i64> {
        if let Some(file) = find(self.transaction, &new.path)? {
            self.take(file)?;
        }
        put_file_row(self.transaction, new, generation)
    }

    /// Removes what `file` holds, and keeps it in mind when it is wanted.
    fn take(&mut self, file: i64) -> rusqlite::Result<()> {
        if let Some(kind) = kind_of(self.transaction, file)?
            && self.wanted.contains(&kind)
        {
            self.kept.insert(kind, held(self.transaction, file)?);
        }
        self.transaction
            .prepare_cached("DELETE FROM refusals WHERE file = ?")?
            .execute([file])?;
        let taken: Vec<(i64, i64)> = self
            .transaction
            .prepare_cached("DELETE FROM locations WHERE file = ? RETURNING key, item")?
            .query_map([file], |row| Ok((row.get(0)?, row.get(1)?)))?
            .collect::<rusqlite::Result<_>>()?;
        for (location, item) in taken {
            words::remove_location(self.transaction, location)?;
            self.uprooted.insert(item);
        }
        Ok(())
    }

    fn put_place(
        &self,
        file: i64,
        path: &Path,
        item: i64,
        record: Option<u64>,
        fields: &Fields,
    ) -> rusqlite::Result<()> {
        self.transaction
            .prepare_cached("INSERT INTO locations (item, file, record, fields) VALUES (?, ?, ?, ?)")?
            .execute(params![item, file, record_code(record), fields_code(fields)])?;
        words::add_location(
            self.transaction,
            self.transaction.last_insert_rowid(),
            path,
            fields,
            &items::facts(self.transaction, item)?,
        )
    }
}

fn find(connection: &Connection, path: &Path) -> rusqlite::Result<Option<i64>> {
    connection
        .prepare_cached("SELECT key FROM files WHERE path = ?")?
        .query_row([path_bytes(path)], |row| row.get(0))
        .optional()
}

/// What others can find the file by; `None` when it holds nothing.
fn kind_of(connection: &Connection, file: i64) -> rusqlite::Result<Option<Kind>> {
    connection
        .prepare_cached(
            "SELECT content, path, space, windowing FROM files JOIN generations ON generations.key = generation
             WHERE files.key = ? AND state = ? AND content IS NOT NULL",
        )?
        .query_row(params![file, FileState::Indexed.code()], |row| {
            let generation = read::get_generation(row, 2)?;
            Ok(kind(row.get(0)?, &get_path(row, 1)?, &generation))
        })
        .optional()
}

fn held(connection: &Connection, file: i64) -> rusqlite::Result<Held> {
    let places = connection
        .prepare_cached("SELECT item, record, fields FROM locations WHERE file = ? ORDER BY record")?
        .query_map([file], |row| {
            Ok(Place {
                item: row.get(0)?,
                record: get_record(row, 1)?,
                fields: get_fields(row, 2)?,
            })
        })?
        .collect::<rusqlite::Result<_>>()?;
    Ok(Held {
        refusals: read::refusals_of(connection, file)?,
        places,
    })
}

fn restamp(transaction: &Transaction<'_>, file: i64, new: &IndexedFile) -> rusqlite::Result<()> {
    transaction
        .prepare_cached("UPDATE files SET size = ?, modified = ?, changed = ? WHERE key = ?")?
        .execute(params![
            new.stamp.size,
            new.stamp.modified,
            new.stamp.changed,
            file
        ])?;
    Ok(())
}

fn put_refusals(transaction: &Transaction<'_>, file: i64, refusals: &[Refusal]) -> rusqlite::Result<()> {
    for refusal in refusals {
        transaction
            .prepare_cached("INSERT OR REPLACE INTO refusals (file, record, cause) VALUES (?, ?, ?)")?
            .execute(params![file, record_code(refusal.record), refusal.cause])?;
    }
    Ok(())
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
            "INSERT INTO files (path, size, modified, changed, content, state, limits, generation)
             VALUES (?, ?, ?, ?, ?, ?, ?, ?)
             ON CONFLICT (path) DO UPDATE SET size = excluded.size, modified = excluded.modified,
                changed = excluded.changed, content = excluded.content, state = excluded.state,
                limits = excluded.limits, generation = excluded.generation
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
                file.limits,
                generation
            ],
            |row| row.get(0),
        )
}
