//! The simplest thing that does what the stores shall do, and the things to try it on.

use std::collections::{BTreeMap, BTreeSet};
use std::path::{Path, PathBuf};

use half::f16;
use proptest::prelude::*;
use proptest::test_runner::TestRunner;
use sensorium_store::{
    FileState, Generation, IndexedFile, NewFile, NewItem, NewSegment, Refusal, Stamp, Write,
};
use sensorium_types::{Fields, ItemId, Location, Modality, Segment, Track};

/// A catalogue in two maps.
#[derive(Debug, Default)]
pub(crate) struct Model {
    pub(crate) files: BTreeMap<PathBuf, NewFile>,
    /// What made the segments of each item.
    pub(crate) items: BTreeMap<ItemId, NewItemOf>,
}

/// An item and what made it.
#[derive(Debug, Clone)]
pub(crate) struct NewItemOf {
    pub(crate) generation: Generation,
    pub(crate) item: NewItem,
}

impl Model {
    /// Returns which of the steps found nothing.
    pub(crate) fn write(&mut self, writes: &[Write]) -> Vec<usize> {
        let mut replaced = Vec::new();
        let steps = writes.iter().enumerate();
        let unfound = steps
            .filter(|(_, write)| !self.step(write, &mut replaced))
            .map(|(place, _)| place)
            .collect();
        let held: BTreeSet<ItemId> = self
            .files
            .values()
            .flat_map(|file| &file.items)
            .map(|item| item.id)
            .collect();
        self.items.retain(|id, _| held.contains(id));
        unfound
    }

    /// `replaced`: what files were before earlier steps.
    fn step(&mut self, write: &Write, replaced: &mut Vec<NewFile>) -> bool {
        match write {
            Write::File(file) => self.put(file.clone(), replaced),
            Write::Same {
                path,
                stamp,
                content,
                generation,
            } => {
                let holder = self.files.values().chain(&*replaced).find(|file| {
                    file.file.content == Some(*content)
                        && file.file.state == FileState::Indexed
                        && file.file.generation == *generation
                        && file.file.path.extension() == path.extension()
                });
                let Some(holder) = holder else { return false };
                let mut same = holder.clone();
                same.file.path = path.clone();
                same.file.stamp = *stamp;
                self.put(same, replaced);
            }
            Write::Forget(path) => replaced.extend(self.files.remove(path)),
            Write::Reencode { .. } | Write::Fingerprint(_) | Write::Transcript(_) => {
                unreachable!(
                    "they name keys, which the model has not: see `reencode`, `fingerprints` and `transcripts`"
                )
            }
        }
        true
    }

    fn put(&mut self, file: NewFile, replaced: &mut Vec<NewFile>) {
        replaced.extend(self.files.remove(&file.file.path));
        for item in &file.items {
            let generation = file.file.generation.clone();
            let made_anew = match self.items.get(&item.id) {
                Some(known) if known.generation == generation => continue,
                known => known.is_some(),
            };
            let all = self.files.values_mut().chain(&mut *replaced);
            let holders = all.filter(|file| made_anew && file.items.iter().any(|held| held.id == item.id));
            for holder in holders {
                holder.file.stamp = Stamp::default();
                holder.file.content = None;
            }
            let item = item.clone();
            self.items.insert(item.id, NewItemOf { generation, item });
        }
        self.files.insert(file.file.path.clone(), file);
    }

    /// Gives items new vectors, those that there are, and the files that hold one of them their generation.
    pub(crate) fn reencode(&mut self, vectors: &[(ItemId, Vec<Vec<f16>>)], generation: &Generation) {
        for (id, vectors) in vectors {
            let Some(known) = self.items.get_mut(id) else {
                continue;
            };
            known.generation = generation.clone();
            for (segment, vector) in known.item.segments.iter_mut().zip(vectors) {
                segment.vector.clone_from(vector);
            }
        }
        let items = &self.items;
        let touched = |item: &NewItem| vectors.iter().any(|(id, _)| *id == item.id);
        for file in self
            .files
            .values_mut()
            .filter(|file| file.items.iter().any(touched))
        {
            let is_whole = file
                .items
                .iter()
                .all(|item| items[&item.id].generation == *generation);
            file.file.generation = if is_whole {
                generation.clone()
            } else {
                Generation::SEVERAL
            };
        }
    }

    pub(crate) fn locations(&self, id: ItemId) -> Vec<Location> {
        let files = self.files.values();
        let all = files.flat_map(|file| file.items.iter().map(move |item| (file, item)));
        let mut locations: Vec<_> = all
            .filter(|(_, item)| item.id == id)
            .map(|(file, item)| Location {
                path: file.file.path.clone(),
                record: item.record,
                modified: file.file.stamp.modified,
                fields: item.fields.clone(),
            })
            .collect();
        locations.sort_by(|a, b| (a.path.as_os_str(), a.record).cmp(&(b.path.as_os_str(), b.record)));
        locations
    }
}

pub(crate) fn generation(space: u8) -> Generation {
    Generation {
        space: format!("tiny@{space:02}"),
        windowing: 1,
    }
}

pub(crate) fn id(number: u8) -> ItemId {
    ItemId::from_hash([number; 32])
}

/// The item `number`, as it is made in a space: always the same.
pub(crate) fn item(number: u8, space: u8, record: Option<u64>) -> NewItem {
    let modality = Modality::ALL[usize::from(number) % 4];
    let tracks: &[Track] = match modality {
        Modality::Text => &[Track::Text, Track::Text],
        Modality::Image => &[Track::Visual],
        Modality::Audio => &[Track::Audio, Track::Audio, Track::Audio],
        Modality::Video => &[Track::Visual, Track::Audio],
    };
    let segment = |(place, track): (usize, &Track)| NewSegment {
        segment: match modality {
            Modality::Text | Modality::Image => Segment::whole(*track),
            _ => Segment::window(*track, place as f64 * 5.0, place as f64 * 5.0 + 10.0),
        },
        text: (*track == Track::Text).then(|| format!("passage {place} about number{number}")),
        vector: vector(&[number, space, place as u8]),
        features: vector(&[space, number, place as u8]),
    };
    NewItem {
        facts: Fields::from([("number".to_owned(), number.into())]),
        id: id(number),
        modality,
        format: "Thing".into(),
        bytes: u64::from(number) * 100,
        record,
        fields: record.map_or(Fields::new(), |record| {
            [("caption".to_owned(), format!("caption{record}").into())].into()
        }),
        segments: tracks.iter().enumerate().map(segment).collect(),
    }
}

/// Four numbers that look random and depend on `seed` alone.
pub(crate) fn vector(seed: &[u8]) -> Vec<f16> {
    let mut state = seed.iter().fold(17u32, |state, &byte| {
        state.wrapping_mul(31).wrapping_add(byte.into())
    });
    let mut next = || {
        state = state.wrapping_mul(1_664_525).wrapping_add(1_013_904_223);
        f16::from_f32((state >> 16) as f32 / 65536.0 - 0.5)
    };
    [next(), next(), next(), next()].to_vec()
}

pub(crate) fn file(path: &Path, stamp: u64, content: u8, space: u8, items: Vec<NewItem>) -> NewFile {
    NewFile {
        file: IndexedFile {
            path: path.to_owned(),
            stamp: Stamp {
                size: stamp,
                modified: 1,
                changed: -1,
            },
            content: Some([content; 32]),
            state: FileState::Indexed,
            limits: None,
            generation: generation(space),
            refusals: Vec::new(),
        },
        items,
    }
}

fn path() -> impl Strategy<Value = PathBuf> {
    prop::sample::select(vec![
        "/a/one.txt",
        "/a/two.txt",
        "/a/two.jsonl",
        "/a/b/three.jsonl",
        "/a!b/four.txt",
        "/ab/five.txt",
    ])
    .prop_map(PathBuf::from)
}

/// A file whose content is `content`: what it holds depends on that and on the kind of the file.
fn new_file() -> impl Strategy<Value = NewFile> {
    (path(), 0..9u64, 0..6u8, 0..2u8).prop_map(|(path, stamp, content, space)| {
        let records = path.extension().is_some_and(|extension| extension == "jsonl");
        let items = if records {
            // Record 2 repeats record 1 in some.
            [content, content % 3]
                .iter()
                .zip(1..)
                .map(|(&number, record)| item(number, space, Some(record)))
                .collect()
        } else {
            vec![item(content, space, None)]
        };
        let mut new = file(&path, stamp, content, space, items);
        match content {
            4 if records => new.file.refusals.push(Refusal {
                record: Some(3),
                cause: "is too long".into(),
            }),
            5 => {
                new.items.clear();
                new.file.state = FileState::Refused;
                new.file.limits = Some([stamp as u8; 32]);
                new.file.refusals.push(Refusal {
                    record: None,
                    cause: "is damaged".into(),
                });
            }
            _ => {}
        }
        new
    })
}

pub(crate) fn write() -> impl Strategy<Value = Write> {
    prop_oneof![
        5 => new_file().prop_map(Write::File),
        2 => (path(), 0..9u64, 0..6u8, 0..2u8).prop_map(|(path, size, content, space)| Write::Same {
            path,
            stamp: Stamp { size, modified: 2, changed: -2 },
            content: [content; 32],
            generation: generation(space),
        }),
        2 => path().prop_map(Write::Forget),
    ]
}

/// Lets `test` see `cases` random histories, each of some batches of at most `most` writes.
pub(crate) fn histories(cases: u32, most: usize, test: impl Fn(Vec<Vec<Write>>)) {
    let batches = prop::collection::vec(prop::collection::vec(write(), 1..=most), 1..8);
    let config = ProptestConfig {
        cases,
        failure_persistence: None,
        ..ProptestConfig::default()
    };
    TestRunner::new(config)
        .run(&batches, |batches| {
            test(batches);
            Ok(())
        })
        .unwrap();
}
