use serde::{Deserialize, Serialize};

use crate::{Segment, Span};

/// Why an item answers a query.
#[derive(Debug, Clone, PartialEq, Default, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct Evidence {
    /// Where the query looked in the picture, or in the frames of a video around its best segment, when the model has a
    /// reranker.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub heat_map: Option<HeatMap>,
    /// When the query looked, in a sound or a video: at each stretch of time around the best segment, in their order; the
    /// sum of the weights is 1. Nothing without a reranker that knows the track.
    #[serde(skip_serializing_if = "Vec::is_empty", default)]
    pub attention: Vec<Glance>,
    /// The windows of the item that mattered most, the best first; nothing for an item of one segment.
    #[serde(skip_serializing_if = "Vec::is_empty", default)]
    pub windows: Vec<Window>,
    /// What each word of the query contributed, in their order.
    #[serde(skip_serializing_if = "Vec::is_empty", default)]
    pub words: Vec<Word>,
}

/// How much was looked at each place.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct HeatMap {
    /// Rows of places, from the top.
    pub rows: usize,
    /// Places of a row, from the left.
    pub columns: usize,
    /// Row by row; the sum is 1.
    pub weights: Vec<f32>,
    /// The picture with the map over it, a PNG in base64; for still pictures that can still be read.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub png: Option<String>,
}

/// How much was looked at a stretch of time.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct Glance {
    /// When.
    #[serde(flatten)]
    pub span: Span,
    /// Its share of all that was looked at.
    pub weight: f32,
}

/// A segment of an item with its own score.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct Window {
    /// Track and time.
    #[serde(flatten)]
    pub segment: Segment,
    /// 0 to 1, on the scale of hits.
    pub score: f64,
}

/// A word of the query.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct Word {
    /// The word.
    pub word: String,
    /// The rank of the item when the word is left out; `null` when it is behind the first
    /// [`FARTHEST`](Self::FARTHEST).
    pub rank_without: Option<usize>,
}

impl Word {
    /// Ranks beyond this one are not counted.
    pub const FARTHEST: usize = 100;
}
