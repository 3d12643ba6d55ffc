//! What is said and to be read in items: transcripts of their tracks, line by line.

use rusqlite::{Connection, Row, Transaction, params};
use sensorium_types::{Line, Track};

use super::codes::{self, Code as _, get_segment};
use super::words;
use crate::{ItemKey, LineKey, Transcript};

/// Format 7: transcripts.
pub(super) fn create(transaction: &Transaction<'_>) -> rusqlite::Result<()> {
    transaction.execute_batch(
        "CREATE TABLE transcripts (
            item INTEGER NOT NULL REFERENCES items,
            track INTEGER NOT NULL,
            maker TEXT NOT NULL,
            PRIMARY KEY (item, track)
        ) STRICT, WITHOUT ROWID;
        CREATE TABLE lines (
            key INTEGER PRIMARY KEY AUTOINCREMENT,
            item INTEGER NOT NULL REFERENCES items,
            track INTEGER NOT NULL,
            start REAL,
            end REAL,
            text TEXT NOT NULL
        ) STRICT;
        CREATE INDEX lines_by_item ON lines (item);",
    )
}

pub(super) fn put(transaction: &Transaction<'_>, new: &Transcript) -> rusqlite::Result<()> {
    let item = new.item.0.cast_signed();
    let track = new.track.code();
    drop_lines(transaction, item, Some(new.track))?;
    // The item may be gone since its file was read.
    let is_there = transaction
        .prepare_cached(
            "INSERT OR REPLACE INTO transcripts (item, track, maker) SELECT key, ?2, ?3 FROM items WHERE key = ?1",
        )?
        .execute(params![item, track, new.maker])?;
    if is_there == 0 {
        return Ok(());
    }
    for (span, text) in &new.lines {
        transaction
            .prepare_cached("INSERT INTO lines (item, track, start, end, text) VALUES (?, ?, ?, ?, ?)")?
            .execute(params![
                item,
                track,
                span.map(|span| span.start),
                span.map(|span| span.end),
                text
            ])?;
        words::add_line(transaction, transaction.last_insert_rowid(), text)?;
    }
    Ok(())
}

pub(super) fn drop_of(transaction: &Transaction<'_>, item: i64) -> rusqlite::Result<()> {
    drop_lines(transaction, item, None)?;
    transaction
        .prepare_cached("DELETE FROM transcripts WHERE item = ?")?
        .execute([item])?;
    Ok(())
}

/// Drops the lines of `track`, or of all tracks.
fn drop_lines(transaction: &Transaction<'_>, item: i64, track: Option<Track>) -> rusqlite::Result<()> {
    let of = "FROM lines WHERE item = ?1 AND track = coalesce(?2, track)";
    let track = track.map(|track| track.code());
    let mut lines = transaction.prepare_cached(&format!("SELECT key {of}"))?;
    let mut rows = lines.query(params![item, track])?;
    while let Some(row) = rows.next()? {
        words::remove_line(transaction, row.get(0)?)?;
    }
    transaction
        .prepare_cached(&format!("DELETE {of}"))?
        .execute(params![item, track])?;
    Ok(())
}

pub(super) fn of(connection: &Connection, item: ItemKey) -> rusqlite::Result<Vec<Transcript>> {
    // All is of one moment.
    let snapshot = connection.unchecked_transaction()?;
    let makers: Vec<(Track, String)> = snapshot
        .prepare_cached("SELECT track, maker FROM transcripts WHERE item = ? ORDER BY track")?
        .query_map([item.0], |row| Ok((Track::get(row, 0)?, row.get(1)?)))?
        .collect::<rusqlite::Result<_>>()?;
    let mut lines = snapshot.prepare_cached(
        "SELECT track, start, end, text FROM lines WHERE item = ? AND track = ? ORDER BY key",
    )?;
    let mut transcripts = Vec::with_capacity(makers.len());
    for (track, maker) in makers {
        let lines = lines.query_map(params![item.0, track.code()], get_line)?;
        let lines = lines.map(|line| line.map(|line| (line.segment.span, line.text)));
        transcripts.push(Transcript {
            item,
            track,
            maker,
            lines: lines.collect::<rusqlite::Result<_>>()?,
        });
    }
    Ok(transcripts)
}

pub(super) fn lines(connection: &Connection, keys: &[LineKey]) -> rusqlite::Result<Vec<Line>> {
    let mut statement =
        connection.prepare_cached("SELECT track, start, end, text FROM lines WHERE key = ?")?;
    let mut found = Vec::with_capacity(keys.len());
    for key in keys {
        for line in statement.query_map([key.0], get_line)? {
            found.push(line?);
        }
    }
    Ok(found)
}

fn get_line(row: &Row<'_>) -> rusqlite::Result<Line> {
    Ok(Line {
        segment: get_segment(row, 0)?,
        text: row.get(3)?,
    })
}

/// Longer words are not taken apart further.
const MOST_LETTERS: usize = 32;

/// Letters that each part of a word that is written as two has at least.
const SHORTEST_PART: usize = 3;

/// `word` in FTS5's own language, as it is or written as two: what hears words cannot know which it is.
fn spellings(word: &str) -> Option<String> {
    let letters: Vec<char> = word.chars().filter(|letter| letter.is_alphanumeric()).collect();
    if letters.is_empty() {
        return None;
    }
    let parts = SHORTEST_PART..=letters.len().saturating_sub(SHORTEST_PART).min(MOST_LETTERS);
    let text = |letters: &[char]| letters.iter().collect::<String>();
    let mut spellings = vec![words::quoted(word)];
    spellings.extend(parts.map(|end| format!("\"{} {}\"", text(&letters[..end]), text(&letters[end..]))));
    Some(spellings.join(" OR "))
}

pub(super) fn with_word(
    connection: &Connection,
    word: &str,
    limit: usize,
) -> rusqlite::Result<Vec<(ItemKey, LineKey)>> {
    // Most indexes have none, and every word of every query comes by here.
    let has_lines: bool = connection
        .prepare_cached("SELECT EXISTS (SELECT 1 FROM lines)")?
        .query_row([], |row| row.get(0))?;
    let Some(spellings) = spellings(word).filter(|_| has_lines) else {
        return Ok(Vec::new());
    };
    connection
        .prepare_cached(
            "SELECT lines.item, lines.key FROM words JOIN lines ON lines.key = -words.rowid
             WHERE words MATCH ? AND words.rowid < 0 LIMIT ?",
        )?
        .query_map(params![spellings, codes::at_most(limit)], |row| {
            Ok((ItemKey(row.get(0)?), LineKey(row.get(1)?)))
        })?
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_word_may_be_written_as_two() {
        assert_eq!(spellings("hen").unwrap(), r#""hen""#);
        assert_eq!(
            spellings("seabird").unwrap(),
            r#""seabird" OR "sea bird" OR "seab ird""#
        );
        assert_eq!(spellings("\""), None);
        assert!(spellings(&"x".repeat(10_000)).unwrap().len() < 400_000);
    }
}
