//! Items of the index as parts of a query.

use std::collections::BTreeSet;
use std::path::{Path, absolute};

use sensorium_store::{Catalog, Filter, ItemKey};
use sensorium_types::{Embedding, ItemId, Segment};

use super::Searcher;
use super::encode::{KnownPart, KnownSegment};
use super::query::{PartContent, Query};
use crate::halves::floats;
use crate::{Error, Result};

impl Searcher {
    /// Those parts of `query` that need no encoding, in their order.
    pub(super) fn known(&self, query: &Query) -> Result<Vec<Option<Result<KnownPart>>>> {
        let parts = query.parts.iter();
        parts
            .map(|part| match &part.content {
                PartContent::Item { item } => Ok(Some(Ok(self.known_item(item)?))),
                PartContent::Encoded { content, .. } => Ok(Some(Ok(content.part()))),
                PartContent::Text { .. } | PartContent::File { .. } => Ok(None),
            })
            .collect()
    }

    fn known_item(&self, name: &str) -> Result<KnownPart> {
        let key = named(&*self.catalog, name)?;
        let none = || Error::NoItem(name.to_owned());
        let items = self.catalog.items(&[key])?;
        let item = items.first().ok_or_else(none)?;
        if item.generation.space != self.space {
            return Err(Error::OtherSpace {
                folder: self.folder.clone(),
                index: item.generation.space.clone(),
                model: self.space.clone(),
            });
        }
        let segments = self.catalog.encoded(key)?.into_iter();
        Ok(KnownPart {
            modality: item.modality,
            segments: segments
                .map(|segment| KnownSegment {
                    embedding: Embedding::from_vec(floats(&segment.vector)),
                    features: floats(&segment.features),
                    segment: segment.segment,
                    text: segment.text,
                })
                .collect(),
        })
    }

    /// What may be an answer to `query`: what fulfils its condition, but not what it names itself.
    pub(super) fn filter(&mut self, query: &Query) -> Result<Filter> {
        let mut named_items = BTreeSet::new();
        for part in &query.parts {
            if let PartContent::Item { item } = &part.content {
                named_items.insert(named(&*self.catalog, item)?);
            }
        }
        let mut filters = Vec::new();
        if let Some(condition) = &query.condition {
            filters.push(Filter::Items(self.matching.of(condition, &*self.catalog)?));
        }
        if !named_items.is_empty() {
            filters.push(Filter::Not(Box::new(Filter::items(named_items))));
        }
        Ok(Filter::And(filters))
    }
}

/// The segments of an item with their embeddings.
pub(super) fn embedded(catalog: &dyn Catalog, item: ItemKey) -> Result<Vec<(Segment, Embedding)>> {
    let segments = catalog.vectors(item)?.into_iter();
    Ok(segments
        .map(|(segment, vector)| (segment, Embedding::from_vec(floats(&vector))))
        .collect())
}

/// The item called `name`: its id, or the path of its file, with `#` and the number of the record where the file has
/// several.
fn named(catalog: &dyn Catalog, name: &str) -> Result<ItemKey> {
    let none = || Error::NoItem(name.to_owned());
    if let Ok(id) = name.parse::<ItemId>() {
        return catalog.find(&id)?.ok_or_else(none);
    }
    let at = |path: &str| Ok::<_, Error>(catalog.at(&absolute(Path::new(path)).map_err(|_| none())?)?);
    let whole = at(name)?;
    match whole.as_slice() {
        [] => {}
        [(_, item)] => return Ok(*item),
        _ => return Err(Error::SeveralItems(name.to_owned())),
    }
    let (path, record) = name.rsplit_once('#').ok_or_else(none)?;
    let record: u64 = record.parse().map_err(|_| none())?;
    let records = at(path)?;
    let found = records.into_iter().find(|(of, _)| *of == Some(record));
    found.map(|(_, item)| item).ok_or_else(none)
}
