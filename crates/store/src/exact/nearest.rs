use std::cmp::{Ordering, Reverse};
use std::collections::BinaryHeap;

use crate::Neighbour;

/// The best neighbours so far, at most a given number, of different items.
#[derive(Debug)]
pub(super) struct Nearest {
    limit: usize,
    /// The worst is on top.
    heap: BinaryHeap<Reverse<Ranked>>,
}

/// Greater is better: more similar, then the smaller key.
#[derive(Debug, Clone, Copy)]
struct Ranked(Neighbour);

impl Ord for Ranked {
    fn cmp(&self, other: &Self) -> Ordering {
        let key = |ranked: &Self| (Reverse(ranked.0.item), Reverse(ranked.0.segment));
        self.0
            .similarity
            .total_cmp(&other.0.similarity)
            .then_with(|| key(self).cmp(&key(other)))
    }
}

impl PartialOrd for Ranked {
    fn partial_cmp(&self, other: &Self) -> Option<Ordering> {
        Some(self.cmp(other))
    }
}

impl PartialEq for Ranked {
    fn eq(&self, other: &Self) -> bool {
        self.cmp(other).is_eq()
    }
}

impl Eq for Ranked {}

impl Nearest {
    pub(super) fn new(limit: usize) -> Self {
        Self {
            limit,
            heap: BinaryHeap::new(),
        }
    }

    /// Takes `neighbour`, of an item that was not offered before, when it is among the best.
    pub(super) fn offer(&mut self, neighbour: Neighbour) {
        let ranked = Ranked(neighbour);
        if self.heap.len() < self.limit {
            self.heap.push(Reverse(ranked));
        } else if let Some(mut worst) = self.heap.peek_mut()
            && ranked > worst.0
        {
            *worst = Reverse(ranked);
        }
    }

    /// The best of both, which have no item in common.
    pub(super) fn merge(mut self, other: Self) -> Self {
        for Reverse(Ranked(neighbour)) in other.heap {
            self.offer(neighbour);
        }
        self
    }

    pub(super) fn into_neighbours(self) -> impl Iterator<Item = Neighbour> {
        self.heap.into_iter().map(|Reverse(Ranked(neighbour))| neighbour)
    }
}

/// The best `limit` of `neighbours`, the best first, each item once with its best segment.
pub(crate) fn best_of(neighbours: impl Iterator<Item = Neighbour>, limit: usize) -> Vec<Neighbour> {
    let mut ranked: Vec<_> = neighbours.map(Ranked).collect();
    ranked.sort_unstable_by(|a, b| b.cmp(a));
    let mut seen = std::collections::HashSet::new();
    let distinct = ranked.into_iter().filter(|ranked| seen.insert(ranked.0.item));
    distinct.take(limit).map(|ranked| ranked.0).collect()
}
