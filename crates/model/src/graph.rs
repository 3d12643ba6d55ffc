use std::borrow::Cow;

use ort::session::{OutputSelector, RunOptions, Session, SessionInputValue};

use crate::manifest::{TokenSpec, TowerCommon};
use crate::runtime::Runtime;
use crate::{Error, Package, Result};

/// The output that every tower has: f32, `[batch, features]`.
const POOLED: &str = "pooled";

/// Tokens of a fixed number: f32, `[batch, count, dimension]`.
const GRID: &str = "grid";

/// Tokens of any number: f32, `[batch, length, dimension]`.
const TOKENS: &str = "tokens";

/// The graph of a tower, loaded.
pub(crate) struct Graph {
    name: String,
    features: usize,
    tokens: Option<TokenSpec>,
    session: Session,
}

type Inputs<'a> = Vec<(Cow<'a, str>, SessionInputValue<'a>)>;

impl Graph {
    pub(crate) fn load(package: &Package, tower: &TowerCommon, threads: usize) -> Result<Self> {
        let bytes = package.read(&tower.graph)?;
        let session = Runtime::load()?.session(&tower.graph, &bytes, threads)?;
        Ok(Self {
            name: tower.graph.clone(),
            features: tower.features,
            tokens: tower.tokens,
            session,
        })
    }

    /// What is kept of each of the `batch` samples in `inputs`: the pooled features, and a grid of tokens behind them
    /// where the tower has one.
    pub(crate) fn kept(&mut self, inputs: Inputs<'_>, batch: usize) -> Result<Vec<Vec<f32>>> {
        let grid = self
            .tokens
            .and_then(|tokens| Some((tokens.count()?, tokens.dimension)));
        let Some((count, dimension)) = grid else {
            return self.run(inputs, &[(POOLED, vec![batch, self.features])]);
        };
        let tokens = vec![batch, count, dimension];
        self.run(inputs, &[(POOLED, vec![batch, self.features]), (GRID, tokens)])
    }

    /// The tokens of each of the `batch` samples in `inputs`, `length` for each; those of padding too.
    pub(crate) fn tokens(
        &mut self,
        inputs: Inputs<'_>,
        batch: usize,
        length: usize,
    ) -> Result<Vec<Vec<f32>>> {
        let dimension = self.tokens.map_or(0, |tokens| tokens.dimension);
        self.run(inputs, &[(TOKENS, vec![batch, length, dimension])])
    }

    /// For each sample its rows of the outputs with these names and shapes, one after the other.
    fn run(&mut self, inputs: Inputs<'_>, wanted: &[(&str, Vec<usize>)]) -> Result<Vec<Vec<f32>>> {
        let failed = |source| Error::Inference {
            graph: self.name.clone(),
            source,
        };
        let mut selector = OutputSelector::no_default();
        for (output, _) in wanted {
            selector = selector.with(*output);
        }
        let options = RunOptions::new().map_err(failed)?.with_outputs(selector);
        let outputs = self.session.run_with_options(inputs, &options).map_err(failed)?;
        let mut samples: Vec<Vec<f32>> = Vec::new();
        for (output, expected) in wanted {
            let (shape, values) = outputs[*output].try_extract_tensor::<f32>().map_err(failed)?;
            if !shape
                .iter()
                .map(|&size| size as usize)
                .eq(expected.iter().copied())
            {
                return Err(Error::Shape {
                    graph: self.name.clone(),
                    expected: format!("{output} {expected:?}"),
                    found: format!("{shape}"),
                });
            }
            samples.resize(expected[0], Vec::new());
            let width = expected[1..].iter().product::<usize>().max(1);
            for (sample, row) in samples.iter_mut().zip(values.chunks_exact(width)) {
                sample.extend(row);
            }
        }
        Ok(samples)
    }

    /// Makes a tensor, with errors that name this graph.
    pub(crate) fn tensor<T>(&self, shape: &[usize], data: Vec<T>) -> Result<ort::value::Tensor<T>>
    where
        T: ort::value::PrimitiveTensorElementType + std::fmt::Debug + Clone + 'static,
    {
        ort::value::Tensor::from_array((shape, data)).map_err(|source| Error::Inference {
            graph: self.name.clone(),
            source,
        })
    }
}
