//! Copies of what is heard: stretches whose Chromaprint hashes differ in few bits.

use std::collections::{BTreeSet, HashMap};

use rayon::prelude::*;
use sensorium_store::{Catalog, ItemKey};
use sensorium_types::{Span, Track};

use super::Link;
use super::print::{EARS, HASH_SECONDS, hashes};
use crate::Result;

/// Of so many hashes of a sound one is looked up in those of others.
const SPARSE: usize = 4;

/// A hash that is found more often tells nothing, as that of silence.
const COMMON: usize = 256;

/// Hashes that two sounds must share at one offset before their bits are compared.
const VOTES: u32 = 2;

/// Offsets of two sounds that are tried, the ones with most votes.
const OFFSETS: usize = 3;

/// Bits in which the 32-bit hashes of a copy differ at most, on the mean over a window: see `tools/README.md`.
const BITS: f64 = 2.5;

/// Hashes of a window, about a second.
const WINDOW: usize = 32;

/// The least window, where one of the sounds is shorter.
const LEAST: usize = 16;

/// A copied stretch is at least this part of the shorter sound, or so many hashes long: about five seconds.
const SHARE: f64 = 0.6;
const LONG: usize = 160;

/// Different hashes that a stretch has at least: a hum and silence are no copies of each other.
const DISTINCT: usize = 12;

struct Sound {
    item: ItemKey,
    hashes: Vec<u32>,
}

/// Where a hash is: the number of its sound, and its place in it.
type Posting = (u32, u32, u32);

pub(super) fn links(catalog: &dyn Catalog) -> Result<Vec<Link>> {
    let mut sounds: Vec<Sound> = Vec::new();
    catalog.fingerprints(Track::Audio, EARS, &mut |item, bytes| {
        let hashes = hashes(bytes);
        sounds.push(Sound { item, hashes });
        Ok(())
    })?;
    let mut postings: Vec<Posting> = Vec::new();
    for (number, sound) in sounds.iter().enumerate() {
        let sparse = sound.hashes.iter().enumerate().step_by(SPARSE);
        postings.extend(sparse.map(|(place, hash)| (*hash, number as u32, place as u32)));
    }
    postings.par_sort_unstable();
    let links = (0..sounds.len()).into_par_iter().flat_map_iter(|number| {
        candidates(&sounds[number].hashes, number as u32, &postings)
            .into_iter()
            .filter_map(|(other, offsets)| link(&sounds[number], &sounds[other as usize], &offsets))
            .collect::<Vec<_>>()
    });
    Ok(links.collect())
}

/// The sounds behind number `number` that share hashes with it, each with the offsets at which most are shared: what must be
/// added to a place in this sound.
fn candidates(hashes: &[u32], number: u32, postings: &[Posting]) -> HashMap<u32, Vec<i64>> {
    let mut votes: HashMap<(u32, i64), u32> = HashMap::new();
    for (place, &hash) in hashes.iter().enumerate() {
        let first = postings.partition_point(|posting| posting.0 < hash);
        let same = &postings[first..];
        if same.get(COMMON).is_some_and(|posting| posting.0 == hash) {
            continue;
        }
        let same = same.iter().take_while(|posting| posting.0 == hash);
        for &(_, other, there) in same.filter(|posting| posting.1 > number) {
            *votes.entry((other, i64::from(there) - place as i64)).or_default() += 1;
        }
    }
    let mut by_sound: HashMap<u32, Vec<(u32, i64)>> = HashMap::new();
    for ((other, offset), count) in votes {
        if count >= VOTES {
            by_sound.entry(other).or_default().push((count, offset));
        }
    }
    let best = |mut offsets: Vec<(u32, i64)>| {
        offsets.sort_unstable_by_key(|(count, offset)| (std::cmp::Reverse(*count), *offset));
        offsets
            .into_iter()
            .take(OFFSETS)
            .map(|(_, offset)| offset)
            .collect()
    };
    by_sound
        .into_iter()
        .map(|(other, offsets)| (other, best(offsets)))
        .collect()
}

/// A stretch of two sounds: where it begins in each, how long it is, and in how many bits its hashes differ on the mean.
#[derive(Debug, Clone, Copy, PartialEq)]
struct Stretch {
    starts: [usize; 2],
    length: usize,
    bits: f64,
}

fn link(a: &Sound, b: &Sound, offsets: &[i64]) -> Option<Link> {
    let near = offsets
        .iter()
        .flat_map(|offset| offset - 1..=offset + 1)
        .collect::<BTreeSet<_>>();
    let found = near
        .into_iter()
        .filter_map(|offset| stretch(&a.hashes, &b.hashes, offset));
    let best = found.max_by(|x, y| {
        // Longer, or as long and more alike.
        let worth = |stretch: &Stretch| stretch.length as f64 * (BITS - stretch.bits).max(0.01);
        worth(x).total_cmp(&worth(y))
    })?;
    let span = |start: usize| Span {
        start: start as f64 * HASH_SECONDS,
        end: (start + best.length) as f64 * HASH_SECONDS + REACH,
    };
    Some(Link {
        items: [a.item, b.item],
        track: Track::Audio,
        similarity: (1.0 - best.bits / 16.0) as f32,
        spans: best.starts.map(|start| Some(span(start))),
    })
}

/// How far a hash hears, in seconds: a frame, and as many more as Chromaprint's filters are wide.
const REACH: f64 = 4096.0 / 11_025.0 + 19.0 * HASH_SECONDS;

/// The longest stretch in which each window differs in few bits, with place `p` of `a` at `p + offset` of `b`.
fn stretch(a: &[u32], b: &[u32], offset: i64) -> Option<Stretch> {
    let shift = |offset: i64| usize::try_from(offset.max(0)).ok();
    let (first, second) = (shift(-offset)?, shift(offset)?);
    let (rest, other) = (a.get(first..)?, b.get(second..)?);
    let bits: Vec<u32> = rest
        .iter()
        .zip(other)
        .map(|(x, y)| (x ^ y).count_ones())
        .collect();
    let shorter = a.len().min(b.len());
    let window = WINDOW.min(shorter);
    if window < LEAST || bits.len() < window {
        return None;
    }
    let most = (BITS * window as f64) as u32;
    let mut sum: u32 = bits[..window].iter().sum();
    let mut alike = vec![sum <= most];
    for (old, new) in bits.iter().zip(&bits[window..]) {
        sum = sum + new - old;
        alike.push(sum <= most);
    }
    let (mut start, mut best) = (0, (0, 0));
    for run in alike.chunk_by(|x, y| x == y) {
        if run[0] && run.len() > best.1 {
            best = (start, run.len());
        }
        start += run.len();
    }
    if best.1 == 0 {
        return None;
    }
    let (start, length) = (best.0, best.1 + window - 1);
    let distinct: BTreeSet<u32> = rest[start..start + length].iter().copied().collect();
    let long = length >= LONG || length as f64 >= SHARE * shorter as f64;
    let total: u32 = bits[start..start + length].iter().sum();
    (long && distinct.len() >= DISTINCT).then(|| Stretch {
        starts: [first + start, second + start],
        length,
        bits: f64::from(total) / length as f64,
    })
}
