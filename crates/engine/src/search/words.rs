//! Words and meaning together: what an item gains by having the words of the query.

use std::collections::{BTreeMap, BTreeSet, HashSet};

use sensorium_store::{Catalog, ItemKey};

use super::query::{PartContent, Query};
use crate::Result;

/// What all words of a query together are worth, in standard deviations: more than any meaning.
const WORTH: f32 = 8.0;

/// Words of a query that are looked for, the first ones.
const MOST_WORDS: usize = 16;

/// A word that so many items have says nothing about any of them.
const COMMON: usize = 1000;

/// Common words that are remembered, at most.
const MOST_COMMON: usize = 10_000;

/// A word is told when it is rarer than this: about one in four items has one that is as rare.
const TOLD: f32 = 1.5;

/// Words that are known to be common, so that they are not looked up with every query.
#[derive(Debug, Default)]
pub(super) struct CommonWords {
    /// The state of the catalogue in which they are.
    sequence: u64,
    words: HashSet<String>,
}

impl CommonWords {
    /// Forgets them when the catalogue is no longer in the state `sequence`.
    pub(super) fn follow(&mut self, sequence: u64) {
        if self.sequence != sequence || self.words.len() > MOST_COMMON {
            self.words.clear();
            self.sequence = sequence;
        }
    }

    /// The items that have `word`; `None` when it is common.
    fn items(&mut self, word: &str, catalog: &dyn Catalog) -> Result<Option<BTreeSet<ItemKey>>> {
        if self.words.contains(word) {
            return Ok(None);
        }
        let items = catalog.with_word(word, COMMON)?;
        if items.len() < COMMON {
            return Ok(Some(items));
        }
        self.words.insert(word.to_owned());
        Ok(None)
    }
}

/// Which items have which words of a query.
#[derive(Debug, Default)]
pub(super) struct Words {
    /// The words of each item, and what they are worth.
    items: BTreeMap<ItemKey, (Vec<String>, f32)>,
}

impl Words {
    /// Those of the texts that `query` looks for. A word counts by how rare it is (as in BM25); what an item gains grows with the
    /// fourth power of the share that it has, so that a rare word or a whole name decides, and some words of a sentence do not.
    pub(super) fn find(
        query: &Query,
        catalog: &dyn Catalog,
        vectors: usize,
        common: &mut CommonWords,
    ) -> Result<Self> {
        let mut words = Self::default();
        if !query.words {
            return Ok(words);
        }
        for part in query.parts.iter().filter(|part| !part.without) {
            if let PartContent::Text { text, .. } = &part.content {
                words.add(text, catalog, vectors, common)?;
            }
        }
        Ok(words)
    }

    fn add(
        &mut self,
        text: &str,
        catalog: &dyn Catalog,
        vectors: usize,
        common: &mut CommonWords,
    ) -> Result<()> {
        let mut found: Vec<(String, f32, BTreeSet<ItemKey>)> = Vec::new();
        for word in split(text) {
            let items = common.items(&word, catalog)?;
            let rarity = rarity(items.as_ref().map_or(COMMON, BTreeSet::len), vectors);
            found.push((word, rarity, items.unwrap_or_default()));
        }
        let all: f32 = found.iter().map(|(_, rarity, _)| rarity).sum();
        let mut shares: BTreeMap<ItemKey, (Vec<String>, f32)> = BTreeMap::new();
        for (word, rarity, items) in found {
            for item in items {
                let (words, share) = shares.entry(item).or_default();
                words.extend((rarity > TOLD).then(|| word.clone()));
                *share += rarity / all;
            }
        }
        for (item, (words, share)) in shares {
            let of_item = self.items.entry(item).or_default();
            of_item.0.extend(words);
            of_item.1 += WORTH * share.powi(4);
        }
        Ok(())
    }

    /// The items that have some.
    pub(super) fn items(&self) -> impl Iterator<Item = ItemKey> {
        self.items.keys().copied()
    }

    /// What `item` gains by them.
    pub(super) fn worth(&self, item: ItemKey) -> f32 {
        self.items.get(&item).map_or(0.0, |(_, worth)| *worth)
    }

    /// The words that `item` has.
    pub(super) fn of(&self, item: ItemKey) -> Vec<String> {
        self.items
            .get(&item)
            .map(|(words, _)| words.clone())
            .unwrap_or_default()
    }
}

/// The different words of `text`, as the catalogue splits names.
fn split(text: &str) -> Vec<String> {
    let mut words: Vec<String> = Vec::new();
    let all = text.split(|c: char| !c.is_alphanumeric());
    for word in all.filter(|word| !word.is_empty()) {
        let word = word.to_lowercase();
        if !words.contains(&word) && words.len() < MOST_WORDS {
            words.push(word);
        }
    }
    words
}

/// How much a word says that `having` of `all` have: the inverse document frequency of BM25.
fn rarity(having: usize, all: usize) -> f32 {
    let (having, all) = (having as f32, all.max(having) as f32);
    (1.0 + (all - having + 0.5) / (having + 0.5)).ln()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn words_are_told_once_and_rare_ones_say_more() {
        assert_eq!(split("A hen, a HEN: hen-house!"), ["a", "hen", "house"]);
        assert!(rarity(1, 1000) > 2.0 * rarity(100, 1000) && rarity(1000, 1000) < 0.01);
        assert!(rarity(5, 0) > 0.0);
    }
}
