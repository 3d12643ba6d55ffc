use std::path::Path;

use proptest::prelude::*;
use proptest::test_runner::TestRunner;
use sensorium_store::{Catalog, Filter, Generation, ItemKey, VectorIndex, Write, catch_up};
use sensorium_types::Embedding;

use crate::catalog::assert_same;
use crate::model::{self, Model, file, generation, id, item, vector};

type Make = fn(&Path) -> Box<dyn Catalog>;

/// The new vectors of item `number`, which has `count` segments.
fn vectors(number: u8, space: u8, count: usize) -> Vec<Vec<half::f16>> {
    (0..count)
        .map(|place| vector(&[number, space, place as u8, 3]))
        .collect()
}

/// Gives those of the items `numbers` that there are vectors of `space`, in catalogue and model.
fn reencode(catalog: &mut dyn Catalog, model: &mut Model, numbers: &[u8], space: u8) {
    let (mut by_id, mut items) = (Vec::new(), Vec::new());
    for &number in numbers {
        let Some(key) = catalog.find(&id(number)).unwrap() else {
            continue;
        };
        let vectors = vectors(number, space, catalog.encoded(key).unwrap().len());
        by_id.push((id(number), vectors.clone()));
        items.push((key, vectors));
    }
    let generation = generation(space);
    model.reencode(&by_id, &generation);
    catalog
        .write(vec![Write::Reencode { generation, items }])
        .unwrap();
}

/// Files come and go and items get new vectors, at random: the catalogue is what the model says, and an index
/// that follows it has what one has that starts anew.
pub(crate) fn does_what_the_model_does(make: Make, index: fn() -> Box<dyn VectorIndex>) {
    let numbers = || prop::collection::vec(0..6u8, 1..4);
    let round = (prop::collection::vec(model::write(), 1..4), numbers(), 0..2u8);
    let config = ProptestConfig {
        cases: 48,
        failure_persistence: None,
        ..ProptestConfig::default()
    };
    TestRunner::new(config)
        .run(&prop::collection::vec(round, 1..8), |rounds| {
            let folder = tempfile::tempdir().unwrap();
            let mut catalog = make(folder.path());
            let (mut model, mut follower) = (Model::default(), index());
            for (writes, numbers, space) in rounds {
                model.write(&writes);
                catalog.write(writes).unwrap();
                catch_up(&mut *follower, &*catalog, &generation(0).space).unwrap();
                reencode(&mut *catalog, &mut model, &numbers, space);
                assert_same(&*catalog, &model);
                assert_stale(&*catalog, &model);

                catch_up(&mut *follower, &*catalog, &generation(0).space).unwrap();
                let mut fresh = index();
                catch_up(&mut *fresh, &*catalog, &generation(0).space).unwrap();
                let query = Embedding::from_vec(vec![0.1, -0.2, 0.3, 0.4]);
                let all = |index: &dyn VectorIndex| index.nearest(&query, &Filter::All, 99).unwrap();
                assert_eq!(all(&*follower), all(&*fresh));
            }
            Ok(())
        })
        .unwrap();
}

/// Page by page, the items of other generations are those that the model has.
fn assert_stale(catalog: &dyn Catalog, model: &Model) {
    for space in 0..2 {
        let expected = model
            .items
            .iter()
            .filter(|(_, item)| item.generation != generation(space));
        let mut expected: Vec<ItemKey> = expected
            .map(|(id, _)| catalog.find(id).unwrap().unwrap())
            .collect();
        expected.sort();
        let mut found: Vec<ItemKey> = Vec::new();
        loop {
            let page = catalog
                .stale(&generation(space), found.last().copied(), 2)
                .unwrap();
            assert!(page.len() <= 2);
            if page.is_empty() {
                break;
            }
            found.extend(page);
        }
        assert_eq!(found, expected);
    }
}

/// A file is settled in the new generation when all its items are, and in none before.
pub(crate) fn settles_a_file_with_the_last_of_its_items(make: Make) {
    let folder = tempfile::tempdir().unwrap();
    let mut catalog = make(folder.path());
    let path = Path::new("/rows.jsonl");
    let rows = vec![item(1, 0, Some(1)), item(2, 0, Some(2))];
    let rows = file(path, 5, 7, 0, rows);
    let before = rows.file.clone();
    catalog.write(vec![Write::File(rows)]).unwrap();
    let keys = [1, 2].map(|number| catalog.find(&id(number)).unwrap().unwrap());
    let segments = keys.map(|key| catalog.encoded(key).unwrap());
    assert_eq!(catalog.stale(&generation(1), None, 9).unwrap(), keys);

    let mut step = |place: usize, generation: &Generation| {
        let number = place as u8 + 1;
        let items = vec![(keys[place], vectors(number, 1, segments[place].len()))];
        let generation = generation.clone();
        catalog
            .write(vec![Write::Reencode { generation, items }])
            .unwrap();
        catalog.files(path).unwrap().remove(0)
    };
    let half = step(0, &generation(1));
    assert_eq!(half.generation, Generation::SEVERAL);
    assert_eq!((half.stamp, half.content), (before.stamp, before.content));
    assert_eq!(step(1, &generation(1)).generation, generation(1));

    for ((key, old), number) in keys.into_iter().zip(segments).zip([1, 2]) {
        let new = catalog.encoded(key).unwrap();
        let expected = old.iter().zip(vectors(number, 1, old.len()));
        let expected = expected.map(|(old, vector)| sensorium_store::NewSegment {
            vector,
            ..old.clone()
        });
        assert_eq!(new, expected.collect::<Vec<_>>(), "all but the vectors is kept");
    }
    assert_eq!(catalog.stale(&generation(1), None, 9).unwrap(), []);
    assert_eq!(catalog.verify().unwrap(), Vec::<String>::new());
}

/// Vectors that an item cannot have leave it as it is.
pub(crate) fn leaves_an_item_that_the_vectors_do_not_fit(make: Make) {
    let folder = tempfile::tempdir().unwrap();
    let mut catalog = make(folder.path());
    let path = Path::new("/note.txt");
    catalog
        .write(vec![Write::File(file(path, 5, 7, 0, vec![item(4, 0, None)]))])
        .unwrap();
    let key = catalog.find(&id(4)).unwrap().unwrap();
    let state = |catalog: &dyn Catalog| {
        let items = catalog.items(&[key]).unwrap();
        (catalog.files(path).unwrap(), items, catalog.encoded(key).unwrap())
    };
    let before = state(&*catalog);
    let count = before.2.len();
    let cut_otherwise = Generation {
        windowing: 2,
        ..generation(1)
    };
    for (generation, item, count) in [
        (cut_otherwise, key, count),
        (generation(1), key, count + 1),
        (generation(1), key, 0),
        (generation(1), ItemKey(key.0 + 1), 1),
    ] {
        let sequence = catalog.summary().unwrap().sequence;
        let items = vec![(item, vectors(4, 1, count))];
        let after = catalog
            .write(vec![Write::Reencode { generation, items }])
            .unwrap();
        assert_eq!(after.sequence, sequence);
        assert_eq!(state(&*catalog), before);
    }
}
