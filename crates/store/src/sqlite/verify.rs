//! Whether the database holds together.

use rusqlite::Connection;

use super::codes::{get_halves, get_id};

/// How many problems of one kind are told.
const TOLD: usize = 20;

/// What must not be there, as questions that find nothing in a sound database.
const QUESTIONS: [(&str, &str); 6] = [
    (
        "item without a place",
        "SELECT key FROM items WHERE key NOT IN (SELECT item FROM locations)",
    ),
    (
        "item without a segment",
        "SELECT key FROM items WHERE key NOT IN (SELECT item FROM segments)",
    ),
    (
        "segment without a vector",
        "SELECT key FROM segments WHERE key NOT IN (SELECT segment FROM vectors)",
    ),
    (
        "vector that disagrees with its item",
        "SELECT vectors.segment FROM vectors JOIN segments ON segments.key = segment
         LEFT JOIN items ON items.key = vectors.item
         WHERE items.key IS NULL OR segments.item <> items.key OR vectors.generation <> items.generation
            OR vectors.modality <> items.modality OR vectors.track <> segments.track",
    ),
    (
        "item whose last change is not noted",
        "SELECT key FROM items WHERE key NOT IN (SELECT item FROM changes)",
    ),
    (
        "file that counts as searched but holds nothing",
        "SELECT key FROM files WHERE state = 0 AND key NOT IN (SELECT file FROM locations)
            AND key NOT IN (SELECT file FROM refusals)",
    ),
];

pub(super) fn problems(connection: &Connection) -> rusqlite::Result<Vec<String>> {
    let mut problems = Vec::new();
    let mut check = connection.prepare("PRAGMA integrity_check")?;
    let found = check.query_map([], |row| row.get::<_, String>(0))?;
    for line in found.take(TOLD) {
        let line = line?;
        if line != "ok" {
            problems.push(format!("the database: {line}"));
        }
    }
    let mut check = connection.prepare("PRAGMA foreign_key_check")?;
    let found = check.query_map([], |row| Ok((row.get::<_, String>(0)?, row.get::<_, String>(2)?)))?;
    for line in found.take(TOLD) {
        let (from, to) = line?;
        problems.push(format!(
            "the database: a row of '{from}' refers to a row of '{to}' that is not there"
        ));
    }
    for (what, sql) in QUESTIONS {
        let mut statement = connection.prepare(&format!("{sql} LIMIT {TOLD}"))?;
        let keys = statement.query_map([], |row| row.get::<_, i64>(0))?;
        for key in keys {
            problems.push(format!("{what}: number {}", key?));
        }
    }
    vectors(connection, &mut problems)?;
    Ok(problems)
}

/// Vectors of one space have one length, and only finite components.
fn vectors(connection: &Connection, problems: &mut Vec<String>) -> rusqlite::Result<()> {
    let mut statement = connection.prepare(
        "SELECT vectors.generation, vector, id FROM vectors JOIN items ON items.key = item ORDER BY vectors.generation",
    )?;
    let mut rows = statement.query([])?;
    let mut expected: Option<(i64, usize)> = None;
    let mut told = 0;
    while let Some(row) = rows.next()?
        && told < TOLD
    {
        let generation: i64 = row.get(0)?;
        let vector = get_halves(row, 1)?;
        let length = match expected {
            Some((same, length)) if same == generation => length,
            _ => vector.len(),
        };
        expected = Some((generation, length));
        let problem = if vector.len() != length {
            format!("has {} components where others have {length}", vector.len())
        } else if !vector.iter().all(|x| x.is_finite()) {
            "has components that are not numbers".to_owned()
        } else {
            continue;
        };
        problems.push(format!("a vector of item {} {problem}", get_id(row, 2)?));
        told += 1;
    }
    Ok(())
}
