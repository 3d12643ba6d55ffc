use ndarray::{Array1, Array2, ArrayView1, ArrayView2, Axis};
use safetensors::tensor::SafeTensors;

use super::norm::Norm;
use super::{matrix, optional_vector, product, vector};

/// Keeps the layer normalisation from dividing by zero.
const EPSILON: f32 = 1e-5;

/// A perceptron with one hidden layer beside a linear way around it, on normalised features.
pub(super) struct Mlp {
    norm: Norm,
    hidden: Linear,
    out: Linear,
    /// `[dimension, features]`
    around: Array2<f32>,
}

struct Linear {
    /// `[out, in]`
    weight: Array2<f32>,
    /// `[out]`
    bias: Array1<f32>,
}

impl Mlp {
    pub(super) fn read(tensors: &SafeTensors<'_>, features: usize, dimension: usize) -> Result<Self, String> {
        let norm = Norm::read(tensors, features, EPSILON)?;
        let hidden = Linear::read(tensors, "hidden", features)?;
        let out = Linear::read(tensors, "out", hidden.bias.len())?;
        let around = matrix(tensors, "around_weight", features)?;
        if out.bias.len() != dimension || around.nrows() != dimension {
            return Err(format!(
                "'out_weight' has {} rows and 'around_weight' {}, not {dimension}",
                out.bias.len(),
                around.nrows()
            ));
        }
        Ok(Self {
            norm: norm.ok_or("'norm_weight' and 'norm_bias' are missing")?,
            hidden,
            out,
            around,
        })
    }

    pub(super) fn apply(&self, features: ArrayView1<'_, f32>) -> Array1<f32> {
        let features = self.norm.apply(features).to_vec();
        let hidden = self.hidden.apply(&features).mapv(gelu).to_vec();
        self.out.apply(&hidden) + product(&self.around, &features)
    }
}

/// A perceptron for tokens, with how much each of them counts.
pub(crate) struct Projection {
    mlp: Mlp,
    /// `[inputs]`, for the normalised token.
    importance: Array1<f32>,
}

impl Projection {
    /// Reads the tensors of a perceptron from `inputs` to `dimension` components, and `importance`.
    pub(crate) fn read(bytes: &[u8], inputs: usize, dimension: usize) -> Result<Self, String> {
        let tensors = SafeTensors::deserialize(bytes).map_err(|error| error.to_string())?;
        let importance = optional_vector(&tensors, "importance", inputs)?;
        Ok(Self {
            mlp: Mlp::read(&tensors, inputs, dimension)?,
            importance: importance.ok_or("'importance' is missing")?,
        })
    }

    /// Components of a raw token, at least one.
    pub(crate) fn inputs(&self) -> usize {
        self.importance.len().max(1)
    }

    /// Raw tokens `[count, inputs]` to `[count, dimension]`.
    pub(crate) fn apply(&self, tokens: ArrayView2<'_, f32>) -> Array2<f32> {
        let normalised = self.normalised(tokens);
        let Mlp {
            hidden, out, around, ..
        } = &self.mlp;
        let hidden = (normalised.dot(&hidden.weight.t()) + &hidden.bias).mapv(gelu);
        hidden.dot(&out.weight.t()) + &out.bias + normalised.dot(&around.t())
    }

    /// The logits of how much each of the raw tokens counts.
    pub(crate) fn importance(&self, tokens: ArrayView2<'_, f32>) -> Array1<f32> {
        self.normalised(tokens).dot(&self.importance)
    }

    fn normalised(&self, tokens: ArrayView2<'_, f32>) -> Array2<f32> {
        let mut normalised = Array2::zeros(tokens.dim());
        for (from, mut to) in tokens.axis_iter(Axis(0)).zip(normalised.rows_mut()) {
            to.assign(&self.mlp.norm.apply(from));
        }
        normalised
    }
}

impl Linear {
    fn read(tensors: &SafeTensors<'_>, name: &str, inputs: usize) -> Result<Self, String> {
        let linear = Self {
            weight: matrix(tensors, &format!("{name}_weight"), inputs)?,
            bias: vector(tensors, &format!("{name}_bias"))?,
        };
        if linear.weight.nrows() != linear.bias.len() {
            return Err(format!("'{name}_weight' and '{name}_bias' must agree"));
        }
        Ok(linear)
    }

    fn apply(&self, input: &[f32]) -> Array1<f32> {
        product(&self.weight, input) + &self.bias
    }
}

/// The Gaussian error linear unit by its approximation with a hyperbolic tangent (Hendrycks and Gimpel 2016,
/// arXiv:1606.08415).
fn gelu(x: f32) -> f32 {
    let inner = (2.0 / std::f32::consts::PI).sqrt() * (x + 0.044_715 * x * x * x);
    0.5 * x * (1.0 + inner.tanh())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_unit_is_smooth_around_zero_and_linear_far_from_it() {
        for (x, expected) in [
            (0.0, 0.0),
            (1.0, 0.841_19),
            (-1.0, -0.158_81),
            (10.0, 10.0),
            (-10.0, 0.0),
        ] {
            assert!((gelu(x) - expected).abs() < 1e-4, "{x}");
        }
    }
}
