//! A segment of a file, as a row.

use std::path::PathBuf;

use half::f16;
use sensorium_store::{Content, Generation, IndexedFile, NewItem, NewSegment, Stamp};
use sensorium_types::{Fields, ItemId, Modality, Segment};

/// Everything that is told of a segment of a file, so that the index can be made of it again.
#[derive(Debug, Clone, PartialEq)]
pub(super) struct Row {
    pub(super) path: PathBuf,
    pub(super) record: Option<u64>,
    /// Where it is told: else the item is named when it comes in.
    pub(super) item: Option<ItemId>,
    pub(super) modality: Modality,
    pub(super) format: String,
    pub(super) bytes: u64,
    pub(super) facts: Fields,
    pub(super) fields: Fields,
    pub(super) segment: Segment,
    pub(super) text: Option<String>,
    pub(super) generation: Generation,
    /// By what the file is known to be unchanged, when the table holds all of it.
    pub(super) file: Option<(Content, Stamp)>,
    pub(super) vector: Vec<f16>,
}

impl Row {
    /// `segment` of `item` of `file`, of which the table holds all if it `is_whole`.
    pub(super) fn new(file: &IndexedFile, is_whole: bool, item: &NewItem, segment: NewSegment) -> Self {
        Self {
            path: file.path.clone(),
            record: item.record,
            item: Some(item.id),
            modality: item.modality,
            format: item.format.clone(),
            bytes: item.bytes,
            facts: item.facts.clone(),
            fields: item.fields.clone(),
            segment: segment.segment,
            text: segment.text,
            generation: file.generation.clone(),
            file: file
                .content
                .filter(|_| is_whole)
                .map(|content| (content, file.stamp)),
            vector: segment.vector,
        }
    }
}
