use std::io;
use std::path::{Path, PathBuf};

use sensorium_types::path_text;

/// The result of learning.
pub type Result<T> = std::result::Result<T, Error>;

/// Why learning failed.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    /// The pairs cannot be used.
    #[error(transparent)]
    Pairs(#[from] sensorium_eval::Error),
    /// The model that is learned on top of cannot be loaded, or fails.
    #[error(transparent)]
    Model(#[from] sensorium_model::Error),
    /// The arithmetic of training failed.
    #[error("training failed: {0}")]
    Compute(#[from] candle_core::Error),
    /// A file or a folder cannot be read or written.
    #[error("{}: {source}", path_text(path))]
    File {
        /// The file or folder.
        path: PathBuf,
        /// What the system said.
        source: io::Error,
    },
    /// There is too little to learn from.
    #[error("too few pairs: {0}")]
    TooFew(String),
    /// The options contradict each other or the model.
    #[error("{0}")]
    Options(String),
}

impl Error {
    /// The folder of the result is there already.
    pub(crate) fn exists(out: &Path) -> Self {
        Self::Options(format!(
            "{} exists already: name a folder that does not",
            out.display()
        ))
    }

    /// For `map_err`: an error of the file at `path`.
    pub(crate) fn file(path: &Path) -> impl FnOnce(io::Error) -> Self + '_ {
        |source| Self::File {
            path: path.to_owned(),
            source,
        }
    }
}
