//! Pairs to a reranker: the same road as for a block, with tokens instead of pooled features.

use std::collections::{BTreeMap, BTreeSet, HashMap};
use std::fs;
use std::path::Path;
use std::sync::Arc;

use sensorium_eval::{Content, ContentId, ContentTokens, OnBad, Pairs, SecondLook, measure};
use sensorium_model::manifest::{Moments, modalities};
use sensorium_model::{CANDIDATES, Package, Pool, Reranker, Scorer, Tokens, TrackPair};
use sensorium_types::{Direction, Track};

use crate::attention::Attention;
use crate::bank::{ContentKey, FeatureBank, Row};
use crate::blend::{self, EmbeddedSet, Group, Trial, moments_of, try_each};
use crate::epochs::steps_of_epoch;
use crate::examples::{Split, examples};
use crate::learn::{Embedder, check_items};
use crate::learned::{HeldOut, Learned, kept_directions, work_folder};
use crate::material::{KnownSet, Material, SetOfPairs};
use crate::rerank_train::{TokenExample, TokenSource, pairs, train};
use crate::{Error, LearnOptions, Progress, Result, encode, export};

/// Shares of the new score that are tried.
const WEIGHTS: [f32; 8] = [0.0, 0.1, 0.2, 0.3, 0.4, 0.5, 0.65, 0.8];

/// Segments of a track that are compared with those of another for the calibration.
const SAMPLE: usize = 200;

/// Learns a reranker from `sets` for `package`, and writes the package that has it to `out` if it raises recall with
/// confidence on pairs held out: on those of `held_out`, or where there are none on a part of each set. The space stays
/// the same, so that an index stays as it is.
///
/// # Errors
/// As [`learn`](crate::learn); [`Error::Options`] when the package gives no tokens.
#[expect(
    clippy::too_many_arguments,
    reason = "a command with that many inputs, called once"
)]
pub fn learn_reranker(
    package: &Arc<Package>,
    sets: Vec<SetOfPairs>,
    held_out: Vec<Pairs>,
    on_bad: OnBad,
    out: &Path,
    options: &LearnOptions,
    pool: &mut Pool,
    progress: &mut dyn FnMut(Progress),
) -> Result<Learned> {
    if out.exists() {
        return Err(Error::exists(out));
    }
    let inputs = inputs(package);
    if pairs(&inputs).next().is_none() {
        return Err(Error::Options(
            "the model gives no tokens of two tracks, so that there is nothing to attend to".into(),
        ));
    }
    let work = work_folder(out)?;
    fs::create_dir_all(&work).map_err(Error::file(&work))?;
    let space = package.space().to_string();
    let mut bank = FeatureBank::open(&work.join("features"), &space)?;
    let mut texts = FeatureBank::open(&work.join("tokens"), &space)?;

    let material = Material::gather(&mut bank, sets, held_out, on_bad, options, pool, progress)?;
    fill_texts(&mut texts, &material, pool, progress)?;

    let raw = RawTokens {
        package,
        bank: &bank,
        texts: &texts,
    };
    let embedder = Embedder::new(package, &bank)?;
    let sources = material
        .sets()
        .map(|(set, split, share)| raw.source(set, split, share, &embedder))
        .collect::<Result<Vec<_>>>()?;
    let items = sources.iter().map(|source| source.train.len()).sum();
    check_items(items)?;
    progress(Progress::Training(
        options.epochs * steps_of_epoch(items, options),
    ));
    let checkpoint = work.join("reranker.safetensors");
    let network = train(&sources, &inputs, options, &checkpoint, progress)?;

    let folder = work.join("candidate");
    let mut manifest = export::write_reranker(package, &folder, &network, options.dimension)?;
    let mut reranker = loaded(&folder)?;
    let calibration = calibration(&reranker, &sources, &inputs);
    for (pair, moments) in &calibration {
        reranker.set_moments(*pair, *moments);
    }

    let scorer = Scorer::new(package);
    let (tune, sets) = material.tune();
    let tuning = raw.sets(&tune, sets, &embedder, &reranker)?;
    progress(Progress::Weighing(WEIGHTS.len() * directions(&tuning).len()));
    let tried = try_weights(&mut reranker, &scorer, &tuning, || progress(Progress::Weighed));
    let weights = blend::chosen(&tried);
    for (direction, weight) in &weights {
        reranker.set_weight(*direction, *weight);
    }

    progress(Progress::Judging);
    let (tests, sets) = material.tests();
    let tests = raw.sets(&tests, sets, &embedder, &reranker)?;
    let held_out = compared(&space, &reranker, &scorer, &tests);
    let kept = kept_directions(&weights, &held_out);
    if let Some(spec) = &mut manifest.reranker {
        let weights = kept.iter();
        spec.weights = weights
            .map(|(direction, weight)| (modalities(*direction), *weight))
            .collect();
        let calibration = calibration.into_iter();
        spec.calibration = calibration
            .map(|((query, target), moments)| (format!("{query}.{target}"), moments))
            .collect();
    }
    Learned::new(kept, tried, held_out, material.refused()).put(&work, &folder, &manifest, out)
}

/// The components of a token of each track that has some.
fn inputs(package: &Package) -> BTreeMap<Track, usize> {
    let towers = &package.manifest().towers;
    let tracks = Track::ALL.into_iter();
    tracks
        .filter_map(|track| Some((track, towers.common(track)?.tokens?.dimension)))
        .collect()
}

fn loaded(folder: &Path) -> Result<Reranker> {
    Reranker::load(&Package::open(folder)?)?
        .ok_or_else(|| Error::Options("the candidate has no reranker".into()))
}

/// Keeps the tokens of texts that are not kept yet.
fn fill_texts(
    texts: &mut FeatureBank,
    material: &Material,
    pool: &mut Pool,
    progress: &mut dyn FnMut(Progress),
) -> Result<()> {
    let mut missing: BTreeMap<&str, ContentKey> = BTreeMap::new();
    for set in material.all() {
        for (&id, key) in &set.keys {
            if let Content::Text(text) = set.pairs.content(id)
                && texts.rows(key).is_none()
            {
                missing.insert(text, *key);
            }
        }
    }
    progress(Progress::Encoding(missing.len()));
    let missing: Vec<(&str, ContentKey)> = missing.into_iter().collect();
    for chunk in missing.chunks(encode::TEXTS) {
        let words: Vec<String> = chunk.iter().map(|(text, _)| (*text).to_owned()).collect();
        for ((_, key), tokens) in chunk.iter().zip(pool.text_tokens(&words)?) {
            texts.insert(*key, &[(Track::Text, tokens)])?;
            progress(Progress::Encoded);
        }
    }
    Ok(())
}

/// Raw tokens of contents.
struct RawTokens<'a> {
    package: &'a Package,
    bank: &'a FeatureBank,
    texts: &'a FeatureBank,
}

impl RawTokens<'_> {
    /// The raw tokens of a row of the bank; those of texts are elsewhere.
    fn of_row(&self, row: &Row) -> Result<Vec<f32>> {
        let mut kept = Vec::new();
        self.bank.read(row, &mut kept)?;
        let tower = self.package.manifest().towers.common(row.track);
        Ok(tower.map_or(Vec::new(), |tower| tower.kept_tokens(&kept).to_vec()))
    }

    fn of_text(&self, row: &Row) -> Result<Vec<f32>> {
        let mut tokens = Vec::new();
        self.texts.read(row, &mut tokens)?;
        Ok(tokens)
    }

    fn source(
        &self,
        set: &KnownSet,
        split: &Split,
        share: Option<f64>,
        embedder: &Embedder<'_>,
    ) -> Result<TokenSource> {
        let kept = examples(&set.pairs, self.bank, &set.keys);
        let words = examples(&set.pairs, self.texts, &set.keys);
        let mut all = Vec::with_capacity(kept.len());
        for (kept, words) in kept.iter().zip(&words) {
            let mut tokens: BTreeMap<Track, Vec<Vec<f32>>> = BTreeMap::new();
            for (&track, rows) in kept.rows.iter().filter(|(track, _)| **track != Track::Text) {
                let rows = rows
                    .iter()
                    .map(|row| self.of_row(row))
                    .collect::<Result<Vec<_>>>()?;
                tokens.insert(
                    track,
                    rows.into_iter().filter(|tokens| !tokens.is_empty()).collect(),
                );
            }
            let rows = words.rows.get(&Track::Text).map_or(&[][..], Vec::as_slice);
            let rows = rows.iter().map(|row| self.of_text(row)).collect::<Result<_>>()?;
            tokens.insert(Track::Text, rows);
            let shown = kept.rows.iter().rev().find_map(|(_, rows)| rows.first());
            all.push(TokenExample {
                tokens,
                class: kept.class,
                embedding: shown.map(|row| embedder.embed(row)).transpose()?.flatten(),
            });
        }
        let part = |places: &[usize]| places.iter().map(|&place| all[place].clone()).collect();
        Ok(TokenSource {
            share: share.unwrap_or(split.train.len() as f64),
            train: part(&split.train),
            tune: part(&split.tune),
        })
    }

    /// `parts` with embeddings and tokens, `sets` being what they are parts of.
    fn sets<'p>(
        &self,
        parts: &'p [Pairs],
        sets: &[KnownSet],
        embedder: &Embedder<'_>,
        reranker: &Reranker,
    ) -> Result<Vec<TokenSet<'p>>> {
        let embedded = embedder.sets(parts, sets)?;
        let mut all = Vec::new();
        for (embedded, set) in embedded.into_iter().zip(sets) {
            let mut tokens = HashMap::new();
            for id in embedded.tasks.iter().flat_map(sensorium_eval::Task::contents) {
                let Some(key) = set.keys.get(&id) else {
                    continue;
                };
                let mut list = Vec::new();
                for row in self.bank.rows(key).unwrap_or_default() {
                    let raw = match (row.track, self.texts.rows(key)) {
                        (Track::Text, Some([text, ..])) => self.of_text(text)?,
                        (Track::Text, _) => Vec::new(),
                        _ => self.of_row(row)?,
                    };
                    list.push(reranker.tokens(row.track, &raw));
                }
                tokens.insert(id, list);
            }
            all.push(TokenSet { embedded, tokens });
        }
        Ok(all)
    }
}

/// A set of pairs, with the tokens of its contents.
struct TokenSet<'p> {
    embedded: EmbeddedSet<'p>,
    tokens: ContentTokens,
}

impl TokenSet<'_> {
    fn scores(
        &self,
        reranker: &Reranker,
        scorer: &Scorer,
        direction: Direction,
        queries: &[ContentId],
        gallery: &[ContentId],
    ) -> Vec<f32> {
        let look = SecondLook {
            reranker,
            tokens: &self.tokens,
            candidates: CANDIDATES,
        };
        look.scores(&self.embedded.embedded, scorer, direction, queries, gallery)
    }
}

/// What unrelated items of the tuning parts score.
fn calibration(
    reranker: &Reranker,
    sources: &[TokenSource],
    inputs: &BTreeMap<Track, usize>,
) -> BTreeMap<TrackPair, Moments> {
    let segments = |track: Track| -> Vec<(Group, Tokens)> {
        let examples = sources.iter().enumerate().flat_map(|(set, source)| {
            let tune = source.tune.iter();
            tune.map(move |example| ((set, example.class), example))
        });
        let tokens = examples.filter_map(|(group, example)| {
            let raw = example.tokens.get(&track)?.first()?;
            Some((group, reranker.tokens(track, raw)?))
        });
        tokens.take(SAMPLE).collect()
    };
    let segments: BTreeMap<Track, _> = inputs.keys().map(|&track| (track, segments(track))).collect();
    let both_ways = pairs(inputs).flat_map(|(a, b)| [(a, b), (b, a)]);
    both_ways
        .filter_map(|pair| {
            let (queries, targets) = (segments.get(&pair.0)?, segments.get(&pair.1)?);
            let moments = moments_of(queries, targets, |query, target| {
                reranker.similarity(query, target)
            });
            Some((pair, moments?))
        })
        .collect()
}

/// The directions that the sets can measure.
fn directions(sets: &[TokenSet<'_>]) -> BTreeSet<Direction> {
    blend::directions(sets.iter().map(|set| &set.embedded))
}

/// What each share gives in each direction.
fn try_weights(
    reranker: &mut Reranker,
    scorer: &Scorer,
    sets: &[TokenSet<'_>],
    progress: impl FnMut(),
) -> BTreeMap<Direction, Vec<Trial>> {
    let recall = |direction, weight| {
        reranker.set_weight(direction, weight);
        let tasks = sets
            .iter()
            .flat_map(|set| set.embedded.tasks.iter().map(move |task| (set, task)))
            .filter(|(_, task)| task.direction() == direction);
        let recall = tasks.map(|(set, task)| {
            let score = |direction, queries: &[_], gallery: &[_]| {
                set.scores(reranker, scorer, direction, queries, gallery)
            };
            measure(task, score).mean_recall
        });
        recall.collect()
    };
    try_each(directions(sets), &WEIGHTS, recall, progress)
}

fn compared(space: &str, reranker: &Reranker, scorer: &Scorer, sets: &[TokenSet<'_>]) -> Vec<HeldOut> {
    let compared = sets.iter().map(|set| {
        HeldOut::new(
            space,
            &set.embedded.tasks,
            |direction, queries, gallery| set.scores(reranker, scorer, direction, queries, gallery),
            |direction, queries, gallery| set.embedded.embedded.scores(scorer, direction, queries, gallery),
        )
    });
    compared.flatten().collect()
}

/// The files of a reranker's network, by track.
pub(crate) fn files(network: &Attention) -> impl Iterator<Item = (Track, String)> {
    network
        .tracks()
        .map(|track| (track, format!("{track}-reranker.safetensors")))
}
