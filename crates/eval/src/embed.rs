//! The contents of pairs, encoded, and how they score against each other.

use std::collections::{BTreeSet, HashMap};
use std::path::PathBuf;

use sensorium_media::Cause;
use sensorium_model::{EncodedFile, Pool, Scorer};
use sensorium_types::{Direction, Embedding, Modality, Segment, Track};

use crate::{Content, ContentId, Pairs};

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
    /// When the model cannot be loaded or fails. Files that cannot be read are no error: see
    /// [`unreadable`](Self::unreadable).
    pub fn new(
        pairs: &Pairs,
        contents: &BTreeSet<ContentId>,
        pool: &mut Pool,
        mut progress: impl FnMut(usize),
    ) -> sensorium_model::Result<Self> {
        let mut texts = Vec::new();
        let mut files: Vec<(ContentId, Modality, PathBuf)> = Vec::new();
        for &id in contents {
            match pairs.content(id) {
                Content::Text(text) => texts.push((id, text.clone())),
                Content::File { modality, path } => files.push((id, *modality, path.clone())),
            }
        }
        let mut embedded = Self::default();
        let (ids, texts): (Vec<_>, Vec<_>) = texts.into_iter().unzip();
        for (id, encoding) in ids.into_iter().zip(pool.texts(&texts)?) {
            let segment = (Segment::whole(Track::Text), encoding.embedding);
            embedded.segments.insert(id, vec![segment]);
        }
        progress(texts.len());
        let named = files
            .into_iter()
            .map(|(id, modality, path)| ((id, modality), path));
        pool.files(named, |(id, modality), file| {
            embedded.add(id, modality, file);
            progress(1);
        })?;
        Ok(embedded)
    }

    fn add(&mut self, id: ContentId, wanted: Modality, file: sensorium_media::Result<EncodedFile>) {
        let usable = file.and_then(|file| match file.refused.into_iter().next() {
            Some(error) => Err(error),
            None => Ok((file.modality, file.segments)),
        });
        let unusable = match usable {
            Ok((modality, _)) if modality != wanted => format!("the file for '{wanted}' holds {modality}"),
            Ok((_, segments)) if segments.is_empty() => format!("the {wanted} holds nothing to encode"),
            Ok((_, segments)) => {
                let vectors = segments
                    .into_iter()
                    .map(|segment| (segment.segment, segment.encoding.embedding));
                self.segments.insert(id, vectors.collect());
                return;
            }
            Err(error) if matches!(error.cause, Cause::Unknown(_)) => {
                format!("the file for '{wanted}' {}", error.cause)
            }
            Err(error) => error.to_string(),
        };
        self.unreadable.insert(id, unusable);
    }

    /// The scores that [`evaluate`](crate::evaluate) asks for.
    pub fn scores(
        &self,
        scorer: &Scorer,
        direction: Direction,
        queries: &[ContentId],
        gallery: &[ContentId],
    ) -> Vec<f32> {
        let vectors = |id: ContentId| {
            let segments = self.segments.get(&id).map_or(&[][..], Vec::as_slice);
            segments.iter().map(|(segment, embedding)| (segment, embedding))
        };
        let mut scores = Vec::with_capacity(queries.len() * gallery.len());
        for &query in queries {
            let query = scorer.query(direction, vectors(query));
            scores.extend(gallery.iter().map(|&entry| {
                let found = scorer.compare(&query, vectors(entry));
                found.map_or(f32::NEG_INFINITY, |found| found.score)
            }));
        }
        scores
    }
}
