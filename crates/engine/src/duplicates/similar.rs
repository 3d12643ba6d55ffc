//! What is merely similar: neighbours in the ordinary space that are no copies.

use std::collections::BTreeSet;
use std::path::Path;
use std::sync::Arc;

use sensorium_model::Package;
use sensorium_store::{Catalog, ItemKey};
use sensorium_types::Modality;

use super::{DuplicateOptions, DuplicateProgress, Link, Scope, Similar, copied};
use crate::{Part, Query, Result, Searcher};

/// The least score of two similar items.
const LEAST: f64 = 0.95;

/// Neighbours of an item that are looked at.
const NEIGHBOURS: usize = 5;

/// Items listed at once.
const BATCH: usize = 256;

pub(super) fn pairs(
    folder: &Path,
    package: &Arc<Package>,
    catalog: &dyn Catalog,
    options: &DuplicateOptions,
    scope: &Scope<'_>,
    links: &[Link],
    progress: &mut dyn FnMut(DuplicateProgress),
) -> Result<Vec<Similar>> {
    let mut told: BTreeSet<[ItemKey; 2]> = links.iter().map(|link| ordered(link.items)).collect();
    let mut searcher = Searcher::open(folder, package, options.limits.clone(), options.threads)?;
    let space = package.space().to_string();
    let mut counts = catalog.summary()?.items;
    counts.retain(|(modality, _)| scope.modalities.contains(modality));
    progress(DuplicateProgress::Asking(
        counts.iter().map(|(_, count)| *count as usize).sum(),
    ));
    let mut pairs = Vec::new();
    let mut before = None;
    loop {
        let keys = catalog.list(scope.modalities, before, BATCH)?;
        let Some(last) = keys.last() else { break };
        before = Some(*last);
        for item in catalog.items(&keys)? {
            progress(DuplicateProgress::Done(1));
            if item.generation.space != space || !scope.has_place(&item) {
                continue;
            }
            let answer = searcher.search(neighbours(item.id.to_string(), item.modality))?;
            for hit in answer.hits.into_iter().filter(|hit| hit.score >= LEAST) {
                let Some(other) = catalog.find(&hit.item)? else {
                    continue;
                };
                if told.insert(ordered([item.key, other])) {
                    let mut both = copied(catalog, scope, &[item.key, other])?;
                    if let (Some(one), Some(other)) = (both.remove(&item.key), both.remove(&other)) {
                        let score = hit.score;
                        pairs.push(Similar { one, other, score });
                    }
                }
            }
        }
    }
    pairs.sort_by(|a, b| b.score.total_cmp(&a.score));
    Ok(pairs)
}

/// What is nearest to the item `id`, of its modality.
fn neighbours(id: String, modality: Modality) -> Query {
    Query {
        parts: vec![Part::item(id)],
        to: vec![modality],
        condition: None,
        limit: NEIGHBOURS,
        rerank: false,
        words: false,
        moments: false,
        explain: false,
    }
}

fn ordered([a, b]: [ItemKey; 2]) -> [ItemKey; 2] {
    [a.min(b), a.max(b)]
}
