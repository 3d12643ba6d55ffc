//! How well an item answers a query, comparable between pairs of modalities.

use std::collections::BTreeMap;

use sensorium_types::{Direction, Embedding, Segment, Track};

use crate::Package;
use crate::manifest::Moments;

/// Compares queries with items by the weights and the calibration of a package.
///
/// Inner products of, say, text with pictures and of text with sounds have different means and spreads.
/// Each is therefore counted in standard deviations above what unrelated segments of the two tracks score.
#[derive(Debug, Clone)]
pub struct Scorer {
    dimensions: Vec<usize>,
    /// For each direction, the weight of each block of the query.
    weights: BTreeMap<Direction, Vec<f32>>,
    calibration: BTreeMap<(Track, Track), Moments>,
}

/// A query, ready to be compared with items of one modality.
#[derive(Debug, Clone)]
pub struct Query {
    /// One vector for each track that the query has.
    tracks: Vec<(Track, Embedding)>,
}

/// How well an item answers.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Match {
    /// Standard deviations above unrelated items; higher is better.
    pub score: f32,
    /// The inner product that counted most.
    pub similarity: f32,
    /// Index of the item's segment that it belongs to.
    pub segment: usize,
}

impl Scorer {
    /// The scorer of `package`.
    pub fn new(package: &Package) -> Self {
        let manifest = package.manifest();
        let weights = Direction::all().map(|direction| {
            let pair = format!("{}.{}", direction.from, direction.to);
            let blocks = manifest.blocks.iter();
            let of_blocks = blocks.map(|block| block.weights.get(&pair).copied().unwrap_or(1.0));
            (direction, of_blocks.collect())
        });
        let pairs = Track::ALL
            .into_iter()
            .flat_map(|query| Track::ALL.into_iter().map(move |target| (query, target)));
        let calibration = pairs.filter_map(|(query, target)| {
            let moments = manifest.calibration.get(&format!("{query}.{target}"))?;
            Some(((query, target), *moments))
        });
        Self {
            dimensions: manifest.blocks.iter().map(|block| block.dimension).collect(),
            weights: weights.collect(),
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
        let weighted = |embedding: Embedding| {
            embedding.weighted(self.dimensions.iter().copied().zip(weights.iter().copied()))
        };
        let tracks = by_track.into_iter().filter_map(|(track, embeddings)| {
            let mean = Embedding::mean(&embeddings, &self.dimensions)?;
            Some((track, weighted(mean)))
        });
        Query {
            tracks: tracks.collect(),
        }
    }

    /// Compares `query` with the segments of one item; `None` when either has none.
    ///
    /// Each track of the query counts with its best segment; a query of several tracks (a video with sound)
    /// scores their mean.
    pub fn compare<'a>(
        &self,
        query: &Query,
        segments: impl IntoIterator<Item = (&'a Segment, &'a Embedding)> + Clone,
    ) -> Option<Match> {
        let best_of_tracks = query.tracks.iter().filter_map(|(track, embedding)| {
            let matches = segments
                .clone()
                .into_iter()
                .enumerate()
                .map(|(index, (segment, target))| {
                    let similarity = embedding.dot(target);
                    Match {
                        score: self.calibrated((*track, segment.track), similarity),
                        similarity,
                        segment: index,
                    }
                });
            matches.max_by(|a, b| a.score.total_cmp(&b.score))
        });
        let best_of_tracks: Vec<Match> = best_of_tracks.collect();
        let best = best_of_tracks.iter().max_by(|a, b| a.score.total_cmp(&b.score))?;
        let total: f32 = best_of_tracks.iter().map(|best| best.score).sum();
        Some(Match {
            score: total / best_of_tracks.len() as f32,
            ..*best
        })
    }

    fn calibrated(&self, pair: (Track, Track), similarity: f32) -> f32 {
        match self.calibration.get(&pair) {
            Some(moments) => (similarity - moments.mean) / moments.deviation,
            None => similarity,
        }
    }
}
