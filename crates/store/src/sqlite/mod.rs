//! The catalogue in one SQLite database.

mod codes;
mod items;
mod read;
mod schema;
mod verify;
mod words;
mod write;

use std::path::{Path, PathBuf};
use std::time::Duration;

use rusqlite::{Connection, OpenFlags, OptionalExtension as _};

use crate::{Catalog, Error, Result, WriterLock};

/// The database's name in the folder of an index.
const FILE: &str = "catalog.sqlite";

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
        let mut catalog = Self::connect(folder.join(FILE), flags)?;
        schema::migrate(&mut catalog.connection).map_err(|error| error.at(&catalog.path))?;
        Ok(catalog)
    }

    /// Opens the catalogue in `folder`, to read it. An older format is migrated first, when nobody writes.
    ///
    /// # Errors
    /// [`Error::Absent`], [`Error::Newer`], [`Error::Foreign`], [`Error::Damaged`]; [`Error::Busy`] and
    /// [`Error::ReadOnly`] when it would have to be migrated.
    pub fn open(folder: &Path) -> Result<Self> {
        let absent = || Error::Absent {
            folder: folder.to_owned(),
        };
        let path = folder.join(FILE);
        if !path.try_exists().map_err(|error| Error::from_io(&path, error))? {
            return Err(absent());
        }
        let catalog = match Self::connect(path.clone(), OpenFlags::SQLITE_OPEN_READ_WRITE) {
            Err(Error::ReadOnly { .. }) => Self::connect_read_only(&path)?,
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
        let failed = |error| Error::from_sqlite(&path, error);
        let flags = flags | OpenFlags::SQLITE_OPEN_NO_MUTEX;
        let connection = Connection::open_with_flags(&path, flags).map_err(failed)?;
        let prepare = || -> rusqlite::Result<()> {
            connection.busy_timeout(PATIENCE)?;
            connection.set_prepared_statement_cache_capacity(64);
            connection.pragma_update(None, "page_size", 8192)?;
            connection.pragma_update(None, "journal_mode", "wal")?;
            // What was acknowledged survives a power cut, too.
            connection.pragma_update(None, "synchronous", "full")?;
            connection.pragma_update(None, "foreign_keys", true)?;
            // In kibibytes when negative.
            connection.pragma_update(None, "cache_size", -16 * 1024)?;
            // Nothing in a database file may run code or reach other files.
            connection.pragma_update(None, "trusted_schema", false)
        };
        prepare().map_err(failed)?;
        Ok(Self { path, connection })
    }

    /// For an index in a place that cannot be written, and therefore does not change.
    fn connect_read_only(path: &Path) -> Result<Self> {
        let failed = |error| Error::from_sqlite(path, error);
        let mut name = String::from("file:");
        for byte in std::os::unix::ffi::OsStrExt::as_bytes(path.as_os_str()) {
            match byte {
                b'a'..=b'z' | b'A'..=b'Z' | b'0'..=b'9' | b'/' | b'.' | b'-' | b'_' => {
                    name.push(char::from(*byte))
                }
                _ => name.push_str(&format!("%{byte:02X}")),
            }
        }
        name.push_str("?immutable=1");
        let flags =
            OpenFlags::SQLITE_OPEN_READ_ONLY | OpenFlags::SQLITE_OPEN_URI | OpenFlags::SQLITE_OPEN_NO_MUTEX;
        let connection = Connection::open_with_flags(&name, flags).map_err(failed)?;
        Ok(Self {
            path: path.to_owned(),
            connection,
        })
    }

    /// Runs `work` on the connection and says in its error which file it was.
    fn read<T>(&self, work: impl FnOnce(&Connection) -> rusqlite::Result<T>) -> Result<T> {
        work(&self.connection).map_err(|error| Error::from_sqlite(&self.path, error))
    }

    /// The last change, as `connection` sees it.
    fn sequence(connection: &Connection) -> rusqlite::Result<u64> {
        let last = connection
            .prepare_cached("SELECT seq FROM sqlite_sequence WHERE name = 'changes'")?
            .query_row([], |row| row.get(0))
            .optional()?;
        Ok(last.unwrap_or(0))
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

    fn segments(&self, keys: &[crate::SegmentKey]) -> Result<Vec<crate::StoredSegment>> {
        self.read(|connection| read::segments(connection, keys))
    }

    fn encoded(&self, item: crate::ItemKey) -> Result<Vec<crate::NewSegment>> {
        self.read(|connection| read::encoded(connection, item))
    }

    fn words(&self, query: &str, limit: usize) -> Result<Vec<crate::WordMatch>> {
        self.read(|connection| words::find(connection, query, limit))
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
