use std::collections::BTreeSet;
use std::sync::Arc;

use sensorium_types::{Modality, Track};

use crate::ItemKey;

/// Which vectors a search is about: a small tree that every engine can translate.
///
/// Conditions on paths, times and user fields are answered by the [`Catalog`](crate::Catalog), which knows
/// them, as a set of items.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Filter {
    /// All of them.
    All,
    /// Those of items of this modality.
    Modality(Modality),
    /// Those of segments on this track.
    Track(Track),
    /// Those of these items, which may be many, and a filter is handed around.
    Items(Arc<BTreeSet<ItemKey>>),
    /// Those that the inner filter leaves out.
    Not(Box<Filter>),
    /// Those that every one lets through; all when there is none.
    And(Vec<Filter>),
    /// Those that any one lets through; none when there is none.
    Or(Vec<Filter>),
}

/// What a filter says of all vectors of one modality and track.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Verdict {
    /// They pass.
    All,
    /// None passes.
    None,
    /// It depends on the item: ask [`Filter::holds`].
    Some,
}

impl Filter {
    /// Segments on `track` of items of `modality`.
    pub fn lane(modality: Modality, track: Track) -> Self {
        Self::And(vec![Self::Modality(modality), Self::Track(track)])
    }

    /// Vectors of `items`.
    pub fn items(items: impl IntoIterator<Item = ItemKey>) -> Self {
        Self::Items(Arc::new(items.into_iter().collect()))
    }

    /// Whether a vector passes.
    pub fn holds(&self, item: ItemKey, modality: Modality, track: Track) -> bool {
        match self {
            Self::All => true,
            Self::Modality(wanted) => *wanted == modality,
            Self::Track(wanted) => *wanted == track,
            Self::Items(items) => items.contains(&item),
            Self::Not(inner) => !inner.holds(item, modality, track),
            Self::And(inner) => inner.iter().all(|filter| filter.holds(item, modality, track)),
            Self::Or(inner) => inner.iter().any(|filter| filter.holds(item, modality, track)),
        }
    }

    /// Items among which all are that may pass; `None` when any may.
    pub fn among(&self) -> Option<&BTreeSet<ItemKey>> {
        match self {
            Self::Items(items) => Some(items),
            Self::And(inner) => inner
                .iter()
                .filter_map(Self::among)
                .min_by_key(|items| items.len()),
            Self::All | Self::Modality(_) | Self::Track(_) | Self::Not(_) | Self::Or(_) => None,
        }
    }

    /// What can be said without looking at items, so that whole parts of an index are skipped or scanned
    /// without further questions.
    pub fn verdict(&self, modality: Modality, track: Track) -> Verdict {
        let known = |holds| if holds { Verdict::All } else { Verdict::None };
        match self {
            Self::All => Verdict::All,
            Self::Modality(wanted) => known(*wanted == modality),
            Self::Track(wanted) => known(*wanted == track),
            Self::Items(items) if items.is_empty() => Verdict::None,
            Self::Items(_) => Verdict::Some,
            Self::Not(inner) => match inner.verdict(modality, track) {
                Verdict::All => Verdict::None,
                Verdict::None => Verdict::All,
                Verdict::Some => Verdict::Some,
            },
            Self::And(inner) => combine(inner, modality, track, Verdict::None, Verdict::All),
            Self::Or(inner) => combine(inner, modality, track, Verdict::All, Verdict::None),
        }
    }
}

/// `decisive` as soon as one filter says so, `neutral` when all say the opposite.
fn combine(
    inner: &[Filter],
    modality: Modality,
    track: Track,
    decisive: Verdict,
    neutral: Verdict,
) -> Verdict {
    let mut together = neutral;
    for filter in inner {
        match filter.verdict(modality, track) {
            verdict if verdict == decisive => return decisive,
            Verdict::Some => together = Verdict::Some,
            _ => {}
        }
    }
    together
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_passes_is_among_the_fewest_items_that_all_have_to_be_of() {
        let items = |keys: &[u64]| Filter::items(keys.iter().copied().map(ItemKey));
        let inner = Filter::And(vec![
            items(&[1, 2, 3]),
            Filter::lane(Modality::Text, Track::Text),
            items(&[2]),
        ]);
        let filter = Filter::And(vec![items(&[2, 3]), inner]);
        assert_eq!(filter.among(), Some(&BTreeSet::from([ItemKey(2)])));
        assert_eq!(Filter::Or(vec![items(&[1]), Filter::All]).among(), None);
        assert_eq!(Filter::Not(Box::new(items(&[1]))).among(), None);
    }

    #[test]
    fn a_verdict_agrees_with_every_item() {
        let items = |keys: &[u64]| Filter::items(keys.iter().copied().map(ItemKey));
        let filters = [
            Filter::lane(Modality::Video, Track::Audio),
            Filter::Not(Box::new(Filter::Track(Track::Audio))),
            Filter::And(vec![]),
            Filter::Or(vec![]),
            items(&[]),
            Filter::And(vec![Filter::Modality(Modality::Video), items(&[1])]),
            Filter::Or(vec![Filter::Track(Track::Visual), items(&[2])]),
            Filter::Not(Box::new(items(&[]))),
        ];
        for filter in filters {
            for modality in Modality::ALL {
                for track in Track::ALL {
                    let held = [1, 2].map(|key| filter.holds(ItemKey(key), modality, track));
                    match filter.verdict(modality, track) {
                        Verdict::All => assert_eq!(held, [true; 2], "{filter:?}"),
                        Verdict::None => assert_eq!(held, [false; 2], "{filter:?}"),
                        Verdict::Some => {}
                    }
                }
            }
        }
    }
}
