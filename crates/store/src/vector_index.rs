use sensorium_types::Embedding;

use crate::{Catalog, Change, Filter, ItemKey, Result, SegmentKey};

/// Nearest neighbours by inner product.
///
/// # Contract
/// - It is derived: all it holds came from a [`Catalog`] through [`apply`](Self::apply), and may be thrown
///   away and made again.
/// - Changes are applied in the order of their sequence; applying some twice does no harm.
/// - [`nearest`](Self::nearest) sees all changes that were applied, and nothing else.
///
/// `tests/contract/vector_index.rs` checks every implementation.
pub trait VectorIndex: Send + Sync {
    /// The last change of the catalogue that was applied; 0 for an empty index.
    fn sequence(&self) -> u64;

    /// Applies `changes`, after which the index stands at `sequence`.
    ///
    /// # Errors
    /// When the index cannot be written. Then its sequence is as before, and applying again mends it.
    fn apply(&mut self, changes: Vec<Change>, sequence: u64) -> Result<()>;

    /// The items with the greatest inner product of one of their vectors that pass `filter` with `query`: at
    /// most `limit`, the best first, each once with its best segment. Equal ones are in the order of
    /// their keys.
    ///
    /// # Errors
    /// When the index cannot be read.
    fn nearest(&self, query: &Embedding, filter: &Filter, limit: usize) -> Result<Vec<Neighbour>>;

    /// How many vectors pass `filter`.
    fn count(&self, filter: &Filter) -> usize;

    /// How many vectors it holds.
    fn len(&self) -> usize;

    /// Whether it holds none.
    fn is_empty(&self) -> bool {
        self.len() == 0
    }
}

/// An item near to a query.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Neighbour {
    /// The item.
    pub item: ItemKey,
    /// Its nearest segment.
    pub segment: SegmentKey,
    /// Their inner product.
    pub similarity: f32,
}

/// Changes that are applied together when an index catches up; bounds the memory of it.
const BATCH: usize = 8192;

/// Applies to `index` what has changed in `catalog` since it was last applied, as far as it concerns vectors
/// of `space`.
///
/// # Errors
/// When the catalogue cannot be read or the index cannot be written.
pub fn catch_up(index: &mut dyn VectorIndex, catalog: &dyn Catalog, space: &str) -> Result<()> {
    let from = index.sequence();
    let mut batch = Vec::new();
    let to = catalog.changes(space, from, &mut |change| {
        batch.push(change);
        // The sequence moves on when all is applied, so that an interrupted run starts over.
        if batch.len() == BATCH {
            index.apply(std::mem::take(&mut batch), from)?;
        }
        Ok(())
    })?;
    if to != from || !batch.is_empty() {
        index.apply(batch, to)?;
    }
    Ok(())
}
