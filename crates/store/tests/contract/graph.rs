//! What an index of neighbours keeps on disk, and how many of the nearest it finds.

use std::collections::BTreeSet;
use std::fs;
use std::path::{Path, PathBuf};

use half::f16;
use sensorium_store::{
    Adding, Catalog, ExactIndex, Filter, GraphIndex, ItemKey, Look, NewItem, NewSegment, VectorIndex, Write,
    catch_up,
};
use sensorium_types::{Embedding, ItemId, Modality, Segment, Track};

use crate::model::{file, generation, histories, vector};

/// Where the parts of an index lie.
const NEAR: &str = "near";

fn opened(folder: &Path, catalog: &dyn Catalog, large: usize) -> GraphIndex {
    let space = generation(0).space;
    let mut index = GraphIndex::open(folder, catalog, &space, large);
    catch_up(&mut index, catalog, &space).unwrap();
    index
}

fn exact(catalog: &dyn Catalog) -> ExactIndex {
    let mut index = ExactIndex::new();
    catch_up(&mut index, catalog, &generation(0).space).unwrap();
    index
}

fn keep(index: GraphIndex, folder: &Path, catalog: &dyn Catalog) {
    let witnesses = index.witnesses(catalog).unwrap();
    assert!(
        index
            .keep(folder, &generation(0).space, witnesses, &|_| true)
            .unwrap()
    );
}

/// Of small collections a graph finds all.
fn assert_same(index: &GraphIndex, catalog: &dyn Catalog) {
    let exact = exact(catalog);
    assert_eq!((index.sequence(), index.len()), (exact.sequence(), exact.len()));
    let filters = [
        Filter::All,
        Filter::lane(Modality::Video, Track::Audio),
        Filter::items((0..6).map(ItemKey)),
    ];
    for filter in filters {
        assert_eq!(index.count(&filter), exact.count(&filter));
        for seed in 0..3 {
            let query = vector(&[seed, 99]).iter().map(|x| x.to_f32()).collect();
            let query = Embedding::from_vec(query);
            let found = index.nearest(&query, &filter, 9).unwrap();
            let best = exact.nearest(&query, &filter, 9).unwrap();
            assert_eq!(found.len(), best.len());
            for (found, best) in found.iter().zip(&best) {
                assert!(
                    (found.similarity - best.similarity).abs() < 1e-5,
                    "{found:?} {best:?}"
                );
            }
        }
    }
}

/// Whatever comes and goes, before and after it is kept and opened again.
pub(crate) fn keeps_what_a_catalog_has(make: fn(&Path) -> Box<dyn Catalog>) {
    histories(32, 3, |batches| {
        let folder = tempfile::tempdir().unwrap();
        let mut catalog = make(folder.path());
        for (number, batch) in batches.into_iter().enumerate() {
            catalog.write(batch).unwrap();
            // Some lanes have a graph, others none.
            let index = opened(folder.path(), &*catalog, 2);
            assert_same(&index, &*catalog);
            if number % 3 != 2 {
                keep(index, folder.path(), &*catalog);
                assert_eq!(GraphIndex::damage(folder.path()), None);
                assert_same(&opened(folder.path(), &*catalog, 2), &*catalog);
            }
        }
    });
}

/// Where vectors come and go, run after run, the files stay about as large as what counts in them, and where few are left
/// there is no graph any more.
pub(crate) fn grows_no_larger_than_what_counts_in_it(make: fn(&Path) -> Box<dyn Catalog>) {
    const LARGE: usize = 100;
    let folder = tempfile::tempdir().unwrap();
    let folder = folder.path();
    let mut catalog = make(folder);
    crowd(&mut *catalog, 300);
    keep(opened(folder, &*catalog, LARGE), folder, &*catalog);
    let sizes = |extension: &str| -> Vec<u64> {
        let entries = fs::read_dir(folder.join(NEAR))
            .unwrap()
            .map(|entry| entry.unwrap());
        let named = entries.filter(|entry| entry.path().extension().is_some_and(|end| end == extension));
        named.map(|entry| entry.metadata().unwrap().len()).collect()
    };
    let all = sizes("rows")[0];
    let mut gone = 0;
    let mut rows = Vec::new();
    for count in [60, 30, 30, 60, 40] {
        let forgotten =
            (gone..gone + count).map(|number| Write::Forget(PathBuf::from(format!("/a/{number}"))));
        catalog.write(forgotten.collect()).unwrap();
        gone += count;
        let index = opened(folder, &*catalog, LARGE);
        assert!(index.is_stale());
        keep(index, folder, &*catalog);
        rows.push(300 * sizes("rows")[0] / all);
        assert_eq!(sizes("graph").len(), usize::from(300 - gone >= LARGE));
        let index = opened(folder, &*catalog, LARGE);
        assert!(!index.is_stale() && index.len() == 300 - gone);
        let found = agreement(&index, &exact(&*catalog), &Filter::All);
        assert!(found >= 485, "{found} of 500");
    }
    assert_eq!(rows, [300, 300, 180, 120, 80]);
}

/// So many items, each with a vector of its own near one of a few others, as real ones are.
fn crowd(catalog: &mut dyn Catalog, count: usize) {
    crowd_of_lengths(catalog, count, 0.0);
}

/// The same, with a last component of up to `longest`.
fn crowd_of_lengths(catalog: &mut dyn Catalog, count: usize, longest: f32) {
    const DIMENSION: usize = 48;
    let mut state = 1u64;
    let mut next = || {
        state = state.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1);
        (state >> 40) as f32 / (1u64 << 24) as f32 - 0.5
    };
    let centres: Vec<Vec<f32>> = (0..40)
        .map(|_| (0..DIMENSION).map(|_| next()).collect())
        .collect();
    let writes = (0..count).map(|number| {
        let centre = &centres[number % centres.len()];
        let mut vector: Vec<f16> = centre.iter().map(|x| f16::from_f32(x + 0.5 * next())).collect();
        vector[DIMENSION - 1] = f16::from_f32(longest * (next() + 0.5));
        let mut hash = [7; ItemId::BYTES];
        hash[..8].copy_from_slice(&(number as u64).to_le_bytes());
        let item = NewItem {
            facts: Default::default(),
            id: ItemId::from_hash(hash),
            modality: Modality::Image,
            format: "Thing".into(),
            bytes: 1,
            record: None,
            fields: Default::default(),
            segments: vec![NewSegment {
                segment: Segment::whole(Track::Visual),
                text: None,
                vector,
                features: Vec::new(),
            }],
        };
        let mut new = file(&PathBuf::from(format!("/a/{number}")), 1, 0, 0, vec![item]);
        new.file.content = Some(hash);
        Write::File(new)
    });
    catalog.write(writes.collect()).unwrap();
}

/// A flipped byte, a part that is cut off or missing, a list that makes no sense, files of another catalogue.
pub(crate) fn notices_damage_and_is_made_again(make: fn(&Path) -> Box<dyn Catalog>) {
    let folder = tempfile::tempdir().unwrap();
    let folder = folder.path();
    let mut catalog = make(folder);
    crowd(&mut *catalog, 300);
    let index = opened(folder, &*catalog, 100);
    assert!(index.is_stale());
    let none = index.witnesses(&*catalog).unwrap();
    let stopped = index.keep(folder, &generation(0).space, none, &|Adding { added, of }| {
        added > of
    });
    assert!(!stopped.unwrap(), "it was not to go on");
    assert_eq!(opened(folder, &*catalog, 100).len(), 300);
    keep(opened(folder, &*catalog, 100), folder, &*catalog);
    let names: Vec<_> = fs::read_dir(folder.join(NEAR))
        .unwrap()
        .map(|entry| entry.unwrap().path())
        .collect();
    assert_eq!(names.len(), 4, "{names:?}");
    let is_used =
        |catalog: &dyn Catalog| GraphIndex::open(folder, catalog, &generation(0).space, 100).sequence() > 0;
    assert!(is_used(&*catalog) && !opened(folder, &*catalog, 100).is_stale());
    let may_be_stale = |catalog: &dyn Catalog, large| {
        GraphIndex::may_be_stale(folder, catalog, &generation(0).space, large, Look::Contents).unwrap()
    };
    assert!(!may_be_stale(&*catalog, 100), "nothing has changed");
    for name in &names {
        let whole = fs::read(name).unwrap();
        let flipped = |place: usize| {
            let mut bytes = whole.clone();
            bytes[place] ^= 1;
            Some(bytes)
        };
        let places = [0, whole.len() / 3, whole.len() / 2, whole.len() - 2];
        let cut = Some(whole[..whole.len() / 2].to_vec());
        for damaged in places.map(flipped).into_iter().chain([cut, None]) {
            match damaged {
                Some(bytes) => fs::write(name, bytes).unwrap(),
                None => fs::remove_file(name).unwrap(),
            }
            // Without a list nothing is kept, which is no damage.
            let is_told = GraphIndex::damage(folder).is_some() || !folder.join(NEAR).join("list").exists();
            assert!(is_told, "{name:?}");
            let length = fs::metadata(name).map_or(0, |about| about.len());
            if name.extension().is_some_and(|extension| extension == "rows") && length == whole.len() as u64 {
                // A wrong number in a vector is no danger, and is only looked for by `verify`.
                fs::write(name, &whole).unwrap();
                continue;
            }
            assert!(!is_used(&*catalog), "{name:?}");
            assert!(
                may_be_stale(&*catalog, 100),
                "{name:?}: the next run is to see it"
            );
            let again = opened(folder, &*catalog, 100);
            assert_eq!(again.len(), 300);
            assert!(again.is_stale(), "it is to be made again");
            fs::write(name, &whole).unwrap();
        }
    }
    assert!(is_used(&*catalog));
    catalog.write(vec![Write::Forget(PathBuf::from("/a/1"))]).unwrap();
    assert!(!may_be_stale(&*catalog, 100), "one of 300 is not enough");
    let forgotten = (0..60).map(|number| Write::Forget(PathBuf::from(format!("/a/{number}"))));
    catalog.write(forgotten.collect()).unwrap();
    assert!(may_be_stale(&*catalog, 100) && !may_be_stale(&*catalog, 1000));
    assert!(opened(folder, &*catalog, 100).is_stale());
    // A run that was killed leaves files that no list names.
    let left = folder.join(NEAR).join("9-image-visual-0.rows");
    fs::write(&left, "half of it").unwrap();
    assert!(is_used(&*catalog));
    keep(opened(folder, &*catalog, 100), folder, &*catalog);
    assert!(!left.exists() && is_used(&*catalog));
    assert_eq!(fs::read_dir(folder.join(NEAR)).unwrap().count(), 4);
    let elsewhere = tempfile::tempdir().unwrap();
    let mut other = make(elsewhere.path());
    other
        .write(vec![Write::File(file(
            Path::new("/b"),
            1,
            3,
            0,
            vec![crate::model::item(1, 0, None)],
        ))])
        .unwrap();
    assert!(!is_used(&*other), "it is of another catalogue");
}

/// Where some vectors are far longer than others, by what a query does not ask for.
pub(crate) fn finds_nearly_all_of_the_nearest_whatever_their_lengths(make: fn(&Path) -> Box<dyn Catalog>) {
    let folder = tempfile::tempdir().unwrap();
    let mut catalog = make(folder.path());
    crowd_of_lengths(&mut *catalog, 2000, 4.0);
    keep(opened(folder.path(), &*catalog, 100), folder.path(), &*catalog);
    let (index, exact) = (opened(folder.path(), &*catalog, 100), exact(&*catalog));
    let found = agreement(&index, &exact, &Filter::All);
    assert!(found >= 485, "{found} of 500");
}

/// Ten of the nearest of two thousand, and of those that pass filters down to one in a hundred.
pub(crate) fn finds_nearly_all_of_the_nearest_under_any_filter(make: fn(&Path) -> Box<dyn Catalog>) {
    let folder = tempfile::tempdir().unwrap();
    let mut catalog = make(folder.path());
    crowd(&mut *catalog, 2000);
    keep(opened(folder.path(), &*catalog, 100), folder.path(), &*catalog);
    let (index, exact) = (opened(folder.path(), &*catalog, 100), exact(&*catalog));
    for share in [1, 2, 4, 20, 100] {
        let filter = Filter::items((0..2001).filter(|key| key % share == 0).map(ItemKey));
        let found = agreement(&index, &exact, &filter);
        assert!(found >= 485, "{found} of 500 where one of {share} passes");
    }
}

/// How many of the ten nearest of a [`crowd`] to each of fifty queries are found.
fn agreement(index: &GraphIndex, exact: &ExactIndex, filter: &Filter) -> usize {
    let mut found = 0;
    for seed in 0..50u8 {
        let parts = (0..12).flat_map(|part| vector(&[seed, part]));
        let mut parts: Vec<f32> = parts.map(|x| x.to_f32()).collect();
        // What makes vectors long is not asked for.
        parts.last_mut().into_iter().for_each(|last| *last = 0.0);
        let query = Embedding::from_vec(parts);
        let items = |neighbours: Vec<sensorium_store::Neighbour>| -> BTreeSet<ItemKey> {
            neighbours.into_iter().map(|neighbour| neighbour.item).collect()
        };
        let best = items(exact.nearest(&query, filter, 10).unwrap());
        let here = items(index.nearest(&query, filter, 10).unwrap());
        assert_eq!(here.len(), 10);
        found += best.intersection(&here).count();
    }
    found
}
