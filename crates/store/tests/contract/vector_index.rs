use std::collections::BTreeMap;
use std::path::Path;

use proptest::prelude::*;
use proptest::test_runner::TestRunner;
use sensorium_store::{Catalog, Change, Filter, ItemKey, Neighbour, SegmentKey, VectorIndex, catch_up};
use sensorium_types::{Embedding, Modality, Track};

use crate::model::{Model, generation, histories, vector};

type Vectors = BTreeMap<ItemKey, Vec<(SegmentKey, Modality, Track, Vec<half::f16>)>>;

/// Items come and go in random batches; after each, searches with random filters give what comparing
/// everything gives.
pub(crate) fn does_what_the_model_does(make: fn() -> Box<dyn VectorIndex>) {
    let step = prop_oneof![
        8 => (0..12u64, 1..5usize, any::<u8>()).prop_map(|(item, segments, seed)| put(item, segments, seed)),
        2 => (0..12u64).prop_map(|item| vec![Change::Gone(ItemKey(item))]),
        1 => Just(vec![Change::Reset]),
    ];
    let batches = prop::collection::vec(prop::collection::vec(step, 0..9), 1..5);
    let searches = prop::collection::vec((any::<u8>(), filter(), 0..15usize), 1..9);
    let config = ProptestConfig {
        failure_persistence: None,
        ..ProptestConfig::default()
    };
    TestRunner::new(config)
        .run(&(batches, searches), |(batches, searches)| {
            let mut index = make();
            let mut vectors = Vectors::new();
            for (batch, sequence) in batches.into_iter().zip(1..) {
                let changes: Vec<Change> = batch.into_iter().flatten().collect();
                changes
                    .iter()
                    .for_each(|change| model_apply(&mut vectors, change));
                index.apply(changes.clone(), sequence).unwrap();
                if sequence == 2 {
                    // Applied again after an interruption, a batch changes nothing.
                    changes
                        .iter()
                        .for_each(|change| model_apply(&mut vectors, change));
                    index.apply(changes, sequence).unwrap();
                }
                assert_eq!(index.sequence(), sequence);
                assert_eq!(index.len(), vectors.values().map(Vec::len).sum::<usize>());
                for (seed, filter, limit) in &searches {
                    let query = query(*seed);
                    let passing = vectors.iter().flat_map(|(item, segments)| {
                        segments
                            .iter()
                            .map(move |(_, modality, track, _)| (*item, *modality, *track))
                    });
                    let passing =
                        passing.filter(|(item, modality, track)| filter.holds(*item, *modality, *track));
                    assert_eq!(index.count(filter), passing.count());
                    let found = index.nearest(&query, filter, *limit).unwrap();
                    assert_nearest(&found, &expected(&vectors, &query, filter), *limit);
                }
            }
            Ok(())
        })
        .unwrap();
}

fn put(item: u64, segments: usize, seed: u8) -> Vec<Change> {
    let modality = Modality::ALL[(item % 4) as usize];
    let vectors = (0..segments).map(|place| Change::Vector {
        item: ItemKey(item),
        segment: SegmentKey(1000 * item + 10 * u64::from(seed) + place as u64),
        modality,
        track: if modality == Modality::Video {
            Track::ALL[1 + place % 2]
        } else {
            Track::ALL[item as usize % 3]
        },
        vector: vector(&[seed, place as u8]),
    });
    std::iter::once(Change::Gone(ItemKey(item)))
        .chain(vectors)
        .collect()
}

fn filter() -> impl Strategy<Value = Filter> {
    let leaf = prop_oneof![
        Just(Filter::All),
        prop::sample::select(Modality::ALL.to_vec()).prop_map(Filter::Modality),
        prop::sample::select(Track::ALL.to_vec()).prop_map(Filter::Track),
        prop::collection::btree_set((0..12u64).prop_map(ItemKey), 0..6).prop_map(Filter::items),
    ];
    leaf.prop_recursive(3, 12, 3, |inner| {
        prop_oneof![
            inner.clone().prop_map(|filter| Filter::Not(Box::new(filter))),
            prop::collection::vec(inner.clone(), 0..3).prop_map(Filter::And),
            prop::collection::vec(inner, 0..3).prop_map(Filter::Or),
        ]
    })
}

fn model_apply(vectors: &mut Vectors, change: &Change) {
    match change.clone() {
        Change::Reset => vectors.clear(),
        Change::Gone(item) => drop(vectors.remove(&item)),
        Change::Vector {
            item,
            segment,
            modality,
            track,
            vector,
        } => {
            vectors
                .entry(item)
                .or_default()
                .push((segment, modality, track, vector));
        }
    }
}

fn query(seed: u8) -> Embedding {
    Embedding::from_vec(vector(&[seed, 99]).iter().map(|x| x.to_f32()).collect())
}

/// All that pass, the best first.
fn expected(vectors: &Vectors, query: &Embedding, filter: &Filter) -> Vec<Neighbour> {
    let mut all: Vec<Neighbour> = vectors
        .iter()
        .filter_map(|(&item, segments)| {
            let passing = segments
                .iter()
                .filter(|(_, modality, track, _)| filter.holds(item, *modality, *track));
            passing
                .map(|(segment, _, _, vector)| Neighbour {
                    item,
                    segment: *segment,
                    similarity: query
                        .as_slice()
                        .iter()
                        .zip(vector)
                        .map(|(a, b)| a * b.to_f32())
                        .sum(),
                })
                .max_by(|a, b| a.similarity.total_cmp(&b.similarity))
        })
        .collect();
    all.sort_by(|a, b| b.similarity.total_cmp(&a.similarity).then(a.item.cmp(&b.item)));
    all
}

/// Sums of floats depend on their order, so what is nearly equal may change places.
fn assert_nearest(found: &[Neighbour], expected: &[Neighbour], limit: usize) {
    assert_eq!(found.len(), expected.len().min(limit));
    for (found, best) in found.iter().zip(expected) {
        assert!(
            (found.similarity - best.similarity).abs() < 1e-5,
            "{found:?} {best:?}"
        );
        let own = expected.iter().find(|other| other.item == found.item).unwrap();
        assert!(
            (found.similarity - own.similarity).abs() < 1e-5,
            "{found:?} {own:?}"
        );
    }
    let mut items: Vec<_> = found.iter().map(|found| found.item).collect();
    items.sort();
    items.dedup();
    assert_eq!(items.len(), found.len(), "each item once");
}

/// An index that catches up now and then holds what one holds that starts anew.
pub(crate) fn follows_a_catalog(make: fn(&Path) -> Box<dyn Catalog>, index: fn() -> Box<dyn VectorIndex>) {
    histories(32, 3, |batches| {
        let folder = tempfile::tempdir().unwrap();
        let mut catalog = make(folder.path());
        let space = generation(0).space;
        let (mut model, mut follower) = (Model::default(), index());
        for (number, batch) in batches.into_iter().enumerate() {
            model.write(&batch);
            let sequence = catalog.write(batch).unwrap().sequence;
            if number % 2 == 0 {
                continue;
            }
            catch_up(&mut *follower, &*catalog, &space).unwrap();
            assert_eq!(follower.sequence(), sequence);
            let of_space = model.items.values().filter(|item| item.generation.space == space);
            assert_eq!(
                follower.len(),
                of_space.map(|item| item.item.segments.len()).sum::<usize>()
            );
            let mut fresh = index();
            catch_up(&mut *fresh, &*catalog, &space).unwrap();
            let all = |index: &dyn VectorIndex| index.nearest(&query(7), &Filter::All, 99).unwrap();
            assert_eq!(all(&*follower), all(&*fresh));
        }
    });
    // An index of another, longer history starts anew.
    let folder = tempfile::tempdir().unwrap();
    let mut ahead = index();
    ahead.apply(put(1, 2, 3), 77).unwrap();
    catch_up(&mut *ahead, &*make(folder.path()), "any").unwrap();
    assert_eq!((ahead.len(), ahead.sequence()), (0, 0));
}
