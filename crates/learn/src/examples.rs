//! Pairs as a trainer sees them: rows of features, and what belongs together.

use std::collections::{BTreeMap, HashMap};

use rand::SeedableRng as _;
use rand::seq::SliceRandom as _;
use rand_chacha::ChaCha8Rng;
use sensorium_eval::{Content, ContentId, Pairs};
use sensorium_types::{Modality, Track};

use crate::bank::{ContentKey, FeatureBank, Row};

/// An item of the pairs.
#[derive(Debug, Clone)]
pub(crate) struct Example {
    /// Its segments, by track.
    pub(crate) rows: BTreeMap<Track, Vec<Row>>,
    /// Items of one class are no negatives of each other: those of one label, and those that share a content.
    pub(crate) class: usize,
}

/// What the bank has of the items of `pairs`, in their order.
pub(crate) fn examples(
    pairs: &Pairs,
    bank: &FeatureBank,
    keys: &HashMap<ContentId, ContentKey>,
) -> Vec<Example> {
    let classes = classes(pairs);
    let items = pairs.items().iter().zip(classes);
    items
        .map(|(item, class)| {
            let mut rows: BTreeMap<Track, Vec<Row>> = BTreeMap::new();
            for content in Modality::ALL
                .into_iter()
                .flat_map(|modality| item.contents(modality))
            {
                let found = keys.get(content).and_then(|key| bank.rows(key));
                for row in found.unwrap_or_default() {
                    rows.entry(row.track).or_default().push(*row);
                }
            }
            Example { rows, class }
        })
        .collect()
}

/// The key of each content of `pairs`.
pub(crate) fn keys(pairs: &Pairs) -> HashMap<ContentId, ContentKey> {
    let contents = pairs.items().iter().flat_map(|item| {
        Modality::ALL
            .into_iter()
            .flat_map(|modality| item.contents(modality))
    });
    contents
        .map(|&id| {
            let key = match pairs.content(id) {
                Content::Text(text) => ContentKey::text(text),
                Content::File { modality, path } => ContentKey::file(path, *modality),
            };
            (id, key)
        })
        .collect()
}

/// For each item the number of its class.
fn classes(pairs: &Pairs) -> Vec<usize> {
    let mut groups = Groups::new(pairs.items().len());
    let mut of_label = HashMap::new();
    let mut of_content = HashMap::new();
    for (place, item) in pairs.items().iter().enumerate() {
        if let Some(label) = &item.label {
            groups.join(*of_label.entry(label).or_insert(place), place);
        }
        for &content in Modality::ALL
            .into_iter()
            .flat_map(|modality| item.contents(modality))
        {
            groups.join(*of_content.entry(content).or_insert(place), place);
        }
    }
    (0..pairs.items().len()).map(|place| groups.find(place)).collect()
}

/// The items of each part of a set of pairs, as rising positions.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub(crate) struct Split {
    pub(crate) train: Vec<usize>,
    /// For stopping early and for choosing weights.
    pub(crate) tune: Vec<usize>,
    /// For the final answer, and nothing else.
    pub(crate) held_out: Vec<usize>,
}

impl Split {
    /// Deals out the items of `pairs` by chance; those that share a file stay together. `tune` and `held_out` are shares
    /// of the whole.
    pub(crate) fn new(pairs: &Pairs, tune: f64, held_out: f64, seed: u64) -> Self {
        let count = pairs.items().len();
        let mut groups = Groups::new(count);
        let mut of_file = HashMap::new();
        for (place, item) in pairs.items().iter().enumerate() {
            for modality in [Modality::Image, Modality::Audio, Modality::Video] {
                for content in item.contents(modality) {
                    if let Content::File { path, .. } = pairs.content(*content) {
                        groups.join(*of_file.entry(path).or_insert(place), place);
                    }
                }
            }
        }
        let mut members: BTreeMap<usize, Vec<usize>> = BTreeMap::new();
        for place in 0..count {
            members.entry(groups.find(place)).or_default().push(place);
        }
        let mut members: Vec<Vec<usize>> = members.into_values().collect();
        members.shuffle(&mut ChaCha8Rng::seed_from_u64(seed));
        let wanted = |share: f64| (share * count as f64).round() as usize;
        let mut split = Self::default();
        for group in members {
            let part = if split.held_out.len() < wanted(held_out) {
                &mut split.held_out
            } else if split.tune.len() < wanted(tune) {
                &mut split.tune
            } else {
                &mut split.train
            };
            part.extend(group);
        }
        for part in [&mut split.train, &mut split.tune, &mut split.held_out] {
            part.sort_unstable();
        }
        split
    }
}

/// Numbers that were joined into groups (a disjoint-set forest).
struct Groups(Vec<usize>);

impl Groups {
    fn new(count: usize) -> Self {
        Self((0..count).collect())
    }

    /// The smallest number of the group of `number`.
    fn find(&mut self, mut number: usize) -> usize {
        while self.0[number] != number {
            // Halves the way for the next time.
            self.0[number] = self.0[self.0[number]];
            number = self.0[number];
        }
        number
    }

    fn join(&mut self, a: usize, b: usize) {
        let (a, b) = (self.find(a), self.find(b));
        self.0[a.max(b)] = a.min(b);
    }
}

#[cfg(test)]
mod tests {
    use std::path::Path;

    use proptest::prelude::*;
    use sensorium_eval::OnBad;

    use super::*;

    fn pairs(lines: &str) -> Pairs {
        Pairs::parse(lines.as_bytes(), Path::new("pairs.jsonl"), OnBad::Fail).unwrap()
    }

    #[test]
    fn a_label_or_a_shared_content_makes_a_class() {
        let pairs = pairs(
            r#"{"text": "a", "image": "1"}
            {"text": ["b", "c"], "image": "2", "label": "x"}
            {"text": "d", "image": "3", "label": "x"}
            {"text": "c", "image": "4"}
            {"text": "e", "image": "5"}"#,
        );
        assert_eq!(classes(&pairs), [0, 1, 1, 1, 4]);
    }

    proptest! {
        #[test]
        fn the_parts_cover_all_and_no_file_is_on_two_sides(
            files in proptest::collection::vec(0..12usize, 1..60), seed in 0..9u64
        ) {
            let lines: Vec<String> = files.iter().enumerate()
                .map(|(n, file)| format!(r#"{{"text": "{n}", "image": "{file}"}}"#)).collect();
            let split = Split::new(&pairs(&lines.join("\n")), 0.1, 0.2, seed);
            let mut all = [split.train.clone(), split.tune.clone(), split.held_out.clone()].concat();
            all.sort_unstable();
            prop_assert_eq!(all, (0..files.len()).collect::<Vec<_>>());
            let of = |part: &[usize]| part.iter().map(|&n| files[n]).collect::<std::collections::BTreeSet<_>>();
            prop_assert!(of(&split.train).is_disjoint(&of(&split.held_out)));
            prop_assert!(of(&split.tune).is_disjoint(&of(&split.held_out)));
            prop_assert!(of(&split.tune).is_disjoint(&of(&split.train)));
        }
    }
}
