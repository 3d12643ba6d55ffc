//! Links to groups.

use std::cmp::Ordering;
use std::collections::{BTreeMap, BTreeSet};

use sensorium_store::{Catalog, ItemKey};

use super::{Copied, CopyOf, Group, Link, Scope, copied};
use crate::Result;

/// The groups of items asked for that `links` make. Each begins with its largest item; each further one is told with its strongest link to those
/// before it. The largest groups come first.
pub(super) fn groups(catalog: &dyn Catalog, scope: &Scope<'_>, links: Vec<Link>) -> Result<Vec<Group>> {
    let keys: BTreeSet<ItemKey> = links.iter().flat_map(|link| link.items).collect();
    let keys: Vec<ItemKey> = keys.into_iter().collect();
    let items = copied(catalog, scope, &keys)?;
    let mut of_item: BTreeMap<ItemKey, Vec<&Link>> = BTreeMap::new();
    for link in &links {
        if link.items.iter().all(|item| items.contains_key(item)) {
            link.items
                .iter()
                .for_each(|item| of_item.entry(*item).or_default().push(link));
        }
    }
    let mut largest: Vec<ItemKey> = of_item.keys().copied().collect();
    largest.sort_by(|a, b| by_extent(&items[b], &items[a]).then(a.cmp(b)));
    let mut settled = BTreeSet::new();
    let mut groups = Vec::new();
    for first in largest {
        if settled.insert(first) {
            groups.push(group(first, &items, &of_item, &mut settled));
        }
    }
    groups.retain(Group::is_asked_for);
    groups.sort_by_key(|group| std::cmp::Reverse(group.others.len()));
    Ok(groups)
}

fn by_extent(a: &Copied, b: &Copied) -> Ordering {
    let (a, b) = (a.extent(), b.extent());
    a.0.total_cmp(&b.0).then((a.1, a.2).cmp(&(b.1, b.2)))
}

impl Group {
    fn is_asked_for(&self) -> bool {
        self.largest.is_asked_for || self.others.iter().any(|other| other.copy.is_asked_for)
    }
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
