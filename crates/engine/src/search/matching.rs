//! Items that fulfil conditions: the same filter stays while somebody types one query after the other.

use std::collections::{BTreeSet, VecDeque};
use std::sync::Arc;

use sensorium_store::{Catalog, ItemKey};

use super::condition;
use crate::Result;

/// Conditions whose items are remembered.
const MOST: usize = 8;

/// What fulfils the conditions that were asked for last.
#[derive(Debug, Default)]
pub(super) struct Matching {
    /// The state of the catalogue in which they are.
    version: u64,
    /// The last one first.
    recent: VecDeque<(String, Arc<BTreeSet<ItemKey>>)>,
}

impl Matching {
    /// The items that fulfil `condition`, as it is written.
    pub(super) fn of(&mut self, condition: &str, catalog: &dyn Catalog) -> Result<Arc<BTreeSet<ItemKey>>> {
        let version = catalog.version()?;
        if self.version != version {
            self.recent.clear();
            self.version = version;
        }
        let known = self.recent.iter().position(|(known, _)| known == condition);
        let found = match known.and_then(|place| self.recent.remove(place)) {
            Some((_, items)) => items,
            None => Arc::new(catalog.matching(&condition::parse(condition)?)?),
        };
        self.recent.truncate(MOST - 1);
        self.recent.push_front((condition.to_owned(), Arc::clone(&found)));
        Ok(found)
    }
}

#[cfg(test)]
mod tests {
    use std::path::Path;

    use sensorium_store::{
        FileState, Generation, IndexedFile, NewFile, NewItem, SqliteCatalog, Stamp, Write, WriterLock,
    };
    use sensorium_types::{Fields, ItemId, Modality};
    use serde_json::json;

    use super::*;

    /// A file of records 1 to `count`, which say that they are of this `year`.
    fn write(catalog: &mut dyn Catalog, count: u64, year: u32) {
        let items = (1..=count).map(|number| NewItem {
            id: ItemId::from_hash([number as u8; 32]),
            modality: Modality::Text,
            format: "JSON Lines".into(),
            bytes: 1,
            facts: Fields::new(),
            record: Some(number),
            fields: Fields::from_iter([("year".to_owned(), json!(year))]),
            segments: Vec::new(),
        });
        let file = IndexedFile {
            path: Path::new("/rows.jsonl").into(),
            stamp: Stamp::default(),
            content: None,
            state: FileState::Indexed,
            limits: None,
            generation: Generation {
                space: "test".into(),
                windowing: 1,
            },
            refusals: Vec::new(),
        };
        let items = items.collect();
        catalog.write(vec![Write::File(NewFile { file, items })]).unwrap();
    }

    #[test]
    fn what_fulfils_a_condition_is_remembered_until_something_is_written() {
        let folder = tempfile::tempdir().unwrap();
        let lock = WriterLock::acquire(folder.path()).unwrap();
        let mut writer = SqliteCatalog::create(folder.path(), &lock).unwrap();
        write(&mut writer, 3, 2024);
        let reader = SqliteCatalog::open(folder.path()).unwrap();
        let mut matching = Matching::default();
        let first = matching.of("year = 2024", &reader).unwrap();
        assert_eq!(first.len(), 3);
        for number in 0..MOST {
            matching.of(&format!("year = {number}"), &reader).unwrap();
            let again = matching.of("year = 2024", &reader).unwrap();
            assert!(Arc::ptr_eq(&first, &again), "it is not looked up again");
        }
        assert_eq!(matching.recent.len(), MOST);
        // Nothing that an index of vectors would follow.
        write(&mut writer, 3, 2023);
        assert_eq!(matching.of("year = 2024", &reader).unwrap().len(), 0);
        assert!(matching.of("year =", &reader).is_err());
    }
}
