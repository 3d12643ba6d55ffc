use std::path::PathBuf;

use serde::{Deserialize, Serialize};

use crate::{Evidence, ItemId, Line, Modality, Moment, Segment, Stretch};

/// An item that answers a query.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct Hit {
    /// Its place in the answer, from 1.
    pub rank: usize,
    /// How well it answers, 0 to 1: comparable between modalities, and never rising with the rank.
    pub score: f64,
    /// The probability that the best of as many unrelated items would score less, 0 to 1: below one half the answer is no
    /// better than chance.
    pub confidence: f64,
    /// The inner product of the query with the best segment.
    pub similarity: f32,
    /// The item.
    pub item: ItemId,
    /// Where it is found, as an absolute path; the first place when there are several.
    pub path: String,
    /// The file there, whatever its name is made of; not in JSON, which holds text only.
    #[serde(skip)]
    pub file: PathBuf,
    /// All places where it is found.
    pub locations: Vec<String>,
    /// What it is.
    pub modality: Modality,
    /// Its best segment.
    pub segment: Segment,
    /// The passage, when it is text.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub text: Option<String>,
    /// The words of the query that it has in its name, folder, caption or text, or that are said or to be read in it.
    #[serde(skip_serializing_if = "Vec::is_empty", default)]
    pub words: Vec<String>,
    /// Where words of the query are said or to be read in it, those with most of them first.
    #[serde(skip_serializing_if = "Vec::is_empty", default)]
    pub lines: Vec<Line>,
    /// When in a sound or a video it answers, the best moment first, where that was asked for.
    #[serde(skip_serializing_if = "Option::is_none", default)]
    pub moments: Option<Vec<Moment>>,
    /// How well each stretch of a sound or a video answers, where moments were asked for.
    #[serde(skip_serializing_if = "Option::is_none", default)]
    pub curve: Option<Vec<Stretch>>,
    /// Why it answers, where that was asked for.
    #[serde(skip_serializing_if = "Option::is_none", default)]
    pub explain: Option<Evidence>,
}
