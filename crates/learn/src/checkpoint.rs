//! How far a training is, on disk.

use std::collections::HashMap;
use std::path::Path;

use candle_core::{Device, Tensor, safetensors};

use crate::{Error, Result};

/// All that is needed to go on with a training.
#[derive(Debug, Default)]
pub(crate) struct Checkpoint {
    /// Epochs and steps that are done.
    pub(crate) epoch: usize,
    pub(crate) steps: usize,
    /// Epochs since the recall on the tuning part last rose.
    pub(crate) epochs_without_gain: usize,
    pub(crate) best_recall: f64,
    /// The heads that had it.
    pub(crate) best: HashMap<String, Tensor>,
    /// The state of the optimizer.
    pub(crate) training: HashMap<String, Tensor>,
}

const FINGERPRINT: &str = "fingerprint";
const NUMBERS: &str = "numbers";
const BEST: &str = "best:";
const TRAINING: &str = "training:";

impl Checkpoint {
    /// Reads the checkpoint at `path` when there is a whole one of the training with this `fingerprint`.
    pub(crate) fn read(path: &Path, fingerprint: &[u8]) -> Option<Self> {
        let mut tensors = safetensors::load(path, &Device::Cpu).ok()?;
        let found: Vec<u8> = tensors.remove(FINGERPRINT)?.to_vec1().ok()?;
        let numbers: Vec<f64> = tensors.remove(NUMBERS)?.to_vec1().ok()?;
        let [epoch, steps, epochs_without_gain, best_recall] = numbers[..] else {
            return None;
        };
        if found != fingerprint {
            return None;
        }
        let part = |prefix: &str| {
            let own = tensors.iter();
            own.filter_map(|(name, tensor)| Some((name.strip_prefix(prefix)?.to_owned(), tensor.clone())))
                .collect()
        };
        Some(Self {
            epoch: epoch as usize,
            steps: steps as usize,
            epochs_without_gain: epochs_without_gain as usize,
            best_recall,
            best: part(BEST),
            training: part(TRAINING),
        })
    }

    /// Writes it to `path`, whole or not at all.
    pub(crate) fn write(&self, path: &Path, fingerprint: &[u8]) -> Result<()> {
        let numbers = [
            self.epoch as f64,
            self.steps as f64,
            self.epochs_without_gain as f64,
            self.best_recall,
        ];
        let mut tensors = HashMap::from([
            (FINGERPRINT.to_owned(), Tensor::new(fingerprint, &Device::Cpu)?),
            (NUMBERS.to_owned(), Tensor::new(&numbers, &Device::Cpu)?),
        ]);
        for (prefix, part) in [(BEST, &self.best), (TRAINING, &self.training)] {
            let named = part.iter();
            tensors.extend(named.map(|(name, tensor)| (format!("{prefix}{name}"), tensor.clone())));
        }
        let partial = path.with_extension("partial");
        safetensors::save(&tensors, &partial)?;
        std::fs::rename(&partial, path).map_err(Error::file(path))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn it_reads_back_and_neither_another_training_nor_a_cut_file_does() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("checkpoint.safetensors");
        assert!(Checkpoint::read(&path, b"a").is_none());
        let tensor = |x: f32| HashMap::from([("x".to_owned(), Tensor::new(&[x], &Device::Cpu).unwrap())]);
        let checkpoint = Checkpoint {
            epoch: 3,
            steps: 12,
            epochs_without_gain: 1,
            best_recall: 0.25,
            best: tensor(1.0),
            training: tensor(2.0),
        };
        checkpoint.write(&path, b"a").unwrap();
        let found = Checkpoint::read(&path, b"a").unwrap();
        assert_eq!((found.epoch, found.steps, found.epochs_without_gain), (3, 12, 1));
        assert_eq!(found.best_recall, 0.25);
        assert_eq!(found.best["x"].to_vec1::<f32>().unwrap(), [1.0]);
        assert_eq!(found.training["x"].to_vec1::<f32>().unwrap(), [2.0]);
        assert!(Checkpoint::read(&path, b"b").is_none());
        let bytes = std::fs::read(&path).unwrap();
        std::fs::write(&path, &bytes[..bytes.len() / 2]).unwrap();
        assert!(Checkpoint::read(&path, b"a").is_none());
    }
}
