//! The space of a model, and those of an index.

use std::collections::BTreeMap;
use std::path::Path;

use sensorium_store::{Catalog, Generation};

use crate::{Error, Result};

/// How many items each space has.
pub(crate) fn by_space(counts: impl IntoIterator<Item = (Generation, u64)>) -> BTreeMap<String, u64> {
    let mut spaces = BTreeMap::new();
    for (generation, count) in counts {
        *spaces.entry(generation.space).or_default() += count;
    }
    spaces
}

/// How many items of the index in `folder` are in other spaces than `space`, where they cannot be found.
///
/// # Errors
/// [`Error::OtherSpace`] when all of them are: such an index cannot be searched or continued.
pub(crate) fn items_elsewhere(catalog: &dyn Catalog, folder: &Path, space: &str) -> Result<u64> {
    // Counting is a pass over the index, and seldom needed.
    let generations = catalog.generations()?;
    if generations.iter().all(|generation| generation.space == space) {
        return Ok(0);
    }
    let mut spaces = by_space(catalog.summary()?.generations);
    let is_used = spaces.remove(space).is_some();
    match spaces.iter().max_by_key(|(_, count)| **count) {
        Some((largest, _)) if !is_used => Err(Error::OtherSpace {
            folder: folder.to_owned(),
            index: largest.clone(),
            model: space.to_owned(),
        }),
        _ => Ok(spaces.values().sum()),
    }
}
