//! Pooled features to one block of an embedding.

use half::f16;
use ndarray::{Array1, Array2, ArrayView1};
use safetensors::tensor::{Dtype, SafeTensors};
use sensorium_types::dot;

use crate::manifest::{Activation, HeadSpec};
use crate::{Error, Package, Result};

/// A head, loaded.
pub(crate) struct Head {
    /// `None` takes the features as they are.
    concepts: Option<Concepts>,
    /// Subtracted from the unit result, to centre the block.
    mean: Option<Array1<f32>>,
}

impl Head {
    /// Loads the head that turns `features` components into `dimension`.
    pub(crate) fn load(
        package: &Package,
        spec: &HeadSpec,
        features: usize,
        dimension: usize,
    ) -> Result<Self> {
        let Some(file) = spec.file() else {
            return Ok(Self {
                concepts: None,
                mean: None,
            });
        };
        Self::from_bytes(&package.read(file)?, spec, features, dimension).map_err(|problem| Error::Invalid {
            path: package.folder().join(file),
            problem,
        })
    }

    fn from_bytes(
        bytes: &[u8],
        spec: &HeadSpec,
        features: usize,
        dimension: usize,
    ) -> std::result::Result<Self, String> {
        let tensors = SafeTensors::deserialize(bytes).map_err(|error| error.to_string())?;
        let concepts = match spec {
            HeadSpec::Identity { .. } => None,
            HeadSpec::Concepts {
                activation,
                temperature,
                top,
                norm_epsilon,
                ..
            } => Some(Concepts {
                norm: Norm::read(&tensors, features, *norm_epsilon)?,
                classifier: matrix(&tensors, "weight", features)?,
                bias: vector(&tensors, "bias")?,
                labels: matrix(&tensors, "labels", dimension)?,
                activation: *activation,
                temperature: *temperature,
                top: *top,
            }),
        };
        if let Some(concepts) = &concepts {
            concepts.check()?;
        }
        Ok(Self {
            concepts,
            mean: optional_vector(&tensors, "mean", dimension)?,
        })
    }

    /// The block that `features` give; its length is not yet one.
    pub(crate) fn apply(&self, features: &[f32]) -> Vec<f32> {
        let features = ArrayView1::from(features);
        let block = match &self.concepts {
            None => features.to_owned(),
            Some(concepts) => concepts.apply(features),
        };
        match &self.mean {
            None => block.to_vec(),
            Some(mean) => (unit(block) - mean).to_vec(),
        }
    }
}

/// A classifier whose labels stand at known places of the space.
///
/// The result is the sum of the embeddings of the most probable labels, each times its probability (ConSE,
/// Norouzi et al. 2013, arXiv:1312.5650).
struct Concepts {
    norm: Option<Norm>,
    /// `[labels, features]`
    classifier: Array2<f32>,
    /// `[labels]`
    bias: Array1<f32>,
    /// `[labels, dimension]`
    labels: Array2<f32>,
    activation: Activation,
    temperature: f32,
    top: usize,
}

impl Concepts {
    fn check(&self) -> std::result::Result<(), String> {
        let count = self.classifier.nrows();
        if count == 0 || self.bias.len() != count || self.labels.nrows() != count {
            return Err(format!(
                "'weight' has {count} rows, 'bias' {} and 'labels' {}; they must agree",
                self.bias.len(),
                self.labels.nrows()
            ));
        }
        Ok(())
    }

    fn apply(&self, features: ArrayView1<'_, f32>) -> Array1<f32> {
        let features = match &self.norm {
            None => features.to_vec(),
            Some(norm) => norm.apply(features).to_vec(),
        };
        let rows = self.classifier.rows().into_iter();
        // Rows lie one after the other.
        let logits: Array1<f32> = rows
            .map(|row| dot(row.as_slice().unwrap_or(&[]), &features))
            .collect();
        let probabilities = self.activate((logits + &self.bias) / self.temperature);
        let mut sum = Array1::zeros(self.labels.ncols());
        for label in most_probable(&probabilities, self.top) {
            sum.scaled_add(probabilities[label], &self.labels.row(label));
        }
        sum
    }

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

/// Layer normalisation with a gain and an offset.
struct Norm {
    weight: Array1<f32>,
    bias: Array1<f32>,
    epsilon: f32,
}

impl Norm {
    fn read(
        tensors: &SafeTensors<'_>,
        features: usize,
        epsilon: f32,
    ) -> std::result::Result<Option<Self>, String> {
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

    fn apply(&self, features: ArrayView1<'_, f32>) -> Array1<f32> {
        let count = features.len() as f32;
        let mean = features.sum() / count;
        let centred = features.mapv(|x| x - mean);
        let variance = centred.dot(&centred) / count;
        centred / (variance + self.epsilon).sqrt() * &self.weight + &self.bias
    }
}

fn unit(vector: Array1<f32>) -> Array1<f32> {
    let length = vector.dot(&vector).sqrt();
    if length.is_normal() {
        vector / length
    } else {
        vector
    }
}

/// The tensor `name` of shape `[any, columns]`.
fn matrix(tensors: &SafeTensors<'_>, name: &str, columns: usize) -> std::result::Result<Array2<f32>, String> {
    let (shape, values) = floats(tensors, name)?;
    match shape[..] {
        [rows, found] if found == columns => {
            Array2::from_shape_vec((rows, columns), values).map_err(|error| error.to_string())
        }
        _ => Err(format!("'{name}' has the shape {shape:?}, not [any, {columns}]")),
    }
}

fn vector(tensors: &SafeTensors<'_>, name: &str) -> std::result::Result<Array1<f32>, String> {
    floats(tensors, name).map(|(_, values)| Array1::from(values))
}

fn optional_vector(
    tensors: &SafeTensors<'_>,
    name: &str,
    length: usize,
) -> std::result::Result<Option<Array1<f32>>, String> {
    if !tensors.names().contains(&name) {
        return Ok(None);
    }
    let values = vector(tensors, name)?;
    if values.len() != length {
        return Err(format!("'{name}' has {} values, not {length}", values.len()));
    }
    Ok(Some(values))
}

/// Shape and values of a tensor of f32 or f16.
pub(crate) fn floats(
    tensors: &SafeTensors<'_>,
    name: &str,
) -> std::result::Result<(Vec<usize>, Vec<f32>), String> {
    let tensor = tensors
        .tensor(name)
        .map_err(|error| format!("'{name}': {error}"))?;
    let (halves, _) = tensor.data().as_chunks::<2>();
    let (singles, _) = tensor.data().as_chunks::<4>();
    let values = match tensor.dtype() {
        Dtype::F32 => singles.iter().map(|&bytes| f32::from_le_bytes(bytes)).collect(),
        Dtype::F16 => halves
            .iter()
            .map(|&bytes| f16::from_le_bytes(bytes).to_f32())
            .collect(),
        other => return Err(format!("'{name}' holds {other:?}, not F32 or F16")),
    };
    Ok((tensor.shape().to_vec(), values))
}

#[cfg(test)]
mod tests {
    use std::collections::HashMap;

    use safetensors::tensor::TensorView;

    use super::*;

    fn file(tensors: &[(&str, &[usize], &[f32])]) -> Vec<u8> {
        let bytes: Vec<Vec<u8>> = tensors
            .iter()
            .map(|(_, _, values)| values.iter().flat_map(|value| value.to_le_bytes()).collect())
            .collect();
        let views: HashMap<&str, TensorView<'_>> = tensors
            .iter()
            .zip(&bytes)
            .map(|((name, shape, _), bytes)| {
                let view = TensorView::new(Dtype::F32, shape.to_vec(), bytes).unwrap();
                (*name, view)
            })
            .collect();
        safetensors::serialize(views, None).unwrap()
    }

    fn concepts(activation: Activation, top: usize) -> HeadSpec {
        HeadSpec::Concepts {
            file: "head.safetensors".into(),
            activation,
            temperature: 0.5,
            top,
            norm_epsilon: 0.0,
        }
    }

    /// Three labels on the axes of a space of three dimensions, two features.
    const CLASSIFIER: [(&str, &[usize], &[f32]); 3] = [
        ("weight", &[3, 2], &[1.0, 0.0, 0.0, 1.0, 1.0, 1.0]),
        ("bias", &[3], &[0.0, 0.0, -2.0]),
        ("labels", &[3, 3], &[1.0, 0.0, 0.0, 0.0, 1.0, 0.0, 0.0, 0.0, 1.0]),
    ];

    fn assert_close(found: &[f32], expected: &[f32]) {
        assert_eq!(found.len(), expected.len());
        for (found_one, expected_one) in found.iter().zip(expected) {
            assert!((found_one - expected_one).abs() < 1e-6, "{found:?} {expected:?}");
        }
    }

    #[test]
    fn softmax_weighs_the_most_probable_labels() {
        let spec = concepts(Activation::Softmax, 2);
        let head = Head::from_bytes(&file(&CLASSIFIER), &spec, 2, 3).unwrap();
        // Logits 1, .5, -.5, divided by the temperature: 2, 1, -1.
        let total = 2f32.exp() + 1f32.exp() + (-1f32).exp();
        assert_close(
            &head.apply(&[1.0, 0.5]),
            &[2f32.exp() / total, 1f32.exp() / total, 0.0],
        );
    }

    #[test]
    fn sigmoid_takes_each_label_for_itself() {
        let spec = concepts(Activation::Sigmoid, 9);
        let head = Head::from_bytes(&file(&CLASSIFIER), &spec, 2, 3).unwrap();
        let sigmoid = |x: f32| 1.0 / (1.0 + (-x).exp());
        assert_close(
            &head.apply(&[1.0, 0.5]),
            &[sigmoid(2.0), sigmoid(1.0), sigmoid(-1.0)],
        );
    }

    #[test]
    fn a_layer_normalisation_comes_first_and_the_mean_last() {
        let mut tensors = CLASSIFIER.to_vec();
        tensors.push(("norm_weight", &[2], &[2.0, 2.0]));
        tensors.push(("norm_bias", &[2], &[0.0, 1.0]));
        tensors.push(("mean", &[3], &[0.5, 0.0, 0.0]));
        let spec = concepts(Activation::Softmax, 1);
        let head = Head::from_bytes(&file(&tensors), &spec, 2, 3).unwrap();
        // (3, 1) becomes (1, -1), then (2, -1): the first label alone, whose unit vector loses the mean.
        assert_close(&head.apply(&[3.0, 1.0]), &[0.5, 0.0, 0.0]);
    }

    #[test]
    fn tensors_that_do_not_fit_are_refused_by_name() {
        let spec = concepts(Activation::Softmax, 1);
        let problem = |tensors: &[(&str, &[usize], &[f32])], features| {
            Head::from_bytes(&file(tensors), &spec, features, 3)
                .err()
                .unwrap()
        };
        assert!(problem(&CLASSIFIER, 5).contains("'weight' has the shape [3, 2]"));
        assert!(problem(&CLASSIFIER[..2], 2).contains("'labels'"));
        let mut short = CLASSIFIER.to_vec();
        short[1] = ("bias", &[1], &[0.0]);
        assert!(problem(&short, 2).contains("must agree"));
        assert!(Head::from_bytes(b"nonsense", &spec, 2, 3).is_err());
    }
}
