use std::collections::HashSet;
use std::ops::Range;

use half::f16;
use half::slice::HalfFloatSliceExt as _;
use sensorium_types::{Embedding, dot};

use super::nearest::Nearest;
use crate::{ItemKey, Neighbour, SegmentKey};

/// The vectors of one modality and track, in one matrix.
#[derive(Debug, Default)]
pub(crate) struct Lane {
    dimension: usize,
    /// `[segments, dimension]`
    matrix: Vec<f16>,
    segments: Vec<SegmentKey>,
    /// Segments of one item are neighbours.
    items: Vec<ItemKey>,
}

impl Lane {
    pub(crate) fn len(&self) -> usize {
        self.segments.len()
    }

    /// How many components each vector has.
    pub(crate) fn dimension(&self) -> usize {
        self.dimension
    }

    /// All rows: the item, the segment and the vector.
    pub(crate) fn rows(&self) -> impl Iterator<Item = (ItemKey, SegmentKey, &[f16])> {
        let keys = self.items.iter().copied().zip(self.segments.iter().copied());
        // A lane without vectors has no rows to part.
        let vectors = self.matrix.chunks_exact(self.dimension.max(1));
        keys.zip(vectors)
            .map(|((item, segment), vector)| (item, segment, vector))
    }

    /// The length of the longest vector.
    pub(crate) fn longest(&self) -> f32 {
        let mut row = vec![0.0; self.dimension];
        let lengths = self.rows().map(|(_, _, vector)| {
            vector.convert_to_f32_slice(&mut row);
            dot(&row, &row).sqrt()
        });
        lengths.fold(0.0, f32::max)
    }

    /// The item and the segment of each row.
    pub(crate) fn into_keys(self) -> Vec<(ItemKey, SegmentKey)> {
        self.items.into_iter().zip(self.segments).collect()
    }

    /// How many rows are of items that pass.
    pub(super) fn count(&self, passes: impl Fn(ItemKey) -> bool) -> usize {
        self.items.iter().filter(|item| passes(**item)).count()
    }

    /// Adds a vector, unless it has another length than those before.
    pub(super) fn push(&mut self, item: ItemKey, segment: SegmentKey, vector: &[f16]) -> bool {
        if self.segments.is_empty() {
            self.dimension = vector.len();
        }
        if vector.len() != self.dimension {
            return false;
        }
        self.matrix.extend_from_slice(vector);
        self.segments.push(segment);
        self.items.push(item);
        true
    }

    /// Removes the vectors of `items` and closes the gaps.
    pub(super) fn remove(&mut self, items: &HashSet<ItemKey>) {
        let mut kept = 0;
        for row in 0..self.len() {
            if items.contains(&self.items[row]) {
                continue;
            }
            if kept != row {
                self.items[kept] = self.items[row];
                self.segments[kept] = self.segments[row];
                let start = row * self.dimension;
                self.matrix
                    .copy_within(start..start + self.dimension, kept * self.dimension);
            }
            kept += 1;
        }
        self.items.truncate(kept);
        self.segments.truncate(kept);
        self.matrix.truncate(kept * self.dimension);
    }

    /// Ranges of about `size` rows that cover all and part no item.
    pub(super) fn chunks(&self, size: usize) -> Vec<Range<usize>> {
        let mut chunks = Vec::with_capacity(self.len() / size + 1);
        let mut start = 0;
        while start < self.len() {
            let mut end = (start + size).min(self.len());
            while end < self.len() && self.items[end] == self.items[end - 1] {
                end += 1;
            }
            chunks.push(start..end);
            start = end;
        }
        chunks
    }

    /// Offers the rows in `range` whose item `passes` to `nearest`, each item with its best row.
    pub(super) fn scan(
        &self,
        query: &Embedding,
        range: Range<usize>,
        passes: impl Fn(ItemKey) -> bool,
        nearest: &mut Nearest,
    ) {
        let mut row = vec![0.0; self.dimension];
        let query = query.as_slice();
        let mut best: Option<Neighbour> = None;
        let mut verdict = (None, false);
        for place in range {
            let item = self.items[place];
            if verdict.0 != Some(item) {
                verdict = (Some(item), passes(item));
                best.take().into_iter().for_each(|best| nearest.offer(best));
            }
            if !verdict.1 {
                continue;
            }
            let start = place * self.dimension;
            self.matrix[start..start + self.dimension].convert_to_f32_slice(&mut row);
            let similarity = dot(query, &row);
            if best.is_none_or(|best| similarity > best.similarity) {
                best = Some(Neighbour {
                    item,
                    segment: self.segments[place],
                    similarity,
                });
            }
        }
        best.into_iter().for_each(|best| nearest.offer(best));
    }
}
