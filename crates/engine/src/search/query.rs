use std::path::{Path, PathBuf};

use sensorium_types::{Modality, path_text};
use serde::{Serialize, Serializer};

use super::encode::EncodedContent;
use crate::{Error, Result};

/// A question: what is like all of its parts together, and unlike those to be without?
///
/// Each part is compared with an item by itself, on the scale of deviations above unrelated items. The item's score is the
/// mean over the parts to look for, by their weights, less what it has of each part to be without: its score for that
/// part, where it is above that of unrelated items, times the weight. This is Rocchio's relevance feedback (1971) on scores
/// instead of vectors, so that parts of different modalities can be joined; cut at 0, since to be very unlike an unwanted
/// thing is no merit.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct Query {
    /// At least one.
    pub parts: Vec<Part>,
    /// The modalities of the answers, each once.
    pub to: Vec<Modality>,
    /// What answers have to fulfil, as [`parse_condition`](crate::parse_condition) reads it.
    #[serde(rename = "where", skip_serializing_if = "Option::is_none")]
    pub condition: Option<String>,
    /// How many answers are wanted at most.
    #[serde(skip)]
    pub limit: usize,
    /// Whether the first candidates are ranked once more, by attention.
    #[serde(skip_serializing_if = "is_false")]
    pub rerank: bool,
    /// Whether names, folders, captions and texts that have the words of the query count.
    #[serde(skip)]
    pub words: bool,
    /// Whether hits that last say when they answer.
    #[serde(skip_serializing_if = "is_false")]
    pub moments: bool,
    /// Whether each hit says why it was found.
    #[serde(skip_serializing_if = "is_false")]
    pub explain: bool,
}

fn is_false(value: &bool) -> bool {
    !value
}

/// One part of a query.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct Part {
    /// What it is.
    #[serde(flatten)]
    pub content: PartContent,
    /// How much it counts beside the others; more than 0.
    #[serde(skip_serializing_if = "is_one")]
    pub weight: f32,
    /// Whether answers shall be unlike it.
    #[serde(skip_serializing_if = "is_false")]
    pub without: bool,
}

fn is_one(weight: &f32) -> bool {
    *weight == 1.0
}

/// The content of a part.
#[derive(Debug, Clone, PartialEq, Serialize)]
#[serde(untagged)]
pub enum PartContent {
    /// Words.
    Text {
        /// Always [`Modality::Text`].
        modality: Modality,
        /// The words.
        text: String,
    },
    /// A picture, a sound or a video.
    File {
        /// What it must be.
        modality: Modality,
        /// Where it is.
        #[serde(serialize_with = "as_text")]
        path: PathBuf,
    },
    /// A picture, a sound or a video that was encoded before.
    Encoded {
        /// What it is.
        modality: Modality,
        /// What it is called.
        name: String,
        /// Its vectors.
        #[serde(skip)]
        content: EncodedContent,
    },
    /// What the index holds already. It is no answer.
    Item {
        /// Its id or one of its places, as hits have them.
        item: String,
    },
}

fn as_text<S: Serializer>(path: &Path, serializer: S) -> std::result::Result<S::Ok, S::Error> {
    serializer.serialize_str(&path_text(path))
}

impl Part {
    /// Words, with the weight 1.
    pub fn text(text: impl Into<String>) -> Self {
        Self {
            content: PartContent::Text {
                modality: Modality::Text,
                text: text.into(),
            },
            weight: 1.0,
            without: false,
        }
    }

    /// A file that must be of `modality`, with the weight 1.
    pub fn file(modality: Modality, path: impl Into<PathBuf>) -> Self {
        Self {
            content: PartContent::File {
                modality,
                path: path.into(),
            },
            weight: 1.0,
            without: false,
        }
    }

    /// What was encoded before and is called `name`, with the weight 1.
    pub fn encoded(name: impl Into<String>, content: EncodedContent) -> Self {
        Self {
            content: PartContent::Encoded {
                modality: content.modality(),
                name: name.into(),
                content,
            },
            weight: 1.0,
            without: false,
        }
    }

    /// An item of the index, by its id or one of its places, with the weight 1.
    pub fn item(item: impl Into<String>) -> Self {
        Self {
            content: PartContent::Item { item: item.into() },
            weight: 1.0,
            without: false,
        }
    }

    /// The same, to be without.
    #[must_use]
    pub fn to_be_without(self) -> Self {
        Self {
            without: true,
            ..self
        }
    }
}

impl Query {
    /// A query for all modalities, with ten answers and nothing more.
    pub fn new(parts: Vec<Part>) -> Self {
        Self {
            parts,
            to: Modality::ALL.to_vec(),
            condition: None,
            limit: 10,
            rerank: false,
            words: true,
            moments: false,
            explain: false,
        }
    }

    pub(super) fn check(&self) -> Result<()> {
        if self.parts.is_empty() {
            return Err(Error::BadQuery("it has no part: give a text or a file"));
        }
        if self.parts.iter().all(|part| part.without) {
            return Err(Error::BadQuery(
                "it only says what answers shall be without: give a text or a file to look for, too",
            ));
        }
        for part in &self.parts {
            if !(part.weight.is_finite() && part.weight > 0.0) {
                return Err(Error::BadQuery("a weight must be a number above 0"));
            }
            if let PartContent::Text { text, .. } = &part.content
                && text.trim().is_empty()
            {
                return Err(Error::BadQuery("a text is empty"));
            }
        }
        Ok(())
    }
}
