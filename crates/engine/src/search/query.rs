use std::path::{Path, PathBuf};

use sensorium_media::Cause;
use sensorium_model::{Encoding, Package, Pool, Reranker, Tokens};
use sensorium_types::{Embedding, Modality, Segment, Track, path_text};
use serde::{Serialize, Serializer};

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

/// A part in the model's space.
#[derive(Clone)]
pub(super) struct EncodedPart {
    pub(super) modality: Modality,
    pub(super) weight: f32,
    pub(super) without: bool,
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

/// Encodes the parts of `query`, in their order, but those that `known` has already; with the tokens that `reranker`
/// compares, where the query needs them.
pub(super) fn encode(
    query: &Query,
    known: Vec<Option<KnownPart>>,
    pool: &mut Pool,
    package: &Package,
    reranker: Option<&Reranker>,
) -> Result<Vec<EncodedPart>> {
    let reranker = reranker.filter(|_| query.rerank || query.explain);
    let parts = query.parts.iter().zip(known);
    parts
        .map(|(part, known)| encode_part(part, known, pool, package, reranker))
        .collect()
}

/// Encodes one part, unless it is `known`; with the tokens that `reranker` compares, where there is one.
pub(super) fn encode_part(
    part: &Part,
    known: Option<KnownPart>,
    pool: &mut Pool,
    package: &Package,
    reranker: Option<&Reranker>,
) -> Result<EncodedPart> {
    let encoded = match known {
        Some(known) => known,
        None => encode_content(&part.content, pool)?,
    };
    let tokens = match reranker {
        Some(reranker) => encoded.tokens(pool, package, reranker)?,
        None => Vec::new(),
    };
    Ok(EncodedPart {
        modality: encoded.modality,
        weight: part.weight,
        without: part.without,
        segments: encoded
            .segments
            .into_iter()
            .map(|segment| (segment.segment, segment.embedding))
            .collect(),
        tokens,
    })
}

/// What is known of a part.
pub(super) struct KnownPart {
    pub(super) modality: Modality,
    pub(super) segments: Vec<KnownSegment>,
}

/// One segment of it.
pub(super) struct KnownSegment {
    pub(super) segment: Segment,
    pub(super) embedding: Embedding,
    /// The words of a passage.
    pub(super) text: Option<String>,
    /// What is kept of it, which may be nothing.
    pub(super) features: Vec<f32>,
}

impl KnownPart {
    fn tokens(&self, pool: &mut Pool, package: &Package, reranker: &Reranker) -> Result<Vec<Tokens>> {
        let words: Vec<String> = self
            .segments
            .iter()
            .filter_map(|segment| segment.text.clone())
            .collect();
        let raw = pool.text_tokens(&words)?;
        let of_words = raw.iter().filter_map(|raw| reranker.tokens(Track::Text, raw));
        let of_features = self.segments.iter().filter_map(|segment| {
            let track = segment.segment.track;
            let tower = package.manifest().towers.common(track)?;
            reranker.tokens(track, tower.kept_tokens(&segment.features))
        });
        Ok(of_words.chain(of_features).collect())
    }
}

fn encode_content(content: &PartContent, pool: &mut Pool) -> Result<KnownPart> {
    let known = |(segment, encoding): (Segment, Encoding), text: Option<&String>| KnownSegment {
        segment,
        embedding: encoding.embedding,
        text: text.cloned(),
        features: encoding.features,
    };
    match content {
        PartContent::Text { modality, text } => {
            let encoded = pool.texts(std::slice::from_ref(text))?.into_iter();
            let whole = encoded.map(|encoding| known((Segment::whole(Track::Text), encoding), Some(text)));
            Ok(KnownPart {
                modality: *modality,
                segments: whole.collect(),
            })
        }
        PartContent::File { modality, path } => {
            let encoded = encode_file(*modality, path, pool)?.into_iter();
            Ok(KnownPart {
                modality: *modality,
                segments: encoded.map(|segment| known(segment, None)).collect(),
            })
        }
        PartContent::Item { item } => Err(Error::NoItem(item.clone())),
    }
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
