//! A segment of a file, as a row.

use std::path::PathBuf;

use half::f16;
use sensorium_store::{Content, Generation, IndexedFile, NewItem, NewSegment, Stamp};
use sensorium_types::{Fields, ItemId, Modality, Segment, path_text};
use serde::Serialize;

/// Everything that is told of a segment of a file, so that the index can be made of it again.
#[derive(Debug, Clone, PartialEq)]
pub(super) struct Row {
    pub(super) path: PathBuf,
    pub(super) record: Option<u64>,
    pub(super) item: ItemId,
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
            item: item.id,
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

    /// What is told of it beside a matrix of vectors.
    pub(super) fn line(&self) -> Line<'_> {
        Line {
            path: path_text(&self.path).into_owned(),
            record: self.record,
            item: self.item,
            modality: self.modality,
            segment: &self.segment,
            text: self.text.as_deref(),
            fields: &self.fields,
            facts: &self.facts,
            space: &self.generation.space,
        }
    }
}

/// A row of JSON Lines.
#[derive(Serialize)]
pub(super) struct Line<'a> {
    path: String,
    #[serde(skip_serializing_if = "Option::is_none")]
    record: Option<u64>,
    item: ItemId,
    modality: Modality,
    #[serde(flatten)]
    segment: &'a Segment,
    #[serde(skip_serializing_if = "Option::is_none")]
    text: Option<&'a str>,
    fields: &'a Fields,
    facts: &'a Fields,
    space: &'a str,
}
