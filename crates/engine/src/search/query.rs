use std::path::{Path, PathBuf};

use sensorium_media::Cause;
use sensorium_model::{Encoding, Package, Pool, Reranker, Tokens};
use sensorium_types::{Embedding, Modality, Segment, Track, path_text};
use serde::{Serialize, Serializer};

use crate::{Error, Result};

/// A question: what is like all of its parts together?
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct Query {
    /// At least one.
    pub parts: Vec<Part>,
    /// The modalities of the answers, each once.
    pub to: Vec<Modality>,
    /// How many answers are wanted at most.
    #[serde(skip)]
    pub limit: usize,
    /// Whether the first candidates are ranked once more, by attention.
    #[serde(skip_serializing_if = "is_false")]
    pub rerank: bool,
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
        }
    }
}

/// A part in the model's space.
pub(super) struct EncodedPart {
    pub(super) modality: Modality,
    pub(super) weight: f32,
    pub(super) segments: Vec<(Segment, Embedding)>,
    /// Those of its segments, for a second look.
    pub(super) tokens: Vec<Tokens>,
}

impl Query {
    /// A query for all modalities, with ten answers and nothing more.
    pub fn new(parts: Vec<Part>) -> Self {
        Self {
            parts,
            to: Modality::ALL.to_vec(),
            limit: 10,
            rerank: false,
            explain: false,
        }
    }

    pub(super) fn check(&self) -> Result<()> {
        if self.parts.is_empty() {
            return Err(Error::BadQuery("it has no part: give a text or a file"));
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

/// Encodes the parts of `query`, in their order; with the tokens that `reranker` compares, where the query needs them.
pub(super) fn encode(
    query: &Query,
    pool: &mut Pool,
    package: &Package,
    reranker: Option<&Reranker>,
) -> Result<Vec<EncodedPart>> {
    let reranker = reranker.filter(|_| query.rerank || query.explain);
    let parts = query.parts.iter();
    parts
        .map(|part| encode_part(part, pool, package, reranker))
        .collect()
}

fn encode_part(
    part: &Part,
    pool: &mut Pool,
    package: &Package,
    reranker: Option<&Reranker>,
) -> Result<EncodedPart> {
    let mut tokens = Vec::new();
    let (modality, segments) = match &part.content {
        PartContent::Text { modality, text } => {
            let text = std::slice::from_ref(text);
            if let Some(reranker) = reranker {
                let raw = pool.text_tokens(text)?;
                tokens.extend(raw.iter().filter_map(|raw| reranker.tokens(Track::Text, raw)));
            }
            let encoded = pool.texts(text)?.into_iter();
            let encoded = encoded.map(|encoding| (Segment::whole(Track::Text), encoding));
            (*modality, encoded.collect())
        }
        PartContent::File { modality, path } => (*modality, encode_file(*modality, path, pool)?),
    };
    if let Some(reranker) = reranker {
        tokens.extend(segments.iter().filter_map(|(segment, encoding)| {
            let tower = package.manifest().towers.common(segment.track)?;
            reranker.tokens(segment.track, tower.kept_tokens(&encoding.features))
        }));
    }
    let segments = segments.into_iter();
    Ok(EncodedPart {
        modality,
        weight: part.weight,
        segments: segments
            .map(|(segment, encoding)| (segment, encoding.embedding))
            .collect(),
        tokens,
    })
}

fn encode_file(wanted: Modality, path: &Path, pool: &mut Pool) -> Result<Vec<(Segment, Encoding)>> {
    let mut encoded = None;
    pool.files([((), path.to_owned())], |(), file| encoded = Some(file))?;
    let nothing = || sensorium_media::Error::new(path, Cause::Nothing("nothing to encode"));
    let file = encoded.unwrap_or_else(|| Err(nothing())).map_err(Error::Query)?;
    if file.modality != wanted {
        return Err(Error::QueryModality {
            path: path.to_owned(),
            wanted,
            found: file.modality,
        });
    }
    let segments = file.segments.into_iter();
    Ok(segments
        .map(|segment| (segment.segment, segment.encoding))
        .collect())
}
