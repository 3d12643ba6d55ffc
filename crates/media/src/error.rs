use std::fmt;
use std::io;
use std::path::{Path, PathBuf};

use sensorium_types::path_text;

/// The result of looking at or into a file.
pub type Result<T> = std::result::Result<T, Error>;

/// A file, or one record of it, that gave no samples, and why.
#[derive(Debug)]
pub struct Error {
    /// The file.
    pub path: PathBuf,
    /// The record, counted from 1, where only that record is at fault and the others are fine.
    pub record: Option<u64>,
    /// What is wrong.
    pub cause: Cause,
}

impl Error {
    /// `cause`, found in the file at `path`.
    pub fn new(path: &Path, cause: Cause) -> Self {
        Self {
            path: path.to_owned(),
            record: None,
            cause,
        }
    }

    /// `cause`, found in record `record` of the file at `path`; the other records are not concerned.
    pub fn in_record(path: &Path, record: u64, cause: Cause) -> Self {
        Self {
            path: path.to_owned(),
            record: Some(record),
            cause,
        }
    }
}

/// `/data/notes.jsonl#17: the field 'text' has …`
impl fmt::Display for Error {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}", path_text(&self.path))?;
        if let Some(record) = self.record {
            write!(f, "#{record}")?;
        }
        write!(f, ": {}", self.cause)
    }
}

impl std::error::Error for Error {
    fn source(&self) -> Option<&(dyn std::error::Error + 'static)> {
        self.cause.source()
    }
}

/// Why a file was not decoded.
#[derive(Debug, thiserror::Error)]
pub enum Cause {
    /// The file cannot be opened or read.
    #[error("cannot be read: {0}")]
    Read(#[from] io::Error),
    /// A folder, FIFO, device or socket.
    #[error("is {0}, not a regular file")]
    NotAFile(&'static str),
    /// Zero bytes.
    #[error("is empty")]
    Empty,
    /// A kind of file that Sensorium has no decoder for. Callers may ignore such a file quietly.
    #[error("is of a kind that is not searched ({0})")]
    Unknown(String),
    /// The name promises one kind and the content is another.
    #[error("is named like {named} but holds {found}")]
    Misnamed {
        /// What the extension stands for.
        named: &'static str,
        /// What the bytes are.
        found: String,
    },
    /// Something is larger than [`Limits`](crate::Limits) allows.
    #[error("{what} {found}, more than the limit of {limit}")]
    Limit {
        /// What was measured, with its verb: "the picture has".
        what: &'static str,
        /// How much there is, with its unit.
        found: String,
        /// How much is allowed, with its unit.
        limit: String,
    },
    /// Decoding did not come to an end in the time allowed.
    #[error("took longer than the limit of {} s to decode", .0.as_secs())]
    TooSlow(std::time::Duration),
    /// The content is damaged, or not what its format prescribes.
    #[error("cannot be decoded as {format}: {detail}")]
    Damaged {
        /// The format, as in "JPEG".
        format: String,
        /// What the decoder said.
        detail: String,
    },
    /// The decoder has a fault of its own, which this file brought to light.
    #[error("the decoder failed: {0}")]
    Panicked(String),
    /// The file is sound, but nothing in it can be encoded.
    #[error("has {0}")]
    Nothing(&'static str),
    /// A helper program is not installed.
    #[error("needs the program '{program}', which is not installed: run `{remedy}`")]
    MissingProgram {
        /// The program.
        program: &'static str,
        /// The command that installs it.
        remedy: &'static str,
    },
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_message_names_file_record_and_cause() {
        let path = Path::new("/data/notes.jsonl");
        assert_eq!(
            Error::new(path, Cause::Empty).to_string(),
            "/data/notes.jsonl: is empty"
        );
        let limit = Cause::Limit {
            what: "the field 'text' has",
            found: "10000 characters".into(),
            limit: "8192".into(),
        };
        assert_eq!(
            Error::in_record(path, 17, limit).to_string(),
            "/data/notes.jsonl#17: the field 'text' has 10000 characters, more than the limit of 8192"
        );
    }
}
