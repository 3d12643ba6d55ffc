//! What a file holds, as the catalogue keeps it.

use half::f16;
use sensorium_model::{EncodedFile, EncodedSegment, Encoding};
use sensorium_store::{NewItem, NewSegment};
use sensorium_types::{Fields, ItemId};

use super::plan::Job;
use crate::halves::halves;

/// What is kept of an [`Encoding`].
#[derive(Debug)]
pub(super) struct Kept {
    vector: Vec<f16>,
    features: Vec<f16>,
}

impl Kept {
    /// With the tower's features when `features` are kept.
    pub(super) fn new(encoding: &Encoding, features: bool) -> Self {
        Self {
            vector: halves(encoding.embedding.as_slice()),
            features: if features {
                halves(&encoding.features)
            } else {
                Vec::new()
            },
        }
    }
}

/// The items of a file.
pub(super) fn items(job: &Job, file: EncodedFile<Kept>) -> Vec<NewItem> {
    let mut items: Vec<NewItem> = Vec::new();
    for segment in file.segments {
        let record = segment.record.as_ref().map(|record| record.number);
        if items.last().is_none_or(|item| item.record != record) {
            items.push(NewItem {
                facts: match record {
                    None => file.facts.clone(),
                    Some(_) => Fields::new(),
                },
                id: ItemId::from_hash(job.content),
                modality: file.modality,
                format: file.format.clone(),
                bytes: job.stamp.size,
                record,
                fields: segment
                    .record
                    .as_ref()
                    .map_or_else(Fields::new, |record| (*record.fields).clone()),
                segments: Vec::new(),
            });
        }
        if let Some(item) = items.last_mut() {
            item.segments.push(new_segment(segment));
        }
    }
    items
        .iter_mut()
        .filter(|item| item.record.is_some())
        .for_each(name_record);
    items
}

fn new_segment(segment: EncodedSegment<Kept>) -> NewSegment {
    NewSegment {
        segment: segment.segment,
        text: segment.text,
        vector: segment.encoding.vector,
        features: segment.encoding.features,
    }
}

/// What items weigh until they are committed.
pub(crate) fn bytes(items: &[NewItem]) -> usize {
    let segments = items.iter().flat_map(|item| &item.segments);
    let weigh = |segment: &NewSegment| {
        let text = segment.text.as_ref().map_or(0, String::len);
        size_of_val(&segment.vector[..]) + size_of_val(&segment.features[..]) + text
    };
    segments.map(weigh).sum()
}

/// Names the item of a record by its text, so that the same text elsewhere is the same item.
pub(crate) fn name_record(item: &mut NewItem) {
    let mut hasher = blake3::Hasher::new();
    item.bytes = 0;
    for text in item.segments.iter().filter_map(|segment| segment.text.as_deref()) {
        hasher.update(text.as_bytes()).update(b"\n");
        item.bytes += text.len() as u64;
    }
    item.id = ItemId::from_hash(*hasher.finalize().as_bytes());
}

#[cfg(test)]
mod tests {
    use sensorium_types::Embedding;

    use super::*;

    #[test]
    fn what_waits_for_the_end_of_its_file_is_half_as_large_or_left_out() {
        let encoding = Encoding {
            features: vec![1e9, -2.5],
            embedding: Embedding::from_vec(vec![0.5; 4]),
        };
        let kept = Kept::new(&encoding, true);
        assert_eq!(kept.features, [f16::MAX, f16::from_f32(-2.5)]);
        assert_eq!(kept.vector, [f16::from_f32(0.5); 4]);
        assert_eq!(size_of_val(&kept.vector[..]), 8);
        assert_eq!(Kept::new(&encoding, false).features, []);
    }
}
