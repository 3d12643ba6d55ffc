//! Names, folders, captions, tags and texts, in a table of FTS5.

use std::collections::BTreeSet;
use std::path::Path;

use rusqlite::{Connection, Transaction, params};
use sensorium_types::{Fields, path_text};
use serde_json::Value;

use super::codes;
use crate::{ItemKey, SegmentKey, WordMatch};

/// Format 2: the words of what is there.
pub(super) fn create(transaction: &Transaction<'_>) -> rusqlite::Result<()> {
    // Without content of its own: texts are in `segments`, paths in `files`.
    transaction.execute_batch(
        "CREATE VIRTUAL TABLE words USING fts5 (
            name, folder, caption, text,
            content = '', contentless_delete = 1, tokenize = 'unicode61 remove_diacritics 2'
        );",
    )?;
    let mut locations = transaction.prepare(
        "SELECT locations.key, files.path, locations.fields FROM locations JOIN files ON files.key = locations.file",
    )?;
    let mut rows = locations.query([])?;
    while let Some(row) = rows.next()? {
        add_location(
            transaction,
            row.get(0)?,
            &codes::get_path(row, 1)?,
            &codes::get_fields(row, 2)?,
            &Fields::new(),
        )?;
    }
    let mut segments = transaction.prepare("SELECT key, text FROM segments WHERE text IS NOT NULL")?;
    let mut rows = segments.query([])?;
    while let Some(row) = rows.next()? {
        add_text(transaction, row.get(0)?, row.get_ref(1)?.as_str()?)?;
    }
    Ok(())
}

/// Format 6: the words of what contents say of themselves, and of all kinds of fields.
pub(super) fn add_tags(transaction: &Transaction<'_>) -> rusqlite::Result<()> {
    let mut items = transaction.prepare("SELECT key, facts FROM items")?;
    let mut rows = items.query([])?;
    while let Some(row) = rows.next()? {
        refresh_locations(transaction, row.get(0)?, &codes::get_fields(row, 1)?)?;
    }
    Ok(())
}

/// Makes the words of the places of `item` anew, whose content says `facts` of itself.
pub(super) fn refresh_locations(
    transaction: &Transaction<'_>,
    item: i64,
    facts: &Fields,
) -> rusqlite::Result<()> {
    let mut locations = transaction.prepare_cached(
        "SELECT locations.key, path, fields FROM locations JOIN files ON files.key = file WHERE item = ?",
    )?;
    let mut rows = locations.query([item])?;
    while let Some(row) = rows.next()? {
        let location = row.get(0)?;
        remove_location(transaction, location)?;
        let (path, fields) = (codes::get_path(row, 1)?, codes::get_fields(row, 2)?);
        add_location(transaction, location, &path, &fields, facts)?;
    }
    Ok(())
}

/// A row of words belongs to a line of a transcript when its number is below zero, else to a location when it is even and to
/// a segment when it is odd.
fn location_row(location: i64) -> i64 {
    2 * location
}

fn segment_row(segment: i64) -> i64 {
    2 * segment + 1
}

pub(super) fn add_location(
    connection: &Connection,
    location: i64,
    path: &Path,
    fields: &Fields,
    facts: &Fields,
) -> rusqlite::Result<()> {
    let part = |part: Option<&Path>| part.map(|part| path_text(part).into_owned()).unwrap_or_default();
    let mut caption = Vec::new();
    for value in fields.values() {
        collect_words(value, &mut caption);
    }
    // Sizes and lengths of a content are no words.
    let tags = facts.values().filter(|value| !value.is_number());
    tags.for_each(|value| collect_words(value, &mut caption));
    connection
        .prepare_cached("INSERT INTO words (rowid, name, folder, caption) VALUES (?, ?, ?, ?)")?
        .execute(params![
            location_row(location),
            part(path.file_name().map(Path::new)),
            part(path.parent()),
            caption.join("\n"),
        ])?;
    Ok(())
}

/// The texts and numbers in `value`, however deep.
fn collect_words(value: &Value, words: &mut Vec<String>) {
    match value {
        Value::String(text) => words.push(text.clone()),
        Value::Number(number) => words.push(number.to_string()),
        Value::Array(values) => values.iter().for_each(|value| collect_words(value, words)),
        Value::Object(fields) => fields.values().for_each(|value| collect_words(value, words)),
        Value::Null | Value::Bool(_) => {}
    }
}

fn line_row(line: i64) -> i64 {
    -line
}

pub(super) fn add_line(connection: &Connection, line: i64, text: &str) -> rusqlite::Result<()> {
    add_row(connection, line_row(line), text)
}

pub(super) fn add_text(connection: &Connection, segment: i64, text: &str) -> rusqlite::Result<()> {
    add_row(connection, segment_row(segment), text)
}

fn add_row(connection: &Connection, row: i64, text: &str) -> rusqlite::Result<()> {
    connection
        .prepare_cached("INSERT INTO words (rowid, text) VALUES (?, ?)")?
        .execute(params![row, text])?;
    Ok(())
}

pub(super) fn remove_location(connection: &Connection, location: i64) -> rusqlite::Result<()> {
    remove(connection, location_row(location))
}

pub(super) fn remove_text(connection: &Connection, segment: i64) -> rusqlite::Result<()> {
    remove(connection, segment_row(segment))
}

pub(super) fn remove_line(connection: &Connection, line: i64) -> rusqlite::Result<()> {
    remove(connection, line_row(line))
}

fn remove(connection: &Connection, row: i64) -> rusqlite::Result<()> {
    connection
        .prepare_cached("DELETE FROM words WHERE rowid = ?")?
        .execute([row])?;
    Ok(())
}

/// The item of a row of words, among the rows that match.
const ITEM: &str = "coalesce(locations.item, segments.item, lines.item)";
const MATCHING: &str = "FROM words
    LEFT JOIN locations ON words.rowid % 2 = 0 AND locations.key = words.rowid / 2
    LEFT JOIN segments ON words.rowid % 2 = 1 AND segments.key = words.rowid / 2
    LEFT JOIN lines ON words.rowid < 0 AND lines.key = -words.rowid
    WHERE words MATCH ?";

pub(super) fn find(connection: &Connection, query: &str, limit: usize) -> rusqlite::Result<Vec<WordMatch>> {
    let quoted = quoted(query);
    if quoted.is_empty() {
        return Ok(Vec::new());
    }
    let mut statement = connection.prepare_cached(&format!(
        "SELECT words.rowid, {ITEM}, -bm25(words) {MATCHING} ORDER BY bm25(words), words.rowid LIMIT ?"
    ))?;
    let rows = statement.query_map(params![quoted, limit as i64], |row| {
        let number: i64 = row.get(0)?;
        Ok(WordMatch {
            item: ItemKey(row.get(1)?),
            segment: (number % 2 == 1).then_some(SegmentKey(number.unsigned_abs() / 2)),
            score: row.get(2)?,
        })
    })?;
    rows.collect()
}

pub(super) fn with_word(
    connection: &Connection,
    word: &str,
    limit: usize,
) -> rusqlite::Result<BTreeSet<ItemKey>> {
    let quoted = quoted(word);
    if quoted.is_empty() {
        return Ok(BTreeSet::new());
    }
    let mut statement = connection.prepare_cached(&format!(
        "SELECT DISTINCT {ITEM} {MATCHING} AND words.rowid > 0 LIMIT ?"
    ))?;
    let rows = statement.query_map(params![quoted, limit as i64], |row| Ok(ItemKey(row.get(0)?)))?;
    rows.collect()
}

/// The locations whose fields, or the facts of whose content, have the words of `text` one behind the other.
pub(super) fn locations_saying(connection: &Connection, text: &str) -> rusqlite::Result<Vec<i64>> {
    let phrase = quoted(text).replace("\" \"", " ");
    let mut statement =
        connection.prepare_cached("SELECT rowid / 2 FROM words WHERE words MATCH ? AND rowid % 2 = 0")?;
    let rows = statement.query_map([format!("caption : {phrase}")], |row| row.get(0))?;
    rows.collect()
}

/// `query` in FTS5's own language: each word in quotes, so that none is taken for an operator.
pub(super) fn quoted(query: &str) -> String {
    let words = query
        .split(|c: char| !c.is_alphanumeric())
        .filter(|word| !word.is_empty());
    words
        .map(|word| format!("\"{word}\""))
        .collect::<Vec<_>>()
        .join(" ")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn operators_of_the_query_language_are_words_like_others() {
        assert_eq!(quoted("hen OR (name:\"x\"*)"), r#""hen" "OR" "name" "x""#);
        assert_eq!(quoted(" -- \" "), "");
    }
}
