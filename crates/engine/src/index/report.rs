use std::path::Path;

use sensorium_store::Refusal;
use sensorium_types::place_text;
use serde::Serialize;

/// What an indexing run did, in files.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct Report {
    /// Files that hold items now and did not before.
    pub added: usize,
    /// Files that hold something else than before.
    pub updated: usize,
    /// Files that hold what they held.
    pub unchanged: usize,
    /// Files that held items and are gone.
    pub dropped: usize,
    /// Files of kinds that are not searched.
    pub ignored: usize,
    /// Files whose words were recognised, where that was asked for.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub transcribed: Option<usize>,
    /// What could not be read, also from earlier runs.
    pub refused: Vec<Refused>,
}

/// A file, a record or a folder that could not be read.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Serialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct Refused {
    /// Its absolute path, with `#17` behind it for record 17.
    pub path: String,
    /// What is wrong.
    pub cause: String,
}

impl Refused {
    /// `refusal` of the file at `path`.
    pub fn new(path: &Path, refusal: &Refusal) -> Self {
        Self {
            path: place_text(path, refusal.record),
            cause: refusal.cause.clone(),
        }
    }
}

impl From<&sensorium_media::Error> for Refused {
    fn from(error: &sensorium_media::Error) -> Self {
        Self {
            path: place_text(&error.path, error.record),
            cause: error.cause.to_string(),
        }
    }
}

/// How far an indexing run is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Progress {
    /// So many items are to get new vectors out of kept features.
    Reencoding(usize),
    /// So many more of them have.
    Reencoded(usize),
    /// So many files were found by now.
    Walking(usize),
    /// So many files are new or may have changed.
    Planned(usize),
    /// So many more of them are done.
    Done(usize),
    /// So many vectors are to be arranged by their neighbours.
    Arranging(usize),
    /// So many more of them are.
    Arranged(usize),
    /// So many files are to be read for the words that are said or to be read in them.
    Transcribing(usize),
    /// So many more of them are.
    Transcribed(usize),
}
