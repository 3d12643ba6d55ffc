//! How well an item answers a query, comparable between pairs of modalities.

use std::collections::BTreeMap;

use sensorium_types::{Direction, Embedding, Segment, Track};

use crate::Package;
use crate::manifest::{HubsSpec, Manifest, Moments, modalities};

/// Compares queries with items by the weights and the calibration of a package.
///
/// Inner products of, say, text with pictures and of text with sounds have different means and spreads.
/// Each is therefore counted in standard deviations above what unrelated segments of the two tracks score.
#[derive(Debug, Clone)]
pub struct Scorer {
    dimensions: Vec<usize>,
    /// For each direction, the weight of each block of the query.
    weights: BTreeMap<Direction, Vec<f32>>,
    /// For each direction, what a query has where an item has the block of the hubs.
    hubs: BTreeMap<Direction, Vec<f32>>,
    calibration: BTreeMap<(Direction, TrackPair), Moments>,
}

/// A query, ready to be compared with items of one modality.
#[derive(Debug, Clone)]
pub struct Query {
    direction: Direction,
    /// One vector for each track that the query has.
    tracks: Vec<(Track, Embedding)>,
}

impl Query {
    /// Its tracks, each with its vector.
    pub fn tracks(&self) -> &[(Track, Embedding)] {
        &self.tracks
    }
}

/// A track of a query and a track of an item.
pub type TrackPair = (Track, Track);

/// How well an item answers.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Match<S> {
    /// Standard deviations above unrelated items; higher is better.
    pub score: f32,
    /// The inner product that counted most.
    pub similarity: f32,
    /// The item's segment that it belongs to.
    pub segment: S,
}

impl Scorer {
    /// The scorer of `package`.
    pub fn new(package: &Package) -> Self {
        Self::of(package.manifest())
    }

    /// The scorer of a package with this manifest, whose weights and calibration may be others than on disk.
    pub fn of(manifest: &Manifest) -> Self {
        let weights = Direction::all().map(|direction| {
            let pair = modalities(direction);
            let blocks = manifest.blocks.iter();
            let of_blocks = blocks.map(|block| block.weights.get(&pair).copied().unwrap_or(1.0));
            (direction, of_blocks.collect())
        });
        let calibration = Direction::all().flat_map(|direction| {
            let pairs = Track::ALL
                .into_iter()
                .flat_map(|query| Track::ALL.into_iter().map(move |target| (query, target)));
            pairs.filter_map(move |pair| Some(((direction, pair), manifest.moments(direction, pair)?)))
        });
        Self {
            dimensions: manifest.blocks.iter().map(|block| block.dimension).collect(),
            weights: weights.collect(),
            hubs: manifest.hubs.as_ref().map(against_hubs).unwrap_or_default(),
            calibration: calibration.collect(),
        }
    }

    /// Makes a query of the segments of an item: on each track their mean, weighted for `direction`.
    pub fn query<'a>(
        &self,
        direction: Direction,
        segments: impl IntoIterator<Item = (&'a Segment, &'a Embedding)>,
    ) -> Query {
        let mut by_track: BTreeMap<Track, Vec<Embedding>> = BTreeMap::new();
        for (segment, embedding) in segments {
            by_track.entry(segment.track).or_default().push(embedding.clone());
        }
        let weights = self.weights.get(&direction).map_or(&[][..], Vec::as_slice);
        let hubs = self.hubs.get(&direction).map_or(&[][..], Vec::as_slice);
        let weighted = |embedding: Embedding| {
            let blocks = self.dimensions.iter().copied().zip(weights.iter().copied());
            embedding.weighted(blocks).followed_by(hubs.iter().copied())
        };
        let tracks = by_track.into_iter().filter_map(|(track, embeddings)| {
            let mean = Embedding::mean(&embeddings, &self.dimensions)?;
            Some((track, weighted(mean)))
        });
        Query {
            direction,
            tracks: tracks.collect(),
        }
    }

    /// Compares `query` with the segments of one item, and names the best by its index; `None` when either has
    /// none.
    pub fn compare<'a>(
        &self,
        query: &Query,
        segments: impl IntoIterator<Item = (&'a Segment, &'a Embedding)>,
    ) -> Option<Match<usize>> {
        let mut best: BTreeMap<TrackPair, (f32, usize)> = BTreeMap::new();
        for (index, (segment, target)) in segments.into_iter().enumerate() {
            for (track, embedding) in &query.tracks {
                let found = (embedding.dot(target), index);
                let best = best.entry((*track, segment.track)).or_insert(found);
                if found.0 > best.0 {
                    *best = found;
                }
            }
        }
        self.join(query, &best)
    }

    /// How well an item answers `query` whose greatest inner product for each pair of tracks, and the segment that it
    /// belongs to, is `best`; `None` without any.
    ///
    /// Where both have a track in common (the sound of a recording and of a video), such pairs alone say more
    /// than all others. A soft maximum, the logarithm of the mean exponential, joins what is left; it is
    /// never above the greatest [`calibrated`](Self::calibrated) value.
    pub fn join<S: Copy>(&self, query: &Query, best: &BTreeMap<TrackPair, (f32, S)>) -> Option<Match<S>> {
        let common = best.keys().any(|(query, target)| query == target);
        let pairs: Vec<Match<S>> = best
            .iter()
            .filter(|((query, target), _)| !common || query == target)
            .map(|(&pair, &(similarity, segment))| Match {
                score: self.calibrated(query, pair, similarity),
                similarity,
                segment,
            })
            .collect();
        let best = pairs.iter().max_by(|a, b| a.score.total_cmp(&b.score))?;
        // Relative to the best, so that nothing overflows.
        let parts = pairs.iter().map(|pair| (pair.score - best.score).exp());
        Some(Match {
            score: best.score + (parts.sum::<f32>() / pairs.len() as f32).ln(),
            ..*best
        })
    }

    /// An inner product of `query`, in standard deviations above that of unrelated segments of these tracks.
    pub fn calibrated(&self, query: &Query, pair: TrackPair, similarity: f32) -> f32 {
        match self.calibration.get(&(query.direction, pair)) {
            Some(moments) => (similarity - moments.mean) / moments.deviation,
            None => similarity,
        }
    }
}

/// For each direction minus its share, at the place of its component; zeros for a direction without.
fn against_hubs(spec: &HubsSpec) -> BTreeMap<Direction, Vec<f32>> {
    let component = |name: &String, share: &f32, of: &String| if name == of { -share } else { 0.0 };
    let directions = Direction::all().map(|direction| {
        let of = modalities(direction);
        let shares = spec.shares.iter();
        let components = shares.map(|(name, share)| component(name, share, &of));
        (direction, components.collect())
    });
    directions.collect()
}

#[cfg(test)]
mod tests {
    use sensorium_types::Modality;

    use super::*;

    const MOMENTS: Moments = Moments {
        mean: 0.0,
        deviation: 0.5,
    };

    const TO_VIDEO: Direction = Direction {
        from: Modality::Text,
        to: Modality::Video,
    };

    fn scorer() -> Scorer {
        let tracks = Track::ALL.into_iter();
        let pairs = tracks.flat_map(|query| Track::ALL.into_iter().map(move |target| (query, target)));
        Scorer {
            dimensions: vec![2],
            weights: BTreeMap::new(),
            hubs: BTreeMap::new(),
            calibration: pairs.map(|pair| ((TO_VIDEO, pair), MOMENTS)).collect(),
        }
    }

    fn compare(query: &[(Track, [f32; 2])], item: &[(Track, [f32; 2])]) -> Option<Match<usize>> {
        let scorer = scorer();
        let own = |parts: &[(Track, [f32; 2])]| -> Vec<(Segment, Embedding)> {
            let parts = parts.iter();
            parts
                .map(|(track, vector)| (Segment::whole(*track), Embedding::from_vec(vector.to_vec())))
                .collect()
        };
        let (query, item) = (own(query), own(item));
        let query = Query {
            direction: TO_VIDEO,
            tracks: query
                .into_iter()
                .map(|(segment, embedding)| (segment.track, embedding))
                .collect(),
        };
        scorer.compare(
            &query,
            item.iter().map(|(segment, embedding)| (segment, embedding)),
        )
    }

    #[test]
    fn the_best_segment_counts_in_deviations() {
        let item = [
            (Track::Visual, [0.1, 0.0]),
            (Track::Visual, [0.4, 0.0]),
            (Track::Visual, [0.2, 0.0]),
        ];
        let found = compare(&[(Track::Text, [1.0, 0.0])], &item).unwrap();
        assert_eq!((found.segment, found.similarity, found.score), (1, 0.4, 0.8));
        assert_eq!(compare(&[], &item), None);
        assert_eq!(compare(&[(Track::Text, [1.0, 0.0])], &[]), None);
    }

    #[test]
    fn a_common_track_says_more_than_the_others() {
        let video = [(Track::Visual, [1.0, 0.0]), (Track::Audio, [0.3, 0.0])];
        let found = compare(&[(Track::Audio, [1.0, 0.0])], &video).unwrap();
        assert_eq!((found.segment, found.similarity), (1, 0.3));
    }

    #[test]
    fn without_one_a_soft_maximum_joins_the_tracks() {
        let video = [(Track::Visual, [0.5, 0.0]), (Track::Audio, [0.1, 0.0])];
        let found = compare(&[(Track::Text, [1.0, 0.0])], &video).unwrap();
        let expected = ((1f32.exp() + 0.2f32.exp()) / 2.0).ln();
        assert!((found.score - expected).abs() < 1e-6);
        assert_eq!(found.segment, 0);
    }
}
