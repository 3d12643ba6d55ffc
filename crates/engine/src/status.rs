//! What an index holds.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

use sensorium_store::{Catalog, FileState, GraphIndex, SqliteCatalog};
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
    /// Of how many items the words on a track were recognised: what is said (audio) and to be read (visual).
    pub transcripts: BTreeMap<Track, u64>,
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
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
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
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
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
        transcripts: summary.transcripts.into_iter().collect(),
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
    for entry in walkdir::WalkDir::new(folder) {
        let about = entry.and_then(|entry| entry.metadata());
        let about = about.map_err(|error| failed(error.into()))?;
        total += if about.is_file() { about.len() } else { 0 };
    }
    Ok(total)
}

/// Looks at everything in the index in `folder` and returns what is wrong, in words. That it cannot even be
/// opened is one of these.
///
/// # Errors
/// As [`SqliteCatalog::open`], but for damage and databases of other programs.
pub fn verify(folder: &Path) -> Result<Vec<String>> {
    use sensorium_store::Error as Of;
    let problems = SqliteCatalog::open(folder).and_then(|catalog| catalog.verify());
    match problems {
        Err(Of::Damaged { path, detail }) => Ok(vec![format!("{}: {detail}", path_text(&path))]),
        Err(Of::Foreign { path }) => Ok(vec![format!("{} is not an index of Sensorium", path_text(&path))]),
        problems => {
            let mut problems = problems?;
            problems.extend(
                GraphIndex::damage(folder).map(|damage| {
                    format!("{damage}; remove its folder, and `sensorium index` makes it again")
                }),
            );
            Ok(problems)
        }
    }
}

#[cfg(test)]
mod tests {
    use std::fs;

    use sensorium_store::WriterLock;

    use super::*;

    #[test]
    fn what_cannot_be_opened_is_a_problem_and_what_is_not_there_an_error() {
        let folder = tempfile::tempdir().unwrap();
        let folder = folder.path();
        assert!(matches!(
            verify(folder),
            Err(Error::Store(sensorium_store::Error::Absent { .. }))
        ));
        let lock = WriterLock::acquire(folder).unwrap();
        drop(SqliteCatalog::create(folder, &lock).unwrap());
        assert_eq!(verify(folder).unwrap(), Vec::<String>::new());

        let path = folder.join("catalog.sqlite");
        let sound = fs::read(&path).unwrap();
        // The header is kept, the tables are not; then nothing is; then nothing ever was.
        let mut damaged = sound.clone();
        damaged[100..8192].fill(0xa7);
        let foreign = "a diary of all that was eaten. ".repeat(400).into_bytes();
        for content in [damaged, vec![0xa7; sound.len()], foreign] {
            fs::write(&path, content).unwrap();
            let problems = verify(folder).unwrap();
            assert_eq!(problems.len(), 1, "{problems:?}");
            assert!(problems[0].contains("catalog.sqlite: "), "{problems:?}");
        }
    }

    #[test]
    fn the_database_of_another_program_is_no_index() {
        let folder = tempfile::tempdir().unwrap();
        let lock = WriterLock::acquire(folder.path()).unwrap();
        drop(SqliteCatalog::create(folder.path(), &lock).unwrap());
        // What tells whose it is stands in the header, in four bytes.
        let path = folder.path().join("catalog.sqlite");
        let mut other = fs::read(&path).unwrap();
        other[68..72].fill(1);
        fs::write(&path, other).unwrap();
        let problems = verify(folder.path()).unwrap();
        assert!(
            problems[0].ends_with("is not an index of Sensorium"),
            "{problems:?}"
        );
    }
}
