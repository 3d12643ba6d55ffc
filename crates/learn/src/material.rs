//! Pairs to learn from and to judge by, with all their contents in the bank.

use std::collections::HashMap;
use std::path::PathBuf;

use sensorium_eval::{Content, ContentId, OnBad, Pairs};
use sensorium_model::Pool;
use sensorium_types::{Modality, Track};

use crate::bank::{ContentKey, FeatureBank};
use crate::examples::{Example, Split, examples, keys};
use crate::train::Source;
use crate::{LearnOptions, Progress, Result, encode, views};

/// Pairs to learn from.
#[derive(Debug)]
pub struct SetOfPairs {
    /// The pairs.
    pub pairs: Pairs,
    /// How often batches come from it, beside other sets; the number of its items when there is none.
    pub share: Option<f64>,
}

/// What a training has: sets of pairs, each dealt out into parts, and those that it is judged by.
pub(crate) struct Material {
    known: Vec<KnownSet>,
    splits: Vec<Split>,
    shares: Vec<Option<f64>>,
    /// Sets that serve to judge by alone; where there are none, parts of the others do.
    judges: Vec<KnownSet>,
}

impl Material {
    /// Encodes the contents of all pairs and deals them out.
    pub(crate) fn gather(
        bank: &mut FeatureBank,
        sets: Vec<SetOfPairs>,
        held_out: Vec<Pairs>,
        on_bad: OnBad,
        options: &LearnOptions,
        pool: &mut Pool,
        progress: &mut dyn FnMut(Progress),
    ) -> Result<Self> {
        let shares: Vec<Option<f64>> = sets.iter().map(|set| set.share).collect();
        let mut all: Vec<Pairs> = sets.into_iter().map(|set| set.pairs).collect();
        let judges = held_out.len();
        all.extend(held_out);
        let mut known = fill(bank, all, on_bad, pool, progress)?;
        let judges = known.split_off(known.len() - judges);
        let held_out = if judges.is_empty() { options.held_out } else { 0.0 };
        let split = |set: &KnownSet| Split::new(&set.pairs, options.tune, held_out, options.seed);
        Ok(Self {
            splits: known.iter().map(split).collect(),
            known,
            shares,
            judges,
        })
    }

    /// The sets to learn from, with their parts and how often batches come from them.
    pub(crate) fn sets(&self) -> impl Iterator<Item = (&KnownSet, &Split, Option<f64>)> {
        let sets = self.known.iter().zip(&self.splits).zip(&self.shares);
        sets.map(|((set, split), share)| (set, split, *share))
    }

    /// The still pictures to learn from.
    pub(crate) fn pictures(&self) -> Vec<(ContentKey, PathBuf)> {
        let sets = self.sets();
        sets.flat_map(|(set, split, _)| set.pictures(&split.train))
            .collect()
    }

    /// All sets, those to judge by too.
    pub(crate) fn all(&self) -> impl Iterator<Item = &KnownSet> {
        self.known.iter().chain(&self.judges)
    }

    /// How many pairs could not be read.
    pub(crate) fn refused(&self) -> usize {
        self.all().map(|set| set.pairs.refused().len()).sum()
    }

    /// The tuning part of each set, and the sets.
    pub(crate) fn tune(&self) -> (Vec<Pairs>, &[KnownSet]) {
        (
            parts_of(&self.known, &self.splits, |split| &split.tune),
            &self.known,
        )
    }

    /// What is judged by, and the sets that it is of.
    pub(crate) fn tests(&self) -> (Vec<Pairs>, &[KnownSet]) {
        if self.judges.is_empty() {
            let tests = parts_of(&self.known, &self.splits, |split| &split.held_out);
            return (tests, &self.known);
        }
        let tests = self.judges.iter().map(|set| set.pairs.clone());
        (tests.collect(), &self.judges)
    }
}

/// Pairs whose contents are in the bank.
pub(crate) struct KnownSet {
    pub(crate) pairs: Pairs,
    pub(crate) keys: HashMap<ContentId, ContentKey>,
}

impl KnownSet {
    /// Only what is trained on has views: everything else is judged as it is searched.
    pub(crate) fn source(
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
    pub(crate) fn pictures(&self, places: &[usize]) -> Vec<(ContentKey, PathBuf)> {
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
fn fill(
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

/// A part of each set.
fn parts_of(sets: &[KnownSet], splits: &[Split], part: impl Fn(&Split) -> &Vec<usize>) -> Vec<Pairs> {
    let parts = sets.iter().zip(splits);
    parts
        .map(|(set, split)| {
            let wanted = part(split);
            set.pairs.only(|place| wanted.binary_search(&place).is_ok())
        })
        .collect()
}
