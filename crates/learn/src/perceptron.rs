//! A head that learns.

use std::collections::HashMap;

use candle_core::{D, DType, Device, Result, Tensor, Var};
use rand::Rng as _;
use rand_chacha::ChaCha8Rng;

/// As [`HeadSpec::Mlp`](sensorium_model::manifest::HeadSpec::Mlp) has it.
const NORM_EPSILON: f64 = 1e-5;

/// A layer normalisation, then a perceptron with one hidden layer beside a linear way around it.
///
/// It has the tensors of [`HeadSpec::Mlp`](sensorium_model::manifest::HeadSpec::Mlp).
pub(crate) struct Perceptron {
    norm_weight: Var,
    norm_bias: Var,
    hidden_weight: Var,
    hidden_bias: Var,
    out_weight: Var,
    out_bias: Var,
    around_weight: Var,
}

/// The sizes of a [`Perceptron`].
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Shape {
    pub(crate) features: usize,
    pub(crate) hidden: usize,
    pub(crate) dimension: usize,
}

impl Perceptron {
    /// One that knows nothing yet.
    pub(crate) fn new(shape: Shape, random: &mut ChaCha8Rng) -> Result<Self> {
        Self::build(shape, |name, dims| match *dims {
            // Uniform with the deviation of LeCun et al. (1998), which keeps the size of what goes through.
            [rows, columns] => {
                let limit = (3.0 / columns as f32).sqrt();
                let values: Vec<f32> = (0..rows * columns)
                    .map(|_| random.random_range(-limit..limit))
                    .collect();
                Var::from_vec(values, dims, &Device::Cpu)
            }
            _ if name == "norm_weight" => Var::ones(dims, DType::F32, &Device::Cpu),
            _ => Var::zeros(dims, DType::F32, &Device::Cpu),
        })
    }

    /// One with these tensors; `None` when one is missing or of another shape.
    pub(crate) fn of(shape: Shape, tensors: &HashMap<String, Tensor>) -> Option<Self> {
        let variable = |name: &str, dims: &[usize]| {
            let tensor = tensors.get(name).filter(|tensor| tensor.dims() == dims)?;
            Var::from_tensor(&tensor.to_dtype(DType::F32).ok()?).ok()
        };
        Self::build(shape, |name, dims| variable(name, dims).ok_or(())).ok()
    }

    /// One whose block is always without evidence.
    pub(crate) fn silent(features: usize, dimension: usize) -> Result<Self> {
        let shape = Shape {
            features,
            hidden: 1,
            dimension,
        };
        Self::build(shape, |_, dims| Var::zeros(dims, DType::F32, &Device::Cpu))
    }

    /// One of what `variable` gives for the name and the shape of each tensor.
    fn build<E>(
        shape: Shape,
        mut variable: impl FnMut(&str, &[usize]) -> std::result::Result<Var, E>,
    ) -> std::result::Result<Self, E> {
        let Shape {
            features,
            hidden,
            dimension,
        } = shape;
        Ok(Self {
            norm_weight: variable("norm_weight", &[features])?,
            norm_bias: variable("norm_bias", &[features])?,
            hidden_weight: variable("hidden_weight", &[hidden, features])?,
            hidden_bias: variable("hidden_bias", &[hidden])?,
            out_weight: variable("out_weight", &[dimension, hidden])?,
            out_bias: variable("out_bias", &[dimension])?,
            around_weight: variable("around_weight", &[dimension, features])?,
        })
    }

    /// The same head as half floats keep it.
    pub(crate) fn rounded(&self) -> Result<Self> {
        let round = |variable: &Var| Var::from_tensor(&variable.to_dtype(DType::F16)?.to_dtype(DType::F32)?);
        Ok(Self {
            norm_weight: round(&self.norm_weight)?,
            norm_bias: round(&self.norm_bias)?,
            hidden_weight: round(&self.hidden_weight)?,
            hidden_bias: round(&self.hidden_bias)?,
            out_weight: round(&self.out_weight)?,
            out_bias: round(&self.out_bias)?,
            around_weight: round(&self.around_weight)?,
        })
    }

    /// How many features it takes.
    pub(crate) fn features(&self) -> usize {
        self.norm_weight.elem_count()
    }

    /// Its variables, by the names of the head's tensors.
    pub(crate) fn variables(&self) -> [(&'static str, &Var); 7] {
        [
            ("norm_weight", &self.norm_weight),
            ("norm_bias", &self.norm_bias),
            ("hidden_weight", &self.hidden_weight),
            ("hidden_bias", &self.hidden_bias),
            ("out_weight", &self.out_weight),
            ("out_bias", &self.out_bias),
            ("around_weight", &self.around_weight),
        ]
    }

    /// `[n, features]` to unit vectors `[n, dimension]`. With `dropout`, that share of the hidden values, and half of
    /// it of the features, is left out at random.
    pub(crate) fn forward(
        &self,
        features: &Tensor,
        dropout: Option<(f32, &mut ChaCha8Rng)>,
    ) -> Result<Tensor> {
        let mut features = self.normalised(features)?;
        let hidden = |features: &Tensor| {
            let hidden = features.matmul(&self.hidden_weight.t()?)?;
            hidden.broadcast_add(&self.hidden_bias)?.gelu()
        };
        let hidden = match dropout {
            None => hidden(&features)?,
            Some((share, random)) => {
                features = features.mul(&mask(features.dims2()?, share / 2.0, random)?)?;
                let hidden = hidden(&features)?;
                hidden.mul(&mask(hidden.dims2()?, share, random)?)?
            }
        };
        let out = hidden
            .matmul(&self.out_weight.t()?)?
            .broadcast_add(&self.out_bias)?;
        unit(&(out + features.matmul(&self.around_weight.t()?)?)?)
    }

    /// The features as the perceptron sees them.
    pub(crate) fn normalised(&self, features: &Tensor) -> Result<Tensor> {
        let centred = features.broadcast_sub(&features.mean_keepdim(D::Minus1)?)?;
        let deviation = (centred.sqr()?.mean_keepdim(D::Minus1)? + NORM_EPSILON)?.sqrt()?;
        centred
            .broadcast_div(&deviation)?
            .broadcast_mul(&self.norm_weight)?
            .broadcast_add(&self.norm_bias)
    }
}

/// The rows of `x` at unit length; one of zeros stays so.
fn unit(x: &Tensor) -> Result<Tensor> {
    x.broadcast_div(&(x.sqr()?.sum_keepdim(D::Minus1)? + 1e-12)?.sqrt()?)
}

/// Zero for `share` of the values, and for the others what keeps their mean.
fn mask((rows, columns): (usize, usize), share: f32, random: &mut ChaCha8Rng) -> Result<Tensor> {
    let kept = 1.0 / (1.0 - share);
    let values: Vec<f32> = (0..rows * columns)
        .map(|_| if random.random::<f32>() < share { 0.0 } else { kept })
        .collect();
    Tensor::from_vec(values, (rows, columns), &Device::Cpu)
}
