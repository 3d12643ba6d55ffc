//! An index that compares a query with every vector that may be meant.

mod lane;
mod nearest;

use std::collections::{BTreeMap, HashMap, HashSet};

use rayon::prelude::*;
use sensorium_types::{Embedding, Modality, Track};

pub(crate) use self::lane::Lane;
use self::nearest::Nearest;
pub(crate) use self::nearest::best_of;
use crate::{Change, Filter, ItemKey, Neighbour, Result, VectorIndex, Verdict};

/// Vectors that one thread compares at a time.
const CHUNK: usize = 4096;

/// A [`VectorIndex`] in memory that is always exact: half floats, one matrix for each modality and track, so
/// that a filter on these costs nothing and saves the most.
#[derive(Debug, Default)]
pub struct ExactIndex {
    lanes: BTreeMap<(Modality, Track), Lane>,
    items: HashSet<ItemKey>,
    sequence: u64,
}

impl ExactIndex {
    /// An index without vectors.
    pub fn new() -> Self {
        Self::default()
    }

    /// The vectors of each modality and track.
    pub(crate) fn lanes(&self) -> impl Iterator<Item = (Modality, Track, &Lane)> {
        let lanes = self.lanes.iter();
        lanes.map(|(&(modality, track), lane)| (modality, track, lane))
    }

    /// Takes out those of this modality and track.
    pub(crate) fn take(&mut self, modality: Modality, track: Track) -> Lane {
        self.lanes.remove(&(modality, track)).unwrap_or_default()
    }

    /// Removes all vectors of `items`.
    fn remove(&mut self, mut items: HashSet<ItemKey>) {
        items.retain(|item| self.items.remove(item));
        if !items.is_empty() {
            self.lanes.values_mut().for_each(|lane| lane.remove(&items));
        }
    }
}

impl VectorIndex for ExactIndex {
    fn sequence(&self) -> u64 {
        self.sequence
    }

    fn apply(&mut self, changes: Vec<Change>, sequence: u64) -> Result<()> {
        // Removing is a pass over everything, so it is done once, before anything is added.
        let mut gone: HashMap<ItemKey, usize> = HashMap::new();
        let mut start = 0;
        for (place, change) in changes.iter().enumerate() {
            match change {
                Change::Reset => {
                    *self = Self::new();
                    gone.clear();
                    start = place + 1;
                }
                Change::Gone(item) => drop(gone.insert(*item, place)),
                Change::Vector { .. } => {}
            }
        }
        self.remove(gone.keys().copied().collect());
        for (place, change) in changes.into_iter().enumerate().skip(start) {
            if let Change::Vector {
                item,
                segment,
                modality,
                track,
                vector,
            } = change
                && gone.get(&item).is_none_or(|&gone| gone < place)
            {
                let lane = self.lanes.entry((modality, track)).or_default();
                if !lane.push(item, segment, &vector) {
                    tracing::warn!(?segment, "a vector of another length was left out");
                }
                self.items.insert(item);
            }
        }
        self.sequence = sequence;
        Ok(())
    }

    fn nearest(&self, query: &Embedding, filter: &Filter, limit: usize) -> Result<Vec<Neighbour>> {
        let found = self.lanes.iter().flat_map(|(&(modality, track), lane)| {
            let passes = |item| filter.holds(item, modality, track);
            match filter.verdict(modality, track) {
                Verdict::None => Nearest::new(limit),
                Verdict::All => scan(lane, query, |_| true, limit),
                Verdict::Some => scan(lane, query, passes, limit),
            }
            .into_neighbours()
        });
        Ok(best_of(found, limit))
    }

    fn count(&self, filter: &Filter) -> usize {
        let of_lane =
            |(&(modality, track), lane): (&(Modality, Track), &Lane)| match filter.verdict(modality, track) {
                Verdict::None => 0,
                Verdict::All => lane.len(),
                Verdict::Some => lane.count(|item| filter.holds(item, modality, track)),
            };
        self.lanes.iter().map(of_lane).sum()
    }

    fn len(&self) -> usize {
        self.lanes.values().map(Lane::len).sum()
    }
}

/// The best rows of `lane`, on all cores.
fn scan(lane: &Lane, query: &Embedding, passes: impl Fn(ItemKey) -> bool + Sync, limit: usize) -> Nearest {
    lane.chunks(CHUNK)
        .into_par_iter()
        .fold(
            || Nearest::new(limit),
            |mut nearest, range| {
                lane.scan(query, range, &passes, &mut nearest);
                nearest
            },
        )
        .reduce(|| Nearest::new(limit), Nearest::merge)
}
