//! How much the new block counts beside the others, and what unrelated items then score.

use std::collections::{BTreeMap, BTreeSet};

use rand::SeedableRng as _;
use rand::seq::SliceRandom as _;
use rand_chacha::ChaCha8Rng;
use sensorium_eval::{Embedded, Task, measure};
use sensorium_model::Scorer;
use sensorium_model::manifest::{Manifest, Moments, modalities};
use sensorium_types::{Direction, Embedding, Segment, Track};
use serde::Serialize;

/// Weights of the new block that are tried; the others keep theirs.
pub(crate) const WEIGHTS: [f32; 11] = [0.0, 0.15, 0.3, 0.5, 0.75, 1.0, 1.5, 2.0, 3.0, 5.0, 8.0];

/// Shares of the nearness of hubs that are tried.
pub(crate) const SHARES: [f32; 6] = [0.0, 0.15, 0.3, 0.45, 0.6, 0.75];

/// Segments of a track that are compared with those of another for the calibration.
const SAMPLE: usize = 300;

/// A set of pairs with the embeddings of its contents.
pub(crate) struct EmbeddedSet<'p> {
    pub(crate) tasks: Vec<Task<'p>>,
    pub(crate) embedded: Embedded,
}

/// The number of a set of pairs, and of a class in it.
pub(crate) type Group = (usize, usize);

/// Segments of items that have nothing to do with each other, except those of one group.
pub(crate) type Unrelated = BTreeMap<Track, Vec<(Group, Embedding)>>;

/// A sample of `segments` for [`calibrate`].
pub(crate) fn sample(mut segments: Unrelated, seed: u64) -> Unrelated {
    let mut random = ChaCha8Rng::seed_from_u64(seed);
    for list in segments.values_mut() {
        list.shuffle(&mut random);
        list.truncate(SAMPLE);
    }
    segments
}

/// A weight of a block, or a share, that was tried.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct Trial {
    /// The weight.
    pub weight: f32,
    /// The mean of R@1, R@5 and R@10 with it, on the tuning part of each set of pairs that has the direction.
    pub recall: Vec<f64>,
}

impl Trial {
    /// Each set counts the same, whether it is large or small.
    fn mean(&self) -> f64 {
        self.recall.iter().sum::<f64>() / self.recall.len().max(1) as f64
    }
}

/// What the manifest has in each direction and is to be chosen: a function that sets it.
pub(crate) type Set = fn(&mut Manifest, Direction, f32);

/// Tries `weights` in `manifest` for each direction that the sets can measure.
pub(crate) fn try_weights(
    manifest: &Manifest,
    weights: &[f32],
    set: Set,
    sets: &[EmbeddedSet<'_>],
    unrelated: &Unrelated,
    progress: impl FnMut(),
) -> BTreeMap<Direction, Vec<Trial>> {
    let mut manifest = manifest.clone();
    let recall = |direction, weight| {
        set(&mut manifest, direction, weight);
        calibrate(&mut manifest, direction, unrelated);
        let scorer = Scorer::of(&manifest);
        let tasks = sets
            .iter()
            .flat_map(|set| set.tasks.iter().map(move |task| (task, &set.embedded)))
            .filter(|(task, _)| task.direction() == direction);
        let recall = tasks.map(|(task, embedded)| {
            let score = |direction, queries: &[_], gallery: &[_]| {
                embedded.scores(&scorer, direction, queries, gallery)
            };
            measure(task, score).mean_recall
        });
        recall.collect()
    };
    try_each(directions(sets), weights, recall, progress)
}

/// What each of `weights` gives in each of `directions`: `recall` says it for each set of pairs that has the direction.
pub(crate) fn try_each(
    directions: BTreeSet<Direction>,
    weights: &[f32],
    mut recall: impl FnMut(Direction, f32) -> Vec<f64>,
    mut progress: impl FnMut(),
) -> BTreeMap<Direction, Vec<Trial>> {
    let mut trial = |direction, weight| {
        let recall = recall(direction, weight);
        progress();
        Trial { weight, recall }
    };
    let tried = directions.into_iter().map(|direction| {
        let trials = weights.iter().map(|&weight| trial(direction, weight));
        (direction, trials.collect())
    });
    tried.collect()
}

/// The best weight of each direction.
pub(crate) fn chosen(tried: &BTreeMap<Direction, Vec<Trial>>) -> BTreeMap<Direction, f32> {
    let chosen = tried.iter();
    chosen
        .map(|(direction, trials)| (*direction, best(trials)))
        .collect()
}

/// The weight of the greatest recall on average over the sets; the smallest when there are several.
fn best(trials: &[Trial]) -> f32 {
    let best = trials.iter().rev().max_by(|a, b| a.mean().total_cmp(&b.mean()));
    best.map_or(0.0, |trial| trial.weight)
}

/// The directions that the sets can measure.
pub(crate) fn directions<'s, 'p: 's>(
    sets: impl IntoIterator<Item = &'s EmbeddedSet<'p>>,
) -> BTreeSet<Direction> {
    let tasks = sets.into_iter().flat_map(|set| &set.tasks);
    tasks.map(Task::direction).collect()
}

/// Gives the last block this weight in `direction`.
pub(crate) fn set_weight(manifest: &mut Manifest, direction: Direction, weight: f32) {
    if let Some(block) = manifest.blocks.last_mut() {
        block.weights.insert(modalities(direction), weight);
    }
}

/// Lets queries in `direction` subtract this share of the nearness of hubs, where there is a bank for it.
pub(crate) fn set_share(manifest: &mut Manifest, direction: Direction, share: f32) {
    let shares = manifest.hubs.as_mut().map(|hubs| &mut hubs.shares);
    if let Some(own) = shares.and_then(|shares| shares.get_mut(&modalities(direction))) {
        *own = share;
    }
}

/// Gives `direction` a calibration of its own.
pub(crate) fn calibrate(manifest: &mut Manifest, direction: Direction, unrelated: &Unrelated) {
    let modalities = modalities(direction);
    let pairs = direction
        .from
        .tracks()
        .iter()
        .flat_map(|&query| direction.to.tracks().iter().map(move |&target| (query, target)));
    for (query, target) in pairs {
        let key = format!("{modalities}/{query}.{target}");
        if let Some(moments) = moments(manifest, direction, (query, target), unrelated) {
            manifest.calibration.insert(key, moments);
        }
    }
}

/// Mean and deviation of the inner products of unrelated segments in `direction`.
fn moments(
    manifest: &Manifest,
    direction: Direction,
    (query, target): (Track, Track),
    unrelated: &Unrelated,
) -> Option<Moments> {
    let scorer = Scorer::of(manifest);
    let (queries, targets) = (unrelated.get(&query)?, unrelated.get(&target)?);
    let segment = Segment::whole(query);
    let vector = |embedding: &Embedding| {
        let asked = scorer.query(direction, [(&segment, embedding)]);
        Some(asked.tracks().first()?.1.clone())
    };
    let queries = queries
        .iter()
        .map(|(group, embedding)| Some((*group, vector(embedding)?)))
        .collect::<Option<Vec<_>>>()?;
    moments_of(&queries, targets, |query, target| query.dot(target))
}

/// Mean and deviation of the similarities of `queries` with those `targets` that are of another group.
pub(crate) fn moments_of<Q, T>(
    queries: &[(Group, Q)],
    targets: &[(Group, T)],
    similarity: impl Fn(&Q, &T) -> f32,
) -> Option<Moments> {
    let (mut count, mut sum, mut squares) = (0u32, 0.0, 0.0);
    for (group, query) in queries {
        for (_, target) in targets.iter().filter(|(other, _)| other != group) {
            let similarity = f64::from(similarity(query, target));
            count += 1;
            sum += similarity;
            squares += similarity * similarity;
        }
    }
    let mean = sum / f64::from(count.max(1));
    let deviation = (squares / f64::from(count.max(1)) - mean * mean).max(0.0).sqrt() as f32;
    deviation.is_normal().then_some(Moments {
        mean: mean as f32,
        deviation,
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_set_has_the_same_say_and_of_equal_weights_the_smallest_is_taken() {
        let trials = |recalls: [[f64; 2]; 3]| {
            let pairs = [0.0, 1.0, 2.0].into_iter().zip(recalls);
            let pairs = pairs.map(|(weight, recall)| Trial {
                weight,
                recall: recall.to_vec(),
            });
            pairs.collect::<Vec<_>>()
        };
        assert_eq!(best(&trials([[0.5, 0.5], [0.4, 0.7], [0.6, 0.4]])), 1.0);
        assert_eq!(best(&trials([[0.25, 0.5], [0.5, 0.5], [0.75, 0.25]])), 1.0);
        assert_eq!(best(&[]), 0.0);
    }
}
