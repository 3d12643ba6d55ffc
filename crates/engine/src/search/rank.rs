//! The best items of one modality, on a scale that all modalities share.

use std::collections::{BTreeMap, BTreeSet};

use sensorium_model::{Query, Scorer, TrackPair};
use sensorium_store::{Filter, ItemKey, SegmentKey, VectorIndex};
use sensorium_types::{Direction, Embedding, Modality, Track};

use super::query::EncodedPart;
use crate::Result;

/// An item with its score for the whole query.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(super) struct Ranked {
    pub(super) item: ItemKey,
    /// Standard deviations above unrelated items.
    pub(super) score: f32,
    /// The segment of the part that counts most, and its inner product.
    pub(super) segment: SegmentKey,
    pub(super) similarity: f32,
}

/// The `limit` best items of `modality`, the best first.
///
/// For each track of each part and each track of the items, the nearest neighbours are candidates, and all
/// candidates are scored in full. What is on none of the lists cannot score higher than the ends of these
/// lists allow; the lists grow until that is below the last answer, so that the result is as exact as the index.
pub(super) fn rank(
    index: &dyn VectorIndex,
    scorer: &Scorer,
    parts: &[EncodedPart],
    modality: Modality,
    limit: usize,
) -> Result<Vec<Ranked>> {
    if limit == 0 {
        return Ok(Vec::new());
    }
    let recall = Recall {
        index,
        scorer,
        modality,
    };
    let total: f32 = parts.iter().map(|part| part.weight).sum();
    let parts: Vec<WeightedQuery> = parts
        .iter()
        .map(|part| {
            let direction = Direction {
                from: part.modality,
                to: modality,
            };
            let segments = part
                .segments
                .iter()
                .map(|(segment, embedding)| (segment, embedding));
            WeightedQuery {
                query: scorer.query(direction, segments),
                weight: part.weight / total,
            }
        })
        .collect();
    let mut depth = limit.saturating_add(limit / 2).max(16);
    loop {
        let (candidates, bound) = recall.candidates(&parts, depth)?;
        let mut ranked = recall.score(&parts, &candidates)?;
        ranked.sort_by(|a, b| b.score.total_cmp(&a.score).then(a.item.cmp(&b.item)));
        ranked.truncate(limit);
        let last = ranked.get(limit - 1).map(|last| last.score);
        if bound.is_none_or(|bound| last.is_some_and(|last| last >= bound)) {
            return Ok(ranked);
        }
        depth = depth.saturating_mul(4);
    }
}

struct WeightedQuery {
    query: Query,
    weight: f32,
}

struct Recall<'a> {
    index: &'a dyn VectorIndex,
    scorer: &'a Scorer,
    modality: Modality,
}

impl Recall<'_> {
    /// The first `depth` items of each list, and what an item that is on none scores at most; `None` when
    /// there is no such item.
    fn candidates(&self, parts: &[WeightedQuery], depth: usize) -> Result<(BTreeSet<ItemKey>, Option<f32>)> {
        let mut candidates = BTreeSet::new();
        let mut bound = 0.0;
        let mut is_complete = true;
        for part in parts {
            let mut best_left = f32::NEG_INFINITY;
            for (pair, vector) in self.pairs(&part.query) {
                let filter = Filter::lane(self.modality, pair.1);
                let found = self.index.nearest(vector, &filter, depth)?;
                if let Some(last) = found.last().filter(|_| found.len() == depth) {
                    is_complete = false;
                    best_left = best_left.max(self.scorer.calibrated(pair, last.similarity));
                }
                candidates.extend(found.into_iter().map(|neighbour| neighbour.item));
            }
            // A part whose lists all end has every item on them.
            if best_left == f32::NEG_INFINITY {
                return Ok((candidates, None));
            }
            bound += part.weight * best_left;
        }
        Ok((candidates, (!is_complete).then_some(bound)))
    }

    /// The candidates with their full scores, in no order.
    fn score(&self, parts: &[WeightedQuery], candidates: &BTreeSet<ItemKey>) -> Result<Vec<Ranked>> {
        let mut scores: BTreeMap<ItemKey, Vec<(f32, SegmentKey, f32)>> = BTreeMap::new();
        for part in parts {
            let mut best: BTreeMap<ItemKey, BTreeMap<TrackPair, (f32, SegmentKey)>> = BTreeMap::new();
            for (pair, vector) in self.pairs(&part.query) {
                let among = Filter::And(vec![
                    Filter::lane(self.modality, pair.1),
                    Filter::Items(candidates.clone()),
                ]);
                for found in self.index.nearest(vector, &among, candidates.len())? {
                    let pairs = best.entry(found.item).or_default();
                    pairs.insert(pair, (found.similarity, found.segment));
                }
            }
            for (item, pairs) in best {
                if let Some(found) = self.scorer.join(&pairs) {
                    let weighted = (part.weight * found.score, found.segment, found.similarity);
                    scores.entry(item).or_default().push(weighted);
                }
            }
        }
        let ranked = scores.into_iter().filter_map(|(item, parts)| {
            let (_, segment, similarity) = *parts.iter().max_by(|a, b| a.0.total_cmp(&b.0))?;
            let score = parts.iter().map(|part| part.0).sum();
            Some(Ranked {
                item,
                score,
                segment,
                similarity,
            })
        });
        Ok(ranked.collect())
    }

    /// The pairs of a track of the query and a track that items of the modality have.
    fn pairs<'q>(&self, query: &'q Query) -> impl Iterator<Item = (TrackPair, &'q Embedding)> + use<'q> {
        let targets: &[Track] = match self.modality {
            Modality::Text => &[Track::Text],
            Modality::Image => &[Track::Visual],
            Modality::Audio => &[Track::Audio],
            Modality::Video => &[Track::Visual, Track::Audio],
        };
        query
            .tracks()
            .iter()
            .flat_map(move |(track, vector)| targets.iter().map(move |&target| ((*track, target), vector)))
    }
}
