use sensorium_types::{Embedding, Track};

use crate::head::Head;
use crate::{Error, Hubs, Package, Result};

/// What turns the pooled features of one tower into embeddings.
///
/// An [`Encoder`](crate::Encoder) does this by itself; alone, heads make new embeddings of features that were kept.
pub struct Heads {
    features: usize,
    kept: usize,
    /// One a block, in the order of the space.
    list: Vec<Head>,
    hubs: Option<Hubs>,
}

impl Heads {
    /// Loads the heads of the tower for `track`.
    ///
    /// # Errors
    /// [`Error::NoTower`] when the package has none; otherwise as [`Package::read`], and [`Error::Invalid`] for a
    /// file whose tensors do not fit.
    pub fn load(package: &Package, track: Track) -> Result<Self> {
        let manifest = package.manifest();
        let tower = manifest.towers.common(track).ok_or_else(|| Error::NoTower {
            model: manifest.name.clone(),
            track,
        })?;
        let blocks = manifest.blocks.iter();
        let list = blocks
            .filter_map(|block| Some((block, tower.heads.get(&block.name)?)))
            .map(|(block, head)| Head::load(package, head, tower.features, block.dimension));
        Ok(Self {
            features: tower.features,
            kept: tower.kept(),
            list: list.collect::<Result<_>>()?,
            hubs: Hubs::load(package, track)?,
        })
    }

    /// How many values are kept of a sample.
    pub fn kept(&self) -> usize {
        self.kept
    }

    /// The embedding of what was kept of a sample, as many values as [`kept`](Self::kept) says.
    pub fn embed(&self, kept: &[f32]) -> Embedding {
        let pooled = &kept[..self.features];
        let blocks = Embedding::from_blocks(self.list.iter().map(|head| head.apply(pooled)));
        match &self.hubs {
            None => blocks,
            Some(hubs) => hubs.complete(&blocks),
        }
    }
}
