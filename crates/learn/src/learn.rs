use std::collections::{BTreeMap, HashMap};
use std::fs;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use candle_core::{Device, Tensor, safetensors};
use sensorium_eval::{Comparison, Content, ContentId, Embedded, OnBad, Pairs, Task, compare};
use sensorium_model::manifest::{HeadSpec, Manifest};
use sensorium_model::{Heads, Package, Pool, Scorer};
use sensorium_types::{Direction, Embedding, Modality, Segment, Track};
use serde::Serialize;

use crate::bank::{ContentKey, FeatureBank};
use crate::blend::{self, EmbeddedSet, Trial, Unrelated, sample, set_weight, try_weights};
use crate::epochs::steps_of_epoch;
use crate::examples::{Example, Split, examples, keys};
use crate::perceptron::Shape;
use crate::train::{Source, TRACK_PAIRS, items, train};
use crate::{Error, LearnOptions, Progress, Result, encode, export, views};

/// Fewer items than these teach nothing.
const FEWEST: usize = 20;

/// Pairs to learn from.
#[derive(Debug)]
pub struct SetOfPairs {
    /// The pairs.
    pub pairs: Pairs,
    /// How often batches come from it, beside other sets; the number of its items when there is none.
    pub share: Option<f64>,
}

/// What came of learning.
#[derive(Debug, Serialize)]
pub struct Learned {
    /// Whether recall rose on the pairs held out, so that the new package was written.
    pub adopted: bool,
    /// Where it was written.
    pub model: Option<PathBuf>,
    /// The space of the new package.
    pub space: Option<String>,
    /// The weight of the new block in each direction in which it is used.
    pub weights: BTreeMap<String, f32>,
    /// What each weight gave on the tuning parts, by direction, also where none is used.
    pub tried: BTreeMap<String, Vec<Trial>>,
    /// The comparison with the old package on each set of pairs held out, with the weights that were chosen before.
    pub held_out: Vec<HeldOut>,
    /// How many pairs could not be read and were left out.
    pub refused: usize,
}

/// Old and new on one set of pairs held out.
#[derive(Debug, Serialize)]
pub struct HeldOut {
    /// The file of the pairs.
    pub pairs: PathBuf,
    /// How many items were held out.
    pub items: usize,
    /// What the new package finds more than the old one.
    #[serde(flatten)]
    pub comparison: Comparison,
}

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

    let shares: Vec<Option<f64>> = sets.iter().map(|set| set.share).collect();
    let mut all: Vec<Pairs> = sets.into_iter().map(|set| set.pairs).collect();
    let judges = held_out.len();
    let separate = judges > 0;
    all.extend(held_out);
    let mut known = fill(&mut bank, all, on_bad, pool, progress)?;
    let refused = known.iter().map(|set| set.pairs.refused().len()).sum();
    let judges = known.split_off(known.len() - judges);

    let parts: Vec<Split> = known
        .iter()
        .map(|set| {
            let share = if separate { 0.0 } else { options.held_out };
            Split::new(&set.pairs, options.tune, share, options.seed)
        })
        .collect();
    let pictures = known.iter().zip(&parts);
    let pictures = pictures
        .flat_map(|(set, split)| set.pictures(&split.train))
        .collect();
    views::fill(&mut bank, pictures, options, pool, progress)?;
    let sources: Vec<Source> = known
        .iter()
        .zip(&parts)
        .zip(shares)
        .map(|((set, split), share)| set.source(split, share, &bank, options))
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
    let tune: Vec<Pairs> = parts_of(&known, &parts, |split| &split.tune);
    let tuning = embedder.sets(&tune, &known)?;
    let unrelated = sample(embedder.unrelated(&sources)?, options.seed);
    progress(Progress::Weighing(blend::count(&tuning)));
    let tried = try_weights(&manifest, &tuning, &unrelated, || progress(Progress::Weighed));
    for (direction, trials) in &tried {
        set_weight(&mut manifest, *direction, blend::best(trials), &unrelated);
    }

    progress(Progress::Judging);
    let (tests, judges) = if separate {
        (judges.iter().map(|set| set.pairs.clone()).collect(), judges)
    } else {
        (parts_of(&known, &parts, |split| &split.held_out), known)
    };
    let tests = embedder.sets(&tests, &judges)?;
    let held_out = compared(package, &manifest, &tests);
    let weights = kept(&mut manifest, &tried, &held_out, &unrelated);
    let adopted = !weights.is_empty();
    let mut learned = Learned {
        adopted,
        model: None,
        space: None,
        weights,
        tried: tried
            .into_iter()
            .map(|(direction, trials)| (direction.to_string(), trials))
            .collect(),
        held_out,
        refused,
    };
    if adopted {
        name(&mut manifest, out);
        export::write_manifest(&folder, &manifest)?;
        learned.space = Some(Package::open(&folder)?.space().to_string());
        fs::rename(&folder, out).map_err(Error::file(out))?;
        learned.model = Some(out.to_owned());
    }
    fs::remove_dir_all(&work).map_err(Error::file(&work))?;
    Ok(learned)
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
    let is_plain = |c: char| c.is_ascii_lowercase() || c.is_ascii_digit() || c == '-';
    if options.block.is_empty() || !options.block.chars().all(is_plain) {
        return Err(Error::Options(
            "the name of a block consists of a-z, 0-9 and -".into(),
        ));
    }
    Ok(())
}

/// Beside `out`, so that the result can be put in place by a rename.
pub(crate) fn work_folder(out: &Path) -> Result<PathBuf> {
    let name = out
        .file_name()
        .ok_or_else(|| Error::Options(format!("{} is no name for a new folder", out.display())))?;
    let mut work = name.to_owned();
    work.push(".learning");
    Ok(out.with_file_name(work))
}

/// Pairs whose contents are in the bank.
pub(crate) struct KnownSet {
    pub(crate) pairs: Pairs,
    pub(crate) keys: HashMap<ContentId, ContentKey>,
}

impl KnownSet {
    /// Only what is trained on has views: everything else is judged as it is searched.
    fn source(
        &self,
        split: &Split,
        share: Option<f64>,
        bank: &FeatureBank,
        options: &LearnOptions,
    ) -> Source {
        let examples = examples(&self.pairs, bank, &self.keys);
        let part = |places: &[usize]| places.iter().map(|&place| examples[place].clone()).collect();
        let mut train: Vec<Example> = part(&split.train);
        for (example, place) in train.iter_mut().zip(&split.train) {
            for (picture, _) in self.pictures(&[*place]) {
                let views = views::keys(picture, options).filter_map(|key| bank.rows(&key));
                let rows = views.flatten().copied();
                example.rows.entry(Track::Visual).or_default().extend(rows);
            }
        }
        Source {
            share: share.unwrap_or(train.len() as f64),
            train,
            tune: part(&split.tune),
        }
    }

    /// The still pictures of the items at `places`.
    fn pictures(&self, places: &[usize]) -> Vec<(ContentKey, PathBuf)> {
        let items = places.iter().map(|&place| &self.pairs.items()[place]);
        let contents = items.flat_map(|item| item.contents(Modality::Image));
        contents
            .filter_map(|id| match self.pairs.content(*id) {
                Content::File { path, .. } => Some((*self.keys.get(id)?, path.clone())),
                Content::Text(_) => None,
            })
            .collect()
    }
}

/// Encodes what the bank lacks.
pub(crate) fn fill(
    bank: &mut FeatureBank,
    all: Vec<Pairs>,
    on_bad: OnBad,
    pool: &mut Pool,
    progress: &mut dyn FnMut(Progress),
) -> Result<Vec<KnownSet>> {
    let keyed: Vec<(Pairs, HashMap<ContentId, ContentKey>)> = all
        .into_iter()
        .map(|pairs| {
            let keys = keys(&pairs);
            (pairs, keys)
        })
        .collect();
    let missing = keyed
        .iter()
        .flat_map(|(_, keys)| keys.values())
        .filter(|key| bank.rows(key).is_none());
    progress(Progress::Encoding(missing.count()));
    let mut known = Vec::new();
    for (pairs, keys) in keyed {
        let unreadable = encode::fill(bank, &pairs, &keys, pool, progress)?;
        let pairs = pairs.without(&unreadable, on_bad)?;
        known.push(KnownSet { pairs, keys });
    }
    Ok(known)
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

/// A part of each set.
pub(crate) fn parts_of(
    sets: &[KnownSet],
    splits: &[Split],
    part: impl Fn(&Split) -> &Vec<usize>,
) -> Vec<Pairs> {
    let parts = sets.iter().zip(splits);
    parts
        .map(|(set, split)| {
            let wanted = part(split);
            set.pairs.only(|place| wanted.binary_search(&place).is_ok())
        })
        .collect()
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
                    list.extend(embedding.map(|embedding| (Segment::whole(row.track), embedding)));
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

fn compared(package: &Package, manifest: &Manifest, tests: &[EmbeddedSet<'_>]) -> Vec<HeldOut> {
    // The old blocks come first, so that the old scorer takes just these.
    let (new, old) = (Scorer::of(manifest), Scorer::new(package));
    let against = package.space().to_string();
    tests
        .iter()
        .filter_map(|set| {
            let pairs = set.tasks.first()?.pairs();
            let scores = |scorer: &Scorer, direction, queries: &[ContentId], gallery: &[ContentId]| {
                set.embedded.scores(scorer, direction, queries, gallery)
            };
            Some(HeldOut {
                pairs: pairs.path().to_owned(),
                items: pairs.items().len(),
                comparison: compare(
                    &against,
                    &set.tasks,
                    |direction, queries, gallery| scores(&new, direction, queries, gallery),
                    |direction, queries, gallery| scores(&old, direction, queries, gallery),
                ),
            })
        })
        .collect()
}

/// The weights of those directions that are adopted. In the others the new block is switched off.
fn kept(
    manifest: &mut Manifest,
    tried: &BTreeMap<Direction, Vec<Trial>>,
    held_out: &[HeldOut],
    unrelated: &Unrelated,
) -> BTreeMap<String, f32> {
    let weights: BTreeMap<Direction, f32> = tried
        .iter()
        .map(|(direction, trials)| (*direction, blend::best(trials)))
        .collect();
    let kept = kept_directions(&weights, held_out);
    for direction in weights.keys().filter(|direction| !kept.contains_key(direction)) {
        set_weight(manifest, *direction, 0.0, unrelated);
    }
    kept.into_iter()
        .map(|(direction, weight)| (direction.to_string(), weight))
        .collect()
}

/// The weights above 0 of those directions in which mean recall rises with confidence on one of the sets held out and
/// falls with confidence on none.
pub(crate) fn kept_directions(
    weights: &BTreeMap<Direction, f32>,
    held_out: &[HeldOut],
) -> BTreeMap<Direction, f32> {
    let adopted = |direction: &Direction| {
        let differences = || {
            held_out
                .iter()
                .filter_map(|set| set.comparison.directions.get(direction))
        };
        let rises = differences().any(|difference| difference.ci95.mean_recall[0] > 0.0);
        let falls = differences().any(|difference| difference.ci95.mean_recall[1] < 0.0);
        rises && !falls
    };
    let weights = weights.iter().map(|(direction, weight)| (*direction, *weight));
    weights
        .filter(|(direction, weight)| *weight > 0.0 && adopted(direction))
        .collect()
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
