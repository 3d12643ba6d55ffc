//! Hubs: items that are near to everything, and how their nearness is taken back.

use safetensors::tensor::SafeTensors;
use sensorium_types::{Block, Direction, Embedding, Segment, Track};

use crate::head::floats;
use crate::manifest::{HubsSpec, Manifest, modalities};
use crate::{Error, Package, Result, Scorer};

/// The name of the block that holds how near an item is to what has nothing to do with it.
pub const HUBS: &str = "hubs";

/// How near a segment is, in each direction of [`HubsSpec::shares`], to the queries of a bank that were asked for other
/// items: the mean inner product of the nearest (as in cross-domain similarity local scaling, Conneau et al. 2018,
/// arXiv:1710.04087, with a bank of queries as Bogolin et al. 2022, arXiv:2112.12777, have it).
///
/// A query subtracts a share of it, so that an item that is near to every query does not come first everywhere. As
/// components of the embedding these numbers need nothing of an index but an inner product.
#[derive(Debug, Clone)]
pub struct Hubs {
    nearest: usize,
    /// For each component the weighted queries; none where a segment of this track cannot be what is found.
    banks: Vec<Vec<Embedding>>,
}

impl Hubs {
    /// The hubs of segments on `track`; `None` when `package` corrects none.
    ///
    /// # Errors
    /// As [`Package::read`], and [`Error::Invalid`] for a bank that does not fit.
    pub fn load(package: &Package, track: Track) -> Result<Option<Self>> {
        let Some(spec) = &package.manifest().hubs else {
            return Ok(None);
        };
        let directions = spec.directions();
        let is_found = |direction: &Direction| direction.to.tracks().contains(&track);
        if !directions.iter().any(is_found) {
            return Ok(Some(Self {
                nearest: spec.nearest,
                banks: vec![Vec::new(); directions.len()],
            }));
        }
        let bytes = package.read(&spec.file)?;
        let invalid = |problem: String| Error::Invalid {
            path: package.folder().join(&spec.file),
            problem,
        };
        let tensors = SafeTensors::deserialize(&bytes).map_err(|error| invalid(error.to_string()))?;
        let scorer = Scorer::new(package);
        let dimension = package.manifest().dimension_of_blocks();
        let mut banks = Vec::new();
        for direction in directions {
            banks.push(match is_found(&direction) {
                true => bank(&tensors, direction, dimension, &scorer).map_err(invalid)?,
                false => Vec::new(),
            });
        }
        Ok(Some(Self {
            nearest: spec.nearest,
            banks,
        }))
    }

    /// `embedding`, which has all blocks but this one, with it.
    pub fn complete(&self, embedding: &Embedding) -> Embedding {
        let components = self.banks.iter().map(|bank| {
            let mut near: Vec<f32> = bank.iter().map(|query| query.dot(embedding)).collect();
            let count = self.nearest.min(near.len());
            if count == 0 {
                return 0.0;
            }
            near.select_nth_unstable_by(count - 1, |a, b| b.total_cmp(a));
            near[..count].iter().sum::<f32>() / count as f32
        });
        embedding.followed_by(components)
    }
}

/// The queries of the bank for `direction`, weighted. A bank that was made before the last blocks were has no
/// components of these, whose weight is 0 then.
fn bank(
    tensors: &SafeTensors<'_>,
    direction: Direction,
    dimension: usize,
    scorer: &Scorer,
) -> std::result::Result<Vec<Embedding>, String> {
    let name = modalities(direction);
    let (shape, values) = floats(tensors, &name)?;
    let [_, columns] = shape[..] else {
        return Err(format!(
            "'{name}' has the shape {shape:?}, not [queries, dimension]"
        ));
    };
    if columns == 0 || columns > dimension {
        return Err(format!(
            "'{name}' has vectors of {columns} components, the blocks together have {dimension}"
        ));
    }
    // The manifest has no directions from videos here, which have two tracks.
    let segment = Segment::whole(direction.from.tracks()[0]);
    let weighted = values.chunks_exact(columns).filter_map(|row| {
        let mut vector = row.to_vec();
        vector.resize(dimension, 0.0);
        let query = scorer.query(direction, [(&segment, &Embedding::from_vec(vector))]);
        query.tracks().first().map(|(_, vector)| vector.clone())
    });
    Ok(weighted.collect())
}

impl Manifest {
    /// Components of all blocks that heads make, together.
    pub fn dimension_of_blocks(&self) -> usize {
        self.blocks.iter().map(|block| block.dimension).sum()
    }

    /// The blocks of an embedding in their order: those that heads make, and that of the hubs.
    pub(crate) fn all_blocks(&self) -> Vec<Block> {
        let hubs = self.hubs.as_ref().map(|hubs| Block {
            name: HUBS.to_owned(),
            dimension: hubs.shares.len(),
        });
        self.blocks.iter().map(Block::from).chain(hubs).collect()
    }
}

impl HubsSpec {
    /// The direction of each component.
    pub(crate) fn directions(&self) -> Vec<Direction> {
        // The names were checked when the manifest was read.
        let all: Vec<Direction> = Direction::all().collect();
        let named = self.shares.keys();
        named
            .filter_map(|name| all.iter().find(|direction| modalities(**direction) == *name))
            .copied()
            .collect()
    }
}
