//! Whether the database holds together.

use std::collections::HashMap;

use rusqlite::Connection;

use super::codes::{get_halves, get_id};
use crate::error::is_about_damage;

/// How many problems of one kind are told.
const TOLD: usize = 20;

/// What must not be there, as questions that find nothing in a sound database.
const QUESTIONS: [(&str, &str); 11] = [
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
    (
        "place that is not found by its words",
        "SELECT key FROM locations WHERE 2 * key NOT IN (SELECT rowid FROM words)",
    ),
    (
        "text that is not found by its words",
        "SELECT key FROM segments WHERE text IS NOT NULL AND 2 * key + 1 NOT IN (SELECT rowid FROM words)",
    ),
    (
        "line of no transcript",
        "SELECT key FROM lines WHERE NOT EXISTS (
            SELECT 1 FROM transcripts WHERE item = lines.item AND track = lines.track)",
    ),
    (
        "line that is not found by its words",
        "SELECT key FROM lines WHERE -key NOT IN (SELECT rowid FROM words)",
    ),
    (
        "words of nothing that there is",
        "SELECT rowid FROM words
         WHERE rowid NOT IN (SELECT 2 * key FROM locations)
            AND rowid NOT IN (SELECT 2 * key + 1 FROM segments WHERE text IS NOT NULL)
            AND rowid NOT IN (SELECT -key FROM lines)",
    ),
];

/// What is wrong, as far as the database can be read.
pub(super) fn problems(connection: &Connection) -> rusqlite::Result<Vec<String>> {
    let mut problems = Problems(Vec::new());
    problems.look("the database", |problems| integrity(connection, problems))?;
    problems.look("what refers to what", |problems| references(connection, problems))?;
    for (what, sql) in QUESTIONS {
        problems.look(what, |problems| ask(connection, what, sql, problems))?;
    }
    problems.look("the vectors", |problems| vectors(connection, problems))?;
    Ok(problems.0)
}

/// What was found to be wrong.
struct Problems(Vec<String>);

impl Problems {
    /// Looks for `what`; that it cannot be read to its end is one more problem.
    fn look(
        &mut self,
        what: &str,
        check: impl FnOnce(&mut Vec<String>) -> rusqlite::Result<()>,
    ) -> rusqlite::Result<()> {
        match check(&mut self.0) {
            Err(error) if is_about_damage(&error) => {
                self.0
                    .push(format!("{what}: cannot be read to the end ({error})"));
                Ok(())
            }
            result => result,
        }
    }
}

/// SQLite's own check, of the words, too.
fn integrity(connection: &Connection, problems: &mut Vec<String>) -> rusqlite::Result<()> {
    let mut check = connection.prepare(&format!("PRAGMA integrity_check({TOLD})"))?;
    let lines = check.query_map([], |row| row.get::<_, String>(0))?;
    for line in lines {
        let line = line?;
        if line != "ok" {
            problems.push(format!("the database: {line}"));
        }
    }
    Ok(())
}

fn references(connection: &Connection, problems: &mut Vec<String>) -> rusqlite::Result<()> {
    let mut check = connection.prepare("PRAGMA foreign_key_check")?;
    let rows = check.query_map([], |row| Ok((row.get::<_, String>(0)?, row.get::<_, String>(2)?)))?;
    for row in rows.take(TOLD) {
        let (from, to) = row?;
        problems.push(format!(
            "the database: a row of '{from}' refers to a row of '{to}' that is not there"
        ));
    }
    Ok(())
}

fn ask(connection: &Connection, what: &str, sql: &str, problems: &mut Vec<String>) -> rusqlite::Result<()> {
    let mut statement = connection.prepare(&format!("{sql} LIMIT {TOLD}"))?;
    let keys = statement.query_map([], |row| row.get::<_, i64>(0))?;
    for key in keys {
        problems.push(format!("{what}: number {}", key?));
    }
    Ok(())
}

/// Vectors of one space have one length, and only finite components.
fn vectors(connection: &Connection, problems: &mut Vec<String>) -> rusqlite::Result<()> {
    let lengths = lengths(connection)?;
    let mut statement = connection.prepare(
        "SELECT space, vector, id FROM vectors JOIN items ON items.key = item
         JOIN generations ON generations.key = vectors.generation",
    )?;
    let mut rows = statement.query([])?;
    let mut told = 0;
    while let Some(row) = rows.next()?
        && told < TOLD
    {
        let expected = lengths
            .get(&row.get::<_, String>(0)?)
            .copied()
            .unwrap_or_default();
        let problem = match get_halves(row, 1) {
            Ok(vector) if vector.is_empty() || vector.len() != expected => {
                format!("has {} components where others have {expected}", vector.len())
            }
            Ok(vector) if vector.iter().all(|x| x.is_finite()) => continue,
            Ok(_) => "has components that are not numbers".to_owned(),
            Err(error) => format!("cannot be read ({error})"),
        };
        problems.push(format!("a vector of item {} {problem}", get_id(row, 2)?));
        told += 1;
    }
    Ok(())
}

/// How many components most vectors of each space have.
fn lengths(connection: &Connection) -> rusqlite::Result<HashMap<String, usize>> {
    let mut statement = connection.prepare(
        "SELECT space, length(vector) / 2 FROM vectors JOIN generations ON generations.key = generation
         GROUP BY 1, 2 ORDER BY count(*)",
    )?;
    // Of several lengths of a space the last, which is the most frequent, stays.
    let rows = statement.query_map([], |row| Ok((row.get(0)?, row.get(1)?)))?;
    rows.collect()
}

#[cfg(test)]
mod tests {
    use std::fs;
    use std::path::Path;

    use half::f16;
    use sensorium_types::{Fields, ItemId, Modality, Segment, Track};

    use crate::{
        Catalog as _, FileState, Generation, IndexedFile, NewFile, NewItem, NewSegment, SqliteCatalog, Stamp,
        Write, WriterLock,
    };

    /// A catalogue of `count` notes, closed again.
    fn make(folder: &Path, count: u8) {
        let lock = WriterLock::acquire(folder).unwrap();
        let mut catalog = SqliteCatalog::create(folder, &lock).unwrap();
        let writes = (0..count).map(|number| Write::File(note(number)));
        catalog.write(writes.collect()).unwrap();
    }

    fn note(number: u8) -> NewFile {
        NewFile {
            file: IndexedFile {
                path: format!("/notes/{number}.txt").into(),
                stamp: Stamp::default(),
                content: Some([number; 32]),
                state: FileState::Indexed,
                limits: None,
                generation: Generation {
                    space: "tiny@00".into(),
                    windowing: 1,
                },
                refusals: Vec::new(),
            },
            items: vec![NewItem {
                facts: Default::default(),
                id: ItemId::from_hash([number; 32]),
                modality: Modality::Text,
                format: "text".into(),
                bytes: 3,
                record: None,
                fields: Fields::new(),
                segments: vec![NewSegment {
                    segment: Segment::whole(Track::Text),
                    text: Some(format!("hen {number} ").repeat(100)),
                    vector: vec![f16::ONE; 400],
                    features: vec![f16::ONE; 400],
                }],
            }],
        }
    }

    /// What is found after `sql` was done to the tables of three notes.
    fn after(sql: &str) -> Vec<String> {
        let folder = tempfile::tempdir().unwrap();
        make(folder.path(), 3);
        let catalog = SqliteCatalog::open(folder.path()).unwrap();
        assert_eq!(catalog.verify().unwrap(), Vec::<String>::new());
        catalog
            .connection
            .pragma_update(None, "foreign_keys", false)
            .unwrap();
        catalog.connection.execute_batch(sql).unwrap();
        catalog.verify().unwrap()
    }

    #[test]
    fn what_does_not_belong_together_is_found() {
        let cases = [
            (
                "DELETE FROM vectors WHERE segment = 2",
                "segment without a vector: number 2",
            ),
            (
                "DELETE FROM words WHERE rowid = 4",
                "place that is not found by its words: number 2",
            ),
            (
                "DELETE FROM words WHERE rowid = 5",
                "text that is not found by its words: number 2",
            ),
            (
                "INSERT INTO words (rowid, text) VALUES (99, 'hen')",
                "words of nothing that there is: number 99",
            ),
            (
                "DELETE FROM items WHERE key = 2",
                "a row of 'segments' refers to a row of 'items' that is not there",
            ),
            (
                "UPDATE vectors SET vector = x'003c' WHERE segment = 1",
                "has 1 components where others have 400",
            ),
            (
                "UPDATE vectors SET vector = x'00' WHERE segment = 1",
                "cannot be read (",
            ),
            (
                "INSERT INTO fingerprints VALUES (99, 0, 'tiny', x'00')",
                "a row of 'fingerprints' refers to a row of 'items' that is not there",
            ),
            ("UPDATE vectors SET vector = x''", "has 0 components"),
            (
                "UPDATE vectors SET vector = CAST(x'007c' || substr(vector, 3) AS BLOB) WHERE segment = 3",
                "has components that are not numbers",
            ),
        ];
        for (sql, expected) in cases {
            let found = after(sql);
            assert!(
                found.iter().any(|problem| problem.contains(expected)),
                "{sql}: {found:?}"
            );
        }
    }

    #[test]
    fn a_page_of_noise_is_found_wherever_it_is_and_the_rest_is_looked_at() {
        const PAGE: usize = 8192;
        let folder = tempfile::tempdir().unwrap();
        make(folder.path(), 60);
        let path = folder.path().join("catalog.sqlite");
        let sound = fs::read(&path).unwrap();
        assert!(sound.len() > 20 * PAGE);
        for page in 1..sound.len() / PAGE {
            let mut damaged = sound.clone();
            let noise = (0..PAGE).map(|place| (place * 151 + page * 89 + place / 7 * 31) as u8);
            damaged.splice(page * PAGE..(page + 1) * PAGE, noise);
            fs::write(&path, damaged).unwrap();
            let problems = SqliteCatalog::open(folder.path()).unwrap().verify().unwrap();
            assert!(!problems.is_empty(), "page {page}");
        }
    }
}
