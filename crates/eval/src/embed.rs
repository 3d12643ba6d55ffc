//! The contents of pairs, encoded, and how they score against each other.

use std::collections::{BTreeSet, HashMap};
use std::path::PathBuf;

use sensorium_media::Cause;
use sensorium_model::{EncodedFile, Encoding, Match, Package, Pool, Reranker, Scorer};
use sensorium_types::{Direction, Embedding, Modality, Segment, Track};

use crate::{Content, ContentId, ContentTokens, Pairs};

/// The embeddings of the contents of some [`Pairs`].
#[derive(Debug, Default)]
pub struct Embedded {
    segments: HashMap<ContentId, Vec<(Segment, Embedding)>>,
    /// The contents that could not be read, with the cause.
    pub unreadable: HashMap<ContentId, String>,
}

impl Embedded {
    /// Encodes `contents` of `pairs`. `progress` hears how many were just finished.
    ///
    /// # Errors
    /// As [`encode`].
    pub fn new(
        pairs: &Pairs,
        contents: &BTreeSet<ContentId>,
        pool: &mut Pool,
        mut progress: impl FnMut(usize),
    ) -> sensorium_model::Result<Self> {
        Self::keeping(pairs, contents, pool, |_, _| progress(1))
    }

    /// The same, with the tokens that `reranker` compares.
    ///
    /// # Errors
    /// As [`encode`].
    pub fn with_tokens(
        pairs: &Pairs,
        contents: &BTreeSet<ContentId>,
        pool: &mut Pool,
        package: &Package,
        reranker: &Reranker,
        mut progress: impl FnMut(usize),
    ) -> sensorium_model::Result<(Self, ContentTokens)> {
        let mut tokens = HashMap::new();
        let embedded = Self::keeping(pairs, contents, pool, |id, segments| {
            let of_segment = |(segment, encoding): &(Segment, Encoding)| {
                let tower = package.manifest().towers.common(segment.track);
                let tokens = tower
                    .and_then(|tower| reranker.tokens(segment.track, tower.kept_tokens(&encoding.features)));
                (segment.clone(), tokens)
            };
            tokens.insert(id, segments.iter().map(of_segment).collect());
            progress(1);
        })?;
        let texts: Vec<(ContentId, String)> = contents
            .iter()
            .filter_map(|&id| match pairs.content(id) {
                Content::Text(text) => Some((id, text.clone())),
                Content::File { .. } => None,
            })
            .collect();
        for chunk in texts.chunks(TEXTS) {
            let (ids, texts): (Vec<_>, Vec<_>) = chunk.iter().cloned().unzip();
            for (id, raw) in ids.into_iter().zip(pool.text_tokens(&texts)?) {
                let words = reranker.tokens(Track::Text, &raw);
                tokens.insert(id, vec![(Segment::whole(Track::Text), words)]);
            }
        }
        Ok((embedded, tokens))
    }

    /// Encodes `contents`; `seen` is shown what came of each.
    fn keeping(
        pairs: &Pairs,
        contents: &BTreeSet<ContentId>,
        pool: &mut Pool,
        mut seen: impl FnMut(ContentId, &[(Segment, Encoding)]),
    ) -> sensorium_model::Result<Self> {
        let mut embedded = Self::default();
        encode(pairs, contents, pool, |id, segments| match segments {
            Ok(segments) => {
                seen(id, &segments);
                let vectors = segments.into_iter();
                let vectors = vectors.map(|(segment, encoding)| (segment, encoding.embedding));
                embedded.segments.insert(id, vectors.collect());
            }
            Err(cause) => {
                seen(id, &[]);
                embedded.unreadable.insert(id, cause);
            }
        })?;
        Ok(embedded)
    }

    /// Embeddings that were made elsewhere.
    pub fn from_segments(segments: HashMap<ContentId, Vec<(Segment, Embedding)>>) -> Self {
        Self {
            segments,
            unreadable: HashMap::new(),
        }
    }

    /// The scores that [`evaluate`](crate::evaluate) asks for.
    pub fn scores(
        &self,
        scorer: &Scorer,
        direction: Direction,
        queries: &[ContentId],
        gallery: &[ContentId],
    ) -> Vec<f32> {
        let rows = queries.iter().flat_map(|&query| {
            let found = self.matches(scorer, direction, query, gallery).into_iter();
            found.map(|found| found.map_or(f32::NEG_INFINITY, |found| found.score))
        });
        rows.collect()
    }

    /// How well each entry of `gallery` answers `query`, with the segment that does; `None` without embeddings.
    pub(crate) fn matches(
        &self,
        scorer: &Scorer,
        direction: Direction,
        query: ContentId,
        gallery: &[ContentId],
    ) -> Vec<Option<Match<usize>>> {
        let vectors = |id: ContentId| {
            let segments = self.segments.get(&id).map_or(&[][..], Vec::as_slice);
            segments.iter().map(|(segment, embedding)| (segment, embedding))
        };
        let query = scorer.query(direction, vectors(query));
        let entries = gallery.iter();
        entries
            .map(|&entry| scorer.compare(&query, vectors(entry)))
            .collect()
    }
}

/// Texts that are encoded before the next are looked at, so that not all encodings are in memory at once.
const TEXTS: usize = 4096;

/// Encodes `contents` of `pairs` and gives the segments of each to `done`, in no particular order; or what is wrong with
/// one that cannot be read.
///
/// # Errors
/// When the model cannot be loaded or fails.
pub fn encode(
    pairs: &Pairs,
    contents: &BTreeSet<ContentId>,
    pool: &mut Pool,
    mut done: impl FnMut(ContentId, Result<Vec<(Segment, Encoding)>, String>),
) -> sensorium_model::Result<()> {
    let mut texts = Vec::new();
    let mut files: Vec<((ContentId, Modality), PathBuf)> = Vec::new();
    for &id in contents {
        match pairs.content(id) {
            Content::Text(text) => texts.push((id, text.clone())),
            Content::File { modality, path } => files.push(((id, *modality), path.clone())),
        }
    }
    for chunk in texts.chunks(TEXTS) {
        let (ids, texts): (Vec<_>, Vec<_>) = chunk.iter().cloned().unzip();
        for (id, encoding) in ids.into_iter().zip(pool.texts(&texts)?) {
            done(id, Ok(vec![(Segment::whole(Track::Text), encoding)]));
        }
    }
    pool.files(files, |(id, modality), file| done(id, usable(modality, file)))
}

/// The segments of a file that was named as one of modality `wanted`, or what is wrong with it.
fn usable(
    wanted: Modality,
    file: sensorium_media::Result<EncodedFile>,
) -> Result<Vec<(Segment, Encoding)>, String> {
    let file = file.and_then(|mut file| match file.refused.pop() {
        Some(error) => Err(error),
        None => Ok(file),
    });
    match file {
        Ok(file) if file.modality != wanted => {
            Err(format!("the file for '{wanted}' holds {}", file.modality))
        }
        Ok(file) if file.segments.is_empty() => Err(format!("the {wanted} holds nothing to encode")),
        Ok(file) => {
            let segments = file.segments.into_iter();
            Ok(segments
                .map(|segment| (segment.segment, segment.encoding))
                .collect())
        }
        Err(error) if matches!(error.cause, Cause::Unknown(_)) => {
            Err(format!("the file for '{wanted}' {}", error.cause))
        }
        Err(error) => Err(error.to_string()),
    }
}
