use std::fmt;

use serde::{Deserialize, Serialize};

/// One block of a [`Space`]: a unit-normalised vector of its own within every embedding.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Block {
    /// Its name, as in `concepts`.
    pub name: String,
    /// How many components it has; at least one.
    pub dimension: usize,
}

/// An embedding space.
///
/// Two spaces are equal when their vectors may be compared: the hash covers everything that changes a
/// vector (towers, preprocessing, heads), and nothing else.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Space {
    /// The name of the model package that makes it.
    pub model: String,
    /// Hexadecimal hash over what changes vectors: [`HALF`](Self::HALF) digits over the towers, as many over the heads.
    pub hash: String,
    /// The blocks, in the order in which an embedding holds them.
    pub blocks: Vec<Block>,
}

impl Space {
    /// Digits of the hash over the towers, and of that over the heads.
    pub const HALF: usize = 8;

    /// Whether the space called `name`, as it is [shown](Self#impl-Display-for-Space), is made of the pooled features of
    /// the same towers, so that features kept for it give vectors of this one.
    pub fn shares_towers(&self, name: &str) -> bool {
        let hash = name.rsplit_once('@').map(|(_, hash)| hash);
        let towers = |hash: &str| hash.get(..Self::HALF).map(str::to_owned);
        hash.is_some_and(|hash| hash.len() == self.hash.len() && towers(hash) == towers(&self.hash))
    }

    /// How many components an embedding has, all blocks together.
    pub fn dimension(&self) -> usize {
        self.blocks.iter().map(|block| block.dimension).sum()
    }
}

/// Shown as `sensorium-base@3f1c…`, the name by which an index remembers its space.
impl fmt::Display for Space {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}@{}", self.model, self.hash)
    }
}
