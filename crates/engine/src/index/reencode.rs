//! An index into another space, out of the features that are kept.

use std::collections::BTreeMap;

use half::f16;
use rayon::prelude::*;
use sensorium_model::{Heads, Package};
use sensorium_store::{Catalog, Generation, ItemKey, NewSegment, Write};
use sensorium_types::Track;

use super::Progress;
use crate::Result;
use crate::halves::{floats, halves};

/// Items that get new vectors in one write.
const BATCH: usize = 512;

/// Gives new vectors to those items of other spaces whose features are kept and come from the towers of `package`. The others
/// are left for their files to be read again.
///
/// Each write is whole, so that it may be stopped at any time and goes on where it was.
pub(super) fn reencode(
    catalog: &mut dyn Catalog,
    package: &Package,
    generation: &Generation,
    progress: &mut dyn FnMut(Progress),
) -> Result<()> {
    let can_be = |made: &Generation| {
        made != generation
            && made.windowing == generation.windowing
            && package.space().shares_towers(&made.space)
    };
    let counts = catalog.summary()?.generations;
    let total: u64 = counts
        .iter()
        .filter(|(made, _)| can_be(made))
        .map(|(_, count)| count)
        .sum();
    if total == 0 {
        return Ok(());
    }
    progress(Progress::Reencoding(total as usize));
    let heads = heads(package)?;
    let mut after = None;
    loop {
        let keys = catalog.stale(generation, after, BATCH)?;
        let Some(last) = keys.last() else {
            return Ok(());
        };
        after = Some(*last);
        let mut kept: Vec<(ItemKey, Vec<NewSegment>)> = Vec::new();
        for item in catalog.items(&keys)? {
            if can_be(&item.generation) {
                kept.push((item.key, catalog.encoded(item.key)?));
            }
        }
        progress(Progress::Reencoded(kept.len()));
        let made = kept.into_par_iter().filter_map(|(item, segments)| {
            let vectors = segments.iter().map(|segment| vector(&heads, segment));
            Some((item, vectors.collect::<Option<Vec<_>>>()?))
        });
        catalog.write(vec![Write::Reencode {
            generation: generation.clone(),
            items: made.collect(),
        }])?;
    }
}

fn heads(package: &Package) -> Result<BTreeMap<Track, Heads>> {
    let towers = &package.manifest().towers;
    let tracks = Track::ALL
        .into_iter()
        .filter(|track| towers.common(*track).is_some());
    let loaded = tracks.map(|track| Ok((track, Heads::load(package, track)?)));
    loaded.collect()
}

/// The vector of a segment; `None` when its features are not kept.
fn vector(heads: &BTreeMap<Track, Heads>, segment: &NewSegment) -> Option<Vec<f16>> {
    let heads = heads.get(&segment.segment.track)?;
    let features = floats(&segment.features);
    (features.len() == heads.kept()).then(|| halves(heads.embed(&features).as_slice()))
}
