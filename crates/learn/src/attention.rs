//! The network of a reranker, as it learns.

use std::collections::{BTreeMap, HashMap};

use candle_core::{D, DType, Device, Result, Tensor, Var};
use candle_nn::ops::softmax;
use rand_chacha::ChaCha8Rng;
use sensorium_types::Track;

use crate::optimizer::Parameter;
use crate::perceptron::{Perceptron, Shape};

/// How strongly attention prefers the nearest tokens at the start, as its logarithm.
const SHARPNESS: f32 = 2.0;

/// What cosines are multiplied with to become logits at the start, as its logarithm.
const SCALE: f32 = 2.5;

/// Logits of tokens that are not there.
const NOT_THERE: f64 = -1e9;

/// A perceptron for the tokens of each track, and how they attend; [`Reranker`](sensorium_model::Reranker) says what
/// this computes.
pub(crate) struct Attention {
    tracks: BTreeMap<Track, Projection>,
    sharpness: Var,
    scale: Var,
}

struct Projection {
    perceptron: Perceptron,
    /// `[inputs]`
    importance: Var,
}

/// Tokens of several segments of one track, filled up to the same number.
pub(crate) struct TokenBatch {
    pub(crate) track: Track,
    /// `[segments, tokens, inputs]`
    values: Tensor,
    /// `[segments, tokens]`, 1 for tokens that are there.
    there: Tensor,
}

/// The same, projected.
pub(crate) struct Projected {
    /// `[segments, tokens, dimension]`, of unit length.
    vectors: Tensor,
    /// `[segments, tokens]`, summing to 1 for each segment.
    importance: Tensor,
    /// `[segments, tokens]`, 0 for tokens that are there.
    penalty: Tensor,
}

impl TokenBatch {
    /// The raw tokens of each segment, one after the other, `inputs` values each.
    pub(crate) fn new(track: Track, segments: &[Vec<f32>], inputs: usize) -> Result<Self> {
        let longest = segments
            .iter()
            .map(|values| values.len() / inputs)
            .max()
            .unwrap_or(0);
        let mut values = Vec::with_capacity(segments.len() * longest * inputs);
        let mut there = Vec::with_capacity(segments.len() * longest);
        for segment in segments {
            let count = segment.len() / inputs;
            values.extend(&segment[..count * inputs]);
            values.resize(values.len() + (longest - count) * inputs, 0.0);
            there.extend((0..longest).map(|token| if token < count { 1f32 } else { 0.0 }));
        }
        Ok(Self {
            track,
            values: Tensor::from_vec(values, (segments.len(), longest, inputs), &Device::Cpu)?,
            there: Tensor::from_vec(there, (segments.len(), longest), &Device::Cpu)?,
        })
    }
}

impl Attention {
    /// One that knows nothing yet, for tracks whose tokens have `inputs` components.
    pub(crate) fn new(
        inputs: &BTreeMap<Track, usize>,
        hidden: usize,
        dimension: usize,
        random: &mut ChaCha8Rng,
    ) -> Result<Self> {
        let mut tracks = BTreeMap::new();
        for (&track, &features) in inputs {
            let shape = Shape {
                features,
                hidden,
                dimension,
            };
            let projection = Projection {
                perceptron: Perceptron::new(shape, random)?,
                importance: Var::zeros(features, DType::F32, &Device::Cpu)?,
            };
            tracks.insert(track, projection);
        }
        Ok(Self {
            tracks,
            sharpness: Var::new(SHARPNESS, &Device::Cpu)?,
            scale: Var::new(SCALE, &Device::Cpu)?,
        })
    }

    /// The tracks that it knows.
    pub(crate) fn tracks(&self) -> impl Iterator<Item = Track> {
        self.tracks.keys().copied()
    }

    /// All that learns.
    pub(crate) fn parameters(&self) -> Vec<Parameter> {
        let mut parameters = Vec::new();
        let mut add = |name: String, variable: &Var| {
            parameters.push(Parameter {
                name,
                variable: variable.clone(),
                decays: variable.dims().len() > 1,
            });
        };
        for (track, projection) in &self.tracks {
            for (name, variable) in projection.variables() {
                add(format!("{track}.{name}"), variable);
            }
        }
        add("sharpness".to_owned(), &self.sharpness);
        add("scale".to_owned(), &self.scale);
        parameters
    }

    /// Takes over values by the names of [`parameters`](Self::parameters).
    pub(crate) fn set(&self, values: &HashMap<String, Tensor>) -> Result<()> {
        for parameter in self.parameters() {
            if let Some(value) = values.get(&parameter.name) {
                parameter.variable.set(value)?;
            }
        }
        Ok(())
    }

    /// The tensors of a track's file.
    pub(crate) fn variables(&self, track: Track) -> Vec<(&'static str, &Var)> {
        self.tracks
            .get(&track)
            .map(Projection::variables)
            .unwrap_or_default()
    }

    /// How strongly attention prefers the nearest tokens.
    pub(crate) fn sharpness(&self) -> Result<f32> {
        self.sharpness.exp()?.to_scalar()
    }

    /// Projects tokens; with `dropout`, that share of what is hidden is left out at random.
    pub(crate) fn project(
        &self,
        batch: &TokenBatch,
        dropout: Option<(f32, &mut ChaCha8Rng)>,
    ) -> Result<Projected> {
        let Some(Projection {
            perceptron,
            importance,
        }) = self.tracks.get(&batch.track)
        else {
            candle_core::bail!("the {} track has no tokens", batch.track);
        };
        let (segments, tokens, inputs) = batch.values.dims3()?;
        let flat = batch.values.reshape((segments * tokens, inputs))?;
        let vectors = perceptron.forward(&flat, dropout)?;
        let logits = perceptron
            .normalised(&flat)?
            .matmul(&importance.reshape((inputs, 1))?)?
            .reshape((segments, tokens))?;
        let penalty = batch.there.affine(-NOT_THERE, NOT_THERE)?;
        Ok(Projected {
            vectors: vectors.reshape((segments, tokens, ()))?,
            importance: softmax(&(logits + &penalty)?, D::Minus1)?,
            penalty,
        })
    }

    /// The similarity of each query with each target, `[queries, targets]`.
    pub(crate) fn similarities(&self, queries: &Projected, targets: &Projected) -> Result<Tensor> {
        let (count, words, dimension) = queries.vectors.dims3()?;
        let (others, places, _) = targets.vectors.dims3()?;
        let flat = targets.vectors.reshape((others * places, dimension))?;
        let cosines = queries
            .vectors
            .reshape((count * words, dimension))?
            .matmul(&flat.t()?)?
            .reshape((count * words, others, places))?;
        let logits = cosines
            .broadcast_mul(&self.sharpness.exp()?)?
            .broadcast_add(&targets.penalty.unsqueeze(0)?)?;
        let attention = softmax(&logits, D::Minus1)?;
        let along = (&attention * &cosines)?.sum(D::Minus1)?;
        // The length of what is attended to, by the products of the places with each other.
        let products = targets.vectors.matmul(&targets.vectors.transpose(1, 2)?)?;
        let by_target = attention.transpose(0, 1)?.contiguous()?;
        let square = (by_target.matmul(&products)? * by_target)?.sum(D::Minus1)?.t()?;
        let found = along.div(&square.affine(1.0, 1e-6)?.sqrt()?)?;
        found
            .reshape((count, words, others))?
            .broadcast_mul(&queries.importance.unsqueeze(2)?)?
            .sum(1)
    }

    /// The same as logits.
    pub(crate) fn logits(&self, queries: &Projected, targets: &Projected) -> Result<Tensor> {
        self.similarities(queries, targets)?
            .broadcast_mul(&self.scale.clamp(0.0, 4.6)?.exp()?)
    }
}

impl Projection {
    fn variables(&self) -> Vec<(&'static str, &Var)> {
        let mut variables = self.perceptron.variables().to_vec();
        variables.push(("importance", &self.importance));
        variables
    }
}
