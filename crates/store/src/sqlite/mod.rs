//! The catalogue in one SQLite database.

mod codes;
mod fingerprints;
mod items;
mod read;
mod reencode;
mod schema;
mod transcripts;
mod verify;
mod words;
mod write;

use std::collections::BTreeSet;
use std::io;
use std::os::unix::ffi::OsStrExt as _;
use std::path::{Path, PathBuf};
use std::time::Duration;

use half::f16;
use rusqlite::{Connection, OpenFlags, OptionalExtension as _};

use sensorium_types::{Line, Modality, Segment, Track};

use crate::files::CATALOG;
use crate::{Catalog, Error, Result, WriterLock};

/// How long a reader or writer waits for another; each holds its lock for milliseconds.
const PATIENCE: Duration = Duration::from_secs(30);

/// A [`Catalog`] in one SQLite file with a write-ahead log: one process writes, many read meanwhile.
pub struct SqliteCatalog {
    path: PathBuf,
    connection: Connection,
}

impl SqliteCatalog {
    /// Opens the catalogue in `folder` for the holder of its lock; makes it when there is none, and brings an
    /// older one to the present format.
    ///
    /// # Errors
    /// [`Error::ReadOnly`], [`Error::Full`], [`Error::Newer`], [`Error::Foreign`], [`Error::Damaged`].
    pub fn create(folder: &Path, _lock: &WriterLock) -> Result<Self> {
        let flags = OpenFlags::SQLITE_OPEN_READ_WRITE | OpenFlags::SQLITE_OPEN_CREATE;
        let mut catalog = Self::connect(folder.join(CATALOG), flags)?;
        schema::migrate(&mut catalog.connection).map_err(|error| error.at(&catalog.path))?;
        Ok(catalog)
    }

    /// Opens the catalogue in `folder`, to read it. An older format is migrated first, when nobody writes.
    ///
    /// # Errors
    /// [`Error::Absent`], [`Error::Unreadable`], [`Error::UnreadLog`], [`Error::Newer`], [`Error::Foreign`],
    /// [`Error::Damaged`];
    /// [`Error::Busy`] and [`Error::ReadOnly`] when it would have to be migrated.
    pub fn open(folder: &Path) -> Result<Self> {
        let absent = || Error::Absent {
            folder: folder.to_owned(),
        };
        let path = folder.join(CATALOG);
        if !path
            .try_exists()
            .map_err(|error| Error::unreadable(&path, error))?
        {
            return Err(absent());
        }
        let catalog = match Self::connect(path.clone(), OpenFlags::SQLITE_OPEN_READ_WRITE) {
            Err(Error::ReadOnly { .. }) => Self::connect_read_only(path.clone())?,
            result => result?,
        };
        match schema::check(&catalog.connection).map_err(|error| error.at(&path))? {
            schema::State::Present => Ok(catalog),
            // Its first writer is just at it, or was stopped there.
            schema::State::Empty => Err(absent()),
            schema::State::Older => {
                drop(catalog);
                Self::create(folder, &WriterLock::acquire(folder)?)
            }
        }
    }

    fn connect(path: PathBuf, flags: OpenFlags) -> Result<Self> {
        match connect(&path, flags) {
            Ok(connection) => Ok(Self { path, connection }),
            Err(error) => Err(Error::from_sqlite(&path, error)),
        }
    }

    /// For an index in a place that cannot be written.
    fn connect_read_only(path: PathBuf) -> Result<Self> {
        match Self::connect(path.clone(), OpenFlags::SQLITE_OPEN_READ_ONLY) {
            // The memory that readers of a log share is not there and cannot be made. Without a log nothing needs it.
            Err(Error::ReadOnly { .. }) if has_log(&path)? => Err(Error::UnreadLog { path }),
            Err(Error::ReadOnly { .. }) => Self::connect_immutable(path),
            result => result,
        }
    }

    /// For a database that nobody can change, and all of which is in its file.
    fn connect_immutable(path: PathBuf) -> Result<Self> {
        let mut address = String::from("file:");
        for byte in path.as_os_str().as_bytes() {
            match byte {
                b'a'..=b'z' | b'A'..=b'Z' | b'0'..=b'9' | b'/' | b'.' | b'-' | b'_' => {
                    address.push(char::from(*byte))
                }
                _ => address.push_str(&format!("%{byte:02X}")),
            }
        }
        address.push_str("?immutable=1");
        let flags = OpenFlags::SQLITE_OPEN_READ_ONLY | OpenFlags::SQLITE_OPEN_URI;
        match connect(Path::new(&address), flags) {
            Ok(connection) => Ok(Self { path, connection }),
            Err(error) => Err(match Error::from_sqlite(&path, error) {
                Error::ReadOnly { path, detail } => Error::Unreadable { path, detail },
                other => other,
            }),
        }
    }

    /// Runs `work` on the connection and says in its error which file it was.
    fn read<T>(&self, work: impl FnOnce(&Connection) -> rusqlite::Result<T>) -> Result<T> {
        work(&self.connection).map_err(|error| Error::from_sqlite(&self.path, error))
    }

    /// The last change, as `connection` sees it.
    fn last_change(connection: &Connection) -> rusqlite::Result<u64> {
        let last = connection
            .prepare_cached("SELECT seq FROM sqlite_sequence WHERE name = 'changes'")?
            .query_row([], |row| row.get(0))
            .optional()?;
        Ok(last.unwrap_or(0))
    }
}

/// Opens a database and looks into it, so that what hinders comes out here.
fn connect(path: &Path, flags: OpenFlags) -> rusqlite::Result<Connection> {
    let connection = Connection::open_with_flags(path, flags | OpenFlags::SQLITE_OPEN_NO_MUTEX)?;
    connection.busy_timeout(PATIENCE)?;
    connection.set_prepared_statement_cache_capacity(64);
    // Nothing in a database file may run code or reach other files.
    connection.pragma_update(None, "trusted_schema", false)?;
    // In kibibytes when negative.
    connection.pragma_update(None, "cache_size", -16 * 1024)?;
    connection.pragma_update(None, "page_size", 8192)?;
    // What was acknowledged survives a power cut, too.
    connection.pragma_update(None, "synchronous", "full")?;
    connection.pragma_update(None, "foreign_keys", true)?;
    connection.pragma_query_value(None, "schema_version", |row| row.get::<_, i64>(0))?;
    Ok(connection)
}

/// Whether changes lie beside the database that are not in its file yet.
fn has_log(path: &Path) -> Result<bool> {
    let mut log = path.as_os_str().to_owned();
    log.push("-wal");
    match Path::new(&log).metadata() {
        Ok(metadata) => Ok(metadata.len() > 0),
        Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(false),
        Err(error) => Err(Error::from_io(path, error)),
    }
}

impl Catalog for SqliteCatalog {
    fn another(&self) -> Result<Box<dyn Catalog>> {
        let folder = self.path.parent().unwrap_or(Path::new("."));
        Ok(Box::new(Self::open(folder)?))
    }

    fn write(&mut self, writes: Vec<crate::Write>) -> Result<crate::Written> {
        write::all(&mut self.connection, writes).map_err(|error| Error::from_sqlite(&self.path, error))
    }

    fn files(&self, path: &Path) -> Result<Vec<crate::IndexedFile>> {
        self.read(|connection| read::files(connection, path))
    }

    fn refusals(&self) -> Result<Vec<(PathBuf, crate::Refusal)>> {
        self.read(read::refusals)
    }

    fn same(
        &self,
        content: &crate::Content,
        extension: &[u8],
        generation: &crate::Generation,
    ) -> Result<Option<Vec<crate::Refusal>>> {
        self.read(|connection| {
            let holder = read::holder(connection, content, extension, generation)?;
            holder.map(|file| read::refusals_of(connection, file)).transpose()
        })
    }

    fn changes(
        &self,
        space: &str,
        sequence: u64,
        sink: &mut dyn FnMut(crate::Change) -> Result<()>,
    ) -> Result<u64> {
        let mut failure = None;
        let result = read::changes(&self.connection, space, sequence, &mut |change| {
            sink(change).map_err(|error| failure = Some(error)).is_ok()
        });
        match failure {
            Some(error) => Err(error),
            None => result.map_err(|error| Error::from_sqlite(&self.path, error)),
        }
    }

    fn items(&self, keys: &[crate::ItemKey]) -> Result<Vec<crate::StoredItem>> {
        self.read(|connection| read::items(connection, keys))
    }

    fn find(&self, id: &sensorium_types::ItemId) -> Result<Option<crate::ItemKey>> {
        self.read(|connection| read::find(connection, id))
    }

    fn at(&self, path: &Path) -> Result<Vec<(Option<u64>, crate::ItemKey)>> {
        self.read(|connection| read::at(connection, path))
    }

    fn list(
        &self,
        modalities: &[sensorium_types::Modality],
        before: Option<crate::ItemKey>,
        limit: usize,
    ) -> Result<Vec<crate::ItemKey>> {
        self.read(|connection| read::list(connection, modalities, before, limit))
    }

    fn segments_of(
        &self,
        item: crate::ItemKey,
        after: Option<crate::SegmentKey>,
        limit: usize,
    ) -> Result<Vec<crate::StoredSegment>> {
        self.read(|connection| read::segments_of(connection, item, after, limit))
    }

    fn sequence(&self) -> Result<u64> {
        self.read(Self::last_change)
    }

    fn version(&self) -> Result<u64> {
        self.read(|connection| {
            // What others committed changes the one, what this connection wrote the other.
            let others: u32 = connection
                .prepare_cached("PRAGMA data_version")?
                .query_row([], |row| row.get(0))?;
            let own: u32 = connection.total_changes() as u32;
            Ok(u64::from(others) << 32 | u64::from(own))
        })
    }

    fn segments(&self, keys: &[crate::SegmentKey]) -> Result<Vec<crate::StoredSegment>> {
        self.read(|connection| read::segments(connection, keys))
    }

    fn encoded(&self, item: crate::ItemKey) -> Result<Vec<crate::NewSegment>> {
        self.read(|connection| read::encoded(connection, item))
    }

    fn vectors(&self, item: crate::ItemKey) -> Result<Vec<(Segment, Vec<f16>)>> {
        self.read(|connection| read::vectors(connection, item))
    }

    fn features(&self, segment: crate::SegmentKey) -> Result<Vec<f16>> {
        self.read(|connection| read::features(connection, segment))
    }

    fn stale(
        &self,
        generation: &crate::Generation,
        after: Option<crate::ItemKey>,
        limit: usize,
    ) -> Result<Vec<crate::ItemKey>> {
        self.read(|connection| reencode::stale(connection, generation, after, limit))
    }

    fn matching(&self, condition: &crate::Condition) -> Result<BTreeSet<crate::ItemKey>> {
        self.read(|connection| read::matching(connection, condition))
    }

    fn with_word(&self, word: &str, limit: usize) -> Result<BTreeSet<crate::ItemKey>> {
        self.read(|connection| words::with_word(connection, word, limit))
    }

    fn lines_with_word(&self, word: &str, limit: usize) -> Result<Vec<(crate::ItemKey, crate::LineKey)>> {
        self.read(|connection| transcripts::with_word(connection, word, limit))
    }

    fn lines(&self, keys: &[crate::LineKey]) -> Result<Vec<Line>> {
        self.read(|connection| transcripts::lines(connection, keys))
    }

    fn transcripts(&self, item: crate::ItemKey) -> Result<Vec<crate::Transcript>> {
        self.read(|connection| transcripts::of(connection, item))
    }

    fn without_transcript(
        &self,
        modality: Modality,
        track: Track,
        maker: &str,
    ) -> Result<Vec<crate::ItemKey>> {
        self.read(|connection| read::without(connection, "transcripts", modality, track, maker))
    }

    fn words(&self, query: &str, limit: usize) -> Result<Vec<crate::WordMatch>> {
        self.read(|connection| words::find(connection, query, limit))
    }

    fn without_fingerprint(
        &self,
        modality: Modality,
        track: Track,
        maker: &str,
    ) -> Result<Vec<crate::ItemKey>> {
        self.read(|connection| read::without(connection, "fingerprints", modality, track, maker))
    }

    fn fingerprints(
        &self,
        track: Track,
        maker: &str,
        sink: &mut dyn FnMut(crate::ItemKey, &[u8]) -> Result<()>,
    ) -> Result<()> {
        let mut failure = None;
        let result = fingerprints::all(&self.connection, track, maker, &mut |item, bytes| {
            sink(item, bytes).map_err(|error| failure = Some(error)).is_ok()
        });
        match failure {
            Some(error) => Err(error),
            None => result.map_err(|error| Error::from_sqlite(&self.path, error)),
        }
    }

    fn at_several_places(&self) -> Result<Vec<crate::ItemKey>> {
        self.read(read::at_several_places)
    }

    fn generations(&self) -> Result<Vec<crate::Generation>> {
        self.read(read::generations)
    }

    fn summary(&self) -> Result<crate::Summary> {
        self.read(read::summary)
    }

    fn verify(&self) -> Result<Vec<String>> {
        self.read(verify::problems)
    }
}

#[cfg(test)]
mod tests {
    use std::fs;
    use std::os::unix::fs::symlink;

    use super::*;

    /// A catalogue of one file in its database and two in its log, copied to `folder` without the shared memory,
    /// which nobody can make there: as in a folder that cannot be written, but for every user.
    fn unwritable(folder: &Path) -> PathBuf {
        let source = tempfile::tempdir().unwrap();
        let lock = WriterLock::acquire(source.path()).unwrap();
        let put = |catalog: &mut SqliteCatalog, name: &str| {
            let file = crate::IndexedFile {
                path: name.into(),
                stamp: crate::Stamp::default(),
                content: None,
                state: crate::FileState::Ignored,
                limits: None,
                generation: crate::Generation {
                    space: "tiny@00".into(),
                    windowing: 1,
                },
                refusals: Vec::new(),
            };
            let items = Vec::new();
            catalog
                .write(vec![crate::Write::File(crate::NewFile { file, items })])
                .unwrap();
        };
        // The last connection to be closed brings the log into the database.
        put(&mut SqliteCatalog::create(source.path(), &lock).unwrap(), "/one");
        let mut catalog = SqliteCatalog::create(source.path(), &lock).unwrap();
        put(&mut catalog, "/two");
        put(&mut catalog, "/three");
        for name in [CATALOG, "catalog.sqlite-wal"] {
            fs::copy(source.path().join(name), folder.join(name)).unwrap();
        }
        symlink("nowhere", folder.join("catalog.sqlite-shm")).unwrap();
        folder.join("catalog.sqlite-wal")
    }

    #[test]
    fn a_log_that_cannot_be_read_is_an_error_and_never_left_out() {
        let folder = tempfile::tempdir().unwrap();
        let log = unwritable(folder.path());
        let error = SqliteCatalog::open(folder.path()).err().unwrap();
        assert!(matches!(error, Error::UnreadLog { .. }), "{error}");
        assert!(error.to_string().contains("copy"), "{error}");

        fs::remove_file(folder.path().join("catalog.sqlite-shm")).unwrap();
        let catalog = SqliteCatalog::open(folder.path()).unwrap();
        assert_eq!(catalog.files(Path::new("/")).unwrap().len(), 3, "where it can be");
        drop(catalog);
        assert!(!log.exists(), "the last to close it brings it into the database");
    }

    #[test]
    fn without_a_log_a_database_is_read_where_nothing_can_be_written() {
        for log in [None, Some("")] {
            let folder = tempfile::tempdir().unwrap();
            let folder = folder.path().join("50% of # folders?");
            fs::create_dir(&folder).unwrap();
            let path = unwritable(&folder);
            fs::remove_file(&path).unwrap();
            if let Some(empty) = log {
                fs::write(&path, empty).unwrap();
            }
            let catalog = SqliteCatalog::open(&folder).unwrap();
            assert_eq!(catalog.files(Path::new("/")).unwrap().len(), 1);
            let trusted = catalog
                .connection
                .pragma_query_value(None, "trusted_schema", |row| row.get::<_, bool>(0));
            assert!(!trusted.unwrap());
        }
    }

    #[test]
    fn a_database_of_another_program_stays_as_it_is() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join(CATALOG);
        let other = Connection::open(&path).unwrap();
        other.execute_batch("CREATE TABLE recipes (name TEXT)").unwrap();
        drop(other);
        let before = fs::read(&path).unwrap();
        let lock = WriterLock::acquire(folder.path()).unwrap();
        assert!(matches!(
            SqliteCatalog::create(folder.path(), &lock),
            Err(Error::Foreign { .. })
        ));
        assert!(matches!(
            SqliteCatalog::open(folder.path()),
            Err(Error::Foreign { .. })
        ));
        assert_eq!(fs::read(&path).unwrap(), before);
    }
}
