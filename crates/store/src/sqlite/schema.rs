//! The tables, and how older ones become present ones.

use std::path::Path;

use rusqlite::{Connection, Transaction, TransactionBehavior};

use super::{fingerprints, transcripts, words};
use crate::Error;

/// In the header of every database of Sensorium: "SENS".
const APPLICATION: u32 = 0x5345_4e53;

/// Each step makes the next format out of the one before; the first starts from nothing.
const STEPS: [fn(&Transaction<'_>) -> rusqlite::Result<()>; 7] = [
    tables,
    words::create,
    limits,
    facts,
    fingerprints::create,
    words::add_tags,
    transcripts::create,
];

/// The present format.
const FORMAT: u32 = STEPS.len() as u32;

/// How a database stands to the present format.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum State {
    /// Nothing is in it yet.
    Empty,
    /// It has to be migrated.
    Older,
    /// It has the present format.
    Present,
}

/// Why a database cannot be used, before it is known by name.
#[derive(Debug)]
pub(super) enum Trouble {
    Newer(u32),
    Foreign,
    Database(rusqlite::Error),
}

impl From<rusqlite::Error> for Trouble {
    fn from(error: rusqlite::Error) -> Self {
        Self::Database(error)
    }
}

impl Trouble {
    pub(super) fn at(self, path: &Path) -> Error {
        let path = path.to_owned();
        match self {
            Self::Newer(found) => Error::Newer {
                path,
                found,
                known: FORMAT,
            },
            Self::Foreign => Error::Foreign { path },
            Self::Database(error) => Error::from_sqlite(&path, error),
        }
    }
}

/// Tells the format of the database.
pub(super) fn check(connection: &Connection) -> Result<State, Trouble> {
    let number = |name| connection.pragma_query_value(None, name, |row| row.get::<_, u32>(0));
    let tables: u64 = connection.query_row("SELECT count(*) FROM sqlite_schema", [], |row| row.get(0))?;
    match (number("application_id")?, number("user_version")?) {
        (0, 0) if tables == 0 => Ok(State::Empty),
        (APPLICATION, format) if format > FORMAT => Err(Trouble::Newer(format)),
        (APPLICATION, FORMAT) => Ok(State::Present),
        (APPLICATION, _) => Ok(State::Older),
        _ => Err(Trouble::Foreign),
    }
}

/// Brings the database to the present format, step by step; each step is done whole or not at all.
pub(super) fn migrate(connection: &mut Connection) -> Result<(), Trouble> {
    migrate_to(connection, FORMAT)
}

fn migrate_to(connection: &mut Connection, format: u32) -> Result<(), Trouble> {
    check(connection)?;
    // Only now that it is known to be ours.
    connection.pragma_update(None, "journal_mode", "wal")?;
    loop {
        let transaction = connection.transaction_with_behavior(TransactionBehavior::Immediate)?;
        let present: u32 = transaction.pragma_query_value(None, "user_version", |row| row.get(0))?;
        let Some(step) = STEPS[..format as usize].get(present as usize) else {
            return Ok(());
        };
        step(&transaction)?;
        transaction.pragma_update(None, "application_id", APPLICATION)?;
        transaction.pragma_update(None, "user_version", present + 1)?;
        transaction.commit()?;
    }
}

/// Format 1: files, items, segments, vectors.
fn tables(transaction: &Transaction<'_>) -> rusqlite::Result<()> {
    transaction.execute_batch(
        "CREATE TABLE generations (
            key INTEGER PRIMARY KEY,
            space TEXT NOT NULL,
            windowing INTEGER NOT NULL,
            UNIQUE (space, windowing)
        ) STRICT;
        CREATE TABLE files (
            key INTEGER PRIMARY KEY AUTOINCREMENT,
            path BLOB NOT NULL UNIQUE,
            size INTEGER NOT NULL,
            modified INTEGER NOT NULL,
            changed INTEGER NOT NULL,
            content BLOB,
            state INTEGER NOT NULL,
            generation INTEGER NOT NULL REFERENCES generations
        ) STRICT;
        CREATE INDEX files_by_content ON files (content) WHERE content IS NOT NULL;
        CREATE TABLE refusals (
            file INTEGER NOT NULL REFERENCES files,
            record INTEGER NOT NULL,
            cause TEXT NOT NULL,
            PRIMARY KEY (file, record)
        ) STRICT, WITHOUT ROWID;
        CREATE TABLE items (
            key INTEGER PRIMARY KEY AUTOINCREMENT,
            id BLOB NOT NULL UNIQUE,
            modality INTEGER NOT NULL,
            format TEXT NOT NULL,
            bytes INTEGER NOT NULL,
            generation INTEGER NOT NULL REFERENCES generations
        ) STRICT;
        CREATE INDEX items_by_generation ON items (generation);
        CREATE TABLE locations (
            key INTEGER PRIMARY KEY AUTOINCREMENT,
            item INTEGER NOT NULL REFERENCES items,
            file INTEGER NOT NULL REFERENCES files,
            record INTEGER NOT NULL,
            fields TEXT,
            UNIQUE (file, record)
        ) STRICT;
        CREATE INDEX locations_by_item ON locations (item);
        CREATE TABLE segments (
            key INTEGER PRIMARY KEY AUTOINCREMENT,
            item INTEGER NOT NULL REFERENCES items,
            track INTEGER NOT NULL,
            start REAL,
            end REAL,
            text TEXT
        ) STRICT;
        CREATE INDEX segments_by_item ON segments (item);
        -- Beside what a scan of all vectors needs, and nothing else, so that it reads few pages.
        CREATE TABLE vectors (
            segment INTEGER PRIMARY KEY REFERENCES segments,
            item INTEGER NOT NULL,
            generation INTEGER NOT NULL,
            modality INTEGER NOT NULL,
            track INTEGER NOT NULL,
            vector BLOB NOT NULL
        ) STRICT;
        CREATE TABLE features (
            segment INTEGER PRIMARY KEY REFERENCES segments,
            features BLOB NOT NULL
        ) STRICT;
        -- The last change of each item.
        CREATE TABLE changes (
            sequence INTEGER PRIMARY KEY AUTOINCREMENT,
            item INTEGER NOT NULL UNIQUE
        ) STRICT;",
    )
}

/// Format 3: which limits refused a file.
fn limits(transaction: &Transaction<'_>) -> rusqlite::Result<()> {
    transaction.execute_batch("ALTER TABLE files ADD COLUMN limits BLOB")
}

/// Format 4: what contents say of themselves.
fn facts(transaction: &Transaction<'_>) -> rusqlite::Result<()> {
    transaction.execute_batch("ALTER TABLE items ADD COLUMN facts TEXT")
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{Catalog as _, SqliteCatalog, WriterLock};

    fn catalog_of_format(folder: &Path, format: u32) {
        let mut connection = Connection::open(folder.join("catalog.sqlite")).unwrap();
        migrate_to(&mut connection, format).unwrap();
        if format == 0 {
            return;
        }
        connection
            .execute_batch(
                "INSERT INTO generations VALUES (1, 'tiny@00', 1);
                 INSERT INTO files (key, path, size, modified, changed, content, state, generation)
                 VALUES (1, CAST('/notes/hen.txt' AS BLOB), 3, 0, 0, NULL, 0, 1);
                 INSERT INTO items (key, id, modality, format, bytes, generation)
                 VALUES (1, zeroblob(32), 0, 'text', 3, 1);
                 INSERT INTO locations VALUES (1, 1, 1, 0, NULL);
                 INSERT INTO segments VALUES (1, 1, 0, NULL, NULL, 'a brown rooster');
                 INSERT INTO vectors VALUES (1, 1, 1, 0, 0, x'003c');
                 INSERT INTO changes VALUES (1, 1);",
            )
            .unwrap();
    }

    #[test]
    fn an_older_format_is_migrated_when_it_is_opened_and_keeps_what_it_holds() {
        let folder = tempfile::tempdir().unwrap();
        catalog_of_format(folder.path(), 1);
        let catalog = SqliteCatalog::open(folder.path()).unwrap();
        assert_eq!(check(&catalog.connection).unwrap(), State::Present);
        assert_eq!(catalog.verify().unwrap(), Vec::<String>::new());
        for words in ["rooster", "hen", "notes"] {
            assert_eq!(catalog.words(words, 9).unwrap().len(), 1, "{words}");
        }
    }

    #[test]
    fn tags_and_lists_of_an_older_format_are_found_by_their_words() {
        let folder = tempfile::tempdir().unwrap();
        catalog_of_format(folder.path(), 4);
        let connection = Connection::open(folder.path().join("catalog.sqlite")).unwrap();
        connection
            .execute_batch(
                r#"INSERT INTO words (rowid, name, folder, text) VALUES (2, 'hen.txt', '/notes', NULL);
                   INSERT INTO words (rowid, text) VALUES (3, 'a brown rooster');
                   UPDATE items SET facts = '{"artist": "Ella Fitzgerald", "duration": 187}';
                   UPDATE locations SET fields = '{"keywords": ["barnyard", {"place": "Devon"}], "year": 1957}';"#,
            )
            .unwrap();
        drop(connection);
        let catalog = SqliteCatalog::open(folder.path()).unwrap();
        for words in ["fitzgerald", "barnyard", "devon", "1957", "hen", "rooster"] {
            assert_eq!(catalog.words(words, 9).unwrap().len(), 1, "{words}");
        }
        assert_eq!(catalog.words("187", 9).unwrap(), [], "a length is no word");
        assert_eq!(catalog.verify().unwrap(), Vec::<String>::new());
    }

    #[test]
    fn an_older_format_waits_for_the_writer() {
        let folder = tempfile::tempdir().unwrap();
        catalog_of_format(folder.path(), 1);
        let _lock = WriterLock::acquire(folder.path()).unwrap();
        assert!(matches!(
            SqliteCatalog::open(folder.path()),
            Err(Error::Busy { .. })
        ));
    }

    #[test]
    fn what_cannot_be_read_is_not_said_to_be_unwritable() {
        let folder = tempfile::tempdir().unwrap();
        let file = folder.path().join("catalog.sqlite");
        std::os::unix::fs::symlink(&file, &file).unwrap();
        let error = SqliteCatalog::open(folder.path()).err().unwrap().to_string();
        assert!(error.contains("catalog.sqlite cannot be read: "), "{error}");

        use std::os::unix::fs::PermissionsExt as _;
        std::fs::remove_file(&file).unwrap();
        catalog_of_format(folder.path(), FORMAT);
        std::fs::set_permissions(&file, std::fs::Permissions::from_mode(0o000)).unwrap();
        if std::fs::read(&file).is_ok() {
            return; // This user may read everything.
        }
        let error = SqliteCatalog::open(folder.path()).err().unwrap().to_string();
        assert!(error.contains("catalog.sqlite cannot be read: "), "{error}");
    }

    #[test]
    fn other_files_are_told_apart() {
        let folder = tempfile::tempdir().unwrap();
        let open = || SqliteCatalog::open(folder.path()).err().unwrap();
        assert!(matches!(open(), Error::Absent { .. }));
        catalog_of_format(folder.path(), 0);
        assert!(matches!(open(), Error::Absent { .. }));

        let file = folder.path().join("catalog.sqlite");
        let connection = Connection::open(&file).unwrap();
        connection
            .execute_batch("CREATE TABLE recipes (name TEXT)")
            .unwrap();
        assert!(matches!(open(), Error::Foreign { .. }));
        connection
            .pragma_update(None, "application_id", APPLICATION)
            .unwrap();
        connection
            .pragma_update(None, "user_version", FORMAT + 1)
            .unwrap();
        assert!(matches!(open(), Error::Newer { found, .. } if found == FORMAT + 1));
        drop(connection);
        std::fs::write(
            &file,
            "not a database, but long enough to be looked at as one".repeat(9),
        )
        .unwrap();
        assert!(matches!(open(), Error::Damaged { .. }));
    }
}
