//! Links to groups.

use std::collections::{BTreeMap, BTreeSet};

use sensorium_store::{Catalog, ItemKey};

use super::{Copied, CopyOf, Group, Link, copied};
use crate::Result;

/// Items looked up at once.
const BATCH: usize = 512;

/// The groups that `links` make. Each begins with its largest item; each further one is told with its strongest link to those
/// before it. The largest groups come first.
pub(super) fn groups(catalog: &dyn Catalog, links: Vec<Link>) -> Result<Vec<Group>> {
    let keys: BTreeSet<ItemKey> = links.iter().flat_map(|link| link.items).collect();
    let keys: Vec<ItemKey> = keys.into_iter().collect();
    let mut items = BTreeMap::new();
    for batch in keys.chunks(BATCH) {
        items.extend(copied(catalog, batch)?);
    }
    let mut of_item: BTreeMap<ItemKey, Vec<&Link>> = BTreeMap::new();
    for link in &links {
        if link.items.iter().all(|item| items.contains_key(item)) {
            link.items
                .iter()
                .for_each(|item| of_item.entry(*item).or_default().push(link));
        }
    }
    let mut largest: Vec<ItemKey> = of_item.keys().copied().collect();
    largest.sort_by_key(|item| (std::cmp::Reverse(items[item].bytes), *item));
    let mut settled = BTreeSet::new();
    let mut groups = Vec::new();
    for first in largest {
        if settled.insert(first) {
            groups.push(group(first, &items, &of_item, &mut settled));
        }
    }
    groups.sort_by_key(|group| std::cmp::Reverse(group.others.len()));
    Ok(groups)
}

/// All that hangs together with `first`, by a maximal spanning tree (Prim 1957).
fn group(
    first: ItemKey,
    items: &BTreeMap<ItemKey, Copied>,
    of_item: &BTreeMap<ItemKey, Vec<&Link>>,
    settled: &mut BTreeSet<ItemKey>,
) -> Group {
    let mut others = Vec::new();
    let mut open: Vec<&Link> = of_item[&first].clone();
    loop {
        open.retain(|link| link.items.iter().any(|item| !settled.contains(item)));
        let strongest = open.iter().max_by(|a, b| a.similarity.total_cmp(&b.similarity));
        let Some(link) = strongest.copied() else {
            return Group {
                largest: items[&first].clone(),
                others,
            };
        };
        let here = usize::from(settled.contains(&link.items[0]));
        let (item, there) = (link.items[here], link.items[1 - here]);
        settled.insert(item);
        open.extend(&of_item[&item]);
        let (stretch, span) = (link.spans[here], link.spans[1 - here]);
        others.push(CopyOf {
            copy: items[&item].clone(),
            of: items[&there].item,
            track: link.track,
            similarity: link.similarity,
            stretch,
            there: span,
            offset: stretch.zip(span).map(|(here, there)| there.start - here.start),
        });
    }
}
