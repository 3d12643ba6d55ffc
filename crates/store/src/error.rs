use std::io;
use std::path::{Path, PathBuf};

/// The result of reading or writing an index.
pub type Result<T> = std::result::Result<T, Error>;

/// Why an index could not be opened, read or written.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    /// There is no index in the folder.
    #[error(
        "there is no index in {0}: make one with `sensorium index FOLDER --index {0}`",
        folder.display()
    )]
    Absent {
        /// The folder of the index.
        folder: PathBuf,
    },
    /// Another process writes to the index.
    #[error(
        "the index in {} is being written by another process ({owner}): wait until it has ended, or use another --index",
        folder.display()
    )]
    Busy {
        /// The folder of the index.
        folder: PathBuf,
        /// Who it is, as far as known.
        owner: String,
    },
    /// The index was written by a later version of Sensorium.
    #[error(
        "{} has format {found}, this version of sensorium knows formats up to {known}: use a newer sensorium",
        path.display()
    )]
    Newer {
        /// The file.
        path: PathBuf,
        /// Its format.
        found: u32,
        /// The newest format that is known here.
        known: u32,
    },
    /// The file belongs to another program.
    #[error("{} is not an index of Sensorium: choose another --index", path.display())]
    Foreign {
        /// The file.
        path: PathBuf,
    },
    /// No space is left.
    #[error(
        "{}: the disk or the quota is full; nothing that was indexed is lost: make space and run the same command again",
        path.display()
    )]
    Full {
        /// The file that could not grow.
        path: PathBuf,
    },
    /// The system could not write.
    #[error(
        "{} could not be written ({detail}): the disk may be full or failing; nothing that was indexed is lost: \
         mend it and run the same command again",
        path.display()
    )]
    Write {
        /// The file.
        path: PathBuf,
        /// What the system said.
        detail: String,
    },
    /// The file cannot be written.
    #[error("{} cannot be written: {detail}; choose a folder that can be with --index", path.display())]
    ReadOnly {
        /// The file or folder.
        path: PathBuf,
        /// What the system said.
        detail: String,
    },
    /// What was written last is in a log that cannot be read where nothing can be written.
    #[error(
        "{} can only be read in part, since what was written last is still in its log, and reading that needs the \
         right to write: copy the whole folder to a place that can be written and name it with --index, or give that right",
        path.display()
    )]
    UnreadLog {
        /// The file.
        path: PathBuf,
    },
    /// The file cannot be read.
    #[error("{} cannot be read: {detail}", path.display())]
    Unreadable {
        /// The file or folder.
        path: PathBuf,
        /// What the system said.
        detail: String,
    },
    /// The content of the file makes no sense.
    #[error(
        "{} is damaged ({detail}): `sensorium verify` says more; move it away and index again",
        path.display()
    )]
    Damaged {
        /// The file.
        path: PathBuf,
        /// What is wrong.
        detail: String,
    },
    /// What finds nearest neighbours cannot be read or written; it can be made again.
    #[error("{}: {detail}; `sensorium index` makes it again", path.display())]
    Near {
        /// The folder.
        path: PathBuf,
        /// What is wrong.
        detail: String,
    },
    /// The system failed.
    #[error("{}: {source}", path.display())]
    Io {
        /// The file or folder.
        path: PathBuf,
        /// What it said.
        source: io::Error,
    },
    /// The database failed.
    #[error("{}: {source}", path.display())]
    Database {
        /// The file.
        path: PathBuf,
        /// What it said.
        source: rusqlite::Error,
    },
}

impl Error {
    /// The file at `path` cannot even be opened for reading.
    pub(crate) fn unreadable(path: &Path, error: impl std::fmt::Display) -> Self {
        Self::Unreadable {
            path: path.to_owned(),
            detail: error.to_string(),
        }
    }

    /// What `error` of the file at `path` means.
    pub(crate) fn from_sqlite(path: &Path, error: rusqlite::Error) -> Self {
        use rusqlite::ErrorCode as Code;
        let path = path.to_owned();
        let detail = error.to_string();
        match error.sqlite_error_code() {
            Some(Code::SystemIoFailure) if is_about_writing(&error) => Self::Write { path, detail },
            Some(Code::DiskFull) => Self::Full { path },
            Some(
                Code::ReadOnly
                | Code::CannotOpen
                | Code::PermissionDenied
                | Code::AuthorizationForStatementDenied,
            ) => Self::ReadOnly { path, detail },
            _ if is_about_damage(&error) => Self::Damaged { path, detail },
            _ => Self::Database { path, source: error },
        }
    }

    /// What `error` of the file or folder at `path` means.
    pub(crate) fn from_io(path: &Path, error: io::Error) -> Self {
        let path = path.to_owned();
        match error.kind() {
            io::ErrorKind::StorageFull | io::ErrorKind::QuotaExceeded | io::ErrorKind::FileTooLarge => {
                Self::Full { path }
            }
            io::ErrorKind::PermissionDenied | io::ErrorKind::ReadOnlyFilesystem => Self::ReadOnly {
                path,
                detail: error.to_string(),
            },
            _ => Self::Io { path, source: error },
        }
    }
}

/// Whether what was read makes no sense: to the database, or to us.
pub(crate) fn is_about_damage(error: &rusqlite::Error) -> bool {
    use rusqlite::{Error as Of, ErrorCode as Code};
    match error {
        Of::FromSqlConversionFailure(..)
        | Of::IntegralValueOutOfRange(..)
        | Of::InvalidColumnType(..)
        | Of::Utf8Error(..) => true,
        _ => matches!(
            error.sqlite_error_code(),
            Some(Code::DatabaseCorrupt | Code::NotADatabase)
        ),
    }
}

fn is_about_writing(error: &rusqlite::Error) -> bool {
    use rusqlite::ffi;
    let code = error.sqlite_error().map(|error| error.extended_code);
    code.is_some_and(|code| {
        [
            ffi::SQLITE_IOERR_WRITE,
            ffi::SQLITE_IOERR_FSYNC,
            ffi::SQLITE_IOERR_DIR_FSYNC,
            ffi::SQLITE_IOERR_TRUNCATE,
            ffi::SQLITE_IOERR_SHMSIZE,
        ]
        .contains(&code)
    })
}
