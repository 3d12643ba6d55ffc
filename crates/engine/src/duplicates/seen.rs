//! Copies of what is seen: pictures and frames with almost the same vector.

use std::collections::BTreeMap;

use half::f16;
use rayon::prelude::*;
use sensorium_model::CopyPackage;
use sensorium_store::{Catalog, ItemKey};
use sensorium_types::{Span, Track, dot};

use super::Link;
use super::print::{FRAME_SECONDS, frames};
use crate::Result;
use crate::halves::floats;

/// Frames that are compared with all others by one thread at a time.
const ROWS: usize = 64;

/// Copies of one frame that are counted: stills that last would have no end of them.
const MOST: usize = 4096;

/// Deviations by which the bits of two copies may differ more than expected: less than one in a million do.
const SLACK: f32 = 5.0;

/// Seconds by which frames of copies may lie beside each other, since each is the first of its second.
const JITTER: f64 = 1.0;

/// Two videos have at least so much in common, in seconds, or all of the shorter one.
const LEAST_SECONDS: f64 = 3.0;

/// All pictures and frames, each with a sketch: the signs of its components, whose differing bits tell the angle of two vectors
/// (Charikar 2002). A comparison of two sketches costs a twentieth of one of two vectors.
struct Frames {
    dimension: usize,
    words: usize,
    items: Vec<ItemKey>,
    seconds: Vec<f32>,
    vectors: Vec<f16>,
    sketches: Vec<u64>,
}

/// Two frames of different items, by their numbers, and their cosine.
type Pair = (usize, usize, f32);

pub(super) fn links(catalog: &dyn Catalog, eyes: &CopyPackage, least: f32) -> Result<Vec<Link>> {
    let frames = Frames::read(catalog, eyes)?;
    let rows: Vec<usize> = (0..frames.items.len()).step_by(ROWS).collect();
    let pairs = rows.into_par_iter().flat_map_iter(|first| {
        let last = (first + ROWS).min(frames.items.len());
        (first..last).flat_map(|row| frames.like(row, least))
    });
    let mut by_items: BTreeMap<[ItemKey; 2], Vec<Pair>> = BTreeMap::new();
    for pair in pairs.collect::<Vec<Pair>>() {
        let items = [frames.items[pair.0], frames.items[pair.1]];
        by_items.entry(items).or_default().push(pair);
    }
    let lengths = frames.lengths();
    let links = by_items.into_iter();
    Ok(links
        .filter_map(|(items, pairs)| frames.link(items, &pairs, &lengths))
        .collect())
}

impl Frames {
    fn read(catalog: &dyn Catalog, eyes: &CopyPackage) -> Result<Self> {
        let dimension = eyes.dimension();
        let mut all = Self {
            dimension,
            words: dimension.div_ceil(64),
            items: Vec::new(),
            seconds: Vec::new(),
            vectors: Vec::new(),
            sketches: Vec::new(),
        };
        catalog.fingerprints(Track::Visual, &eyes.maker(), &mut |item, bytes| {
            frames(bytes, dimension, |seconds, vector| {
                all.items.push(item);
                all.seconds.push(seconds);
                for word in vector.chunks(64) {
                    let bits = word.iter().enumerate();
                    let word = bits.map(|(bit, x)| u64::from(x.is_sign_positive()) << bit);
                    all.sketches.push(word.sum());
                }
                all.vectors.extend(vector);
            });
            Ok(())
        })?;
        Ok(all)
    }

    fn vector(&self, row: usize) -> Vec<f32> {
        floats(&self.vectors[row * self.dimension..(row + 1) * self.dimension])
    }

    /// The frames behind `row`, of other items, whose cosine with it is at least `least`.
    fn like(&self, row: usize, least: f32) -> Vec<Pair> {
        let vector = self.vector(row);
        let bits = self.dimension as f32;
        let most = bits * least.clamp(-1.0, 1.0).acos() / std::f32::consts::PI + SLACK * bits.sqrt() / 2.0;
        let near = pulp::Arch::new().dispatch(Near {
            sketch: &self.sketches[row * self.words..(row + 1) * self.words],
            others: &self.sketches[(row + 1) * self.words..],
            most: most as u32,
        });
        let others = near.into_iter().map(|place| row + 1 + place);
        let others = others.filter(|other| self.items[*other] != self.items[row]);
        let pairs = others.map(|other| (row, other, dot(&vector, &self.vector(other))));
        pairs
            .filter(|(_, _, cosine)| *cosine >= least)
            .take(MOST)
            .collect()
    }

    /// How many frames each item has.
    fn lengths(&self) -> BTreeMap<ItemKey, usize> {
        let mut lengths = BTreeMap::new();
        for item in &self.items {
            *lengths.entry(*item).or_default() += 1;
        }
        lengths
    }

    /// What two items have in common, when it is enough. An item of one frame is a picture, or as good as one.
    fn link(&self, items: [ItemKey; 2], pairs: &[Pair], lengths: &BTreeMap<ItemKey, usize>) -> Option<Link> {
        let lengths = items.map(|item| lengths[&item]);
        let times = |pair: &Pair| [pair.0, pair.1].map(|row| f64::from(self.seconds[row]));
        let link = |similarity, spans| Link {
            items,
            track: Track::Visual,
            similarity,
            spans,
        };
        if lengths.contains(&1) {
            let best = pairs.iter().max_by(|a, b| a.2.total_cmp(&b.2))?;
            let span = |place: usize| {
                let start = times(best)[place];
                (lengths[place] > 1).then_some(Span {
                    start,
                    end: start + FRAME_SECONDS,
                })
            };
            return Some(link(best.2, [span(0), span(1)]));
        }
        let aligned = aligned(pairs, times)?;
        let [start, end] = [aligned.first()?, aligned.last()?].map(times);
        let spans = [0, 1].map(|place| Span {
            start: start[place],
            end: end[place] + FRAME_SECONDS,
        });
        let shorter = lengths[0].min(lengths[1]) as f64 * FRAME_SECONDS;
        let enough = spans
            .iter()
            .all(|span| span.seconds() >= LEAST_SECONDS.min(shorter));
        let mean = aligned.iter().map(|pair| pair.2).sum::<f32>() / aligned.len() as f32;
        enough.then(|| link(mean, spans.map(Some)))
    }
}

/// The longest run of pairs at the offset that most of them have, one for each second, in the order of time.
fn aligned(pairs: &[Pair], times: impl Fn(&Pair) -> [f64; 2]) -> Option<Vec<Pair>> {
    let offset = |pair: &Pair| {
        let [here, there] = times(pair);
        there - here
    };
    let mut counts: BTreeMap<i64, usize> = BTreeMap::new();
    for pair in pairs {
        *counts.entry(offset(pair).round() as i64).or_default() += 1;
    }
    // Of stills that last, all offsets are alike: then both begin together.
    let most = counts
        .into_iter()
        .max_by_key(|(offset, count)| (*count, -offset.abs()))?;
    let mut at: Vec<Pair> = pairs.to_vec();
    at.retain(|pair| (offset(pair) - most.0 as f64).abs() <= JITTER);
    at.sort_by(|a, b| {
        (a.0, (offset(a) - most.0 as f64).abs())
            .partial_cmp(&(b.0, (offset(b) - most.0 as f64).abs()))
            .unwrap_or(std::cmp::Ordering::Equal)
    });
    at.dedup_by_key(|pair| pair.0);
    let joined = |a: &Pair, b: &Pair| times(b)[0] - times(a)[0] <= FRAME_SECONDS + 2.0 * JITTER;
    at.chunk_by(joined)
        .max_by_key(|run| run.len())
        .map(<[Pair]>::to_vec)
}

/// The places of the sketches among `others` that differ from `sketch` in at most so many bits.
struct Near<'a> {
    sketch: &'a [u64],
    others: &'a [u64],
    most: u32,
}

impl pulp::NullaryFnOnce for Near<'_> {
    type Output = Vec<usize>;

    #[inline(always)]
    fn call(self) -> Vec<usize> {
        let others = self.others.chunks_exact(self.sketch.len()).enumerate();
        let differing = |other: &[u64]| {
            let words = self.sketch.iter().zip(other);
            words.map(|(a, b)| (a ^ b).count_ones()).sum::<u32>()
        };
        others
            .filter(|(_, other)| differing(other) <= self.most)
            .map(|(place, _)| place)
            .collect()
    }
}
