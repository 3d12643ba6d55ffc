//! What an index holds.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

use sensorium_store::{Catalog, FileState, SqliteCatalog};
use sensorium_types::{Modality, Track, path_text};
use serde::{Serialize, Serializer};

use crate::space::by_space;
use crate::{Error, Refused, Result};

/// What an index holds and what it does not.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct Status {
    /// The folder of the index.
    #[serde(serialize_with = "as_text")]
    pub index: PathBuf,
    /// The spaces of its vectors, each with the number of items in it.
    pub spaces: BTreeMap<String, u64>,
    /// How many items there are, by modality.
    pub items: BTreeMap<Modality, u64>,
    /// How many segments they have, by track.
    pub segments: BTreeMap<Track, u64>,
    /// How many places the items are found at.
    pub locations: u64,
    /// Files.
    pub files: FileCounts,
    /// Sizes in bytes.
    pub bytes: Bytes,
    /// What could not be read when it was last looked at.
    pub refused: Vec<Refused>,
}

/// How many files there are.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize)]
pub struct FileCounts {
    /// Those that hold items.
    pub indexed: u64,
    /// Those that could not be read.
    pub refused: u64,
    /// Those of kinds that are not searched.
    pub ignored: u64,
}

/// What takes room.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize)]
pub struct Bytes {
    /// The files of the index on disk.
    pub total: u64,
    /// All vectors.
    pub vectors: u64,
    /// All pooled features.
    pub features: u64,
}

fn as_text<S: Serializer>(path: &Path, serializer: S) -> std::result::Result<S::Ok, S::Error> {
    serializer.serialize_str(&path_text(path))
}

/// Tells what the index in `folder` holds.
///
/// # Errors
/// As [`SqliteCatalog::open`].
pub fn status(folder: &Path) -> Result<Status> {
    let catalog = SqliteCatalog::open(folder)?;
    let summary = catalog.summary()?;
    let mut files = FileCounts::default();
    for (state, count) in summary.files {
        match state {
            FileState::Indexed => files.indexed += count,
            FileState::Refused | FileState::RefusedForNow => files.refused += count,
            FileState::Ignored => files.ignored += count,
        }
    }
    let refusals = catalog.refusals()?;
    Ok(Status {
        index: folder.to_owned(),
        spaces: by_space(summary.generations),
        items: summary.items.into_iter().collect(),
        segments: summary.segments.into_iter().collect(),
        locations: summary.locations,
        files,
        bytes: Bytes {
            total: size_of_files(folder)?,
            vectors: summary.vector_bytes,
            features: summary.feature_bytes,
        },
        refused: refusals
            .iter()
            .map(|(path, refusal)| Refused::new(path, refusal))
            .collect(),
    })
}

fn size_of_files(folder: &Path) -> Result<u64> {
    let failed = |source| Error::path(folder, source);
    let mut total = 0;
    for entry in folder.read_dir().map_err(failed)? {
        total += entry.and_then(|entry| entry.metadata()).map_err(failed)?.len();
    }
    Ok(total)
}

/// Looks at everything in the index in `folder` and returns what is wrong, in words.
///
/// # Errors
/// As [`SqliteCatalog::open`].
pub fn verify(folder: &Path) -> Result<Vec<String>> {
    Ok(SqliteCatalog::open(folder)?.verify()?)
}
