//! Pooled features to one block of an embedding.

mod concepts;
mod mlp;
mod norm;

use half::f16;
use ndarray::{Array1, Array2, ArrayView1};
use safetensors::tensor::{Dtype, SafeTensors};
use sensorium_types::dot;

use self::concepts::{Concepts, Weighing};
use self::mlp::Mlp;
pub(crate) use self::mlp::Projection;
use crate::manifest::HeadSpec;
use crate::{Error, Package, Result};

/// A head, loaded.
pub(crate) struct Head {
    kind: Kind,
    /// Subtracted from the unit result, to centre the block.
    mean: Option<Array1<f32>>,
}

enum Kind {
    /// The features as they are.
    Identity,
    Concepts(Concepts),
    Mlp(Mlp),
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
                kind: Kind::Identity,
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
        let kind = match spec {
            HeadSpec::Identity { .. } => Kind::Identity,
            HeadSpec::Concepts {
                activation,
                temperature,
                top,
                norm_epsilon,
                labels,
                ..
            } => Kind::Concepts(Concepts::read(
                &tensors,
                labels,
                features,
                dimension,
                Weighing {
                    activation: *activation,
                    temperature: *temperature,
                    top: *top,
                },
                *norm_epsilon,
            )?),
            HeadSpec::Mlp { .. } => Kind::Mlp(Mlp::read(&tensors, features, dimension)?),
        };
        Ok(Self {
            kind,
            mean: optional_vector(&tensors, "mean", dimension)?,
        })
    }

    /// The block that `features` give; its length is not yet one.
    pub(crate) fn apply(&self, features: &[f32]) -> Vec<f32> {
        let features = ArrayView1::from(features);
        let block = match &self.kind {
            Kind::Identity => features.to_owned(),
            Kind::Concepts(concepts) => concepts.apply(features),
            Kind::Mlp(mlp) => mlp.apply(features),
        };
        match &self.mean {
            None => block.to_vec(),
            Some(mean) => (unit(block) - mean).to_vec(),
        }
    }
}

/// The product of `matrix` and `vector`, row by row.
fn product(matrix: &Array2<f32>, vector: &[f32]) -> Array1<f32> {
    // Rows lie one after the other.
    let rows = matrix.rows().into_iter();
    rows.map(|row| dot(row.as_slice().unwrap_or(&[]), vector))
        .collect()
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
    use crate::manifest::Activation;

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
            labels: "labels".into(),
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
    fn heads_that_share_a_file_have_labels_of_their_own() {
        let mut tensors = CLASSIFIER.to_vec();
        tensors.push(("others", &[3, 2], &[1.0, 0.0, 0.0, 1.0, 5.0, 5.0]));
        let mut spec = concepts(Activation::Softmax, 1);
        let HeadSpec::Concepts { labels, .. } = &mut spec else {
            unreachable!()
        };
        "others".clone_into(labels);
        let block = Head::from_bytes(&file(&tensors), &spec, 2, 2)
            .unwrap()
            .apply(&[0.0, 1.0]);
        assert_close(&[block[0] / block[1], 1.0], &[0.0, 1.0]);
        let problem = Head::from_bytes(&file(&CLASSIFIER), &spec, 2, 2).err().unwrap();
        assert!(problem.contains("'others'"), "{problem}");
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
    fn a_classifier_of_few_features_looks_at_the_first() {
        let spec = concepts(Activation::Sigmoid, 9);
        let (few, more) = (
            Head::from_bytes(&file(&CLASSIFIER), &spec, 2, 3).unwrap(),
            Head::from_bytes(&file(&CLASSIFIER), &spec, 4, 3).unwrap(),
        );
        assert_eq!(more.apply(&[1.0, 0.5, 7.0, -7.0]), few.apply(&[1.0, 0.5]));
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
    fn a_perceptron_adds_what_goes_around_it() {
        let tensors: [(&str, &[usize], &[f32]); 7] = [
            ("norm_weight", &[2], &[1.0, 1.0]),
            ("norm_bias", &[2], &[0.0, 0.0]),
            ("hidden_weight", &[1, 2], &[10.0, 0.0]),
            ("hidden_bias", &[1], &[0.0]),
            ("out_weight", &[3, 1], &[0.0, 1.0, 0.0]),
            ("out_bias", &[3], &[0.0, 0.0, 0.5]),
            ("around_weight", &[3, 2], &[1.0, 0.0, 0.0, 0.0, 0.0, 0.0]),
        ];
        let spec = HeadSpec::Mlp {
            file: "head.safetensors".into(),
        };
        let head = Head::from_bytes(&file(&tensors), &spec, 2, 3).unwrap();
        // (3, 1) becomes (1, -1), which makes the hidden value 10.
        let found = head.apply(&[3.0, 1.0]);
        for (found, expected) in found.iter().zip([1.0, 10.0, 0.5]) {
            assert!((found - expected).abs() < 1e-3);
        }
        let problem = Head::from_bytes(&file(&tensors[1..]), &spec, 2, 3).err().unwrap();
        assert!(problem.contains("norm_weight"), "{problem}");
        assert!(Head::from_bytes(&file(&tensors), &spec, 2, 4).is_err());
    }

    #[test]
    fn tensors_that_do_not_fit_are_refused_by_name() {
        let spec = concepts(Activation::Softmax, 1);
        let problem = |tensors: &[(&str, &[usize], &[f32])], features| {
            Head::from_bytes(&file(tensors), &spec, features, 3)
                .err()
                .unwrap()
        };
        assert!(problem(&CLASSIFIER, 1).contains("'weight' has the shape [3, 2]"));
        assert!(problem(&CLASSIFIER[..2], 2).contains("'labels'"));
        let mut short = CLASSIFIER.to_vec();
        short[1] = ("bias", &[1], &[0.0]);
        assert!(problem(&short, 2).contains("must agree"));
        assert!(Head::from_bytes(b"nonsense", &spec, 2, 3).is_err());
    }
}
