//! What came of learning, and whether it is kept.

use std::collections::BTreeMap;
use std::fs;
use std::path::{Path, PathBuf};

use sensorium_eval::{Comparison, ContentId, Task, compare};
use sensorium_model::Package;
use sensorium_model::manifest::Manifest;
use sensorium_types::Direction;
use serde::Serialize;

use crate::blend::Trial;
use crate::{Error, Result, export};

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
    /// How much of the nearness of hubs is taken back in each direction in which it is.
    pub hubs: BTreeMap<String, f32>,
    /// What each share of it gave, as in `tried`.
    pub tried_hubs: BTreeMap<String, Vec<Trial>>,
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

impl Learned {
    /// With the weights of the directions that are adopted, and what was tried; nothing is written yet.
    pub(crate) fn new(
        kept: BTreeMap<Direction, f32>,
        tried: BTreeMap<Direction, Vec<Trial>>,
        held_out: Vec<HeldOut>,
        refused: usize,
    ) -> Self {
        Self {
            adopted: !kept.is_empty(),
            model: None,
            space: None,
            weights: by_name(kept),
            tried: by_name(tried),
            hubs: BTreeMap::new(),
            tried_hubs: BTreeMap::new(),
            held_out,
            refused,
        }
    }

    /// The same, with what is taken back of the nearness of hubs.
    pub(crate) fn with_shares(
        mut self,
        kept: BTreeMap<Direction, f32>,
        tried: BTreeMap<Direction, Vec<Trial>>,
    ) -> Self {
        self.adopted |= !kept.is_empty();
        self.hubs = by_name(kept);
        self.tried_hubs = by_name(tried);
        self
    }

    /// Puts the package in `folder`, with `manifest`, in the place of `out` when it is adopted, and removes the folder
    /// `work`.
    pub(crate) fn put(mut self, work: &Path, folder: &Path, manifest: &Manifest, out: &Path) -> Result<Self> {
        if self.adopted {
            export::write_manifest(folder, manifest)?;
            self.space = Some(Package::open(folder)?.space().to_string());
            fs::rename(folder, out).map_err(Error::file(out))?;
            self.model = Some(out.to_owned());
        }
        fs::remove_dir_all(work).map_err(Error::file(work))?;
        Ok(self)
    }
}

fn by_name<T>(directions: BTreeMap<Direction, T>) -> BTreeMap<String, T> {
    let named = directions.into_iter();
    named.map(|(direction, of)| (direction.to_string(), of)).collect()
}

impl HeldOut {
    /// Compares two ways to score the same `tasks`; `None` without a task.
    pub(crate) fn new(
        against: &str,
        tasks: &[Task<'_>],
        new: impl Fn(Direction, &[ContentId], &[ContentId]) -> Vec<f32> + Sync,
        old: impl Fn(Direction, &[ContentId], &[ContentId]) -> Vec<f32> + Sync,
    ) -> Option<Self> {
        let pairs = tasks.first()?.pairs();
        Some(Self {
            pairs: pairs.path().to_owned(),
            items: pairs.items().len(),
            comparison: compare(against, tasks, new, old),
        })
    }
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
