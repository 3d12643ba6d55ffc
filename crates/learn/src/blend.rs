//! How much the new block counts beside the others, and what unrelated items then score.

use std::collections::BTreeMap;

use rand::SeedableRng as _;
use rand::seq::SliceRandom as _;
use rand_chacha::ChaCha8Rng;
use sensorium_eval::{Embedded, Task, measure};
use sensorium_model::Scorer;
use sensorium_model::manifest::{Manifest, Moments};
use sensorium_types::{Direction, Embedding, Segment, Track};

/// Weights of the new block that are tried; the others keep theirs.
const WEIGHTS: [f32; 11] = [0.0, 0.15, 0.3, 0.5, 0.75, 1.0, 1.5, 2.0, 3.0, 5.0, 8.0];

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

/// Sets in `manifest` the weight of the last block for each direction that the sets can measure: the one of the greatest
/// mean recall, on average over the sets. Other directions are left alone.
pub(crate) fn choose_weights(
    manifest: &mut Manifest,
    sets: &[EmbeddedSet<'_>],
    unrelated: &Unrelated,
    mut progress: impl FnMut(),
) -> BTreeMap<Direction, f32> {
    let mut chosen = BTreeMap::new();
    for direction in Direction::all() {
        let tasks: Vec<(&Task<'_>, &Embedded)> = sets
            .iter()
            .flat_map(|set| set.tasks.iter().map(|task| (task, &set.embedded)))
            .filter(|(task, _)| task.direction() == direction)
            .collect();
        if tasks.is_empty() {
            continue;
        }
        let mut best = (0.0, f64::NEG_INFINITY);
        for weight in WEIGHTS {
            set_weight(manifest, direction, weight, unrelated);
            let scorer = Scorer::of(manifest);
            let recalls = tasks.iter().map(|(task, embedded)| {
                let score = |direction, queries: &[_], gallery: &[_]| {
                    embedded.scores(&scorer, direction, queries, gallery)
                };
                measure(task, score).mean_recall
            });
            let recall = recalls.sum::<f64>() / tasks.len() as f64;
            if recall > best.1 {
                best = (weight, recall);
            }
            progress();
        }
        set_weight(manifest, direction, best.0, unrelated);
        chosen.insert(direction, best.0);
    }
    chosen
}

/// How many times [`choose_weights`] will report progress.
pub(crate) fn trials(sets: &[EmbeddedSet<'_>]) -> usize {
    let directions = sets.iter().flat_map(|set| set.tasks.iter().map(Task::direction));
    WEIGHTS.len() * directions.collect::<std::collections::BTreeSet<_>>().len()
}

/// Gives the last block this weight in `direction`, and the direction its own calibration; with a weight of 0 it keeps
/// the one that it had.
pub(crate) fn set_weight(manifest: &mut Manifest, direction: Direction, weight: f32, unrelated: &Unrelated) {
    let modalities = format!("{}.{}", direction.from, direction.to);
    if let Some(block) = manifest.blocks.last_mut() {
        block.weights.insert(modalities.clone(), weight);
    }
    let pairs = direction
        .from
        .tracks()
        .iter()
        .flat_map(|&query| direction.to.tracks().iter().map(move |&target| (query, target)));
    for (query, target) in pairs {
        let key = format!("{modalities}/{query}.{target}");
        manifest.calibration.remove(&key);
        if weight > 0.0
            && let Some(moments) = moments(manifest, direction, (query, target), unrelated)
        {
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
    let (mut count, mut sum, mut squares) = (0u32, 0.0, 0.0);
    for (group, embedding) in queries {
        let segment = Segment::whole(query);
        let asked = scorer.query(direction, [(&segment, embedding)]);
        let (_, vector) = asked.tracks().first()?;
        for (_, other) in targets.iter().filter(|(other, _)| other != group) {
            let similarity = f64::from(vector.dot(other));
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
