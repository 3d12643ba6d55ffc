//! Parts of queries into the model's space.

use std::fmt;
use std::path::Path;
use std::sync::Arc;

use sensorium_media::{Cause, Limits};
use sensorium_model::{Encoding, Package, Pool, Reranker, Tokens, looked_at_first};
use sensorium_types::{Embedding, Modality, Segment, Track};

use super::query::{Part, PartContent, Query};
use crate::{Error, Result};

/// Encodes pictures, sounds and videos for queries, on a thread of its own beside a [`Searcher`](crate::Searcher).
pub struct FileEncoder {
    pool: Pool,
}

impl FileEncoder {
    /// An encoder that computes with `threads` threads. Towers are loaded with the first file that needs them.
    pub fn new(package: &Arc<Package>, limits: Limits, threads: usize) -> Self {
        Self {
            pool: Pool::single(Arc::clone(package), limits, threads),
        }
    }

    /// Encodes the file at `path`, of any modality.
    ///
    /// # Errors
    /// [`Error::Query`] when it cannot be read, and those of the model.
    pub fn encode(&mut self, path: &Path) -> Result<EncodedContent> {
        Ok(EncodedContent(Arc::new(encode_file(None, path, &mut self.pool)?)))
    }
}

/// A file in the model's space, which any number of queries may ask for.
#[derive(Clone)]
pub struct EncodedContent(Arc<KnownPart>);

impl EncodedContent {
    /// What it is.
    pub fn modality(&self) -> Modality {
        self.0.modality
    }

    /// How many segments it has.
    pub fn segments(&self) -> usize {
        self.0.segments.len()
    }

    /// About how much memory it takes, in bytes.
    pub fn bytes(&self) -> usize {
        let floats = |segment: &KnownSegment| segment.embedding.as_slice().len() + segment.features.len();
        self.0.segments.iter().map(floats).sum::<usize>() * size_of::<f32>()
    }

    pub(super) fn part(&self) -> KnownPart {
        (*self.0).clone()
    }
}

/// The same encoding is the same content.
impl PartialEq for EncodedContent {
    fn eq(&self, other: &Self) -> bool {
        Arc::ptr_eq(&self.0, &other.0)
    }
}

impl fmt::Debug for EncodedContent {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(
            f,
            "EncodedContent({}, {} segments)",
            self.modality(),
            self.segments()
        )
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

/// What is known of a part.
#[derive(Clone)]
pub(super) struct KnownPart {
    pub(super) modality: Modality,
    pub(super) segments: Vec<KnownSegment>,
}

/// One segment of it.
#[derive(Clone)]
pub(super) struct KnownSegment {
    pub(super) segment: Segment,
    pub(super) embedding: Embedding,
    /// The words of a passage.
    pub(super) text: Option<String>,
    /// What is kept of it, which may be nothing.
    pub(super) features: Vec<f32>,
}

/// A query and what is known of each of its parts.
pub(super) struct Asked {
    pub(super) query: Query,
    pub(super) parts: Vec<Option<Result<KnownPart>>>,
}

/// Encodes what is not known of all that is `asked`: texts of all queries together, which takes little more time than one.
pub(super) fn encode<'a>(asked: impl IntoIterator<Item = &'a mut Asked>, pool: &mut Pool) {
    let mut texts = Vec::new();
    let mut places = Vec::new();
    for Asked { query, parts } in asked {
        for (part, known) in query.parts.iter().zip(parts) {
            match &part.content {
                PartContent::Text { text, .. } => {
                    texts.push(text.clone());
                    places.push(known);
                }
                PartContent::File { modality, path } => {
                    *known = Some(encode_file(Some(*modality), path, pool));
                }
                PartContent::Encoded { .. } | PartContent::Item { .. } => {}
            }
        }
    }
    match pool.texts(&texts) {
        Ok(encodings) => {
            for ((place, text), encoding) in places.into_iter().zip(&texts).zip(encodings) {
                *place = Some(Ok(text_part(text, encoding)));
            }
        }
        // Each query gets an error of its own.
        Err(_) => {
            for (place, text) in places.into_iter().zip(&texts) {
                *place = Some(encode_text(text, pool));
            }
        }
    }
}

/// `part`, of which this is `known`, for a query; with the tokens that `reranker` compares, where there is one.
pub(super) fn finish(
    part: &Part,
    known: KnownPart,
    pool: &mut Pool,
    package: &Package,
    reranker: Option<&Reranker>,
) -> Result<EncodedPart> {
    let tokens = match reranker {
        Some(reranker) => known.tokens(pool, package, reranker)?,
        None => Vec::new(),
    };
    Ok(EncodedPart {
        modality: known.modality,
        weight: part.weight,
        without: part.without,
        segments: known
            .segments
            .into_iter()
            .map(|segment| (segment.segment, segment.embedding))
            .collect(),
        tokens,
    })
}

/// A text in the model's space.
pub(super) fn encode_text(text: &str, pool: &mut Pool) -> Result<KnownPart> {
    let encoding = pool.texts(&[text.to_owned()])?.pop();
    encoding
        .map(|encoding| text_part(text, encoding))
        .ok_or(Error::BadQuery("a text is empty"))
}

fn text_part(text: &str, encoding: Encoding) -> KnownPart {
    KnownPart {
        modality: Modality::Text,
        segments: vec![known_segment(
            Segment::whole(Track::Text),
            encoding,
            Some(text.to_owned()),
        )],
    }
}

fn known_segment(segment: Segment, encoding: Encoding, text: Option<String>) -> KnownSegment {
    KnownSegment {
        segment,
        embedding: encoding.embedding,
        text,
        features: encoding.features,
    }
}

/// The file at `path`, which must be `wanted` where that is said.
fn encode_file(wanted: Option<Modality>, path: &Path, pool: &mut Pool) -> Result<KnownPart> {
    let mut encoded = None;
    pool.files([((), path.to_owned())], |(), file| encoded = Some(file))?;
    let nothing = || sensorium_media::Error::new(path, Cause::Nothing("nothing to encode"));
    let file = encoded.unwrap_or_else(|| Err(nothing())).map_err(Error::Query)?;
    if let Some(wanted) = wanted.filter(|wanted| *wanted != file.modality) {
        return Err(Error::QueryModality {
            path: path.to_owned(),
            wanted,
            found: file.modality,
        });
    }
    let segments = file.segments.into_iter();
    Ok(KnownPart {
        modality: file.modality,
        segments: segments
            .map(|segment| known_segment(segment.segment, segment.encoding, segment.text))
            .collect(),
    })
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
        let segments: Vec<&Segment> = self.segments.iter().map(|segment| &segment.segment).collect();
        let tower = |track| package.manifest().towers.common(track);
        let each = |track| tower(track).map_or(0, |tower| tower.kept_count());
        let of_segment = |place: usize| {
            let segment = &self.segments[place];
            let track = segment.segment.track;
            let tower = tower(track)?;
            reranker.tokens(track, tower.kept_tokens(&segment.features))
        };
        let of_features = looked_at_first(&segments, each).into_iter().filter_map(|places| {
            let parts: Vec<Tokens> = places.into_iter().filter_map(of_segment).collect();
            Tokens::joined(&parts)
        });
        Ok(of_words.chain(of_features).collect())
    }
}
