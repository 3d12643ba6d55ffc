use serde::{Deserialize, Serialize};

/// A part of a sound or a video that answers a query.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct Moment {
    /// Where it begins, in seconds.
    pub start: f64,
    /// Where it ends, in seconds.
    pub end: f64,
    /// The middle of the stretch that answers best, in seconds.
    pub peak: f64,
    /// The score of that, 0 to 1, on the scale of hits.
    pub score: f64,
}

/// A stretch of a sound or a video, with its score.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct Stretch {
    /// Where it begins, in seconds.
    pub start: f64,
    /// Where it ends, in seconds.
    pub end: f64,
    /// 0 to 1, on the scale of hits.
    pub score: f64,
}
