//! Pairs to a reranker: the same road as for a block, with tokens instead of pooled features.

use std::collections::{BTreeMap, BTreeSet, HashMap};
use std::fs;
use std::path::Path;
use std::sync::Arc;

use sensorium_eval::{ContentId, ContentTokens, OnBad, Pairs, SecondLook, Task, measure};
use sensorium_model::manifest::{Moments, modalities};
use sensorium_model::{CANDIDATES, Package, Pool, Reranker, Scorer, Tokens, TrackPair};
use sensorium_types::{Direction, Track};

use crate::attention::Attention;
use crate::bank::FeatureBank;
use crate::blend::{self, EmbeddedSet, Group, Trial, moments_of, try_each};
use crate::epochs::steps_of_epoch;
use crate::learn::{Embedder, check_items};
use crate::learned::{HeldOut, Learned, kept_directions, work_folder};
use crate::material::{KnownSet, Material, SetOfPairs};
use crate::negatives::nearest;
use crate::rerank_train::{pairs, train};
use crate::token_banks::{self, TokenBanks};
use crate::train::{Source, items};
use crate::{Error, LearnOptions, Progress, Result, export, views};

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
    let mut inputs = inputs(package);
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
    token_banks::fill(&mut texts, &material, pool, progress)?;
    views::fill(&mut bank, material.pictures(), options, pool, progress)?;

    let banks = TokenBanks::new(&bank, &texts, package.manifest());
    let embedder = Embedder::new(package, &bank)?;
    let sources: Vec<Source> = material
        .sets()
        .map(|(set, split, share)| banks.source(set, split, share, options))
        .collect();
    inputs.retain(|track, _| occurs(*track, &sources));
    let items = items(&sources);
    check_items(items)?;
    progress(Progress::Training(
        options.epochs * steps_of_epoch(items, options),
    ));
    let checkpoint = work.join("reranker.safetensors");
    let near = sources.iter().map(|source| nearest(&source.train, &embedder));
    let near = near.collect::<Result<Vec<_>>>()?;
    let network = train(&sources, &near, &banks, &inputs, options, &checkpoint, progress)?;

    let folder = work.join("candidate");
    let mut manifest = export::write_reranker(package, &folder, &network, options.dimension)?;
    let mut reranker = loaded(&folder)?;
    let calibration = calibration(&reranker, &sources, &banks, &inputs)?;
    for (pair, moments) in &calibration {
        reranker.set_moments(*pair, *moments);
    }

    let scorer = Scorer::new(package);
    let (tune, sets) = material.tune();
    let tuning = token_sets(&tune, sets, &banks, &embedder, &reranker)?;
    progress(Progress::Weighing(WEIGHTS.len() * directions(&tuning).len()));
    let tried = try_weights(&mut reranker, &scorer, &tuning, || progress(Progress::Weighed));
    let weights = blend::chosen(&tried);
    for (direction, weight) in &weights {
        reranker.set_weight(*direction, *weight);
    }

    progress(Progress::Judging);
    let (tests, sets) = material.tests();
    let tests = token_sets(&tests, sets, &banks, &embedder, &reranker)?;
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

/// Whether there is something to learn of `track`.
fn occurs(track: Track, sources: &[Source]) -> bool {
    let mut examples = sources.iter().flat_map(|source| &source.train);
    examples.any(|example| example.rows.get(&track).is_some_and(|rows| !rows.is_empty()))
}

fn loaded(folder: &Path) -> Result<Reranker> {
    Reranker::load(&Package::open(folder)?)?
        .ok_or_else(|| Error::Options("the candidate has no reranker".into()))
}

/// `parts` with embeddings and tokens, `sets` being what they are parts of.
fn token_sets<'p>(
    parts: &'p [Pairs],
    sets: &[KnownSet],
    banks: &TokenBanks<'_>,
    embedder: &Embedder<'_>,
    reranker: &Reranker,
) -> Result<Vec<TokenSet<'p>>> {
    let embedded = embedder.sets(parts, sets)?;
    let mut all = Vec::new();
    for (embedded, set) in embedded.into_iter().zip(sets) {
        let mut tokens = HashMap::new();
        for id in embedded.tasks.iter().flat_map(Task::contents) {
            if let Some(key) = set.keys.get(&id) {
                tokens.insert(id, banks.projected(key, reranker)?);
            }
        }
        all.push(TokenSet { embedded, tokens });
    }
    Ok(all)
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
    sources: &[Source],
    banks: &TokenBanks<'_>,
    inputs: &BTreeMap<Track, usize>,
) -> Result<BTreeMap<TrackPair, Moments>> {
    let segments = |track: Track| -> Result<Vec<(Group, Tokens)>> {
        let mut segments = Vec::new();
        for (set, source) in sources.iter().enumerate() {
            for example in &source.tune {
                let row = example.rows.get(&track).and_then(|rows| rows.first());
                if let Some(row) = row.filter(|_| segments.len() < SAMPLE) {
                    let tokens = reranker.tokens(track, &banks.read(row)?);
                    segments.extend(tokens.map(|tokens| ((set, example.class), tokens)));
                }
            }
        }
        Ok(segments)
    };
    let tracks = inputs.keys().map(|&track| Ok((track, segments(track)?)));
    let segments = tracks.collect::<Result<BTreeMap<Track, _>>>()?;
    let both_ways = pairs(inputs).flat_map(|(a, b)| [(a, b), (b, a)]);
    let moments = both_ways.filter_map(|pair| {
        let (queries, targets) = (segments.get(&pair.0)?, segments.get(&pair.1)?);
        let moments = moments_of(queries, targets, |query, target| {
            reranker.similarity(query, target)
        });
        Some((pair, moments?))
    });
    Ok(moments.collect())
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
