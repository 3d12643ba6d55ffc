//! The two pipelines: [`Indexer`] brings files into an index, [`Searcher`] answers queries from it.

mod duplicates;
mod error;
mod halves;
mod index;
mod reread;
mod search;
mod space;
mod status;
mod transcribe;
mod transfer;
mod watch;

pub use duplicates::{
    Copied, CopyOf, DuplicateOptions, DuplicateProgress, Duplicates, Group, Similar, duplicates,
};
pub use error::{Error, Result};
pub use index::{IndexOptions, Indexer, Progress, Refused, Report, open_unchanged};
pub use search::{
    Answer, BadCondition, CONFIDENT, EncodedContent, FileEncoder, Part, PartContent, Query, Searcher,
    parse_condition,
};
/// From how many vectors of a modality and track on they are arranged for searches that do not look at all.
pub use sensorium_store::LARGE as ARRANGE_FROM;
pub use status::{Bytes, FileCounts, Status, status, verify};
pub use transcribe::Transcripts;
pub use transfer::{ExportOptions, Exported, Received, export};
pub use watch::{Stopper, WatchNotice, WatchOptions, Watcher};
