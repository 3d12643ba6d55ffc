use std::collections::{BTreeSet, HashSet};
use std::fs::File;
use std::os::unix::fs::FileExt as _;
use std::path::Path;

use half::f16;
use half::slice::HalfFloatSliceExt as _;
use rayon::prelude::*;
use sensorium_types::{Embedding, dot};
use usearch::{Index, IndexOptions, MetricKind, ScalarKind};

use crate::exact::best_of;
use crate::halves::halves;
use crate::{ItemKey, Neighbour, SegmentKey};

/// Neighbours of each vector in the graph, on its upper levels; twice as many on the lowest.
const CONNECTIVITY: usize = 16;

/// Candidates while a vector is added.
const EXPANSION_ADD: usize = 128;

/// Candidates while a query is answered: at least so many, and as many more for each [`STEP`] of vectors, since the more there are the
/// easier some of the nearest are missed. Measured, see `benches/near`.
const EXPANSION_SEARCH: usize = 128;
const STEP: usize = 500_000;
const MOST_EXPANSION: usize = 512;

/// So many times as many as are wanted, and so many more, are taken from the graph and compared exactly: its vectors have 8 bits.
const CANDIDATES: (usize, usize) = (3, 20);

/// Where fewer pass a filter than one in so many, those that pass are compared one by one.
const RARE: usize = 16;

/// Rows that are looked at to guess how many pass.
const SAMPLE: usize = 512;

/// Rows that one thread looks at in a piece.
const PIECE: usize = 8192;

/// Items that one thread looks up in a piece.
const LOOKED_UP: usize = 256;

/// Vectors that one thread adds in a piece.
const ADDED: usize = 256;

/// A row that was removed.
const NO_ITEM: ItemKey = ItemKey(u64::MAX);

/// The vectors of one modality and track, in a graph whose nodes are called by their rows: a hierarchical navigable small
/// world (Malkov and Yashunin, 2018), with vectors of 8 bits. What it finds is compared anew with the vectors as they are, which
/// lie in a file.
///
/// In the graph each vector has one component more, which brings all to the same length (Bachrach et al., 2014), and of which a query
/// has nothing. The nearest by inner product are then the nearest in space, too, and 8 bits are steps of the same size in all.
pub(super) struct GraphLane {
    graph: Index,
    /// The length to which vectors are brought.
    reach: f32,
    /// The vectors as they are, one after the other, as half floats; none while the graph is made.
    rows: Option<File>,
    segments: Vec<SegmentKey>,
    items: Vec<ItemKey>,
    removed: usize,
    /// The rows in the order of their items; none while the graph is made.
    by_item: Vec<u32>,
}

/// What the graph's library says went wrong.
pub(super) type GraphResult<T> = Result<T, String>;

fn told(error: impl std::fmt::Display) -> String {
    error.to_string()
}

impl GraphLane {
    /// A graph without vectors.
    pub(super) fn new(dimension: usize, reach: f32) -> GraphResult<Self> {
        Ok(Self {
            graph: Index::new(&options(dimension + 1)).map_err(told)?,
            reach,
            rows: None,
            segments: Vec::new(),
            items: Vec::new(),
            removed: 0,
            by_item: Vec::new(),
        })
    }

    /// The graph in the file at `path`, whose rows have these keys, with the vectors in the file `rows`: to be searched. It costs
    /// no memory but what is looked at.
    pub(super) fn open(
        path: &Path,
        rows: &Path,
        dimension: usize,
        reach: f32,
        keys: Vec<(ItemKey, SegmentKey)>,
    ) -> GraphResult<Self> {
        let mut lane = Self::new(dimension, reach)?;
        lane.rows = Some(File::open(rows).map_err(told)?);
        lane.graph
            .view(path.to_str().ok_or("the path is no UTF-8")?)
            .map_err(told)?;
        let mut lane = lane.with(keys)?;
        let rows = u32::try_from(lane.rows()).map_err(told)?;
        lane.by_item = (0..rows).collect();
        let items = &lane.items;
        lane.by_item.par_sort_by_key(|row| items[*row as usize]);
        Ok(lane)
    }

    /// The same in memory, to be changed.
    pub(super) fn load(
        path: &Path,
        dimension: usize,
        reach: f32,
        keys: Vec<(ItemKey, SegmentKey)>,
    ) -> GraphResult<Self> {
        let lane = Self::new(dimension, reach)?;
        lane.graph
            .load(path.to_str().ok_or("the path is no UTF-8")?)
            .map_err(told)?;
        lane.with(keys)
    }

    fn with(mut self, keys: Vec<(ItemKey, SegmentKey)>) -> GraphResult<Self> {
        self.removed = keys.iter().filter(|(item, _)| !is_there(*item)).count();
        (self.items, self.segments) = keys.into_iter().unzip();
        self.graph.change_expansion_search(expansion(self.len()));
        match self.graph.size() == self.len() {
            true => Ok(self),
            false => Err(format!(
                "the graph has {} vectors where {} are listed",
                self.graph.size(),
                self.len()
            )),
        }
    }

    pub(super) fn save(&self, path: &Path) -> GraphResult<()> {
        let path = path.to_str().ok_or("the path is no UTF-8")?;
        self.graph.save(path).map_err(told)
    }

    /// How many vectors there are.
    pub(super) fn len(&self) -> usize {
        self.items.len() - self.removed
    }

    /// How many rows there are, those of removed ones included.
    pub(super) fn rows(&self) -> usize {
        self.items.len()
    }

    /// The item and the segment of each row, those of removed ones included.
    pub(super) fn keys(&self) -> impl Iterator<Item = (ItemKey, SegmentKey)> {
        self.items.iter().copied().zip(self.segments.iter().copied())
    }

    /// The items that have vectors, each as often as it has.
    pub(super) fn items(&self) -> impl Iterator<Item = ItemKey> {
        self.items.iter().copied().filter(|item| is_there(*item))
    }

    /// How many components each vector has.
    pub(super) fn dimension(&self) -> usize {
        self.graph.dimensions() - 1
    }

    /// `vector` with what it lacks to be as long as all others.
    fn brought_out(&self, vector: &[f32], into: &mut Vec<f32>) {
        into.clear();
        into.extend_from_slice(vector);
        let lacking = self.reach.powi(2) - dot(vector, vector);
        into.push(lacking.max(0.0).sqrt());
    }

    /// Takes all vectors of `items` out.
    pub(super) fn remove(&mut self, items: &HashSet<ItemKey>) -> GraphResult<()> {
        for row in 0..self.items.len() {
            if items.contains(&self.items[row]) {
                self.graph.remove(row as u64).map_err(told)?;
                self.items[row] = NO_ITEM;
                self.removed += 1;
            }
        }
        Ok(())
    }

    /// Adds rows with these keys, whose vectors are the next in the file `rows`, on all cores; `added` is told of each piece, and says
    /// whether to go on.
    pub(super) fn add(
        &mut self,
        keys: Vec<(ItemKey, SegmentKey)>,
        rows: &Path,
        added: &(dyn Fn(usize) -> bool + Sync),
    ) -> GraphResult<bool> {
        let first = self.items.len();
        for (item, segment) in keys {
            self.items.push(item);
            self.segments.push(segment);
        }
        self.graph
            .reserve_capacity_and_threads(self.items.len(), rayon::current_num_threads())
            .map_err(told)?;
        let file = File::open(rows).map_err(told)?;
        let pieces = (first..self.items.len()).into_par_iter().step_by(ADDED);
        pieces
            .map(|start| {
                let mut row_of = Row::new(self.dimension());
                let mut brought_out = Vec::with_capacity(self.graph.dimensions());
                let end = (start + ADDED).min(self.items.len());
                for row in start..end {
                    let vector = row_of.read(&file, row).ok_or("vectors cannot be read again")?;
                    self.brought_out(vector, &mut brought_out);
                    self.graph.add(row as u64, &brought_out).map_err(told)?;
                }
                Ok(added(end - start))
            })
            .try_reduce(|| true, |one, other| Ok(one && other))
    }

    /// How many vectors are of items that pass.
    pub(super) fn count(&self, passes: impl Fn(ItemKey) -> bool + Sync) -> usize {
        let pieces = self.items.par_chunks(PIECE);
        pieces
            .map(|items| {
                items
                    .iter()
                    .filter(|item| is_there(**item) && passes(**item))
                    .count()
            })
            .sum()
    }

    /// The same of those of `items`, which are few.
    pub(super) fn count_of(&self, items: &BTreeSet<ItemKey>, passes: impl Fn(ItemKey) -> bool) -> usize {
        let passing = items.iter().filter(|item| passes(**item));
        passing.map(|item| self.rows_of(*item).len()).sum()
    }

    /// Whether `items` are so few that they are rather looked up than looked for.
    pub(super) fn is_few(&self, items: &BTreeSet<ItemKey>) -> bool {
        items.len() * RARE < self.rows()
    }

    /// The rows of `item`.
    fn rows_of(&self, item: ItemKey) -> &[u32] {
        let start = self
            .by_item
            .partition_point(|row| self.items[*row as usize] < item);
        let rows = &self.by_item[start..];
        let end = rows
            .iter()
            .take_while(|row| self.items[**row as usize] == item)
            .count();
        &rows[..end]
    }

    /// The `limit` best items that pass, each with its best segment; nearly all of them.
    pub(super) fn nearest(
        &self,
        query: &Embedding,
        passes: Option<&(dyn Fn(ItemKey) -> bool + Sync)>,
        limit: usize,
    ) -> GraphResult<Vec<Neighbour>> {
        match passes {
            Some(passes) if self.is_rare(passes) => Ok(self.compare(query, passes, limit)),
            passes => self.walk(query, passes, limit),
        }
    }

    /// The `limit` best of `items`, which are few, that pass.
    pub(super) fn nearest_of(
        &self,
        query: &Embedding,
        items: &BTreeSet<ItemKey>,
        passes: &(dyn Fn(ItemKey) -> bool + Sync),
        limit: usize,
    ) -> Vec<Neighbour> {
        let items: Vec<_> = items.iter().filter(|item| passes(**item)).collect();
        let pieces = items.par_chunks(LOOKED_UP);
        let found = pieces.map(|items| {
            let mut row_of = Row::new(self.dimension());
            let rows = items.iter().flat_map(|item| self.rows_of(**item));
            let neighbours = rows.filter_map(|row| self.neighbour(query, *row as usize, &mut row_of));
            best_of(neighbours, limit)
        });
        found.reduce(Vec::new, |one, other| {
            best_of(one.into_iter().chain(other), limit)
        })
    }

    /// Whether few pass, as far as a sample tells.
    fn is_rare(&self, passes: &(dyn Fn(ItemKey) -> bool + Sync)) -> bool {
        let step = (self.items.len() / SAMPLE).max(1);
        let sample = self.items.iter().step_by(step);
        let (seen, passing) = sample.fold((0, 0), |(seen, passing), item| {
            (seen + 1, passing + usize::from(is_there(*item) && passes(*item)))
        });
        passing * RARE < seen
    }

    /// Walks the graph towards `query`.
    fn walk(
        &self,
        query: &Embedding,
        passes: Option<&(dyn Fn(ItemKey) -> bool + Sync)>,
        limit: usize,
    ) -> GraphResult<Vec<Neighbour>> {
        let (times, more) = CANDIDATES;
        let asked = [query.as_slice(), &[0.0]].concat();
        let mut wanted = (times * limit + more).min(self.len());
        loop {
            let found = match passes {
                None => self.graph.search(&asked, wanted),
                Some(passes) => {
                    let of_row = |row: u64| self.items.get(row as usize).is_some_and(|item| passes(*item));
                    self.graph.filtered_search(&asked, wanted, of_row)
                }
            }
            .map_err(told)?;
            let mut row_of = Row::new(self.dimension());
            let rows = found.keys.iter().map(|row| *row as usize);
            let neighbours = rows.filter_map(|row| self.neighbour(query, row, &mut row_of));
            let best = best_of(neighbours, limit);
            // Several segments of one item may have taken the places of others.
            if best.len() >= limit || found.keys.len() < wanted || wanted >= self.len() {
                return Ok(best);
            }
            wanted = (2 * wanted).min(self.len());
        }
    }

    /// Compares all that pass with `query`.
    fn compare(
        &self,
        query: &Embedding,
        passes: &(dyn Fn(ItemKey) -> bool + Sync),
        limit: usize,
    ) -> Vec<Neighbour> {
        let pieces = self.items.par_chunks(PIECE).enumerate();
        let found = pieces.map(|(piece, items)| {
            let mut row_of = Row::new(self.dimension());
            let passing = items
                .iter()
                .enumerate()
                .filter(|(_, item)| is_there(**item) && passes(**item));
            let neighbours =
                passing.filter_map(|(place, _)| self.neighbour(query, PIECE * piece + place, &mut row_of));
            best_of(neighbours, limit)
        });
        found.reduce(Vec::new, |one, other| {
            best_of(one.into_iter().chain(other), limit)
        })
    }

    /// The vector of `row`, compared with `query`; `None` when there is none. `row_of` is where it is read.
    fn neighbour(&self, query: &Embedding, row: usize, row_of: &mut Row) -> Option<Neighbour> {
        let vector = row_of.read(self.rows.as_ref()?, row)?;
        Some(Neighbour {
            item: *self.items.get(row)?,
            segment: *self.segments.get(row)?,
            similarity: dot(query.as_slice(), vector),
        })
    }
}

/// Where a row of a file is read.
struct Row {
    bytes: Vec<u8>,
    halves: Vec<f16>,
    components: Vec<f32>,
}

impl Row {
    fn new(dimension: usize) -> Self {
        Self {
            bytes: vec![0; 2 * dimension],
            halves: vec![f16::ZERO; dimension],
            components: vec![0.0; dimension],
        }
    }

    /// Row number `row` of `file`; `None` when it cannot be read.
    fn read(&mut self, file: &File, row: usize) -> Option<&[f32]> {
        let start = row * self.bytes.len();
        file.read_exact_at(&mut self.bytes, start as u64).ok()?;
        for (half, read) in self.halves.iter_mut().zip(halves(&self.bytes)) {
            *half = read;
        }
        self.halves.convert_to_f32_slice(&mut self.components);
        Some(&self.components)
    }
}

/// Whether a row with this key has a vector.
pub(super) fn is_there(item: ItemKey) -> bool {
    item != NO_ITEM
}

/// Candidates while a query of `vectors` is answered.
fn expansion(vectors: usize) -> usize {
    (EXPANSION_SEARCH * (1 + vectors / STEP)).min(MOST_EXPANSION)
}

fn options(dimension: usize) -> IndexOptions {
    IndexOptions {
        dimensions: dimension,
        metric: MetricKind::IP,
        quantization: ScalarKind::I8,
        connectivity: CONNECTIVITY,
        expansion_add: EXPANSION_ADD,
        expansion_search: EXPANSION_SEARCH,
        multi: false,
    }
}
