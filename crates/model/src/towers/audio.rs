use sensorium_media::Sample;

use super::Tower;
use crate::graph::Graph;
use crate::manifest::{SoundPreprocess, TowerSpec};
use crate::{Package, Result};

/// Windows that go through the graph together: more gain nothing on a processor and take memory.
const BATCH: usize = 4;

/// Windows of sound to features.
pub(crate) struct AudioTower {
    graph: Graph,
    /// Sounds with fewer samples are repeated up to so many.
    tile_below: usize,
    /// Of longer sounds the beginning counts: graphs may not take more than a window.
    longest: usize,
}

impl AudioTower {
    pub(crate) fn load(package: &Package, spec: &TowerSpec<SoundPreprocess>, threads: usize) -> Result<Self> {
        let sound = spec.preprocess;
        let samples = |seconds: f64| (seconds * f64::from(sound.sample_rate)) as usize;
        Ok(Self {
            graph: Graph::load(package, &spec.common, threads)?,
            // At least one, so that there is always something to encode.
            tile_below: samples(sound.tile_below).max(1),
            longest: samples(sound.window).max(1),
        })
    }

    /// `sounds` are equally long and not empty.
    fn run(&mut self, sounds: &[&[f32]]) -> Result<Vec<Vec<f32>>> {
        let length = sounds
            .iter()
            .map(|sound| sound.len())
            .max()
            .unwrap_or(0)
            .max(self.tile_below);
        let mut waveform: Vec<f32> = Vec::with_capacity(sounds.len() * length);
        for sound in sounds {
            waveform.extend(sound.iter().cycle().take(length));
        }
        let inputs = ort::inputs!["waveform" => self.graph.tensor(&[sounds.len(), length], waveform)?];
        self.graph.kept(inputs, sounds.len())
    }
}

impl Tower for AudioTower {
    fn features(&mut self, samples: &[&Sample]) -> Result<Vec<Vec<f32>>> {
        let sounds: Vec<&[f32]> = samples
            .iter()
            .filter_map(|sample| match sample {
                Sample::Sound(sound) => Some(&sound[..sound.len().min(self.longest)]),
                _ => None,
            })
            .collect();
        let mut features = Vec::with_capacity(sounds.len());
        // Neighbours of equal length share a batch, as the windows of one file do.
        for run in sounds.chunk_by(|a, b| a.len() == b.len()) {
            for batch in run.chunks(BATCH) {
                features.extend(self.run(batch)?);
            }
        }
        Ok(features)
    }
}
