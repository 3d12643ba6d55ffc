//! `model.toml`: what a package says about itself.

mod check;

use std::collections::BTreeMap;

use sensorium_types::{Block, Direction, Track};
use serde::{Deserialize, Serialize};

/// The content of `model.toml`.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Manifest {
    /// Version of this file's layout, 1.
    pub format: u32,
    /// The package's name, as in `sensorium-base`.
    pub name: String,
    /// The package's version, as in `0.1.0`.
    pub version: String,
    /// SPDX expression for the package as a whole.
    pub license: String,
    /// One sentence.
    pub description: String,
    /// The blocks of an embedding, in their order.
    pub blocks: Vec<BlockSpec>,
    /// The towers that the package has.
    pub towers: Towers,
    /// For `query.target` tracks, what unrelated segments score. In a direction whose blocks have weights of their
    /// own, `query.target modalities/query.target tracks` comes first, as in `text.video/text.visual`.
    #[serde(default)]
    pub calibration: BTreeMap<String, Moments>,
    /// What is taken back of the nearness of items that are near to everything.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub hubs: Option<HubsSpec>,
    /// What ranks the first candidates once more.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub reranker: Option<RerankerSpec>,
    /// SHA-256, in hexadecimal, of each file that is loaded.
    pub files: BTreeMap<String, String>,
}

impl Manifest {
    /// What unrelated segments on these tracks of query and target score in `direction`.
    pub fn moments(&self, direction: Direction, (query, target): (Track, Track)) -> Option<Moments> {
        let tracks = format!("{query}.{target}");
        let own = format!("{}/{tracks}", modalities(direction));
        let found = self
            .calibration
            .get(&own)
            .or_else(|| self.calibration.get(&tracks));
        found.copied()
    }
}

/// How a manifest names `direction`: `query.target`.
pub fn modalities(direction: Direction) -> String {
    format!("{}.{}", direction.from, direction.to)
}

/// One block of the space, with its weights.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct BlockSpec {
    /// Its name; a head of the same name in each tower makes it.
    pub name: String,
    /// How many components it has.
    pub dimension: usize,
    /// For `query.target` modalities, what this block of the query is multiplied with, at least 0; 1 where absent.
    #[serde(default)]
    pub weights: BTreeMap<String, f32>,
}

impl From<&BlockSpec> for Block {
    fn from(spec: &BlockSpec) -> Self {
        Self {
            name: spec.name.clone(),
            dimension: spec.dimension,
        }
    }
}

/// Mean and standard deviation of the inner product of two unrelated segments.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Moments {
    /// The mean.
    pub mean: f32,
    /// The standard deviation, more than zero.
    pub deviation: f32,
}

/// One tower a track; a package may leave some out.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Towers {
    /// Language.
    pub text: Option<TowerSpec<TextPreprocess>>,
    /// Pictures and video frames.
    pub visual: Option<TowerSpec<PicturePreprocess>>,
    /// Sounds.
    pub audio: Option<TowerSpec<SoundPreprocess>>,
}

impl Towers {
    /// The graph, feature count and heads of the tower for `track`.
    pub fn common(&self, track: Track) -> Option<&TowerCommon> {
        match track {
            Track::Text => self.text.as_ref().map(|tower| &tower.common),
            Track::Visual => self.visual.as_ref().map(|tower| &tower.common),
            Track::Audio => self.audio.as_ref().map(|tower| &tower.common),
        }
    }
}

impl Towers {
    /// As [`common`](Self::common), to be changed.
    pub fn common_mut(&mut self, track: Track) -> Option<&mut TowerCommon> {
        match track {
            Track::Text => self.text.as_mut().map(|tower| &mut tower.common),
            Track::Visual => self.visual.as_mut().map(|tower| &mut tower.common),
            Track::Audio => self.audio.as_mut().map(|tower| &mut tower.common),
        }
    }
}

/// A tower: a graph between preprocessing and heads.
// What the flattened part leaves over is unknown too; a test holds serde to it.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct TowerSpec<P> {
    /// How samples become the graph's inputs.
    pub preprocess: P,
    /// What all towers have.
    #[serde(flatten)]
    pub common: TowerCommon,
}

/// What all towers have.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct TowerCommon {
    /// The ONNX file. It gives `pooled` (f32, `[batch, features]`) and what `tokens` says.
    pub graph: String,
    /// Components of `pooled`, which the heads use.
    pub features: usize,
    /// What attention looks at, where the graph gives it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub tokens: Option<TokenSpec>,
    /// Where the weights come from.
    pub origin: String,
    /// SPDX expression of the weights.
    pub license: String,
    /// For each block, what makes it from the pooled features.
    pub heads: BTreeMap<String, HeadSpec>,
}

impl TowerCommon {
    /// How many values are kept of a sample: the pooled features and, behind them, the tokens of a grid.
    pub fn kept(&self) -> usize {
        let dimension = self.tokens.map_or(0, |tokens| tokens.dimension);
        self.features + self.kept_count() * dimension
    }

    /// How many tokens are kept of a sample.
    pub fn kept_count(&self) -> usize {
        self.tokens.and_then(|tokens| tokens.count()).unwrap_or(0)
    }

    /// What was kept of a sample behind its pooled features: the tokens of its grid, one after the other.
    pub fn kept_tokens<'a>(&self, kept: &'a [f32]) -> &'a [f32] {
        kept.get(self.features..).unwrap_or_default()
    }
}

/// The parts of a sample that attention looks at.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct TokenSpec {
    /// Components of each.
    pub dimension: usize,
    /// Their rows and columns where every sample has the same, as a picture has, or one row of moments, as a sound has:
    /// the graph gives `grid` (f32, `[batch, rows * columns, dimension]`), row by row, and it is kept with the pooled
    /// features. Without, as for texts, the graph gives `tokens` (f32, `[batch, length, dimension]`), which are made when
    /// they are asked for.
    pub grid: Option<[usize; 2]>,
}

impl TokenSpec {
    /// How many a sample has, where every sample has the same.
    pub fn count(&self) -> Option<usize> {
        self.grid.map(|[rows, columns]| rows * columns)
    }
}

/// How the nearness of hubs is taken back: see [`Hubs`](crate::Hubs).
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct HubsSpec {
    /// A safetensors file with the bank of queries for each direction of `shares`, `[queries, dimension]`, by its name:
    /// embeddings whose blocks may end before the last.
    pub file: String,
    /// How many of the bank's queries count, the nearest ones; at least 1.
    pub nearest: usize,
    /// For `query.target` modalities, how much of the nearness is subtracted, at least 0. Queries are not videos.
    pub shares: BTreeMap<String, f32>,
}

/// How the candidates of a first ranking are compared once more, token by token: see
/// [`Reranker`](crate::Reranker).
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct RerankerSpec {
    /// Components of a token after its projection.
    pub dimension: usize,
    /// How strongly attention prefers the nearest tokens; more than 0.
    pub sharpness: f32,
    /// For each track a safetensors file with the tensors of a perceptron, as [`HeadSpec::Mlp`] describes, and
    /// `importance` `[token dimension]`.
    pub projections: BTreeMap<Track, String>,
    /// For `query.target` modalities, the share of the new score beside the first one, 0 to 1; 0 where absent.
    #[serde(default)]
    pub weights: BTreeMap<String, f32>,
    /// For `query.target` modalities, by what a query that it knows is known: how far the best candidate is above unrelated
    /// segments, in deviations. Up to the first number the new score has no share, from the second, a greater one, its whole.
    /// Where absent, it knows all.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub known: BTreeMap<String, [f32; 2]>,
    /// For `query.target` tracks, what unrelated segments score.
    #[serde(default)]
    pub calibration: BTreeMap<String, Moments>,
}

/// Text to `input_ids` and `attention_mask`.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct TextPreprocess {
    /// A `tokenizer.json` of the Hugging Face library.
    pub tokenizer: String,
    /// Longer texts are cut to this many tokens, special ones included.
    pub max_tokens: usize,
}

/// A picture to `pixels`, f32, `[batch, 3, side, side]`.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct PicturePreprocess {
    /// Width and height of the input in pixels.
    pub side: u32,
    /// How a picture that is not square becomes so.
    pub fit: Fit,
    /// How it is scaled.
    pub filter: Filter,
    /// Subtracted from the red, green and blue values, 0 to 255.
    pub mean: [f32; 3],
    /// Divides the result.
    pub deviation: [f32; 3],
    /// How the visual track of a video is cut.
    pub video: VideoPreprocess,
}

/// How a picture is brought to a square.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Fit {
    /// Both sides are scaled to fit; the aspect ratio is lost.
    Squash,
    /// The shorter side is scaled to fit and the middle is cut out.
    Cover,
    /// The longer side is scaled to fit and the rest is filled with the mean.
    Pad,
}

/// A resampling filter, widened when scaling down, as Pillow defines it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Filter {
    /// Triangle.
    Bilinear,
    /// Cubic with a = -0.5.
    Bicubic,
    /// Sinc of three lobes.
    Lanczos,
}

/// A video to windows of frames.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct VideoPreprocess {
    /// Frames per second, besides those at scene changes.
    pub frame_rate: f64,
    /// Length of a window in seconds.
    pub window: f64,
    /// Seconds from the start of one window to the start of the next.
    pub hop: f64,
    /// How a video that is longer than a window is cut besides.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub short: Option<ShortWindows>,
}

/// Windows for short events in something long.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct ShortWindows {
    /// Length of a window in seconds, less than that of the others.
    pub window: f64,
    /// Seconds from the start of one to the start of the next.
    pub hop: f64,
}

/// A sound to `waveform`, f32, `[batch, samples]`.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct SoundPreprocess {
    /// Samples per second.
    pub sample_rate: u32,
    /// Length of a window in seconds.
    pub window: f64,
    /// Seconds from the start of one window to the start of the next.
    pub hop: f64,
    /// A sound shorter than this many seconds is repeated up to this length.
    pub tile_below: f64,
    /// How a sound that is longer than a window is cut besides.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub short: Option<ShortWindows>,
}

/// What makes one block of the embedding from pooled features.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(tag = "kind", rename_all = "lowercase", deny_unknown_fields)]
pub enum HeadSpec {
    /// The features themselves, of unit length.
    Identity {
        /// A safetensors file with `mean`, subtracted before normalising again.
        file: Option<String>,
    },
    /// A convex combination of label embeddings (ConSE, Norouzi et al. 2013, arXiv:1312.5650).
    Concepts {
        /// A safetensors file with `weight` `[labels, features]`, where the first of the features may do, `bias`
        /// `[labels]`, `labels` `[labels, dimension]`, and optionally `norm_weight`, `norm_bias` `[features]` (a layer
        /// normalisation before) and `mean` `[dimension]`, subtracted from the unit result.
        file: String,
        /// From logits to the weights of the labels.
        activation: Activation,
        /// Divides the logits, more than zero.
        temperature: f32,
        /// How many of the most probable labels count.
        top: usize,
        /// Keeps the layer normalisation from dividing by zero.
        #[serde(default = "default_epsilon")]
        norm_epsilon: f32,
        /// The tensor in `file` that holds the `labels`, so that heads of several blocks share a classifier.
        // Not written by default: the names of spaces depend on what is.
        #[serde(default = "default_labels", skip_serializing_if = "is_default_labels")]
        labels: String,
    },
    /// A perceptron trained on pairs.
    Mlp {
        /// A safetensors file with `norm_weight`, `norm_bias` `[features]` (a layer normalisation), `hidden_weight`
        /// `[hidden, features]`, `hidden_bias` `[hidden]`, `out_weight` `[dimension, hidden]`, `out_bias`
        /// `[dimension]` and `around_weight` `[dimension, features]`.
        file: String,
    },
}

impl HeadSpec {
    /// The file that holds the head's tensors.
    pub fn file(&self) -> Option<&str> {
        match self {
            Self::Identity { file } => file.as_deref(),
            Self::Concepts { file, .. } | Self::Mlp { file } => Some(file),
        }
    }
}

fn default_epsilon() -> f32 {
    1e-6
}

fn default_labels() -> String {
    "labels".into()
}

fn is_default_labels(name: &str) -> bool {
    name == default_labels()
}

/// From logits to probabilities.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Activation {
    /// One label holds.
    Softmax,
    /// Any number of labels hold.
    Sigmoid,
}
