use ndarray::{Array1, Array2, ArrayView1, s};
use safetensors::tensor::SafeTensors;

use super::norm::Norm;
use super::{floats, matrix, product, vector};
use crate::manifest::Activation;

/// A classifier whose labels stand at known places of the space.
///
/// The result is the sum of the embeddings of the most probable labels, each times its probability (ConSE,
/// Norouzi et al. 2013, arXiv:1312.5650).
pub(super) struct Concepts {
    norm: Option<Norm>,
    /// `[labels, features]`, of which there may be more than it looks at.
    classifier: Array2<f32>,
    /// `[labels]`
    bias: Array1<f32>,
    /// `[labels, dimension]`
    labels: Array2<f32>,
    weighing: Weighing,
}

/// From logits to the weights of labels.
pub(super) struct Weighing {
    pub(super) activation: Activation,
    /// Divides the logits.
    pub(super) temperature: f32,
    /// How many of the most probable labels count.
    pub(super) top: usize,
}

impl Concepts {
    pub(super) fn read(
        tensors: &SafeTensors<'_>,
        name_of_labels: &str,
        features: usize,
        dimension: usize,
        weighing: Weighing,
        norm_epsilon: f32,
    ) -> Result<Self, String> {
        let (shape, _) = floats(tensors, "weight")?;
        let looked_at = shape.last().copied().unwrap_or(0).min(features);
        let concepts = Self {
            norm: Norm::read(tensors, looked_at, norm_epsilon)?,
            classifier: matrix(tensors, "weight", looked_at)?,
            bias: vector(tensors, "bias")?,
            labels: matrix(tensors, name_of_labels, dimension)?,
            weighing,
        };
        concepts.check(name_of_labels)?;
        Ok(concepts)
    }

    fn check(&self, name_of_labels: &str) -> Result<(), String> {
        let count = self.classifier.nrows();
        if count == 0 || self.bias.len() != count || self.labels.nrows() != count {
            return Err(format!(
                "'weight' has {count} rows, 'bias' {} and '{name_of_labels}' {}; they must agree",
                self.bias.len(),
                self.labels.nrows()
            ));
        }
        Ok(())
    }

    pub(super) fn apply(&self, features: ArrayView1<'_, f32>) -> Array1<f32> {
        let features = features.slice(s![..self.classifier.ncols()]);
        let features = match &self.norm {
            None => features.to_vec(),
            Some(norm) => norm.apply(features).to_vec(),
        };
        let logits = product(&self.classifier, &features) + &self.bias;
        let probabilities = self.weighing.activate(logits / self.weighing.temperature);
        let mut sum = Array1::zeros(self.labels.ncols());
        for label in most_probable(&probabilities, self.weighing.top) {
            sum.scaled_add(probabilities[label], &self.labels.row(label));
        }
        sum
    }
}

impl Weighing {
    fn activate(&self, logits: Array1<f32>) -> Array1<f32> {
        match self.activation {
            Activation::Sigmoid => logits.mapv(|logit| 1.0 / (1.0 + (-logit).exp())),
            Activation::Softmax => {
                let largest = logits.iter().copied().fold(f32::NEG_INFINITY, f32::max);
                let weights = logits.mapv(|logit| (logit - largest).exp());
                let total = weights.sum();
                weights / total
            }
        }
    }
}

/// The indices of the `top` largest values, in no order.
fn most_probable(probabilities: &Array1<f32>, top: usize) -> Vec<usize> {
    let mut labels: Vec<usize> = (0..probabilities.len()).collect();
    if top < labels.len() {
        labels.select_nth_unstable_by(top, |&a, &b| probabilities[b].total_cmp(&probabilities[a]));
        labels.truncate(top);
    }
    labels
}
