//! The best items of one modality, on a scale that all modalities share.

use std::collections::{BTreeMap, BTreeSet};

use sensorium_model::{Query, Scorer, TrackPair};
use sensorium_store::{Filter, ItemKey, Neighbour, SegmentKey, VectorIndex};
use sensorium_types::{Direction, Embedding, Modality, Track};

use super::encode::EncodedPart;
use super::words::Words;
use crate::Result;

/// An item with its score for the whole query.
#[derive(Debug, Clone, PartialEq)]
pub(super) struct Ranked {
    pub(super) item: ItemKey,
    /// Standard deviations above unrelated items.
    pub(super) score: f32,
    /// The segment of the part that counts most, and its inner product.
    pub(super) segment: SegmentKey,
    pub(super) similarity: f32,
    /// The score for each part of the query.
    pub(super) by_part: Vec<f32>,
}

/// What is asked, whatever the modality.
pub(super) struct Ask<'a> {
    pub(super) parts: &'a [EncodedPart],
    pub(super) filter: &'a Filter,
    pub(super) words: &'a Words,
}

/// The `limit` best items of `modality`, the best first.
///
/// For each track of each part and each track of the items, the nearest neighbours are candidates, and all
/// candidates are scored in full. What is on none of the lists cannot score higher than the ends of these
/// lists allow; the lists grow until that is below the last answer, so that the result is as exact as the index.
pub(super) fn rank(
    index: &dyn VectorIndex,
    scorer: &Scorer,
    ask: &Ask<'_>,
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
        filter: ask.filter,
        words: ask.words,
    };
    let parts = weighted_queries(scorer, ask.parts, modality);
    let mut depth = limit.saturating_add(limit / 2).max(16);
    loop {
        let (lists, bound) = recall.lists(&parts, depth)?;
        let mut ranked = recall.score(&parts, lists)?;
        ranked.sort_by(|a, b| b.score.total_cmp(&a.score).then(a.item.cmp(&b.item)));
        ranked.truncate(limit);
        let last = ranked.get(limit - 1).map(|last| last.score);
        if bound.is_none_or(|bound| last.is_some_and(|last| last >= bound)) {
            return Ok(ranked);
        }
        depth = depth.saturating_mul(4);
    }
}

/// A part of a query, ready to be compared.
pub(super) struct WeightedQuery {
    pub(super) query: Query,
    pub(super) share: Share,
}

/// How much a part counts.
#[derive(Debug, Clone, Copy)]
pub(super) struct Share {
    /// Beside those to look for, whose sum is 1.
    weight: f32,
    without: bool,
}

impl Share {
    /// Those of `parts`, in their order.
    pub(super) fn of(parts: &[EncodedPart]) -> Vec<Self> {
        let wanted = parts.iter().filter(|part| !part.without);
        let total: f32 = wanted.map(|part| part.weight).sum();
        let shares = parts.iter().map(|part| Self {
            weight: part.weight / total,
            without: part.without,
        });
        shares.collect()
    }

    /// What an item's `score` for the part adds to its score for the query.
    pub(super) fn of_score(self, score: f32) -> f32 {
        match self.without {
            false => self.weight * score,
            true => -self.weight * score.max(0.0),
        }
    }
}

/// The parts of a query for items of `modality`.
pub(super) fn weighted_queries(
    scorer: &Scorer,
    parts: &[EncodedPart],
    modality: Modality,
) -> Vec<WeightedQuery> {
    parts
        .iter()
        .zip(Share::of(parts))
        .map(|(part, share)| {
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
                share,
            }
        })
        .collect()
}

/// The greatest inner product of each item, with its segment.
type List = BTreeMap<ItemKey, (f32, SegmentKey)>;

/// One for each pair of tracks.
type Lists = BTreeMap<TrackPair, List>;

struct Recall<'a> {
    index: &'a dyn VectorIndex,
    scorer: &'a Scorer,
    modality: Modality,
    filter: &'a Filter,
    words: &'a Words,
}

impl Recall<'_> {
    /// For each part to look for, the first `depth` items for each pair of tracks; and what an item that is on no list scores
    /// at most, `None` when there is no such item.
    fn lists(&self, parts: &[WeightedQuery], depth: usize) -> Result<(Vec<Lists>, Option<f32>)> {
        let mut lists = Vec::with_capacity(parts.len());
        let mut bound = Some(0.0);
        for part in parts {
            let mut of_part = Lists::new();
            // What is to be without takes away at most nothing.
            if part.share.without {
                lists.push(of_part);
                continue;
            }
            let mut best_left: Option<f32> = None;
            for (pair, vector) in self.pairs(&part.query) {
                let found = self.index.nearest(vector, &self.lane(pair.1), depth)?;
                if let Some(last) = found.last().filter(|_| found.len() == depth) {
                    let left = self.scorer.calibrated(&part.query, pair, last.similarity);
                    best_left = Some(best_left.map_or(left, |best| best.max(left)));
                }
                of_part.insert(pair, as_list(found));
            }
            lists.push(of_part);
            // A part whose lists all end has every item on them.
            bound = bound
                .zip(best_left)
                .map(|(bound, left)| bound + part.share.of_score(left));
        }
        Ok((lists, bound))
    }

    /// All items on any of the lists with their full scores, in no order.
    fn score(&self, parts: &[WeightedQuery], mut lists: Vec<Lists>) -> Result<Vec<Ranked>> {
        let all: BTreeSet<ItemKey> = lists
            .iter()
            .flat_map(|of_part| of_part.values().flat_map(|list| list.keys().copied()))
            .chain(self.words.items())
            .collect();
        for (part, of_part) in parts.iter().zip(&mut lists) {
            for (pair, vector) in self.pairs(&part.query) {
                let list = of_part.entry(pair).or_default();
                self.complete(list, &all, pair.1, vector)?;
            }
        }
        let ranked = all.into_iter().filter_map(|item| {
            let mut score = self.words.worth(item);
            let mut by_part = Vec::with_capacity(parts.len());
            let mut best: Option<(f32, SegmentKey, f32)> = None;
            for (part, of_part) in parts.iter().zip(&lists) {
                let pairs = of_part
                    .iter()
                    .filter_map(|(pair, list)| Some((*pair, *list.get(&item)?)));
                let found = self.scorer.join(&part.query, &pairs.collect())?;
                let adds = part.share.of_score(found.score);
                score += adds;
                by_part.push(found.score);
                if !part.share.without && best.is_none_or(|best| adds > best.0) {
                    best = Some((adds, found.segment, found.similarity));
                }
            }
            let (_, segment, similarity) = best?;
            Some(Ranked {
                item,
                score,
                segment,
                similarity,
                by_part,
            })
        });
        Ok(ranked.collect())
    }

    /// Adds those of `items` to `list` that are not on it but have a segment on the track.
    fn complete(
        &self,
        list: &mut List,
        items: &BTreeSet<ItemKey>,
        track: Track,
        vector: &Embedding,
    ) -> Result<()> {
        let missing: BTreeSet<ItemKey> = items
            .iter()
            .filter(|item| !list.contains_key(item))
            .copied()
            .collect();
        if missing.is_empty() {
            return Ok(());
        }
        let count = missing.len();
        let among = Filter::And(vec![self.lane(track), Filter::items(missing)]);
        list.extend(as_list(self.index.nearest(vector, &among, count)?));
        Ok(())
    }

    /// Segments on `track` of what may be found.
    fn lane(&self, track: Track) -> Filter {
        Filter::And(vec![Filter::lane(self.modality, track), self.filter.clone()])
    }

    /// The pairs of a track of the query and a track that items of the modality have.
    fn pairs<'q>(&self, query: &'q Query) -> impl Iterator<Item = (TrackPair, &'q Embedding)> + use<'q> {
        let targets = self.modality.tracks();
        query
            .tracks()
            .iter()
            .flat_map(move |(track, vector)| targets.iter().map(move |&target| ((*track, target), vector)))
    }
}

fn as_list(neighbours: Vec<Neighbour>) -> List {
    let entries = neighbours.into_iter();
    entries
        .map(|found| (found.item, (found.similarity, found.segment)))
        .collect()
}

#[cfg(test)]
mod tests {
    use std::path::Path;

    use half::f16;
    use sensorium_model::Package;
    use sensorium_store::{Change, ExactIndex};
    use sensorium_types::Segment;

    use super::*;

    const DIMENSION: usize = 1154;

    /// Numbers from -0.5 to 0.5 that look random.
    struct Random(u32);

    impl Random {
        fn next(&mut self) -> f32 {
            self.0 = self.0.wrapping_mul(1_664_525).wrapping_add(1_013_904_223);
            (self.0 >> 8) as f32 / (1 << 24) as f32 - 0.5
        }

        fn vector(&mut self) -> Vec<f32> {
            (0..DIMENSION).map(|_| self.next() / 6.0).collect()
        }
    }

    struct Video {
        item: ItemKey,
        windows: Vec<(SegmentKey, Segment, Embedding)>,
    }

    /// Videos of many windows, some without sound.
    fn videos(random: &mut Random) -> Vec<Video> {
        let mut key = 0;
        let mut segment = |track, random: &mut Random| {
            key += 1;
            (
                SegmentKey(key),
                Segment::whole(track),
                Embedding::from_vec(random.vector()),
            )
        };
        (0..200)
            .map(|item| {
                // One in ten is long, and would fill a list of segments.
                let count = if item % 10 == 0 { 60 } else { 2 };
                let mut windows = Vec::new();
                for _ in 0..count {
                    windows.push(segment(Track::Visual, random));
                    if item % 3 > 0 {
                        windows.push(segment(Track::Audio, random));
                    }
                }
                Video {
                    item: ItemKey(item),
                    windows,
                }
            })
            .collect()
    }

    #[test]
    fn the_answer_is_that_of_scoring_every_item_in_full() {
        let package = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../models/base");
        let scorer = Scorer::new(&Package::open(&package).unwrap());
        let mut random = Random(1);
        let videos = videos(&mut random);
        let mut index = ExactIndex::new();
        let changes = videos.iter().flat_map(|video| {
            video
                .windows
                .iter()
                .map(|(key, segment, embedding)| Change::Vector {
                    item: video.item,
                    segment: *key,
                    modality: Modality::Video,
                    track: segment.track,
                    vector: embedding.as_slice().iter().map(|x| f16::from_f32(*x)).collect(),
                })
        });
        index.apply(changes.collect(), 1).unwrap();

        let mut part = |modality, tracks: &[Track], weight| EncodedPart {
            modality,
            weight,
            without: false,
            segments: tracks
                .iter()
                .map(|track| (Segment::whole(*track), Embedding::from_vec(random.vector())))
                .collect(),
            tokens: Vec::new(),
        };
        let queries = [
            vec![part(Modality::Text, &[Track::Text], 1.0)],
            vec![part(Modality::Audio, &[Track::Audio], 1.0)],
            vec![part(Modality::Video, &[Track::Visual, Track::Audio], 1.0)],
            vec![
                part(Modality::Text, &[Track::Text], 3.0),
                part(Modality::Image, &[Track::Visual], 1.0),
                part(Modality::Audio, &[Track::Audio], 0.5),
            ],
            vec![
                part(Modality::Text, &[Track::Text], 2.0),
                EncodedPart {
                    without: true,
                    ..part(Modality::Image, &[Track::Visual], 3.0)
                },
            ],
        ];
        for parts in &queries {
            let shares = Share::of(parts);
            let full = |windows: &[(SegmentKey, Segment, Embedding)]| -> f32 {
                let scores = parts.iter().zip(&shares).map(|(part, share)| {
                    let direction = Direction {
                        from: part.modality,
                        to: Modality::Video,
                    };
                    let query = scorer.query(direction, part.segments.iter().map(|(s, e)| (s, e)));
                    let found = scorer
                        .compare(&query, windows.iter().map(|(_, s, e)| (s, e)))
                        .unwrap();
                    share.of_score(found.score)
                });
                scores.sum()
            };
            let mut expected: Vec<(f32, ItemKey)> = videos
                .iter()
                .map(|video| (full(&video.windows), video.item))
                .collect();
            expected.sort_by(|a, b| b.0.total_cmp(&a.0));
            let ask = Ask {
                parts,
                filter: &Filter::All,
                words: &Words::default(),
            };
            for limit in [1, 7, 60, 500] {
                let found = rank(&index, &scorer, &ask, Modality::Video, limit).unwrap();
                assert_eq!(found.len(), limit.min(videos.len()));
                for (found, (score, _)) in found.iter().zip(&expected) {
                    // Half floats are rounded.
                    assert!((found.score - score).abs() < 0.02, "{found:?} {score}");
                    let (own, _) = expected.iter().find(|(_, item)| *item == found.item).unwrap();
                    assert!((found.score - own).abs() < 0.02, "{found:?} {own}");
                }
            }
        }
    }
}
