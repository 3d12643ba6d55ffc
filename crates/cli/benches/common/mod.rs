//! What the benchmarks share: made-up indexes and queries.

use std::fs;
use std::path::Path;

use half::f16;
use half::slice::HalfFloatSliceExt as _;
use rand::{Rng as _, SeedableRng as _};
use sensorium_engine::{Part, Query};
use sensorium_media::WINDOWING_VERSION;
use sensorium_model::Package;
use sensorium_store::{
    Catalog as _, FileState, Generation, IndexedFile, NewFile, NewItem, NewSegment, SqliteCatalog, Stamp,
    Write, WriterLock,
};
use sensorium_types::{ItemId, Modality, Segment, Track};

/// A query in words; each number gives another.
pub(crate) fn query(number: usize, to: Vec<Modality>) -> Query {
    Query {
        to,
        ..Query::new(vec![Part::text(words(number))])
    }
}

/// The words of that query.
pub(crate) fn words(number: usize) -> String {
    format!("A brown hen number {number} walks about in the yard behind a barn.")
}

/// An index of random vectors.
pub(crate) fn fill(folder: &Path, vectors: usize, package: &Package) {
    fs::create_dir(folder).unwrap();
    let lock = WriterLock::acquire(folder).unwrap();
    let mut catalog = SqliteCatalog::create(folder, &lock).unwrap();
    let mut random = rand::rngs::StdRng::seed_from_u64(7);
    let generation = Generation {
        space: package.space().to_string(),
        windowing: WINDOWING_VERSION,
    };
    let mut file = |number: usize| {
        let mut id = [0; ItemId::BYTES];
        id[..8].copy_from_slice(&number.to_le_bytes());
        let is_text = number.is_multiple_of(2);
        let components: Vec<f32> = (0..package.space().dimension())
            .map(|_| random.random_range(-0.09..0.09))
            .collect();
        let mut vector = vec![f16::ZERO; components.len()];
        vector.convert_from_f32_slice(&components);
        Write::File(NewFile {
            file: IndexedFile {
                path: format!("/media/{number}").into(),
                stamp: Stamp::default(),
                content: Some(id),
                state: FileState::Indexed,
                limits: None,
                generation: generation.clone(),
                refusals: Vec::new(),
            },
            items: vec![NewItem {
                facts: Default::default(),
                id: ItemId::from_hash(id),
                modality: if is_text { Modality::Text } else { Modality::Image },
                format: "none".into(),
                bytes: 0,
                record: None,
                fields: Default::default(),
                segments: vec![NewSegment {
                    segment: Segment::whole(if is_text { Track::Text } else { Track::Visual }),
                    text: is_text.then(|| format!("note {number}")),
                    vector,
                    features: Vec::new(),
                }],
            }],
        })
    };
    for start in (0..vectors).step_by(1000) {
        catalog
            .write((start..start + 1000).map(&mut file).collect())
            .unwrap();
    }
}

/// The value below which `share` of the others lie.
pub(crate) fn quantile(values: impl Iterator<Item = f64>, share: f64) -> f64 {
    let mut values: Vec<f64> = values.collect();
    values.sort_by(f64::total_cmp);
    values[((values.len() - 1) as f64 * share).round() as usize]
}
