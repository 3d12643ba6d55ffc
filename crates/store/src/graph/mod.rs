//! An index that finds nearly all of the nearest without looking at all: large lanes have a graph of neighbours, which is kept in files.

mod kept;
mod lane;

use std::collections::{BTreeMap, BTreeSet, HashSet};
use std::path::{Path, PathBuf};

use half::f16;
use sensorium_types::{Embedding, ItemId, Modality, Track};
use serde::{Deserialize, Serialize};

use self::kept::{LaneFiles, List, Piece, read_keys, read_rows, write_keys, write_rows};
use self::lane::GraphLane;
use crate::exact::{ExactIndex, Lane, best_of};
use crate::files::NEAR;
use crate::{Catalog, Change, Error, Filter, ItemKey, Neighbour, Result, SegmentKey, VectorIndex, Verdict};

/// Vectors of a lane from which on a graph answers sooner than a comparison with all; measured, see `benches`.
pub const LARGE: usize = 50_000;

/// One in so many vectors may be new or gone before a graph is brought up to date on disk.
const STALE: usize = 10;

/// Where one in so many rows of a graph's files counts no more, the lane is made anew without them.
const DEAD: usize = 3;

/// Items by which a catalogue is recognised.
const WITNESSES: usize = 64;

/// A [`VectorIndex`] for many vectors: what was kept on disk, and what changed since. Lanes below a size are compared
/// with all their vectors, so that their answers are exact; of others, nearly all of the nearest are found. Where few vectors pass a
/// filter, these are compared one by one.
pub struct GraphIndex {
    /// What is on disk.
    list: Option<List>,
    /// The lanes that have a graph there.
    graphs: BTreeMap<(Modality, Track), GraphLane>,
    /// Items whose vectors in graphs count no more, or never did.
    gone: HashSet<ItemKey>,
    /// Vectors in graphs that count.
    live: usize,
    /// Small lanes, and what is newer than the graphs.
    recent: ExactIndex,
    sequence: u64,
    /// From how many vectors on a lane gets a graph.
    large: usize,
}

/// Items by which a catalogue is recognised, with their keys.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub struct Witnesses(Vec<(u64, ItemId)>);

/// How far the making of graphs is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Adding {
    /// So many more vectors were added to graphs.
    pub added: usize,
    /// All that are to be added.
    pub of: usize,
}

/// How closely files are looked at.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Look {
    /// Whether they are there, and as long as they were.
    Lengths,
    /// Whether what is in them is what was written; vectors of large lanes excepted.
    Contents,
}

impl GraphIndex {
    /// An index without vectors, in which lanes of at least `large` vectors get a graph when it is kept.
    pub fn new(large: usize) -> Self {
        Self {
            list: None,
            graphs: BTreeMap::new(),
            gone: HashSet::new(),
            live: 0,
            recent: ExactIndex::new(),
            sequence: 0,
            large: large.max(1),
        }
    }

    /// What is kept beside `catalog` in the index `folder`, as far as it is whole, of `space` and of this catalogue; else an
    /// index without vectors, as [`new`](Self::new). [`catch_up`](crate::catch_up) brings it up to date.
    pub fn open(folder: &Path, catalog: &dyn Catalog, space: &str, large: usize) -> Self {
        let mut index = Self::new(large);
        let list = match List::read(folder) {
            Ok(Some(list)) if list.space == space => list,
            Ok(_) => return index,
            Err(error) => return index.left(&error.to_string()),
        };
        match index.load(folder, list, catalog) {
            Ok(()) => index,
            Err(error) => Self::new(large).left(&error),
        }
    }

    fn left(self, error: &str) -> Self {
        tracing::warn!(
            error,
            "what was kept of nearest neighbours cannot be used; `sensorium index` makes it again"
        );
        self
    }

    fn load(&mut self, folder: &Path, list: List, catalog: &dyn Catalog) -> std::result::Result<(), String> {
        if let Some(damage) = list.danger(folder, Look::Contents) {
            return Err(damage);
        }
        if !list.is_of(catalog).map_err(|error| error.to_string())? {
            return Err("it is of another catalogue".to_owned());
        }
        let mut small = Vec::new();
        for lane in &list.lanes {
            let io = |error: std::io::Error| error.to_string();
            let keys = read_keys(&lane.keys.path(folder)).map_err(io)?;
            let (modality, track) = (lane.modality, lane.track);
            let rows = lane.rows.path(folder);
            if let Some(graph) = &lane.graph {
                let graph = GraphLane::open(&graph.path(folder), &rows, lane.dimension, lane.reach, keys)?;
                self.live += graph.len();
                self.graphs.insert((modality, track), graph);
                continue;
            }
            let rows = read_rows(&rows, lane.dimension).map_err(io)?;
            small.extend(vectors(keys.into_iter().zip(rows), modality, track));
        }
        self.sequence = list.sequence;
        self.recent
            .apply(small, list.sequence)
            .map_err(|error| error.to_string())?;
        self.list = Some(list);
        Ok(())
    }

    /// Whether it may be worth while to open what is kept in the index `folder`, and to see whether it [is stale](Self::is_stale):
    /// a guess without reading vectors. What is damaged, as far as `look` goes, counts as not there.
    ///
    /// # Errors
    /// When the store cannot be read.
    pub fn may_be_stale(
        folder: &Path,
        catalog: &dyn Catalog,
        space: &str,
        large: usize,
        look: Look,
    ) -> Result<bool> {
        let list = List::read(folder).ok().flatten();
        let since = match list.filter(|list| list.space == space) {
            Some(list) if list.danger(folder, look).is_none() && list.is_of(catalog)? => list.sequence,
            _ => 0,
        };
        // Counting is a pass over the index, and mostly nothing has changed.
        if catalog.sequence()? == since {
            return Ok(false);
        }
        let summary = catalog.summary()?;
        let segments: u64 = summary.segments.iter().map(|(_, count)| count).sum();
        // Each item that changes is a change at least.
        let are_many = since > summary.sequence || (summary.sequence - since) * STALE as u64 > segments;
        Ok(segments >= large as u64 && are_many)
    }

    /// What is wrong with what is kept in the index `folder`, in words.
    pub fn damage(folder: &Path) -> Option<String> {
        match List::read(folder) {
            Ok(list) => list?.damage(folder),
            Err(error) => Some(format!("{}: {error}", folder.join(NEAR).display())),
        }
    }

    /// Whether something newer is kept in the index `folder` than what this was opened from.
    pub fn is_outdated(&self, folder: &Path) -> bool {
        let own = self.list.as_ref().map_or(0, |list| list.sequence);
        self.is_stale() && matches!(List::read(folder), Ok(Some(list)) if list.sequence > own)
    }

    /// Whether so much is large without a graph, or was changed, that it should be kept anew.
    pub fn is_stale(&self) -> bool {
        let newer = self.large_lanes().map(|(_, _, lane)| lane.len());
        let kept: usize = self.graphs.values().map(GraphLane::len).sum();
        let changed = newer.sum::<usize>() + kept - self.live;
        changed > 0 && STALE * changed > kept
    }

    /// What is recent of lanes that have a graph, or are to have one.
    fn large_lanes(&self) -> impl Iterator<Item = (Modality, Track, &Lane)> {
        let lanes = self.recent.lanes();
        lanes.filter(|(modality, track, lane)| {
            self.graphs.contains_key(&(*modality, *track)) || lane.len() >= self.large
        })
    }

    /// Brings the graphs up to date, and keeps all in the index `folder`, of vectors of `space` in the catalogue of `witnesses`.
    /// Graphs with many rows that count no more are made anew. `progress` is told how far it is, and says whether to go on.
    /// Returns whether all was done. The vectors are let go of as soon as they are written, since a graph needs much memory itself;
    /// to search what is kept, [`open`](Self::open) it.
    ///
    /// # Errors
    /// [`Error::Near`]; what was kept before stays.
    pub fn keep(
        mut self,
        folder: &Path,
        space: &str,
        witnesses: Witnesses,
        progress: &(dyn Fn(Adding) -> bool + Sync),
    ) -> Result<bool> {
        let kept = self
            .dissolve(folder)
            .and_then(|()| self.write(folder, space, witnesses, progress));
        kept.map_err(|detail| Error::Near {
            path: folder.join(NEAR),
            detail,
        })
    }

    /// Makes recent vectors again of what counts in graphs of whose rows many do not: in a graph they keep their place.
    fn dissolve(&mut self, folder: &Path) -> std::result::Result<(), String> {
        let is_dead = |lane: &GraphLane| DEAD * (lane.rows() - self.count_live(lane)) >= lane.rows();
        let dead: Vec<_> = (self.graphs.iter())
            .filter(|(_, lane)| is_dead(lane))
            .map(|(lane, _)| *lane)
            .collect();
        for (modality, track) in dead {
            let (Some(kept), Some(lane)) = (
                self.kept(modality, track).cloned(),
                self.graphs.remove(&(modality, track)),
            ) else {
                continue;
            };
            let rows =
                read_rows(&kept.rows.path(folder), kept.dimension).map_err(|error| error.to_string())?;
            let live = lane
                .keys()
                .zip(rows)
                .filter(|((item, _), _)| lane::is_there(*item) && !self.gone.contains(item));
            let vectors = vectors(live, modality, track).collect();
            self.recent
                .apply(vectors, self.sequence)
                .map_err(|error| error.to_string())?;
            self.list.iter_mut().for_each(|list| {
                list.lanes
                    .retain(|lane| (lane.modality, lane.track) != (modality, track));
            });
        }
        self.live = self.graphs.values().map(|lane| self.count_live(lane)).sum();
        Ok(())
    }

    fn write(
        mut self,
        folder: &Path,
        space: &str,
        witnesses: Witnesses,
        progress: &(dyn Fn(Adding) -> bool + Sync),
    ) -> std::result::Result<bool, String> {
        let io = |error: std::io::Error| error.to_string();
        std::fs::create_dir_all(folder.join(NEAR)).map_err(io)?;
        let of = self.large_lanes().map(|(_, _, lane)| lane.len()).sum();
        let added = |added| progress(Adding { added, of });
        let mut lanes = Vec::new();
        let known: BTreeSet<_> = (self.graphs.keys().copied())
            .chain(self.recent.lanes().map(|(modality, track, _)| (modality, track)))
            .collect();
        for (modality, track) in known {
            let recent = self.recent.take(modality, track);
            let graph = self.graphs.get(&(modality, track));
            let is_unchanged = |lane: &GraphLane| recent.len() == 0 && self.count_live(lane) == lane.len();
            if let Some(kept) = self.kept(modality, track)
                && graph.is_some_and(is_unchanged)
            {
                lanes.push(kept.clone());
                continue;
            }
            let path = |name: &str| folder.join(NEAR).join(name);
            let [keys, rows, graph] = unused(&path, &format!("{}-{modality}-{track}", self.sequence));
            let kept = self.kept(modality, track);
            let before = kept.map(|kept| kept.rows.path(folder));
            let dimension = kept.map_or(recent.dimension(), |kept| kept.dimension);
            let reach = kept.map_or_else(|| recent.longest(), |kept| kept.reach);
            let vectors = recent.rows().map(|(_, _, vector)| vector);
            write_rows(&path(&rows), before.as_deref(), vectors).map_err(io)?;
            let new = recent.into_keys();
            let graph = match kept.is_some() || new.len() >= self.large {
                false => {
                    write_keys(&path(&keys), new.into_iter()).map_err(io)?;
                    None
                }
                true => {
                    let mut lane = self.renewed(folder, kept, dimension, reach)?;
                    if !lane.add(new, &path(&rows), &added)? {
                        return Ok(false);
                    }
                    lane.save(&path(&graph))?;
                    write_keys(&path(&keys), lane.keys()).map_err(io)?;
                    Some(Piece::seal(folder, graph).map_err(io)?)
                }
            };
            lanes.push(LaneFiles {
                modality,
                track,
                dimension,
                reach,
                keys: Piece::seal(folder, keys).map_err(io)?,
                rows: Piece::seal(folder, rows).map_err(io)?,
                graph,
            });
        }
        let list = List::new(space, self.sequence, witnesses, lanes);
        list.write(folder).map_err(io)?;
        Ok(true)
    }

    /// How many vectors of `lane` count.
    fn count_live(&self, lane: &GraphLane) -> usize {
        match self.gone.is_empty() {
            true => lane.len(),
            false => lane.count(|item| !self.gone.contains(&item)),
        }
    }

    /// What is on disk of a lane that has a graph there.
    fn kept(&self, modality: Modality, track: Track) -> Option<&LaneFiles> {
        let mut lanes = self.list.iter().flat_map(|list| &list.lanes);
        lanes.find(|lane| (lane.modality, lane.track) == (modality, track) && lane.graph.is_some())
    }

    /// The graph that is `kept` of a lane, without what is gone, or a new one.
    fn renewed(
        &self,
        folder: &Path,
        kept: Option<&LaneFiles>,
        dimension: usize,
        reach: f32,
    ) -> std::result::Result<GraphLane, String> {
        let mut lane = match kept.and_then(|kept| Some((kept, kept.graph.as_ref()?))) {
            Some((kept, graph)) => {
                let keys = read_keys(&kept.keys.path(folder)).map_err(|error| error.to_string())?;
                GraphLane::load(&graph.path(folder), dimension, reach, keys)?
            }
            None => GraphLane::new(dimension, reach)?,
        };
        lane.remove(&self.gone)?;
        Ok(lane)
    }

    /// Some items of all lanes, by which `catalog` is recognised.
    ///
    /// # Errors
    /// When the store cannot be read.
    pub fn witnesses(&self, catalog: &dyn Catalog) -> Result<Witnesses> {
        let recent = self.recent.lanes().flat_map(|(_, _, lane)| {
            let step = lane.len() / WITNESSES + 1;
            lane.rows().map(|(item, _, _)| item).step_by(step)
        });
        let kept = self.graphs.values().flat_map(|lane| {
            let step = lane.len() / WITNESSES + 1;
            lane.items().step_by(step)
        });
        let keys: BTreeSet<_> = recent.chain(kept).collect();
        let items = catalog.items(&keys.into_iter().collect::<Vec<_>>())?.into_iter();
        Ok(Witnesses(items.map(|item| (item.key.0, item.id)).collect()))
    }
}

/// Rows of files as vectors that are new.
fn vectors(
    rows: impl Iterator<Item = ((ItemKey, SegmentKey), Vec<f16>)>,
    modality: Modality,
    track: Track,
) -> impl Iterator<Item = Change> {
    rows.map(move |((item, segment), vector)| Change::Vector {
        item,
        segment,
        modality,
        track,
        vector,
    })
}

/// Names for the keys, the rows and the graph of a lane that no file has: who reads files never sees them change.
fn unused(path: &impl Fn(&str) -> PathBuf, name: &str) -> [String; 3] {
    let names = (0..).map(|number| ["keys", "rows", "graph"].map(|what| format!("{name}-{number}.{what}")));
    let mut free = names.filter(|names| !names.iter().any(|name| path(name).exists()));
    free.next().unwrap_or_default()
}

impl VectorIndex for GraphIndex {
    fn sequence(&self) -> u64 {
        self.sequence
    }

    fn apply(&mut self, changes: Vec<Change>, sequence: u64) -> Result<()> {
        let gone = self.gone.len();
        for change in &changes {
            match change {
                Change::Reset => {
                    self.list = None;
                    self.graphs.clear();
                    self.gone.clear();
                    self.live = 0;
                }
                Change::Gone(item) if !self.graphs.is_empty() => drop(self.gone.insert(*item)),
                Change::Gone(_) | Change::Vector { .. } => {}
            }
        }
        // Counting is a pass over all items.
        if self.gone.len() != gone {
            self.live = self.graphs.values().map(|lane| self.count_live(lane)).sum();
        }
        self.recent.apply(changes, sequence)?;
        self.sequence = sequence;
        Ok(())
    }

    fn nearest(&self, query: &Embedding, filter: &Filter, limit: usize) -> Result<Vec<Neighbour>> {
        let mut found = self.recent.nearest(query, filter, limit)?;
        for (&(modality, track), lane) in &self.graphs {
            let passes = |item| !self.gone.contains(&item) && filter.holds(item, modality, track);
            let passes: Option<&(dyn Fn(ItemKey) -> bool + Sync)> = match filter.verdict(modality, track) {
                Verdict::None => continue,
                Verdict::All if self.gone.is_empty() => None,
                Verdict::All | Verdict::Some => Some(&passes),
            };
            let few = filter.among().filter(|items| lane.is_few(items));
            let of_lane = match (few, passes) {
                (Some(items), Some(passes)) => Ok(lane.nearest_of(query, items, passes, limit)),
                (_, passes) => lane.nearest(query, passes, limit),
            };
            found.extend(of_lane.map_err(|detail| Error::Near {
                path: NEAR.into(),
                detail,
            })?);
        }
        Ok(best_of(found.into_iter(), limit))
    }

    fn count(&self, filter: &Filter) -> usize {
        let of_lane = |(&(modality, track), lane): (&(Modality, Track), &GraphLane)| {
            let passes = |item| !self.gone.contains(&item) && filter.holds(item, modality, track);
            match (filter.verdict(modality, track), filter.among()) {
                (Verdict::None, _) => 0,
                (Verdict::All, _) => self.count_live(lane),
                (Verdict::Some, Some(items)) if lane.is_few(items) => lane.count_of(items, passes),
                (Verdict::Some, _) => lane.count(passes),
            }
        };
        self.recent.count(filter) + self.graphs.iter().map(of_lane).sum::<usize>()
    }

    fn len(&self) -> usize {
        self.recent.len() + self.live
    }
}
