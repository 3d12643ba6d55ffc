use std::collections::{BTreeMap, HashMap};
use std::fs;
use std::path::Path;
use std::sync::Arc;

use candle_core::{Device, Tensor, safetensors};
use sensorium_eval::{Embedded, OnBad, Pairs, Task};
use sensorium_model::manifest::{HeadSpec, Manifest, modalities};
use sensorium_model::{HUBS, Heads, Package, Pool, Scorer};
use sensorium_types::{Direction, Embedding, Track};

use crate::bank::FeatureBank;
use crate::blend::{
    self, EmbeddedSet, SHARES, Unrelated, WEIGHTS, calibrate, directions, sample, set_share, set_weight,
    try_weights,
};
use crate::epochs::steps_of_epoch;
use crate::examples::Example;
use crate::learned::{HeldOut, Learned, kept_directions, work_folder};
use crate::material::{KnownSet, Material, SetOfPairs};
use crate::perceptron::Shape;
use crate::train::{Source, TRACK_PAIRS, items, train};
use crate::{Error, LearnOptions, Progress, Result, export, hubs, views};

/// Fewer items than these teach nothing.
const FEWEST: usize = 20;

/// Learns a new block from `sets` on top of `package`, and writes the package that has it to `out` if recall rises with
/// confidence on pairs held out: on those of `held_out`, or where there are none on a part of each set.
///
/// In a folder beside `out` it keeps what it needs to go on after it was stopped; when it is done, that is removed.
///
/// # Errors
/// [`Error::Options`] when `out` exists or the package has the block already, [`Error::TooFew`] when there is too little
/// to learn from; [`Error::Pairs`] for pairs that cannot be read, unless `on_bad` leaves them out.
#[expect(
    clippy::too_many_arguments,
    reason = "a command with that many inputs, called once"
)]
pub fn learn(
    package: &Arc<Package>,
    sets: Vec<SetOfPairs>,
    held_out: Vec<Pairs>,
    on_bad: OnBad,
    out: &Path,
    options: &LearnOptions,
    pool: &mut Pool,
    threads: usize,
    progress: &mut dyn FnMut(Progress),
) -> Result<Learned> {
    check(package, out, options)?;
    let work = work_folder(out)?;
    fs::create_dir_all(&work).map_err(Error::file(&work))?;
    let mut bank = FeatureBank::open(&work.join("features"), &package.space().to_string())?;

    let material = Material::gather(&mut bank, sets, held_out, on_bad, options, pool, progress)?;
    views::fill(&mut bank, material.pictures(), options, pool, progress)?;
    let sources: Vec<Source> = material
        .sets()
        .map(|(set, split, share)| set.source(split, share, &bank, options))
        .collect();
    check_count(&sources)?;
    let shapes = shapes(package, &sources, options);
    let start = start(package, &shapes)?;
    progress(Progress::Training(
        options.epochs * steps_of_epoch(items(&sources), options),
    ));
    let checkpoint = work.join("checkpoint.safetensors");
    let heads = train(&bank, &sources, &shapes, &start, options, &checkpoint, progress)?;

    let folder = work.join("candidate");
    let mut manifest = export::write_candidate(
        package,
        &folder,
        &options.block,
        options.dimension,
        &heads,
        threads,
    )?;
    let candidate = Package::open(&folder)?;
    let embedder = Embedder::new(&candidate, &bank)?;
    let (tune, sets) = material.tune();
    let tuning = embedder.sets(&tune, sets)?;
    let unrelated = sample(embedder.unrelated(&sources)?, options.seed);
    let measured = directions(&tuning);
    progress(Progress::Weighing(
        measured.len() * (WEIGHTS.len() + SHARES.len()),
    ));
    let mut weighed = || progress(Progress::Weighed);
    let tried = try_weights(&manifest, &WEIGHTS, set_weight, &tuning, &unrelated, &mut weighed);
    let weights = blend::chosen(&tried);
    for (direction, weight) in &weights {
        set_weight(&mut manifest, *direction, *weight);
    }

    // How near a hub is depends on the weights, so that these come first.
    let banks = hubs::banks(&measured, &sources, &embedder, options.seed)?;
    let none = banks.keys().map(|direction| (*direction, 0.0)).collect();
    hubs::put(&folder, &mut manifest, &banks, &none)?;
    export::write_manifest(&folder, &manifest)?;
    let embedder = Embedder::new(&Package::open(&folder)?, &bank)?;
    let tuning = embedder.sets(&tune, sets)?;
    let unrelated = sample(embedder.unrelated(&sources)?, options.seed);
    let tried_shares = try_weights(&manifest, &SHARES, set_share, &tuning, &unrelated, &mut weighed);
    let shares = blend::chosen(&tried_shares);
    for (direction, share) in &shares {
        set_share(&mut manifest, *direction, *share);
        calibrate(&mut manifest, *direction, &unrelated);
    }

    progress(Progress::Judging);
    let (tests, sets) = material.tests();
    let old = Embedder::new(package, &bank)?.sets(&tests, sets)?;
    let new = embedder.sets(&tests, sets)?;
    let held_out = compared(package, &old, &manifest, &new);
    let (kept, kept_shares) = (
        kept_directions(&weights, &held_out),
        kept_directions(&shares, &held_out),
    );
    let as_before =
        |direction: &&Direction| !kept.contains_key(*direction) && !kept_shares.contains_key(*direction);
    for direction in measured.iter().filter(as_before) {
        restore(&mut manifest, package.manifest(), *direction);
    }
    let (banks, all_shares) = joined(package, banks, &kept, &kept_shares)?;
    hubs::put(&folder, &mut manifest, &banks, &all_shares)?;
    name(&mut manifest, out);
    Learned::new(kept, tried, held_out, material.refused())
        .with_shares(kept_shares, tried_shares)
        .put(&work, &folder, &manifest, out)
}

/// The new banks and shares that are kept, and the old ones of the directions that stay as they were.
fn joined(
    package: &Package,
    new: hubs::Banks,
    kept: &BTreeMap<Direction, f32>,
    kept_shares: &BTreeMap<Direction, f32>,
) -> Result<(hubs::Banks, BTreeMap<Direction, f32>)> {
    let (mut banks, mut shares) = (new, kept_shares.clone());
    banks.retain(|direction, _| kept_shares.contains_key(direction));
    let old = package.manifest().hubs.as_ref().map(|hubs| &hubs.shares);
    for (direction, bank) in hubs::banks_of(package)? {
        let changed = kept.contains_key(&direction) || kept_shares.contains_key(&direction);
        let share = old.and_then(|shares| shares.get(&modalities(direction)));
        if let (false, Some(share)) = (changed, share) {
            banks.insert(direction, bank);
            shares.insert(direction, *share);
        }
    }
    Ok((banks, shares))
}

/// Gives `direction` the calibration that it had, and the new block no say in it.
fn restore(manifest: &mut Manifest, old: &Manifest, direction: Direction) {
    set_weight(manifest, direction, 0.0);
    let prefix = format!("{}/", modalities(direction));
    manifest.calibration.retain(|name, _| !name.starts_with(&prefix));
    let own = old
        .calibration
        .iter()
        .filter(|(name, _)| name.starts_with(&prefix));
    manifest
        .calibration
        .extend(own.map(|(name, moments)| (name.clone(), *moments)));
}

fn check(package: &Package, out: &Path, options: &LearnOptions) -> Result<()> {
    let manifest = package.manifest();
    if out.exists() {
        return Err(Error::exists(out));
    }
    if manifest.blocks.iter().any(|block| block.name == options.block) {
        return Err(Error::Options(format!(
            "the model has a block '{}' already: learn on top of the model that it was learned from, or name the new \
             block otherwise with --block",
            options.block
        )));
    }
    if options.block == HUBS {
        return Err(Error::Options(format!(
            "the name '{HUBS}' is kept for another block"
        )));
    }
    let is_plain = |c: char| c.is_ascii_lowercase() || c.is_ascii_digit() || c == '-';
    if options.block.is_empty() || !options.block.chars().all(is_plain) {
        return Err(Error::Options(
            "the name of a block consists of a-z, 0-9 and -".into(),
        ));
    }
    Ok(())
}

/// Whether so many items can teach something.
pub(crate) fn check_items(items: usize) -> Result<()> {
    if items < FEWEST {
        return Err(Error::TooFew(format!(
            "{items} items are left for training, at least {FEWEST} are needed"
        )));
    }
    Ok(())
}

fn check_count(sources: &[Source]) -> Result<()> {
    check_items(items(sources))?;
    let has = |example: &Example, (a, b): (Track, Track)| {
        example.rows.contains_key(&a) && example.rows.contains_key(&b)
    };
    let mut pairs = sources.iter().flat_map(|source| &source.train);
    if !pairs.any(|example| TRACK_PAIRS.iter().any(|&tracks| has(example, tracks))) {
        return Err(Error::TooFew(
            "no item has two of words, pictures and sound, so that there is nothing to bring together".into(),
        ));
    }
    Ok(())
}

/// The sizes of the heads to be trained: of the tracks that occur together with another.
fn shapes(package: &Package, sources: &[Source], options: &LearnOptions) -> BTreeMap<Track, Shape> {
    let paired = |track: Track| {
        let mut examples = sources.iter().flat_map(|source| &source.train);
        examples.any(|example| example.rows.contains_key(&track) && example.rows.len() > 1)
    };
    let tracks = Track::ALL.into_iter().filter(|&track| paired(track));
    tracks
        .filter_map(|track| {
            let tower = package.manifest().towers.common(track)?;
            let shape = Shape {
                features: tower.features,
                hidden: options.hidden,
                dimension: options.dimension,
            };
            Some((track, shape))
        })
        .collect()
}

/// The tensors of the last trained heads that the package has, to start from where they fit.
fn start(
    package: &Package,
    shapes: &BTreeMap<Track, Shape>,
) -> Result<HashMap<Track, HashMap<String, Tensor>>> {
    let manifest = package.manifest();
    let mut start = HashMap::new();
    for &track in shapes.keys() {
        let heads = manifest.towers.common(track).map(|tower| &tower.heads);
        let trained = manifest
            .blocks
            .iter()
            .rev()
            .find_map(|block| match heads?.get(&block.name)? {
                HeadSpec::Mlp { file } => Some(file),
                _ => None,
            });
        if let Some(file) = trained {
            start.insert(
                track,
                safetensors::load_buffer(&package.read(file)?, &Device::Cpu)?,
            );
        }
    }
    Ok(start)
}

/// Features of the bank to embeddings of the new package.
pub(crate) struct Embedder<'a> {
    bank: &'a FeatureBank,
    heads: BTreeMap<Track, Heads>,
}

impl<'a> Embedder<'a> {
    pub(crate) fn new(candidate: &Package, bank: &'a FeatureBank) -> Result<Self> {
        let mut heads = BTreeMap::new();
        for track in Track::ALL {
            if candidate.manifest().towers.common(track).is_some() {
                heads.insert(track, Heads::load(candidate, track)?);
            }
        }
        Ok(Self { bank, heads })
    }

    pub(crate) fn embed(&self, row: &crate::bank::Row) -> Result<Option<Embedding>> {
        let Some(heads) = self.heads.get(&row.track) else {
            return Ok(None);
        };
        let mut features = Vec::new();
        self.bank.read(row, &mut features)?;
        Ok(Some(heads.embed(&features)))
    }

    /// `parts` with the embeddings of their contents, `sets` being what they are parts of.
    pub(crate) fn sets<'p>(&self, parts: &'p [Pairs], sets: &[KnownSet]) -> Result<Vec<EmbeddedSet<'p>>> {
        let mut embedded = Vec::new();
        for (pairs, set) in parts.iter().zip(sets) {
            let tasks = Task::all(pairs).unwrap_or_default();
            let mut segments = HashMap::new();
            for id in tasks.iter().flat_map(Task::contents) {
                let rows = set.keys.get(&id).and_then(|key| self.bank.rows(key));
                let mut list = Vec::new();
                for row in rows.unwrap_or_default() {
                    let embedding = self.embed(row)?;
                    list.extend(embedding.map(|embedding| (row.segment(), embedding)));
                }
                segments.insert(id, list);
            }
            embedded.push(EmbeddedSet {
                tasks,
                embedded: Embedded::from_segments(segments),
            });
        }
        Ok(embedded)
    }

    /// A segment of each track of each item of the tuning parts.
    fn unrelated(&self, sources: &[Source]) -> Result<Unrelated> {
        let mut unrelated = Unrelated::new();
        for (set, source) in sources.iter().enumerate() {
            for example in &source.tune {
                for (track, rows) in &example.rows {
                    let embedding = rows.first().map(|row| self.embed(row)).transpose()?.flatten();
                    let list = unrelated.entry(*track).or_default();
                    list.extend(embedding.map(|embedding| ((set, example.class), embedding)));
                }
            }
        }
        Ok(unrelated)
    }
}

/// `package`, by which `old` are embedded, beside its successor with `manifest`, by which `new` are: the same sets.
fn compared(
    package: &Package,
    old: &[EmbeddedSet<'_>],
    manifest: &Manifest,
    new: &[EmbeddedSet<'_>],
) -> Vec<HeldOut> {
    let (scorer, old_scorer) = (Scorer::of(manifest), Scorer::new(package));
    let against = package.space().to_string();
    let compared = new.iter().zip(old).map(|(new, old)| {
        HeldOut::new(
            &against,
            &new.tasks,
            |direction, queries, gallery| new.embedded.scores(&scorer, direction, queries, gallery),
            |direction, queries, gallery| old.embedded.scores(&old_scorer, direction, queries, gallery),
        )
    });
    compared.flatten().collect()
}

/// The new package is called like its folder.
fn name(manifest: &mut Manifest, out: &Path) {
    manifest.description = format!(
        "{}; with a block learned on top of {} {}",
        manifest.description, manifest.name, manifest.version
    );
    if let Some(name) = out.file_name() {
        manifest.name = name.to_string_lossy().into_owned();
    }
}
