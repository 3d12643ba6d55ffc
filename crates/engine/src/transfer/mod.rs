//! Indexes in and out: as tables for other programs, and into another index, without encoding anything again.

mod columns;
mod export;
mod import;
mod matrix;
mod merge;
mod read;
mod receive;
mod rows;
mod source;
mod table;
mod told;

use std::path::Path;

use serde::Serialize;

pub use self::export::{ExportOptions, Exported, export};
use crate::Error;

/// What came into an index.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize)]
pub struct Received {
    /// Files that were added.
    pub added: usize,
    /// Files that the index knew before: what it knows of them stays.
    pub known: usize,
    /// Files that were left out, since what is known of them is of an older state: `sensorium index` there brings it up to date.
    pub stale: usize,
}

impl std::ops::AddAssign for Received {
    fn add_assign(&mut self, other: Self) {
        self.added += other.added;
        self.known += other.known;
        self.stale += other.stale;
    }
}

/// Whether a table at `path` is a matrix of NumPy, with JSON Lines beside it, and not one of Parquet.
fn is_matrix(path: &Path) -> bool {
    path.extension().is_some_and(|extension| extension == "npy")
}

/// What is wrong with the table at `path`.
fn bad(path: &Path, detail: impl std::fmt::Display) -> Error {
    Error::Table {
        path: path.to_owned(),
        detail: detail.to_string(),
    }
}

fn unwritable(path: &Path, error: &dyn std::error::Error) -> Error {
    bad(path, format!("cannot be written: {error}"))
}
