use serde::{Deserialize, Serialize};

use crate::dot;

/// A vector in a [`Space`](crate::Space): its blocks one after the other, each of unit length, and behind them, where the
/// space has it, the block of the hubs as it is.
///
/// A block without any evidence (silence, an empty picture of probabilities) is all zeros.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(transparent)]
pub struct Embedding(Vec<f32>);

impl Embedding {
    /// Concatenates `blocks`, normalising each to unit length.
    ///
    /// A block whose length is zero or not finite becomes all zeros, so that it never wins a comparison.
    pub fn from_blocks<B: AsRef<[f32]>>(blocks: impl IntoIterator<Item = B>) -> Self {
        let mut vector = Vec::new();
        for block in blocks {
            let block = block.as_ref();
            let length = block.iter().map(|x| x * x).sum::<f32>().sqrt();
            let scale = if length.is_normal() { 1.0 / length } else { 0.0 };
            vector.extend(block.iter().map(|x| if scale == 0.0 { 0.0 } else { x * scale }));
        }
        Self(vector)
    }

    /// Takes a vector as it is, for example one that was read back from a file.
    pub fn from_vec(vector: Vec<f32>) -> Self {
        Self(vector)
    }

    /// The mean of several embeddings with the given block sizes, each block normalised again.
    ///
    /// `None` when there are none.
    pub fn mean(embeddings: &[Self], dimensions: &[usize]) -> Option<Self> {
        let first = embeddings.first()?;
        let mut sum = vec![0.0; first.0.len()];
        for embedding in embeddings {
            for (total, x) in sum.iter_mut().zip(&embedding.0) {
                *total += x;
            }
        }
        let mut rest = sum.as_slice();
        Some(Self::from_blocks(dimensions.iter().map(|&dimension| {
            let (block, tail) = rest.split_at(dimension.min(rest.len()));
            rest = tail;
            block
        })))
    }

    /// Its components.
    pub fn as_slice(&self) -> &[f32] {
        &self.0
    }

    /// Inner product with `other`; the shorter one counts as padded with zeros.
    pub fn dot(&self, other: &Self) -> f32 {
        dot(&self.0, &other.0)
    }

    /// The same vector with `tail` behind it.
    pub fn followed_by(&self, tail: impl IntoIterator<Item = f32>) -> Self {
        Self(self.0.iter().copied().chain(tail).collect())
    }

    /// The same vector with each block multiplied by its weight; `blocks` are pairs of dimension and weight.
    pub fn weighted(&self, blocks: impl IntoIterator<Item = (usize, f32)>) -> Self {
        let weights = blocks
            .into_iter()
            .flat_map(|(dimension, weight)| std::iter::repeat_n(weight, dimension));
        Self(self.0.iter().zip(weights).map(|(x, weight)| x * weight).collect())
    }
}

impl AsRef<[f32]> for Embedding {
    fn as_ref(&self) -> &[f32] {
        &self.0
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_block_is_of_unit_length() {
        let embedding = Embedding::from_blocks([vec![3.0, 4.0], vec![0.0, 5.0]]);
        assert_eq!(embedding.as_slice(), [0.6, 0.8, 0.0, 1.0]);
    }

    #[test]
    fn a_block_without_evidence_or_with_nonsense_is_zero() {
        let embedding =
            Embedding::from_blocks([vec![0.0, 0.0], vec![f32::NAN, 1.0], vec![f32::MAX, f32::MAX]]);
        assert_eq!(embedding.as_slice(), [0.0; 6]);
    }

    #[test]
    fn the_inner_product_counts_every_component_and_pads_with_zeros() {
        let ones = |count| Embedding::from_vec(vec![1.0; count]);
        assert_eq!(ones(19).dot(&ones(19)), 19.0);
        assert_eq!(ones(19).dot(&ones(5)), 5.0);
        assert_eq!(ones(5).dot(&ones(19)), 5.0);
        assert_eq!(ones(0).dot(&ones(3)), 0.0);
    }

    #[test]
    fn weights_multiply_whole_blocks() {
        let embedding = Embedding::from_vec(vec![1.0, 2.0, 3.0]);
        let weighted = embedding.weighted([(2, 0.5), (1, 2.0)]);
        assert_eq!(weighted.as_slice(), [0.5, 1.0, 6.0]);
    }

    #[test]
    fn the_mean_is_normalised_block_by_block() {
        let a = Embedding::from_blocks([[1.0, 0.0], [1.0, 0.0]]);
        let b = Embedding::from_blocks([[0.0, 1.0], [1.0, 0.0]]);
        let mean = Embedding::mean(&[a, b], &[2, 2]).unwrap();
        let half = 0.5f32.sqrt();
        for (x, expected) in mean.as_slice().iter().zip([half, half, 1.0, 0.0]) {
            assert!((x - expected).abs() < 1e-6);
        }
        assert_eq!(Embedding::mean(&[], &[2]), None);
    }
}
