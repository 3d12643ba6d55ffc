use ndarray::{Array1, ArrayView1};
use safetensors::tensor::SafeTensors;

use super::optional_vector;

/// Layer normalisation with a gain and an offset.
pub(super) struct Norm {
    weight: Array1<f32>,
    bias: Array1<f32>,
    epsilon: f32,
}

impl Norm {
    pub(super) fn read(
        tensors: &SafeTensors<'_>,
        features: usize,
        epsilon: f32,
    ) -> Result<Option<Self>, String> {
        let weight = optional_vector(tensors, "norm_weight", features)?;
        let bias = optional_vector(tensors, "norm_bias", features)?;
        match (weight, bias) {
            (Some(weight), Some(bias)) => Ok(Some(Self {
                weight,
                bias,
                epsilon,
            })),
            (None, None) => Ok(None),
            _ => Err("'norm_weight' and 'norm_bias' come together".into()),
        }
    }

    pub(super) fn apply(&self, features: ArrayView1<'_, f32>) -> Array1<f32> {
        let count = features.len() as f32;
        let mean = features.sum() / count;
        let centred = features.mapv(|x| x - mean);
        let variance = centred.dot(&centred) / count;
        centred / (variance + self.epsilon).sqrt() * &self.weight + &self.bias
    }
}
