use serde::{Deserialize, Serialize};

use crate::Segment;

/// A line of words that is spoken (on the track `audio`) or to be read (on the track `visual`) in an item.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct Line {
    /// Where it is; without a time in a picture.
    #[serde(flatten)]
    pub segment: Segment,
    /// What it says.
    pub text: String,
}
