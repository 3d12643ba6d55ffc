use std::collections::BTreeMap;
use std::collections::btree_map::Entry;
use std::sync::Arc;

use sensorium_media::Sample;
use sensorium_types::{Embedding, Track};

use crate::heads::Heads;
use crate::towers::{self, Tower};
use crate::{Package, Result};

/// What a model makes of one sample.
#[derive(Debug, Clone, PartialEq)]
pub struct Encoding {
    /// What is kept of the sample: the pooled features, and behind them the grid of tokens of a tower that has one.
    pub features: Vec<f32>,
    /// The vector in the package's [`Space`](sensorium_types::Space).
    pub embedding: Embedding,
}

/// Encodes samples with the towers of a package, each loaded when it is first needed.
///
/// It computes on the calling thread and threads of its own. To encode several batches at once, take
/// several encoders.
pub struct Encoder {
    package: Arc<Package>,
    threads: usize,
    loaded: BTreeMap<Track, Loaded>,
}

struct Loaded {
    tower: Box<dyn Tower>,
    heads: Heads,
}

impl Encoder {
    /// An encoder that computes with `threads` threads (at least one). Nothing is loaded yet.
    pub fn new(package: Arc<Package>, threads: usize) -> Self {
        Self {
            package,
            threads: threads.max(1),
            loaded: BTreeMap::new(),
        }
    }

    /// Encodes `samples`, of any kinds, in batches: one encoding for each, in their order.
    ///
    /// # Errors
    /// When a tower is missing, cannot be loaded or fails.
    pub fn encode(&mut self, samples: &[Sample]) -> Result<Vec<Encoding>> {
        let mut by_track: BTreeMap<Track, Vec<usize>> = BTreeMap::new();
        for (index, sample) in samples.iter().enumerate() {
            by_track.entry(track_of(sample)).or_default().push(index);
        }
        let mut encodings = Vec::with_capacity(samples.len());
        for (track, indices) in by_track {
            let of_track: Vec<&Sample> = indices.iter().map(|&index| &samples[index]).collect();
            encodings.extend(indices.into_iter().zip(self.encode_track(track, &of_track)?));
        }
        encodings.sort_unstable_by_key(|&(index, _)| index);
        Ok(encodings.into_iter().map(|(_, encoding)| encoding).collect())
    }

    /// The raw tokens of `texts`: of each its tokens, one after the other; empty where the tower gives none.
    ///
    /// # Errors
    /// As [`encode`](Self::encode).
    pub fn text_tokens(&mut self, texts: &[Sample]) -> Result<Vec<Vec<f32>>> {
        let texts: Vec<&Sample> = texts.iter().collect();
        let tower = self.package.manifest().towers.common(Track::Text);
        if tower.and_then(|tower| tower.tokens).is_none() {
            return Ok(vec![Vec::new(); texts.len()]);
        }
        self.loaded(Track::Text)?.tower.tokens(&texts)
    }

    fn encode_track(&mut self, track: Track, samples: &[&Sample]) -> Result<Vec<Encoding>> {
        let Loaded { tower, heads } = self.loaded(track)?;
        let encode = |features: Vec<f32>| Encoding {
            embedding: heads.embed(&features),
            features,
        };
        Ok(tower.features(samples)?.into_iter().map(encode).collect())
    }

    fn loaded(&mut self, track: Track) -> Result<&mut Loaded> {
        match self.loaded.entry(track) {
            Entry::Occupied(entry) => Ok(entry.into_mut()),
            Entry::Vacant(entry) => {
                tracing::debug!(%track, "loading a tower");
                Ok(entry.insert(Loaded {
                    tower: towers::load(&self.package, track, self.threads)?,
                    heads: Heads::load(&self.package, track)?,
                }))
            }
        }
    }
}

/// The tower that a sample goes through.
fn track_of(sample: &Sample) -> Track {
    match sample {
        Sample::Text(_) => Track::Text,
        Sample::Picture(_) | Sample::Frames(_) => Track::Visual,
        Sample::Sound(_) => Track::Audio,
    }
}
