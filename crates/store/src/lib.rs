//! What was indexed.
//!
//! A [`Catalog`] is the truth: files, items, where they were found, their segments, vectors and words. A
//! [`VectorIndex`] is derived from it and answers which vectors are nearest to a query; it follows the
//! catalogue's changes by [`catch_up`]. Both are traits, with one contract test suite each in `tests/`.

mod catalog;
mod condition;
mod error;
mod exact;
mod files;
mod filter;
mod graph;
mod halves;
mod lock;
mod sqlite;
mod times;
mod vector_index;

pub use catalog::{
    Catalog, Change, Content, FileState, Fingerprint, Generation, IndexedFile, ItemKey, LineKey, NewFile,
    NewItem, NewSegment, Refusal, SegmentKey, Stamp, StoredItem, StoredSegment, Summary, Transcript,
    WordMatch, Write, Written,
};
pub use condition::{Comparison, Condition, Literal, Pattern, Place, Relation};
pub use error::{Error, Result};
pub use exact::ExactIndex;
pub use files::is_part_of_index;
pub use filter::{Filter, Verdict};
pub use graph::{Adding, GraphIndex, LARGE, Look, Witnesses};
pub use lock::WriterLock;
pub use sqlite::SqliteCatalog;
pub use times::{TimeRange, time_range};
pub use vector_index::{Neighbour, VectorIndex, catch_up};
