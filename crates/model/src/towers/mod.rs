//! Samples to pooled features, one tower a track: preprocessing, then the graph.

mod audio;
pub(crate) mod square;
mod text;
mod visual;

use sensorium_media::Sample;
use sensorium_types::Track;

use self::audio::AudioTower;
use self::text::TextTower;
use self::visual::VisualTower;
use crate::{Error, Package, Result};

/// The encoder of one track.
pub(crate) trait Tower: Send {
    /// What is kept of each sample, in order: pooled features, and a grid of tokens behind them where there is one. What one sample gives does not depend on
    /// the others. All samples are of this tower's track.
    fn features(&mut self, samples: &[&Sample]) -> Result<Vec<Vec<f32>>>;

    /// The tokens of each sample, one after the other, where they are not kept with the features.
    fn tokens(&mut self, samples: &[&Sample]) -> Result<Vec<Vec<f32>>> {
        Ok(vec![Vec::new(); samples.len()])
    }
}

/// Loads the tower for `track`, to compute with `threads` threads.
pub(crate) fn load(package: &Package, track: Track, threads: usize) -> Result<Box<dyn Tower>> {
    let towers = &package.manifest().towers;
    match track {
        Track::Text => boxed(&towers.text, |spec| TextTower::load(package, spec, threads)),
        Track::Visual => boxed(&towers.visual, |spec| VisualTower::load(package, spec, threads)),
        Track::Audio => boxed(&towers.audio, |spec| AudioTower::load(package, spec, threads)),
    }
    .unwrap_or_else(|| {
        Err(Error::NoTower {
            model: package.manifest().name.clone(),
            track,
        })
    })
}

fn boxed<S, T: Tower + 'static>(
    spec: &Option<S>,
    load: impl FnOnce(&S) -> Result<T>,
) -> Option<Result<Box<dyn Tower>>> {
    let spec = spec.as_ref()?;
    Some(load(spec).map(|tower| Box::new(tower) as Box<dyn Tower>))
}
