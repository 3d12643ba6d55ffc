//! Indexes as the tests see them.

use std::collections::BTreeMap;
use std::path::Path;

use sensorium_store::{Catalog as _, Change, NewSegment, SqliteCatalog};
use sensorium_types::ItemId;

/// All that an index says, without its keys.
#[derive(Debug, PartialEq)]
pub(crate) struct Dump {
    pub(crate) files: Vec<String>,
    pub(crate) items: BTreeMap<ItemId, (String, Vec<NewSegment>)>,
}

/// Reads the index in `folder`; what it says of stamps is left out.
pub(crate) fn dump(folder: &Path) -> Dump {
    let catalog = SqliteCatalog::open(folder).unwrap();
    let files = catalog.files(Path::new("/")).unwrap().into_iter();
    let files = files.map(|file| {
        format!(
            "{:?} {:?} {:?} {:?}",
            file.path, file.content, file.state, file.refusals
        )
    });
    let mut keys = Vec::new();
    for generation in catalog.generations().unwrap() {
        let mut sink = |change| {
            if let Change::Vector { item, .. } = change {
                keys.push(item);
            }
            Ok(())
        };
        catalog.changes(&generation.space, 0, &mut sink).unwrap();
    }
    keys.sort();
    keys.dedup();
    let items = catalog.items(&keys).unwrap().into_iter().map(|item| {
        let facts = format!(
            "{:?} {} {} {:?}",
            item.modality, item.format, item.bytes, item.locations
        );
        (item.id, (facts, catalog.encoded(item.key).unwrap()))
    });
    Dump {
        files: files.collect(),
        items: items.collect(),
    }
}

impl Dump {
    /// Panics unless both say the same; vectors may differ by rounding.
    pub(crate) fn assert_same(&self, other: &Self) {
        assert_eq!(self.files, other.files);
        let names = |dump: &Self| -> Vec<_> {
            dump.items
                .iter()
                .map(|(id, (facts, segments))| (*id, facts.clone(), segments.len()))
                .collect()
        };
        assert_eq!(names(self), names(other));
        for (id, (_, segments)) in &self.items {
            for (a, b) in segments.iter().zip(&other.items[id].1) {
                assert_eq!((&a.segment, &a.text), (&b.segment, &b.text));
                assert!(cosine(a, b) > 0.9999, "{id}: {}", cosine(a, b));
            }
        }
    }
}

fn cosine(a: &NewSegment, b: &NewSegment) -> f32 {
    let dot = |a: &NewSegment, b: &NewSegment| -> f32 {
        a.vector
            .iter()
            .zip(&b.vector)
            .map(|(a, b)| a.to_f32() * b.to_f32())
            .sum()
    };
    if a == b {
        1.0
    } else {
        dot(a, b) / (dot(a, a) * dot(b, b)).sqrt()
    }
}
