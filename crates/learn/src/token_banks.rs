//! The raw tokens of contents, on disk until a batch needs them.

use std::collections::{BTreeMap, HashMap};

use sensorium_eval::{Content, ContentId};
use sensorium_model::manifest::Manifest;
use sensorium_model::{Pool, Reranker, Tokens};
use sensorium_types::{Segment, Track};

use crate::bank::{ContentKey, FeatureBank, Row};
use crate::examples::{Example, Split, examples};
use crate::material::{KnownSet, Material};
use crate::train::Source;
use crate::{LearnOptions, Progress, Result, encode};

/// Where raw tokens are: those of texts are a bank of their own, all others are kept behind the pooled features.
pub(crate) struct TokenBanks<'a> {
    features: &'a FeatureBank,
    texts: &'a FeatureBank,
    /// How many values are before the tokens of a track.
    before: BTreeMap<Track, usize>,
}

impl<'a> TokenBanks<'a> {
    pub(crate) fn new(features: &'a FeatureBank, texts: &'a FeatureBank, manifest: &Manifest) -> Self {
        let tower = |track| Some((track, manifest.towers.common(track)?.features));
        let others = Track::ALL.into_iter().filter(|track| *track != Track::Text);
        Self {
            features,
            texts,
            before: others.filter_map(tower).collect(),
        }
    }

    /// All tokens in one bank, and nothing before them.
    #[cfg(test)]
    pub(crate) fn plain(bank: &'a FeatureBank) -> Self {
        Self {
            features: bank,
            texts: bank,
            before: BTreeMap::new(),
        }
    }

    /// The raw tokens of `row`, one after the other. A row of a text is one of the tokens' bank.
    pub(crate) fn read(&self, row: &Row) -> Result<Vec<f32>> {
        let bank = match row.track {
            Track::Text => self.texts,
            Track::Visual | Track::Audio => self.features,
        };
        let mut values = Vec::new();
        bank.read(row, &mut values)?;
        values.drain(
            ..self
                .before
                .get(&row.track)
                .copied()
                .unwrap_or(0)
                .min(values.len()),
        );
        Ok(values)
    }

    /// What is learned from of `set`, with the rows of texts replaced by those of their tokens.
    pub(crate) fn source(
        &self,
        set: &KnownSet,
        split: &Split,
        share: Option<f64>,
        options: &LearnOptions,
    ) -> Source {
        let mut source = set.source(split, share, self.features, options);
        let words = examples(&set.pairs, self.texts, &set.keys);
        let give = |examples: &mut [Example], places: &[usize]| {
            for (example, place) in examples.iter_mut().zip(places) {
                let words = words[*place].rows.get(&Track::Text);
                example
                    .rows
                    .insert(Track::Text, words.cloned().unwrap_or_default());
            }
        };
        give(&mut source.train, &split.train);
        give(&mut source.tune, &split.tune);
        source
    }

    /// The segments of the content with this key, each with its tokens in the space of `reranker`.
    pub(crate) fn projected(
        &self,
        key: &ContentKey,
        reranker: &Reranker,
    ) -> Result<Vec<(Segment, Option<Tokens>)>> {
        let rows = self.features.rows(key).unwrap_or_default().iter();
        let project = |row: &Row| {
            let raw = match row.track {
                Track::Text => self.texts.rows(key).and_then(<[Row]>::first),
                Track::Visual | Track::Audio => Some(row),
            };
            let raw = raw.map(|row| self.read(row)).transpose()?.unwrap_or_default();
            Ok((row.segment(), reranker.tokens(row.track, &raw)))
        };
        rows.map(project).collect()
    }
}

/// Keeps the tokens of the texts of `material` that are not kept yet.
pub(crate) fn fill(
    texts: &mut FeatureBank,
    material: &Material,
    pool: &mut Pool,
    progress: &mut dyn FnMut(Progress),
) -> Result<()> {
    let mut missing: HashMap<&str, ContentKey> = HashMap::new();
    for set in material.all() {
        let is_missing = |(_, key): &(&ContentId, &ContentKey)| texts.rows(key).is_none();
        for (id, key) in set.keys.iter().filter(is_missing) {
            if let Content::Text(text) = set.pairs.content(*id) {
                missing.insert(text, *key);
            }
        }
    }
    progress(Progress::Encoding(missing.len()));
    let mut missing: Vec<(&str, ContentKey)> = missing.into_iter().collect();
    missing.sort_unstable_by_key(|(text, _)| *text);
    for chunk in missing.chunks(encode::TEXTS) {
        let words: Vec<String> = chunk.iter().map(|(text, _)| (*text).to_owned()).collect();
        for ((_, key), tokens) in chunk.iter().zip(pool.text_tokens(&words)?) {
            texts.insert(*key, &[(Segment::whole(Track::Text), tokens)])?;
            progress(Progress::Encoded);
        }
    }
    Ok(())
}
