use std::borrow::Cow;

use ort::session::{HasSelectedOutputs, OutputSelector, RunOptions, Session, SessionInputValue};

use crate::manifest::TowerCommon;
use crate::runtime::Runtime;
use crate::{Error, Package, Result};

/// The output that every tower has: f32, `[batch, features]`.
const POOLED: &str = "pooled";

/// The graph of a tower, loaded, giving pooled features.
pub(crate) struct Graph {
    name: String,
    features: usize,
    session: Session,
    only_pooled: RunOptions<HasSelectedOutputs>,
}

impl Graph {
    pub(crate) fn load(package: &Package, tower: &TowerCommon, threads: usize) -> Result<Self> {
        let bytes = package.read(&tower.graph)?;
        let session = Runtime::load()?.session(&tower.graph, &bytes, threads)?;
        let only_pooled = RunOptions::new()
            .map_err(|source| Error::Inference {
                graph: tower.graph.clone(),
                source,
            })?
            .with_outputs(OutputSelector::no_default().with(POOLED));
        Ok(Self {
            name: tower.graph.clone(),
            features: tower.features,
            session,
            only_pooled,
        })
    }

    /// The pooled features of each of the `batch` samples in `inputs`.
    pub(crate) fn pooled(
        &mut self,
        inputs: Vec<(Cow<'_, str>, SessionInputValue<'_>)>,
        batch: usize,
    ) -> Result<Vec<Vec<f32>>> {
        let failed = |source| Error::Inference {
            graph: self.name.clone(),
            source,
        };
        let outputs = self
            .session
            .run_with_options(inputs, &self.only_pooled)
            .map_err(failed)?;
        let (shape, values) = outputs[POOLED].try_extract_tensor::<f32>().map_err(failed)?;
        if shape[..] != [batch as i64, self.features as i64] {
            return Err(Error::Shape {
                graph: self.name.clone(),
                expected: format!("{POOLED} [{batch}, {}]", self.features),
                found: format!("{shape}"),
            });
        }
        Ok(values.chunks_exact(self.features).map(<[f32]>::to_vec).collect())
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
