//! Words that so many items have that they say nothing about any of them.

use std::collections::{BTreeSet, HashSet};

use sensorium_store::{Catalog, ItemKey};

use crate::Result;

/// Items that have a common word.
pub(super) const COMMON: usize = 1000;

/// Common words that are remembered, at most.
const MOST_COMMON: usize = 10_000;

/// Words that are known to be common, so that they are not looked up with every query.
#[derive(Debug, Default)]
pub(super) struct CommonWords {
    /// The state of the catalogue in which they are.
    version: u64,
    words: HashSet<String>,
}

impl CommonWords {
    /// Forgets them when the catalogue is no longer in the state `version`.
    pub(super) fn follow(&mut self, version: u64) {
        if self.version != version || self.words.len() > MOST_COMMON {
            self.words.clear();
            self.version = version;
        }
    }

    /// The items that have `word`; `None` when it is common.
    pub(super) fn items(&mut self, word: &str, catalog: &dyn Catalog) -> Result<Option<BTreeSet<ItemKey>>> {
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
