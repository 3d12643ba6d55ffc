//! A second look at the first candidates: the tokens of the query attend to those of the candidate.

use std::collections::BTreeMap;

use ndarray::{Array1, Array2, ArrayView2, Axis};
use sensorium_types::{Direction, Track};

use crate::head::Projection;
use crate::manifest::{Moments, modalities};
use crate::tokens::{MOST_TOKENS, softmax};
use crate::{Error, Package, Result, Tokens, TrackPair};

/// How many of a first ranking are looked at once more.
pub const CANDIDATES: usize = 50;

/// Of a query of many segments the first are compared.
const MOST_SEGMENTS: usize = 4;

/// Ranks candidates by cross-modal attention (stacked cross attention, Lee et al. 2018, arXiv:1803.08024).
///
/// The tokens of each track, words, places of a picture and moments of a sound, are projected into one space of their
/// own. Each token of the query attends to the tokens of the candidate; its cosine with the mean of these, weighted by
/// attention, says how well it is found there. The score is the mean of the cosines, weighted by the importance of the
/// query's tokens.
pub struct Reranker {
    sharpness: f32,
    /// The share of the new score.
    weights: BTreeMap<Direction, f32>,
    /// How far the best candidate of a query that it knows is above unrelated ones, at least and as a rule.
    known: BTreeMap<Direction, [f32; 2]>,
    /// What unrelated segments score.
    calibration: BTreeMap<TrackPair, Moments>,
    projections: BTreeMap<Track, Projection>,
}

/// What a query looked at in a candidate.
#[derive(Debug, Clone, PartialEq)]
pub struct Attention {
    /// The raw score, -1 to 1.
    pub score: f32,
    /// For each token of the query how well it was found, -1 to 1.
    pub found: Vec<f32>,
    /// For each token of the query how much it counts; the sum is 1.
    pub importance: Vec<f32>,
    /// How much was looked at each token of the candidate; the sum is 1.
    pub looked_at: Vec<f32>,
}

impl Reranker {
    /// Loads the reranker of `package`; `None` when it has none.
    ///
    /// # Errors
    /// As [`Package::read`], and [`Error::Invalid`] for tensors that do not fit.
    pub fn load(package: &Package) -> Result<Option<Self>> {
        let Some(spec) = &package.manifest().reranker else {
            return Ok(None);
        };
        let mut projections = BTreeMap::new();
        for (&track, file) in &spec.projections {
            let tokens = package
                .manifest()
                .towers
                .common(track)
                .and_then(|tower| tower.tokens);
            let dimension = tokens.map_or(0, |tokens| tokens.dimension);
            let bytes = package.read(file)?;
            let projection = Projection::read(&bytes, dimension, spec.dimension);
            projections.insert(
                track,
                projection.map_err(|problem| Error::Invalid {
                    path: package.folder().join(file),
                    problem,
                })?,
            );
        }
        let weight = |direction| Some((direction, *spec.weights.get(&modalities(direction))?));
        let known = |direction| Some((direction, *spec.known.get(&modalities(direction))?));
        let pairs = Track::ALL
            .into_iter()
            .flat_map(|query| Track::ALL.into_iter().map(move |target| (query, target)));
        let moments =
            |pair: TrackPair| Some((pair, *spec.calibration.get(&format!("{}.{}", pair.0, pair.1))?));
        Ok(Some(Self {
            sharpness: spec.sharpness,
            weights: Direction::all().filter_map(weight).collect(),
            known: Direction::all().filter_map(known).collect(),
            calibration: pairs.filter_map(moments).collect(),
            projections,
        }))
    }

    /// Gives the new score this share in `direction`.
    pub fn set_weight(&mut self, direction: Direction, weight: f32) {
        self.weights.insert(direction, weight);
    }

    /// Says what unrelated segments of these tracks score.
    pub fn set_moments(&mut self, pair: TrackPair, moments: Moments) {
        self.calibration.insert(pair, moments);
    }

    /// Whether it has learned to rank in `direction`.
    pub fn ranks(&self, direction: Direction) -> bool {
        self.weight(direction) > 0.0
    }

    /// The share of the new score in `direction`.
    fn weight(&self, direction: Direction) -> f32 {
        self.weights.get(&direction).copied().unwrap_or(0.0)
    }

    /// The tokens whose raw values, one token after the other, are `values`; `None` for none, and for a track without
    /// a projection.
    pub fn tokens(&self, track: Track, values: &[f32]) -> Option<Tokens> {
        let projection = self.projections.get(&track)?;
        let dimension = projection.inputs();
        let count = (values.len() / dimension).min(MOST_TOKENS);
        let raw = ArrayView2::from_shape((count, dimension), &values[..count * dimension]).ok()?;
        if count == 0 {
            return None;
        }
        Some(Tokens::new(
            track,
            projection.apply(raw),
            projection.importance(raw),
        ))
    }

    /// The raw score of `target` for `query`, -1 to 1.
    pub fn similarity(&self, query: &Tokens, target: &Tokens) -> f32 {
        self.cosines(query, target).0.dot(&query.importance())
    }

    /// How far `target` is above unrelated segments for a query of the segments with these tokens, in standard deviations;
    /// `None` when nothing is known of unrelated ones.
    pub fn second<'a>(&self, query: impl IntoIterator<Item = &'a Tokens>, target: &Tokens) -> Option<f32> {
        let scores: Vec<f32> = query
            .into_iter()
            .take(MOST_SEGMENTS)
            .filter_map(|query| {
                let Moments { mean, deviation } = self.calibration.get(&(query.track, target.track))?;
                Some((self.similarity(query, target) - mean) / deviation)
            })
            .collect();
        (!scores.is_empty()).then(|| scores.iter().sum::<f32>() / scores.len() as f32)
    }

    /// The scores of the candidates of a query that had `first` and have a [`second`](Self::second), in the same order: both
    /// weighed. A query whose best candidate does not stand out is none that it knows, and the first scores stay.
    pub fn joined(&self, direction: Direction, first: &[f32], second: &[Option<f32>]) -> Vec<f32> {
        let best = second.iter().flatten().copied().fold(f32::NEG_INFINITY, f32::max);
        let knows = self.known.get(&direction).map_or(1.0, |[least, usual]| {
            ((best - least) / (usual - least)).clamp(0.0, 1.0)
        });
        let share = knows * self.weight(direction);
        let joined = |(first, second): (&f32, &Option<f32>)| {
            second.map_or(*first, |second| (1.0 - share) * first + share * second)
        };
        first.iter().zip(second).map(joined).collect()
    }

    /// What `query` looks at in `target`.
    pub fn attention(&self, query: &Tokens, target: &Tokens) -> Attention {
        let (cosines, attention) = self.cosines(query, target);
        let importance = query.importance();
        Attention {
            score: cosines.dot(&importance),
            looked_at: importance.dot(&attention).to_vec(),
            found: cosines.to_vec(),
            importance: importance.to_vec(),
        }
    }

    /// For each token of `query` its cosine with what it attends to, and its attention `[query tokens, target tokens]`.
    fn cosines(&self, query: &Tokens, target: &Tokens) -> (Array1<f32>, Array2<f32>) {
        let similarities = query.vectors.dot(&target.vectors.t());
        let mut attention = similarities.clone() * self.sharpness;
        for mut row in attention.rows_mut() {
            let weights = softmax(row.to_owned());
            row.assign(&weights);
        }
        let along = (&attention * &similarities).sum_axis(Axis(1));
        // The length of the weighted mean, by the products of what it is made of.
        let square = (attention.dot(&target.products) * &attention).sum_axis(Axis(1));
        (along / square.mapv(|x| x.max(1e-6).sqrt()), attention)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn reranker() -> Reranker {
        Reranker {
            sharpness: 20.0,
            weights: BTreeMap::from([("text:image".parse().unwrap(), 0.5)]),
            known: BTreeMap::from([("text:image".parse().unwrap(), [2.0, 4.0])]),
            calibration: BTreeMap::from([(
                (Track::Text, Track::Visual),
                Moments {
                    mean: 0.25,
                    deviation: 0.125,
                },
            )]),
            projections: BTreeMap::new(),
        }
    }

    fn tokens(track: Track, rows: &[[f32; 2]], importance: &[f32]) -> Tokens {
        let vectors = Array2::from_shape_fn((rows.len(), 2), |(row, column)| rows[row][column]);
        let logits = importance.iter().map(|share| share.ln());
        Tokens::new(track, vectors, logits.collect())
    }

    #[test]
    fn a_word_looks_where_its_like_is_and_is_found_there() {
        let query = tokens(Track::Text, &[[1.0, 0.0], [0.0, 1.0]], &[0.75, 0.25]);
        let target = tokens(
            Track::Visual,
            &[[1.0, 0.0], [-1.0, 0.0], [0.6, -0.8]],
            &[1.0, 0.0, 0.0],
        );
        let attention = reranker().attention(&query, &target);
        assert!(attention.found[0] > 0.99, "{attention:?}");
        assert!(attention.found[1] < 0.1, "{attention:?}");
        assert!(
            attention.looked_at[0] > 0.74 && (attention.looked_at.iter().sum::<f32>() - 1.0).abs() < 1e-5
        );
        let expected = 0.75 * attention.found[0] + 0.25 * attention.found[1];
        assert!((attention.score - expected).abs() < 1e-6);
        assert_eq!(reranker().similarity(&query, &target), attention.score);
    }

    #[test]
    fn the_new_score_has_its_share_where_it_was_learned_and_none_elsewhere() {
        let direction = |name: &str| name.parse::<Direction>().unwrap();
        let reranker = reranker();
        let query = tokens(Track::Text, &[[1.0, 0.0]], &[1.0]);
        let target = tokens(Track::Visual, &[[1.0, 0.0], [0.0, 1.0]], &[0.5, 0.5]);
        let second = reranker.second([&query], &target);
        let expected = (reranker.similarity(&query, &target) - 0.25) / 0.125;
        assert_eq!(second, Some(expected));
        assert!(expected > 4.0, "{expected}");
        assert_eq!(
            reranker.second([&target], &query),
            None,
            "nothing is known of unrelated ones"
        );

        let joined =
            |name: &str, second: Option<f32>| reranker.joined(direction(name), &[1.0, 0.5], &[second, None]);
        assert_eq!(joined("text:image", second), [0.5 + 0.5 * expected, 0.5]);
        assert_eq!(joined("text:video", second), [1.0, 0.5]);
        assert!(reranker.ranks(direction("text:image")) && !reranker.ranks(direction("text:video")));
    }

    #[test]
    fn a_query_whose_best_candidate_does_not_stand_out_is_ranked_as_before() {
        let joined =
            |second: f32| reranker().joined("text:image".parse().unwrap(), &[1.0], &[Some(second)])[0];
        assert_eq!(joined(1.5), 1.0);
        assert_eq!(joined(2.0), 1.0);
        assert_eq!(joined(3.0), 0.75 * 1.0 + 0.25 * 3.0);
        assert_eq!(joined(6.0), 0.5 * 1.0 + 0.5 * 6.0);
    }

    proptest::proptest! {
        #[test]
        fn scores_are_cosines_whatever_the_tokens(
            a in proptest::collection::vec(proptest::array::uniform2(-1.0f32..1.0), 1..9),
            b in proptest::collection::vec(proptest::array::uniform2(-1.0f32..1.0), 1..9),
        ) {
            let unit = |rows: &[[f32; 2]], track| {
                tokens(track, rows, &vec![1.0 / rows.len() as f32; rows.len()])
            };
            let score = reranker().similarity(&unit(&a, Track::Text), &unit(&b, Track::Visual));
            proptest::prop_assert!((-1.001..=1.001).contains(&score), "{score}");
        }
    }
}
