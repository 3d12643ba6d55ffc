//! The training of heads: batches, loss and recall.

use std::collections::{BTreeMap, HashMap};
use std::path::Path;

use candle_core::{DType, Device, Tensor, Var};
use rand::distr::weighted::WeightedIndex;
use rand::prelude::Distribution as _;
use rand::seq::IndexedRandom as _;
use rand_chacha::ChaCha8Rng;
use sensorium_types::Track;

use crate::bank::FeatureBank;
use crate::epochs::{self, Training, mean, random};
use crate::examples::Example;
use crate::loss::{Logits, loss};
use crate::optimizer::{Optimizer, Parameter};
use crate::perceptron::{Perceptron, Shape};
use crate::recall::mean_recall;
use crate::{Error, LearnOptions, Progress, Result};

/// The pairs of tracks that are brought together.
pub(crate) const TRACK_PAIRS: [(Track, Track); 3] = [
    (Track::Text, Track::Visual),
    (Track::Text, Track::Audio),
    (Track::Visual, Track::Audio),
];

/// The temperature at the start, and the coldest there may be (Radford et al. 2021).
const TEMPERATURE: f64 = 0.05;
const COLDEST: f64 = 0.01;

/// The bias of [`Loss::Sigmoid`](crate::Loss::Sigmoid) at the start (Zhai et al. 2023).
const BIAS: f32 = -10.0;

/// Streams of random numbers besides those of the steps.
const START_STREAM: u64 = u64::MAX;

/// A set of pairs to learn from.
pub(crate) struct Source {
    pub(crate) train: Vec<Example>,
    pub(crate) tune: Vec<Example>,
    /// How often batches come from it, beside the other sources.
    pub(crate) share: f64,
}

/// The heads of the tracks that have something to learn.
pub(crate) type HeadsInTraining = BTreeMap<Track, Perceptron>;

/// Trains a head for each track of `shapes`, from `start` where it has one that fits, and returns those that were best
/// on the tuning part.
///
/// The same sources, options and number of threads give the same heads. What is at `checkpoint` is gone on from when it
/// belongs to this training, and written after each epoch.
pub(crate) fn train(
    bank: &FeatureBank,
    sources: &[Source],
    shapes: &BTreeMap<Track, Shape>,
    start: &HashMap<Track, HashMap<String, Tensor>>,
    options: &LearnOptions,
    checkpoint: &Path,
    progress: &mut dyn FnMut(Progress),
) -> Result<HeadsInTraining> {
    let mut trainer = Trainer::new(bank, sources, shapes, start, options)?;
    let fingerprint = options.fingerprint(sources.iter().map(|source| source.train.len()), shapes);
    let best = epochs::run(
        &mut trainer,
        items(sources),
        &fingerprint,
        options,
        checkpoint,
        progress,
    )?;
    heads(shapes, &best)
}

/// How many items there are to learn from.
pub(crate) fn items(sources: &[Source]) -> usize {
    sources.iter().map(|source| source.train.len()).sum()
}

/// The heads with these tensors.
fn heads(shapes: &BTreeMap<Track, Shape>, tensors: &HashMap<String, Tensor>) -> Result<HeadsInTraining> {
    let mut heads = HeadsInTraining::new();
    for (&track, &shape) in shapes {
        let prefix = format!("{track}.");
        let own = tensors
            .iter()
            .filter_map(|(name, tensor)| Some((name.strip_prefix(&prefix)?.to_owned(), tensor.clone())));
        let head = Perceptron::of(shape, &own.collect());
        heads.insert(
            track,
            head.ok_or_else(|| Error::Options(format!("the checkpoint has no head for the {track} track")))?,
        );
    }
    Ok(heads)
}

struct Trainer<'a> {
    bank: &'a FeatureBank,
    sources: &'a [Source],
    draw: WeightedIndex<f64>,
    shapes: &'a BTreeMap<Track, Shape>,
    heads: HeadsInTraining,
    /// The logarithm of the inverse temperature, and the bias.
    scale: Var,
    bias: Var,
    optimizer: Optimizer,
    options: &'a LearnOptions,
}

impl<'a> Trainer<'a> {
    fn new(
        bank: &'a FeatureBank,
        sources: &'a [Source],
        shapes: &'a BTreeMap<Track, Shape>,
        start: &HashMap<Track, HashMap<String, Tensor>>,
        options: &'a LearnOptions,
    ) -> Result<Self> {
        let mut random = random(options.seed, START_STREAM);
        let mut heads = HeadsInTraining::new();
        let mut parameters = Vec::new();
        for (&track, &shape) in shapes {
            let given = start
                .get(&track)
                .and_then(|tensors| Perceptron::of(shape, tensors));
            let head = match given {
                Some(head) => head,
                None => Perceptron::new(shape, &mut random)?,
            };
            parameters.extend(head.variables().map(|(name, variable)| Parameter {
                name: format!("{track}.{name}"),
                variable: variable.clone(),
                decays: variable.dims().len() > 1,
            }));
            heads.insert(track, head);
        }
        let scale = Var::new(-(TEMPERATURE.ln()) as f32, &Device::Cpu)?;
        let bias = Var::new(BIAS, &Device::Cpu)?;
        for (name, variable) in [("scale", &scale), ("bias", &bias)] {
            parameters.push(Parameter {
                name: name.to_owned(),
                variable: variable.clone(),
                decays: false,
            });
        }
        Ok(Self {
            bank,
            sources,
            draw: epochs::draw(sources.iter().map(|source| source.share))?,
            shapes,
            heads,
            scale,
            bias,
            optimizer: Optimizer::new(parameters)?,
            options,
        })
    }

    /// The mean loss over the pairs of tracks that at least two items of `batch` have.
    fn loss_of(&self, batch: &[&Example], random: &mut ChaCha8Rng) -> Result<Option<Tensor>> {
        let mut embedded: BTreeMap<Track, (Vec<usize>, Tensor)> = BTreeMap::new();
        for (&track, head) in &self.heads {
            let mut places = Vec::new();
            let mut values = Vec::new();
            for (place, example) in batch.iter().enumerate() {
                let rows = example.rows.get(&track).map_or(&[][..], Vec::as_slice);
                if let Some(row) = rows.choose(random) {
                    self.bank.read_first(row, head.features(), &mut values)?;
                    places.push(place);
                }
            }
            if places.len() > 1 {
                let width = values.len() / places.len();
                let features = Tensor::from_vec(values, (places.len(), width), &Device::Cpu)?;
                let vectors = head.forward(&features, Some((self.options.dropout, random)))?;
                embedded.insert(track, (places, vectors));
            }
        }
        let coldest = -(COLDEST.ln());
        let scale = self.scale.clamp(0.0, coldest)?.exp()?;
        let logits = Logits {
            scale: &scale,
            bias: self.bias.as_tensor(),
            hardness: self.options.hardness,
        };
        let mut losses = Vec::new();
        for (a, b) in TRACK_PAIRS {
            let (Some(a), Some(b)) = (embedded.get(&a), embedded.get(&b)) else {
                continue;
            };
            let common: Vec<usize> = a.0.iter().copied().filter(|place| b.0.contains(place)).collect();
            if common.len() < 2 {
                continue;
            }
            let positive = positives(&common.iter().map(|&place| batch[place].class).collect::<Vec<_>>())?;
            let (a, b) = (rows_of(a, &common)?, rows_of(b, &common)?);
            losses.push(loss(self.options.loss, &a, &b, &positive, &logits)?);
        }
        if losses.is_empty() {
            return Ok(None);
        }
        Ok(Some(Tensor::stack(&losses, 0)?.mean_all()?))
    }
}

impl Training for Trainer<'_> {
    fn optimizer(&mut self) -> &mut Optimizer {
        &mut self.optimizer
    }

    fn loss(&mut self, step: usize) -> Result<Option<Tensor>> {
        let mut random = random(self.options.seed, step as u64);
        let examples = &self.sources[self.draw.sample(&mut random)].train;
        let count = self.options.batch.min(examples.len());
        let batch: Vec<&Example> = rand::seq::index::sample(&mut random, examples.len(), count)
            .into_iter()
            .map(|place| &examples[place])
            .collect();
        self.loss_of(&batch, &mut random)
    }

    /// Over the tuning parts of all sources.
    fn recall(&mut self, averages: &HashMap<String, Tensor>) -> Result<f64> {
        let heads = heads(self.shapes, averages)?;
        let mut values = Vec::new();
        for source in self.sources {
            values.extend(mean_recall(self.bank, &source.tune, &heads)?);
        }
        Ok(mean(&values))
    }
}

/// The rows of an embedded track that stand for the batch's items `wanted`, which it has.
fn rows_of((places, vectors): &(Vec<usize>, Tensor), wanted: &[usize]) -> Result<Tensor> {
    let rows = wanted.iter().filter_map(|place| places.binary_search(place).ok());
    let rows: Vec<u32> = rows.map(|row| row as u32).collect();
    let count = rows.len();
    Ok(vectors.index_select(&Tensor::from_vec(rows, count, &Device::Cpu)?, 0)?)
}

/// 1 for items of one class, `[n, n]`.
pub(crate) fn positives(classes: &[usize]) -> Result<Tensor> {
    let count = classes.len();
    let equal = classes
        .iter()
        .flat_map(|a| classes.iter().map(move |b| u8::from(a == b)));
    let equal = Tensor::from_vec(equal.collect::<Vec<_>>(), (count, count), &Device::Cpu)?;
    Ok(equal.to_dtype(DType::F32)?)
}

#[cfg(test)]
mod tests {
    use rand::Rng as _;
    use rand::seq::SliceRandom as _;

    use sensorium_types::Segment;

    use super::*;
    use crate::Loss;
    use crate::bank::ContentKey;

    const ITEMS: usize = 400;
    const FEATURES: usize = 24;

    /// Items whose two tracks are different noisy mixtures of the same hidden causes; when `shuffled`, of those of
    /// another item.
    fn source(bank: &mut FeatureBank, shuffled: bool) -> Source {
        let mut random = random(7, 0);
        let mut matrix = || -> Vec<Vec<f32>> {
            let row = |random: &mut ChaCha8Rng| (0..8).map(|_| random.random_range(-1.0..1.0)).collect();
            (0..FEATURES).map(|_| row(&mut random)).collect()
        };
        let mixtures = [(Track::Text, matrix()), (Track::Visual, matrix())];
        let causes: Vec<Vec<f32>> = (0..ITEMS)
            .map(|_| (0..8).map(|_| random.random_range(-1.0..1.0)).collect())
            .collect();
        let mut partner: Vec<usize> = (0..ITEMS).collect();
        if shuffled {
            partner.shuffle(&mut random);
        }
        let mut examples: Vec<Example> = (0..ITEMS)
            .map(|item| {
                let mut rows = BTreeMap::new();
                for (track, mixture) in &mixtures {
                    let causes = &causes[if *track == Track::Text {
                        item
                    } else {
                        partner[item]
                    }];
                    let features = mixture.iter().map(|weights| {
                        sensorium_types::dot(weights, causes) + random.random_range(-0.1..0.1)
                    });
                    let key = ContentKey::text(&format!("{track} {item} {shuffled}"));
                    bank.insert(key, &[(Segment::whole(*track), features.collect())])
                        .unwrap();
                    rows.insert(*track, bank.rows(&key).unwrap().to_vec());
                }
                Example { rows, class: item }
            })
            .collect();
        let tune = examples.split_off(ITEMS - 100);
        Source {
            train: examples,
            tune,
            share: 1.0,
        }
    }

    fn options(loss: Loss) -> LearnOptions {
        LearnOptions {
            loss,
            epochs: 30,
            batch: 64,
            dimension: 16,
            hidden: 32,
            rate: 3e-3,
            patience: 30,
            ..LearnOptions::default()
        }
    }

    fn shapes(options: &LearnOptions) -> BTreeMap<Track, Shape> {
        let shape = Shape {
            features: FEATURES,
            hidden: options.hidden,
            dimension: options.dimension,
        };
        BTreeMap::from([(Track::Text, shape), (Track::Visual, shape)])
    }

    struct Setting {
        folder: tempfile::TempDir,
        bank: FeatureBank,
        sources: Vec<Source>,
    }

    impl Setting {
        fn new(shuffled: bool) -> Self {
            let folder = tempfile::tempdir().unwrap();
            let mut bank = FeatureBank::open(&folder.path().join("features"), "test").unwrap();
            let sources = vec![source(&mut bank, shuffled)];
            Self {
                folder,
                bank,
                sources,
            }
        }

        /// Trains until `last` epochs have ended, or to the end.
        fn train(&self, options: &LearnOptions, last: usize) -> Option<HeadsInTraining> {
            let stop = std::panic::AssertUnwindSafe(|| {
                train(
                    &self.bank,
                    &self.sources,
                    &shapes(options),
                    &HashMap::new(),
                    options,
                    &self.folder.path().join("checkpoint"),
                    &mut |progress| {
                        if let Progress::Epoch { epoch, .. } = progress
                            && epoch > last
                        {
                            panic!("killed");
                        }
                    },
                )
                .unwrap()
            });
            std::panic::catch_unwind(stop).ok()
        }

        fn recall(&self, heads: &HeadsInTraining) -> f64 {
            mean_recall(&self.bank, &self.sources[0].tune, heads).unwrap()[0]
        }
    }

    #[test]
    fn pairs_are_learned_and_shuffled_pairs_stay_at_chance() {
        // (1 + 5 + 10) / 3 of 100.
        const CHANCE: f64 = 0.053;
        for loss in [Loss::InfoNce, Loss::Sigmoid] {
            let options = options(loss);
            let setting = Setting::new(false);
            let recall = setting.recall(&setting.train(&options, usize::MAX).unwrap());
            assert!(recall > 0.7, "{loss:?} {recall}");
            let setting = Setting::new(true);
            let recall = setting.recall(&setting.train(&options, usize::MAX).unwrap());
            assert!(recall < 2.5 * CHANCE, "{loss:?} {recall}");
        }
    }

    #[test]
    fn a_training_that_was_killed_ends_with_the_heads_of_one_that_was_not() {
        let options = LearnOptions {
            epochs: 4,
            ..options(Loss::InfoNce)
        };
        let (whole, killed) = (Setting::new(false), Setting::new(false));
        let whole = whole.train(&options, usize::MAX).unwrap();
        assert!(killed.train(&options, 2).is_none());
        let resumed = killed.train(&options, usize::MAX).unwrap();
        for (track, head) in &whole {
            for ((name, a), (_, b)) in head.variables().iter().zip(resumed[track].variables()) {
                let values = |variable: &Var| variable.flatten_all().unwrap().to_vec1::<f32>().unwrap();
                assert_eq!(values(a), values(b), "{track} {name}");
            }
        }
    }
}
