//! The loop that every training goes through: steps, epochs, checkpoints, and when to stop.

use std::collections::HashMap;
use std::path::Path;

use candle_core::Tensor;
use rand::SeedableRng as _;
use rand::distr::weighted::WeightedIndex;
use rand_chacha::ChaCha8Rng;

use crate::checkpoint::Checkpoint;
use crate::optimizer::Optimizer;
use crate::{Error, LearnOptions, Progress, Result};

/// The share of all steps in which the rate rises to its height.
const WARM_UP: f64 = 0.05;

/// Steps of an epoch at least.
const FEWEST_STEPS: usize = 20;

/// Something that learns step by step.
pub(crate) trait Training {
    /// What moves its variables.
    fn optimizer(&mut self) -> &mut Optimizer;

    /// The loss of the batch of `step`; `None` for a batch that teaches nothing. What is drawn by chance depends on the
    /// seed and the step alone, so that a resumed training goes on as it would have.
    fn loss(&mut self, step: usize) -> Result<Option<Tensor>>;

    /// The recall on the tuning part with the variables at `averages`.
    fn recall(&mut self, averages: &HashMap<String, Tensor>) -> Result<f64>;
}

/// Trains on `items` items and returns the averages of the variables that were best on the tuning part.
///
/// What is at `checkpoint` is gone on from when it has this `fingerprint`, and written after each epoch.
pub(crate) fn run(
    training: &mut dyn Training,
    items: usize,
    fingerprint: &[u8],
    options: &LearnOptions,
    checkpoint: &Path,
    progress: &mut dyn FnMut(Progress),
) -> Result<HashMap<String, Tensor>> {
    let steps_of_epoch = steps_of_epoch(items, options);
    let total = steps_of_epoch * options.epochs;
    let mut state = Checkpoint::read(checkpoint, fingerprint).unwrap_or_default();
    if !training.optimizer().restore(&state.training, state.steps)? {
        state = Checkpoint::default();
    }
    for epoch in state.epoch..options.epochs {
        if state.epochs_without_gain > options.patience {
            break;
        }
        let mut sum = 0.0;
        for _ in 0..steps_of_epoch {
            sum += step(training, total, options)?;
            progress(Progress::Step);
        }
        let averages = training.optimizer().averages();
        let recall = training.recall(&averages)?;
        progress(Progress::Epoch {
            epoch: epoch + 1,
            loss: sum / steps_of_epoch as f64,
            recall,
        });
        state.epochs_without_gain += 1;
        if state.best.is_empty() || recall > state.best_recall {
            state.best = averages;
            state.best_recall = recall;
            state.epochs_without_gain = 0;
        }
        state.epoch = epoch + 1;
        state.steps = training.optimizer().steps();
        state.training = training.optimizer().state();
        state.write(checkpoint, fingerprint)?;
    }
    Ok(state.best)
}

/// Takes one of `total` steps and returns its loss.
fn step(training: &mut dyn Training, total: usize, options: &LearnOptions) -> Result<f64> {
    let step = training.optimizer().steps();
    let Some(loss) = training.loss(step)? else {
        training.optimizer().skip();
        return Ok(0.0);
    };
    let rate = options.rate * schedule(step as f64 / total as f64);
    let gradients = loss.backward()?;
    training
        .optimizer()
        .step(&gradients, rate, options.decay, options.averaging)?;
    Ok(f64::from(loss.to_scalar::<f32>()?))
}

/// How many batches an epoch has: as many as hold all items, but enough to learn something from few.
pub(crate) fn steps_of_epoch(items: usize, options: &LearnOptions) -> usize {
    items.div_ceil(options.batch).max(FEWEST_STEPS)
}

/// The share of the full rate when the share `done` of all steps is done: up in a line, down along a cosine.
fn schedule(done: f64) -> f64 {
    if done < WARM_UP {
        // The first step is not for nothing.
        return (done / WARM_UP).max(0.02);
    }
    let rest = (done - WARM_UP) / (1.0 - WARM_UP);
    0.5 * (1.0 + (std::f64::consts::PI * rest).cos())
}

/// Draws sources as often as their shares say.
pub(crate) fn draw(shares: impl Iterator<Item = f64>) -> Result<WeightedIndex<f64>> {
    WeightedIndex::new(shares).map_err(|error| Error::Options(format!("the shares of the pairs: {error}")))
}

/// The random numbers of a seed and one of its streams.
pub(crate) fn random(seed: u64, stream: u64) -> ChaCha8Rng {
    let mut random = ChaCha8Rng::seed_from_u64(seed);
    random.set_stream(stream);
    random
}

/// The mean; 0 of nothing.
pub(crate) fn mean(values: &[f64]) -> f64 {
    values.iter().sum::<f64>() / values.len().max(1) as f64
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_rate_rises_and_then_falls_to_nothing() {
        assert!(schedule(0.0) > 0.0 && schedule(0.0) < 0.1);
        assert!((schedule(WARM_UP) - 1.0).abs() < 1e-6);
        assert!(schedule(0.5) < 1.0 && schedule(1.0) < 1e-6);
    }
}
