use std::io;
use std::path::{Path, PathBuf};

use sensorium_types::{Modality, path_text};

/// The result of indexing or searching.
pub type Result<T> = std::result::Result<T, Error>;

/// Why indexing or searching failed as a whole.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    /// The index cannot be opened, read or written.
    #[error(transparent)]
    Store(#[from] sensorium_store::Error),
    /// The model cannot be loaded, or fails.
    #[error(transparent)]
    Model(#[from] sensorium_model::Error),
    /// Indexing was cancelled; what was committed stays.
    #[error("indexing was cancelled; what was done stays, and the next run goes on from there")]
    Cancelled,
    /// A part that is not there was asked for.
    #[error(
        "{option} needs a package of its own, which is not in {}: {remedy}",
        path_text(place)
    )]
    NoPart {
        /// What asked for it.
        option: &'static str,
        /// Where it would have to be.
        place: PathBuf,
        /// What gets it.
        remedy: &'static str,
    },
    /// A second look was asked for, but the model has not learned one.
    #[error(
        "the model {0} has no reranker: search without --rerank, or learn one with \
         `sensorium learn PAIRS.jsonl --reranker --out DIR`"
    )]
    NoReranker(String),
    /// A path that was asked for cannot be used; nothing was changed.
    #[error("{}: {source}", path_text(path))]
    Path {
        /// The path.
        path: PathBuf,
        /// What the system said.
        source: io::Error,
    },
    /// The index holds vectors of another space.
    #[error(
        "the index in {0} holds vectors of {index}, but the model gives {model}: name the right package with --model, \
         or bring the index into the new space with `sensorium index --model DIR --index {0}`",
        path_text(folder)
    )]
    OtherSpace {
        /// The folder of the index.
        folder: PathBuf,
        /// The space of most of its vectors.
        index: String,
        /// The space of the model.
        model: String,
    },
    /// An index that is to be moved as a whole holds vectors of several spaces.
    #[error(
        "the index in {0} holds vectors of several spaces, {one} and {other}: bring it into one with \
         `sensorium index --index {0}`, with --model DIR where it is not the default model",
        path_text(folder)
    )]
    SeveralSpaces {
        /// The folder of the index.
        folder: PathBuf,
        /// One of them.
        one: String,
        /// Another.
        other: String,
    },
    /// Two indexes have no space in common.
    #[error(
        "the index in {} holds vectors of {theirs}, the one in {} those of {ours}, and vectors of different spaces cannot be \
         compared: bring one into the space of the other with `sensorium index --model DIR`",
        path_text(other),
        path_text(folder)
    )]
    DifferentSpaces {
        /// The folder of the index that takes.
        folder: PathBuf,
        /// Its space.
        ours: String,
        /// The folder of the index that gives.
        other: PathBuf,
        /// Its space.
        theirs: String,
    },
    /// An index was to be merged into itself.
    #[error("{} is the index itself: name others to merge into it", path_text(.0))]
    MergeOfItself(PathBuf),
    /// A table cannot be read, used or written.
    #[error("{}: {detail}", path_text(path))]
    Table {
        /// The file.
        path: PathBuf,
        /// What is wrong, and what would change it.
        detail: String,
    },
    /// A file of the query cannot be used.
    #[error("the query: {0}")]
    Query(sensorium_media::Error),
    /// A file of the query is not what it was named as.
    #[error("the query: {} was given as {wanted} but holds {found}", path_text(path))]
    QueryModality {
        /// The file.
        path: PathBuf,
        /// What it was named as.
        wanted: Modality,
        /// What it is.
        found: Modality,
    },
    /// The condition of the query cannot be read.
    #[error(transparent)]
    Condition(#[from] crate::BadCondition),
    /// An item that the query names is not in the index.
    #[error("the index has no item '{0}': give its id or path as `sensorium search` prints it")]
    NoItem(String),
    /// A path that the query names holds several items.
    #[error("{0} holds several items: name one of its records, as in '{0}#1'")]
    SeveralItems(String),
    /// A query without a part, or with a weight that is no positive number.
    #[error("the query: {0}")]
    BadQuery(&'static str),
}

impl Error {
    pub(crate) fn no_part(option: &'static str, place: PathBuf, remedy: &'static str) -> Self {
        Self::NoPart {
            option,
            place,
            remedy,
        }
    }

    pub(crate) fn path(path: &Path, source: io::Error) -> Self {
        Self::Path {
            path: path.to_owned(),
            source,
        }
    }
}
