//! What recognises copies of pictures: a package with one graph, which gives copies of a picture almost the same vector
//! and other pictures another, however much alike what they show is (SSCD, Pizzi et al. 2022, arXiv:2202.10261).

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

use ort::session::Session;
use sensorium_media::Picture;
use serde::Deserialize;

use crate::manifest::{Filter, Fit};
use crate::package::read_listed;
use crate::towers::square::Squarer;
use crate::{Error, Result, Runtime, part};

/// The name of its folder, beside that of the base package.
const FOLDER: &str = "copies";

/// The graph's input: u8, `[batch, side, side, 3]`.
const INPUT: &str = "image";

/// The graph's output: f32, `[batch, dimension]`.
const OUTPUT: &str = "embedding";

/// What a side of the graph's input may have, in pixels.
const SIDES: std::ops::RangeInclusive<u32> = 32..=1024;

/// The package whose vectors tell copies.
#[derive(Debug, Clone)]
pub struct CopyPackage {
    folder: PathBuf,
    manifest: CopyManifest,
}

/// Its `model.toml`.
#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields)]
struct CopyManifest {
    /// Version of this file's layout, 1.
    format: u32,
    name: String,
    version: String,
    /// The licence of the package as a whole.
    #[allow(dead_code, reason = "for people, and so that no package is without one")]
    license: String,
    #[allow(dead_code, reason = "for people")]
    description: String,
    visual: VisualSpec,
    /// SHA-256, in hexadecimal, of each file that is loaded.
    files: BTreeMap<String, String>,
}

/// How pictures become vectors.
#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields)]
struct VisualSpec {
    /// The ONNX file: `image`, u8 `[batch, side, side, 3]`, to `embedding`, f32 `[batch, dimension]`.
    graph: String,
    dimension: usize,
    side: u32,
    fit: Fit,
    filter: Filter,
}

impl CopyPackage {
    /// Opens the package beside `base`, the folder of a model package; `None` when there is none.
    ///
    /// # Errors
    /// [`Error::Read`] and [`Error::Invalid`] when its `model.toml` cannot be read or contradicts itself.
    pub fn find(base: &Path) -> Result<Option<Self>> {
        let folder = Self::place(base);
        let manifest = part::find(&folder, CopyManifest::check)?;
        Ok(manifest.map(|manifest| Self { folder, manifest }))
    }

    /// Where the package is looked for, given the folder of a model package.
    pub fn place(base: &Path) -> PathBuf {
        part::place(base, FOLDER)
    }

    /// What makes its vectors, as `name@hash`: those of another are not compared with them.
    pub fn maker(&self) -> String {
        let visual = &self.manifest.visual;
        let recipe = format!("{visual:?} {:?}", self.manifest.files.get(&visual.graph));
        part::maker(&self.manifest.name, &self.manifest.version, &recipe)
    }

    /// Components of a vector.
    pub fn dimension(&self) -> usize {
        self.manifest.visual.dimension
    }

    /// Pixels of a side of what its graph looks at.
    pub fn side(&self) -> u32 {
        self.manifest.visual.side
    }
}

impl CopyManifest {
    fn check(&self) -> std::result::Result<(), String> {
        part::check_format(self.format)?;
        if !SIDES.contains(&self.visual.side) || self.visual.dimension == 0 {
            return Err("[visual] side or dimension is out of range".into());
        }
        Ok(())
    }
}

/// Makes the vectors of pictures. It computes on the calling thread.
pub struct CopyEncoder {
    graph: String,
    dimension: usize,
    side: usize,
    squarer: Squarer,
    session: Session,
}

impl CopyEncoder {
    /// Loads the graph of `package`.
    ///
    /// # Errors
    /// When it cannot be read, was changed, or ONNX Runtime refuses it.
    pub fn load(package: &CopyPackage) -> Result<Self> {
        let visual = &package.manifest.visual;
        let bytes = read_listed(&package.folder, &package.manifest.files, &visual.graph)?;
        Ok(Self {
            graph: visual.graph.clone(),
            dimension: visual.dimension,
            side: visual.side as usize,
            squarer: Squarer::new(visual.side, visual.fit, visual.filter, [127.5; 3]),
            session: Runtime::load()?.session(&visual.graph, &bytes, 1)?,
        })
    }

    /// The vector of `picture`, of unit length.
    ///
    /// # Errors
    /// When the graph fails, or does not give what its package promises.
    pub fn encode(&mut self, picture: &Picture) -> Result<Vec<f32>> {
        let pixels = self.squarer.square(picture)?;
        let failed = |source| Error::Inference {
            graph: self.graph.clone(),
            source,
        };
        let shape = [1, self.side, self.side, 3];
        let input = ort::value::Tensor::from_array((shape, pixels)).map_err(failed)?;
        let outputs = self.session.run(ort::inputs![INPUT => input]).map_err(failed)?;
        let wrong = |found: String| Error::Shape {
            graph: self.graph.clone(),
            expected: format!("{OUTPUT} [1, {}]", self.dimension),
            found,
        };
        let output = outputs
            .get(OUTPUT)
            .ok_or_else(|| wrong("no such output".into()))?;
        let (shape, values) = output.try_extract_tensor::<f32>().map_err(failed)?;
        if values.len() != self.dimension {
            return Err(wrong(format!("{shape}")));
        }
        let length = values.iter().map(|x| x * x).sum::<f32>().sqrt();
        if !length.is_normal() {
            return Err(wrong("a vector without a direction".into()));
        }
        Ok(values.iter().map(|x| x / length).collect())
    }
}
