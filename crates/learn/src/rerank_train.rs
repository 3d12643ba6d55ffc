//! The training of a reranker: batches of hard negatives, loss and recall.

use std::collections::{BTreeMap, HashMap};
use std::path::Path;

use candle_core::{D, DType, Tensor};
use rand::distr::weighted::WeightedIndex;
use rand::prelude::Distribution as _;
use rand::seq::IndexedRandom as _;
use rand_chacha::ChaCha8Rng;
use sensorium_types::Track;

use crate::attention::{Attention, Projected, TokenBatch};
use crate::epochs::{self, Training, mean, random};
use crate::examples::Example;
use crate::loss::cross_entropy;
use crate::negatives::Near;
use crate::optimizer::Optimizer;
use crate::token_banks::TokenBanks;
use crate::train::{Source, TRACK_PAIRS, positives};
use crate::{LearnOptions, Progress, Result};

/// Items of a batch that are near each other: one and its hard negatives.
const NEAR: usize = 8;

/// Items of the tuning part by which it is decided when to stop.
const TUNE: usize = 200;

/// Trains on `sources` and returns the network that was best on the tuning part. What is at `checkpoint` is gone on from
/// when it belongs to this training.
pub(crate) fn train(
    sources: &[Source],
    near: &[Near],
    banks: &TokenBanks<'_>,
    inputs: &BTreeMap<Track, usize>,
    options: &LearnOptions,
    checkpoint: &Path,
    progress: &mut dyn FnMut(Progress),
) -> Result<Attention> {
    let network = Attention::new(
        inputs,
        options.hidden,
        options.dimension,
        &mut random(options.seed, 0),
    )?;
    let mut trainer = Trainer {
        sources,
        banks,
        inputs,
        near,
        draw: epochs::draw(sources.iter().map(|source| source.share))?,
        optimizer: Optimizer::new(network.parameters())?,
        network,
        options,
    };
    let counts: Vec<usize> = sources.iter().map(|source| source.train.len()).collect();
    let items = counts.iter().sum();
    let fingerprint = options.fingerprint(counts.into_iter(), &("reranker", inputs));
    let best = epochs::run(&mut trainer, items, &fingerprint, options, checkpoint, progress)?;
    trainer.network.set(&best)?;
    Ok(trainer.network)
}

struct Trainer<'a> {
    sources: &'a [Source],
    banks: &'a TokenBanks<'a>,
    inputs: &'a BTreeMap<Track, usize>,
    /// The hard negatives of each source.
    near: &'a [Near],
    draw: WeightedIndex<f64>,
    network: Attention,
    optimizer: Optimizer,
    options: &'a LearnOptions,
}

impl Training for Trainer<'_> {
    fn optimizer(&mut self) -> &mut Optimizer {
        &mut self.optimizer
    }

    fn loss(&mut self, step: usize) -> Result<Option<Tensor>> {
        // The first stream made the network.
        let mut random = random(self.options.seed, step as u64 + 1);
        let place = self.draw.sample(&mut random);
        let examples = &self.sources[place].train;
        let batch = batch(examples, &self.near[place], self.options.batch, &mut random);
        loss(
            &self.network,
            self.banks,
            self.inputs,
            &batch,
            self.options,
            &mut random,
        )
    }

    fn recall(&mut self, averages: &HashMap<String, Tensor>) -> Result<f64> {
        with(&self.network, averages, || {
            recall(&self.network, self.banks, self.inputs, self.sources)
        })
    }
}

/// What `of` says while the network has other values.
fn with<T>(
    network: &Attention,
    values: &HashMap<String, Tensor>,
    of: impl FnOnce() -> Result<T>,
) -> Result<T> {
    let present = network
        .parameters()
        .into_iter()
        .map(|parameter| Ok((parameter.name, parameter.variable.copy()?)))
        .collect::<Result<_>>()?;
    network.set(values)?;
    let result = of();
    network.set(&present)?;
    result
}

/// Groups of an example with some of its nearest, each example once.
fn batch<'e>(examples: &'e [Example], near: &Near, size: usize, random: &mut ChaCha8Rng) -> Vec<&'e Example> {
    let seeds = size.div_ceil(NEAR).min(examples.len());
    let mut chosen: Vec<usize> = Vec::with_capacity(size);
    for seed in rand::seq::index::sample(random, examples.len(), seeds) {
        chosen.push(seed);
        chosen.extend(near[seed].choose_multiple(random, NEAR - 1));
    }
    chosen.sort_unstable();
    chosen.dedup();
    chosen.into_iter().map(|place| &examples[place]).collect()
}

/// The mean over the pairs of tracks, each attending to the other.
fn loss(
    network: &Attention,
    banks: &TokenBanks<'_>,
    inputs: &BTreeMap<Track, usize>,
    batch: &[&Example],
    options: &LearnOptions,
    random: &mut ChaCha8Rng,
) -> Result<Option<Tensor>> {
    let mut losses = Vec::new();
    for pair in pairs(inputs) {
        let both = having(batch.iter().copied(), pair);
        if both.len() < 2 {
            continue;
        }
        let positive = positives(&both.iter().map(|example| example.class).collect::<Vec<_>>())?;
        let mut project = |track: Track| -> Result<Projected> {
            let segments: Vec<Vec<f32>> = both
                .iter()
                .map(|example| {
                    let row = example.rows[&track].choose(random);
                    row.map_or(Ok(Vec::new()), |row| banks.read(row))
                })
                .collect::<Result<_>>()?;
            let tokens = TokenBatch::new(track, &segments, inputs[&track])?;
            Ok(network.project(&tokens, Some((options.dropout, random)))?)
        };
        let (a, b) = (project(pair.0)?, project(pair.1)?);
        for logits in [network.logits(&a, &b)?, network.logits(&b, &a)?] {
            losses.push(cross_entropy(&logits, &positive)?);
            losses.push(cross_entropy(&logits.t()?, &positive)?);
        }
    }
    if losses.is_empty() {
        return Ok(None);
    }
    Ok(Some(Tensor::stack(&losses, 0)?.mean_all()?))
}

/// The pairs of tracks that both have tokens.
pub(crate) fn pairs(inputs: &BTreeMap<Track, usize>) -> impl Iterator<Item = (Track, Track)> {
    let known = |track: &Track| inputs.contains_key(track);
    TRACK_PAIRS.into_iter().filter(move |(a, b)| known(a) && known(b))
}

fn having<'e>(examples: impl Iterator<Item = &'e Example>, (a, b): (Track, Track)) -> Vec<&'e Example> {
    let has = |example: &Example, track: Track| example.rows.get(&track).is_some_and(|rows| !rows.is_empty());
    examples
        .filter(|example| has(example, a) && has(example, b))
        .collect()
}

/// The mean of R@1 over both ways of each pair of tracks, on the first of the tuning parts, by attention alone.
fn recall(
    network: &Attention,
    banks: &TokenBanks<'_>,
    inputs: &BTreeMap<Track, usize>,
    sources: &[Source],
) -> Result<f64> {
    let mut recalls = Vec::new();
    for source in sources {
        for pair in pairs(inputs) {
            let both = having(source.tune.iter().take(TUNE), pair);
            if both.len() < 2 {
                continue;
            }
            let project = |track: Track| -> Result<Projected> {
                let first = both.iter().map(|example| banks.read(&example.rows[&track][0]));
                let tokens = TokenBatch::new(track, &first.collect::<Result<Vec<_>>>()?, inputs[&track])?;
                Ok(network.project(&tokens, None)?)
            };
            let (a, b) = (project(pair.0)?, project(pair.1)?);
            for scores in [network.similarities(&a, &b)?, network.similarities(&b, &a)?] {
                let best = scores.argmax(D::Minus1)?.to_dtype(DType::U32)?.to_vec1::<u32>()?;
                let right = best
                    .iter()
                    .zip(&both)
                    .filter(|(best, example)| both[**best as usize].class == example.class);
                recalls.push(right.count() as f64 / both.len() as f64);
            }
        }
    }
    Ok(mean(&recalls))
}

#[cfg(test)]
mod tests {
    use rand::Rng as _;
    use rand::SeedableRng as _;
    use rand::seq::SliceRandom as _;

    use sensorium_types::Segment;

    use super::*;
    use crate::bank::{ContentKey, FeatureBank};

    const INPUTS: usize = 12;

    /// Items of three things each; a text names them and a picture shows them among other things, in any order. When
    /// `shuffled`, the picture is of another item.
    fn source(bank: &mut FeatureBank, shuffled: bool) -> Source {
        let mut random = ChaCha8Rng::seed_from_u64(3);
        let things: Vec<[Vec<f32>; 2]> = (0..40)
            .map(|_| [0, 1].map(|_| (0..INPUTS).map(|_| random.random_range(-1.0..1.0)).collect()))
            .collect();
        let items: Vec<Vec<usize>> = (0..300)
            .map(|_| rand::seq::index::sample(&mut random, things.len(), 3).into_vec())
            .collect();
        let mut shown: Vec<usize> = (0..items.len()).collect();
        if shuffled {
            shown.shuffle(&mut random);
        }
        let mut examples: Vec<Example> = (0..items.len())
            .map(|item| {
                let words = items[item].iter().flat_map(|&thing| things[thing][0].clone());
                let mut seen = items[shown[item]].clone();
                seen.shuffle(&mut random);
                let places = seen.iter().flat_map(|&thing| things[thing][1].clone());
                let clutter = (0..2 * INPUTS).map(|_| random.random_range(-1.0..1.0));
                let tokens = [
                    (Track::Text, words.collect()),
                    (Track::Visual, places.chain(clutter).collect()),
                ];
                let rows = tokens.map(|(track, tokens)| {
                    let key = ContentKey::text(&format!("{track} {item}"));
                    bank.insert(key, &[(Segment::whole(track), tokens)]).unwrap();
                    (track, bank.rows(&key).unwrap().to_vec())
                });
                Example {
                    rows: BTreeMap::from(rows),
                    class: item,
                }
            })
            .collect();
        let tune = examples.split_off(240);
        Source {
            train: examples,
            tune,
            share: 1.0,
        }
    }

    fn recall_of(shuffled: bool) -> f64 {
        let folder = tempfile::tempdir().unwrap();
        let options = LearnOptions {
            dimension: 16,
            hidden: 32,
            epochs: 8,
            batch: 64,
            rate: 5e-3,
            dropout: 0.0,
            ..LearnOptions::reranker()
        };
        let inputs = BTreeMap::from([(Track::Text, INPUTS), (Track::Visual, INPUTS)]);
        let mut bank = FeatureBank::open(&folder.path().join("tokens"), "test").unwrap();
        let source = source(&mut bank, shuffled);
        let near = vec![Vec::new(); source.train.len()];
        let mut best = 0f64;
        train(
            &[source],
            &[near],
            &TokenBanks::plain(&bank),
            &inputs,
            &options,
            &folder.path().join("c"),
            &mut |progress| {
                if let Progress::Epoch { recall, .. } = progress {
                    best = best.max(recall);
                }
            },
        )
        .unwrap();
        best
    }

    #[test]
    fn attention_learns_what_is_where_and_shuffled_pairs_teach_nothing() {
        let learned = recall_of(false);
        assert!(learned > 0.5, "{learned}");
        let nothing = recall_of(true);
        assert!(nothing < 0.1, "{nothing}");
    }

    #[test]
    fn what_is_computed_in_batches_is_what_the_model_computes() {
        let mut random = ChaCha8Rng::seed_from_u64(1);
        let inputs = BTreeMap::from([(Track::Text, 3), (Track::Visual, 3)]);
        let network = Attention::new(&inputs, 4, 5, &mut random).unwrap();
        let mut tokens =
            |count: usize| -> Vec<f32> { (0..3 * count).map(|_| random.random_range(-1.0..1.0)).collect() };
        let (short, long, seen) = (tokens(2), tokens(4), tokens(6));
        let project = |track, segments: &[Vec<f32>]| {
            let batch = TokenBatch::new(track, segments, 3).unwrap();
            network.project(&batch, None).unwrap()
        };
        let targets = project(Track::Visual, std::slice::from_ref(&seen));
        let both = project(Track::Text, &[short.clone(), long]);
        let alone = project(Track::Text, &[short]);
        let value = |queries: &Projected| {
            network
                .similarities(queries, &targets)
                .unwrap()
                .to_vec2::<f32>()
                .unwrap()[0][0]
        };
        assert!((value(&both) - value(&alone)).abs() < 1e-5, "padding counts");
        let back = |queries: &Projected, targets: &Projected| {
            network
                .similarities(queries, targets)
                .unwrap()
                .to_vec2::<f32>()
                .unwrap()[0][0]
        };
        assert!(
            (back(&targets, &both) - back(&targets, &alone)).abs() < 1e-5,
            "padding is looked at"
        );
    }
}
