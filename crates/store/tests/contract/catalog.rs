use std::path::{Path, PathBuf};

use sensorium_store::{Catalog, Change, Comparison, Condition, FileState, ItemKey, Literal, Relation, Write};
use sensorium_types::{ItemId, Modality};
use serde_json::json;

use crate::model::{Model, file, generation, histories, id, item};

type Make = fn(&Path) -> Box<dyn Catalog>;

/// Random files come and go; after each batch all that can be asked is what the model says, also when the
/// catalogue was closed and opened between.
pub(crate) fn does_what_the_model_does(make: Make) {
    histories(64, 5, |batches| {
        let folder = tempfile::tempdir().unwrap();
        let mut catalog = make(folder.path());
        let mut model = Model::default();
        for (number, batch) in batches.into_iter().enumerate() {
            let unfound = model.write(&batch);
            let written = catalog.write(batch).unwrap();
            assert_eq!(written.unfound, unfound);
            if number % 3 == 2 {
                drop(catalog);
                catalog = make(folder.path());
            }
            assert_same(&*catalog, &model);
            assert_eq!(catalog.summary().unwrap().sequence, written.sequence);
        }
    });
}

pub(crate) fn assert_same(catalog: &dyn Catalog, model: &Model) {
    for path in ["/", "/a", "/a/b", "/a/one.txt", "/nowhere"] {
        let mut expected: Vec<_> = model
            .files
            .values()
            .map(|file| &file.file)
            .filter(|file| file.path.starts_with(path))
            .collect();
        let found = catalog.files(Path::new(path)).unwrap();
        let found: Vec<_> = found.iter().collect();
        expected.sort_by_key(|file| file.path.as_os_str());
        assert_eq!(found, expected, "{path}");
    }
    let refusals: usize = model.files.values().map(|file| file.file.refusals.len()).sum();
    assert_eq!(catalog.refusals().unwrap().len(), refusals);

    for number in 0..6 {
        let key = catalog.find(&id(number)).unwrap();
        let Some(expected) = model.items.get(&id(number)) else {
            assert_eq!(key, None);
            continue;
        };
        let key = key.unwrap();
        let stored = &catalog.items(&[key]).unwrap()[0];
        assert_eq!(
            (stored.key, stored.id, stored.modality),
            (key, id(number), expected.item.modality)
        );
        assert_eq!(
            (&stored.format, stored.bytes),
            (&expected.item.format, expected.item.bytes)
        );
        assert_eq!(stored.generation, expected.generation);
        assert_eq!(stored.locations, model.locations(id(number)));
        assert_eq!(catalog.encoded(key).unwrap(), expected.item.segments);
        let vectors = expected.item.segments.iter();
        let vectors: Vec<_> = vectors
            .map(|segment| (segment.segment.clone(), segment.vector.clone()))
            .collect();
        assert_eq!(catalog.vectors(key).unwrap(), vectors);
        let passages = expected
            .item
            .segments
            .iter()
            .filter(|segment| segment.text.is_some())
            .count();
        assert_eq!(
            catalog.words(&format!("Number{number}"), 99).unwrap().len(),
            passages
        );
    }
    for record in 1..3 {
        let places = model.items.keys().flat_map(|id| model.locations(*id));
        let places = places.filter(|location| location.record == Some(record)).count();
        assert_eq!(
            catalog.words(&format!("caption{record}"), 99).unwrap().len(),
            places
        );
    }
    let summary = catalog.summary().unwrap();
    assert_eq!(
        summary.items.iter().map(|(_, count)| count).sum::<u64>(),
        model.items.len() as u64
    );
    let indexed = model
        .files
        .values()
        .filter(|file| file.file.state == FileState::Indexed)
        .count();
    let counted = summary
        .files
        .iter()
        .find(|(state, _)| *state == FileState::Indexed);
    assert_eq!(counted.map_or(0, |(_, count)| *count), indexed as u64);
    assert_eq!(catalog.verify().unwrap(), Vec::<String>::new());
}

pub(crate) fn keeps_items_as_long_as_a_file_holds_them(make: Make) {
    let folder = tempfile::tempdir().unwrap();
    let mut catalog = make(folder.path());
    let (here, there) = (Path::new("/a/hen.jpg"), Path::new("/b/HEN.JPG"));
    catalog
        .write(vec![Write::File(file(here, 1, 7, 0, vec![item(1, 0, None)]))])
        .unwrap();
    let key = catalog.find(&id(1)).unwrap().unwrap();

    // Copied under a name with the same extension, then the first place goes: a rename.
    assert_eq!(
        catalog.same(&[7; 32], b"jpg", &generation(0)).unwrap(),
        Some(Vec::new())
    );
    assert_eq!(catalog.same(&[7; 32], b"txt", &generation(0)).unwrap(), None);
    assert_eq!(catalog.same(&[7; 32], b"jpg", &generation(1)).unwrap(), None);
    let same = Write::Same {
        path: there.to_owned(),
        stamp: Default::default(),
        content: [7; 32],
        generation: generation(0),
    };
    catalog.write(vec![same, Write::Forget(here.to_owned())]).unwrap();
    assert_eq!(catalog.find(&id(1)).unwrap(), Some(key), "it is the same item");
    assert_eq!(catalog.items(&[key]).unwrap()[0].locations[0].path, there);

    catalog.write(vec![Write::Forget(there.to_owned())]).unwrap();
    assert_eq!(catalog.find(&id(1)).unwrap(), None);
    assert_eq!(catalog.items(&[key]).unwrap(), []);

    // Keys are never used again.
    catalog
        .write(vec![Write::File(file(here, 1, 7, 0, vec![item(1, 0, None)]))])
        .unwrap();
    assert!(catalog.find(&id(1)).unwrap().unwrap() > key);
}

/// Files that change places, in one write and in any order, hold afterwards what they hold on disk.
pub(crate) fn moves_items_between_files_that_overwrite_each_other(make: Make) {
    let path = |name: char| PathBuf::from(format!("/{name}.txt"));
    let hold = |name, content| Write::File(file(&path(name), 1, content, 0, vec![item(content, 0, None)]));
    let same = |name, content| Write::Same {
        path: path(name),
        stamp: Default::default(),
        content: [content; 32],
        generation: generation(0),
    };
    let held = |catalog: &dyn Catalog, number| {
        let key = catalog.find(&id(number)).unwrap().unwrap();
        let places = catalog.items(&[key]).unwrap().remove(0).locations;
        places.into_iter().map(|place| place.path).collect::<Vec<_>>()
    };
    // a and b change places; c goes to d, b's old content to c.
    let folder = tempfile::tempdir().unwrap();
    let mut catalog = make(folder.path());
    catalog
        .write(vec![hold('a', 1), hold('b', 2), hold('c', 3)])
        .unwrap();
    let key = catalog.find(&id(1)).unwrap();
    let steps = vec![
        same('a', 2),
        same('b', 1),
        Write::Forget(path('c')),
        same('d', 3),
        same('c', 2),
    ];
    assert_eq!(catalog.write(steps).unwrap().unfound, Vec::<usize>::new());
    assert_eq!(held(&*catalog, 1), [path('b')]);
    assert_eq!(held(&*catalog, 2), [path('a'), path('c')]);
    assert_eq!(held(&*catalog, 3), [path('d')]);
    assert_eq!(catalog.find(&id(1)).unwrap(), key, "it is the same item");

    // In two writes the second comes too late, and says so.
    catalog.write(vec![hold('b', 5)]).unwrap();
    let written = catalog
        .write(vec![same('a', 2), same('e', 1), same('f', 3)])
        .unwrap();
    assert_eq!(written.unfound, [1]);
    assert_eq!(held(&*catalog, 3), [path('d'), path('f')]);
    assert_eq!(catalog.verify().unwrap(), Vec::<String>::new());
}

pub(crate) fn finds_words(make: Make) {
    let folder = tempfile::tempdir().unwrap();
    let mut catalog = make(folder.path());
    let mut note = item(4, 0, None);
    note.segments[1].text = Some("Crème brûlée with a café view".into());
    let mut song = item(2, 0, None);
    let says = [
        ("artist", json!("Ella")),
        ("title", json!("Misty")),
        ("duration", json!(187.5)),
    ];
    song.facts = says.map(|(name, value)| (name.to_owned(), value)).into();
    let mut listed = item(0, 0, Some(1));
    let fields = json!({"keywords": ["barnyard", {"place": "Devon"}], "year": 1957, "kept": true});
    listed.fields = serde_json::from_value(fields).unwrap();
    catalog
        .write(vec![
            Write::File(file(Path::new("/trips/Paris 2024/note.txt"), 1, 1, 0, vec![note])),
            Write::File(file(
                Path::new("/trips/Rome/dog.jpg"),
                1,
                2,
                0,
                vec![item(1, 0, None)],
            )),
            Write::File(file(Path::new("/rows.jsonl"), 1, 3, 0, vec![item(5, 0, Some(8))])),
            Write::File(file(Path::new("/song.ogg"), 1, 4, 0, vec![song])),
            Write::File(file(Path::new("/list.jsonl"), 1, 5, 0, vec![listed])),
        ])
        .unwrap();
    let found = |query: &str| -> Vec<(Modality, bool)> {
        let matches = catalog.words(query, 9).unwrap();
        assert!(matches.iter().all(|found| found.score.is_finite()));
        let modality = |item: ItemKey| catalog.items(&[item]).unwrap()[0].modality;
        matches
            .iter()
            .map(|found| (modality(found.item), found.segment.is_some()))
            .collect()
    };
    assert_eq!(
        found("creme BRULEE"),
        [(Modality::Text, true)],
        "without case and accents"
    );
    assert_eq!(found("paris"), [(Modality::Text, false)], "in the folder");
    assert_eq!(found("dog"), [(Modality::Image, false)], "in the name");
    assert_eq!(found("caption8"), [(Modality::Image, false)], "in a field");
    for tag in ["ella", "misty"] {
        assert_eq!(
            found(tag),
            [(Modality::Audio, false)],
            "what a content says of itself: {tag}"
        );
    }
    for field in ["barnyard", "devon", "1957"] {
        assert_eq!(
            found(field),
            [(Modality::Text, false)],
            "fields of all kinds: {field}"
        );
    }
    assert_eq!(found("187"), [], "a length is no word");
    assert_eq!(found("trips").len(), 2);
    assert_eq!(found("trips dog").len(), 1, "every word must occur");
    for nothing in ["", "\"", "* AND (", "zebra"] {
        assert_eq!(found(nothing), [], "{nothing}");
    }
    assert_eq!(catalog.words("trips", 1).unwrap().len(), 1);
    let with = |word, limit| catalog.with_word(word, limit).unwrap().len();
    assert_eq!(
        [
            with("TRIPS", 9),
            with("trips", 1),
            with("cafe", 9),
            with("zebra", 9),
            with("(", 9)
        ],
        [2, 1, 1, 0, 0]
    );
}

/// What a content says of itself is found by its words at every place, as it is now; so are fields of all kinds.
pub(crate) fn finds_the_words_of_tags_and_fields(make: Make) {
    let folder = tempfile::tempdir().unwrap();
    let mut catalog = make(folder.path());
    let song = |space, artist: &str| {
        let mut song = item(2, space, None);
        song.facts = [
            ("artist".to_owned(), artist.into()),
            ("duration".to_owned(), 187.into()),
        ]
        .into();
        song
    };
    let put = |path: &str, space, items| Write::File(file(Path::new(path), 1, 1, space, items));
    catalog
        .write(vec![
            put("/a.ogg", 0, vec![song(0, "Ella Fitzgerald")]),
            put("/b.ogg", 0, vec![song(0, "Ella Fitzgerald")]),
        ])
        .unwrap();
    let found = |catalog: &dyn Catalog, word: &str| catalog.words(word, 9).unwrap().len();
    assert_eq!(found(&*catalog, "fitzgerald"), 2, "at both places");
    assert_eq!(found(&*catalog, "187"), 0, "a length is no word");

    catalog
        .write(vec![put("/a.ogg", 1, vec![song(1, "Nina Simone")])])
        .unwrap();
    assert_eq!(found(&*catalog, "fitzgerald"), 0);
    assert_eq!(found(&*catalog, "simone"), 2, "made anew for both");

    let mut row = item(1, 0, Some(1));
    row.fields = [
        (
            "keywords".to_owned(),
            serde_json::json!(["barnyard", {"place": "Devon"}]),
        ),
        ("year".to_owned(), 1957.into()),
    ]
    .into();
    catalog.write(vec![put("/rows.jsonl", 0, vec![row])]).unwrap();
    for word in ["barnyard", "devon", "1957"] {
        assert_eq!(found(&*catalog, word), 1, "{word}");
    }
    assert_eq!(catalog.verify().unwrap(), Vec::<String>::new());
}

pub(crate) fn finds_what_fulfils_a_condition(make: Make) {
    let folder = tempfile::tempdir().unwrap();
    let mut catalog = make(folder.path());
    let both = [item(4, 0, None), item(5, 0, None)];
    catalog
        .write(vec![
            Write::File(file(Path::new("/a/4.txt"), 1, 4, 0, vec![both[0].clone()])),
            Write::File(file(Path::new("/b/4.txt"), 1, 4, 0, vec![both[0].clone()])),
            Write::File(file(Path::new("/b/5.txt"), 1, 5, 0, vec![both[1].clone()])),
        ])
        .unwrap();
    let is = |field: &str, relation, literal| {
        Condition::Is(Comparison {
            field: field.into(),
            relation,
            literal,
        })
    };
    let found = |condition: &Condition| -> Vec<ItemId> {
        let keys: Vec<ItemKey> = catalog.matching(condition).unwrap().into_iter().collect();
        catalog.items(&keys).unwrap().iter().map(|item| item.id).collect()
    };
    let in_folder = |folder: &str| is("folder", Relation::Equal, Literal::Text(folder.into()));
    let name = |name: &str| is("name", Relation::Equal, Literal::Text(name.into()));
    let number = |number| is("number", Relation::Equal, Literal::Number(number));
    assert_eq!(found(&in_folder("/b")), [both[0].id, both[1].id]);
    assert_eq!(found(&number(5.0)), [both[1].id], "a fact");
    assert_eq!(
        found(&Condition::And(vec![in_folder("/b"), number(4.0)])),
        [both[0].id]
    );
    let apart = Condition::And(vec![in_folder("/a"), name("5.txt")]);
    assert_eq!(found(&apart), [], "one place has to fulfil all of it");
    let neither = Condition::Not(Box::new(in_folder("/a")));
    assert_eq!(found(&neither), [both[0].id, both[1].id], "by its other place");
    assert_eq!(found(&Condition::Or(vec![])), []);
    assert_eq!(found(&Condition::And(vec![])).len(), 2);
}

/// Whatever its words are beside it, a text equals a field that is that text, in a list too, and no other.
pub(crate) fn finds_fields_that_are_a_text(make: Make) {
    let folder = tempfile::tempdir().unwrap();
    let mut catalog = make(folder.path());
    let fields = [
        serde_json::json!({"shelf": "A-7, left", "note": "of the barn"}),
        serde_json::json!({"shelf": ["b", "a-7, LEFT"], "note": 7}),
        serde_json::json!({"shelf": "A-7, left of it", "note": {"deep": "of the barn"}}),
        serde_json::json!({"shelf": "A 7 left", "note": "barn"}),
    ];
    let rows = fields.iter().zip(1..).map(|(fields, number)| {
        let mut row = item(number, 0, Some(number.into()));
        row.fields = serde_json::from_value(fields.clone()).unwrap();
        row
    });
    let rows = file(Path::new("/a-7/barn.jsonl"), 1, 1, 0, rows.collect());
    catalog.write(vec![Write::File(rows)]).unwrap();
    let is = |field: &str, relation, text: &str| {
        Condition::Is(Comparison {
            field: field.into(),
            relation,
            literal: Literal::Text(text.into()),
        })
    };
    let found = |condition: Condition| -> Vec<u64> {
        let keys: Vec<ItemKey> = catalog.matching(&condition).unwrap().into_iter().collect();
        let items = catalog.items(&keys).unwrap();
        items
            .iter()
            .map(|item| item.locations[0].record.unwrap())
            .collect()
    };
    let shelf = |text: &str| is("shelf", Relation::Equal, text);
    assert_eq!(found(shelf("a-7, Left")), [1, 2]);
    assert_eq!(found(shelf("a 7 left")), [4]);
    assert_eq!(
        found(shelf("barn")),
        Vec::<u64>::new(),
        "the name of the file is no field"
    );
    assert_eq!(found(is("note", Relation::Equal, "of the barn")), [1]);
    assert_eq!(found(Condition::And(vec![shelf("b"), shelf("A-7, left")])), [2]);
    assert_eq!(found(Condition::Or(vec![shelf("b"), shelf("a 7 left")])), [2, 4]);
    assert_eq!(found(Condition::Not(Box::new(shelf("b")))), [1, 3, 4]);
    assert_eq!(found(is("shelf", Relation::Unequal, "b")), [1, 2, 3, 4]);
}

pub(crate) fn finds_the_items_of_a_file(make: Make) {
    let folder = tempfile::tempdir().unwrap();
    let mut catalog = make(folder.path());
    let rows = Path::new("/rows.jsonl");
    let records = vec![item(5, 0, Some(8)), item(4, 0, Some(2))];
    catalog
        .write(vec![
            Write::File(file(rows, 1, 3, 0, records)),
            Write::File(file(Path::new("/dog.jpg"), 1, 2, 0, vec![item(1, 0, None)])),
        ])
        .unwrap();
    let found = |path: &str| -> Vec<(Option<u64>, ItemId)> {
        let items = catalog.at(Path::new(path)).unwrap().into_iter();
        items
            .map(|(record, key)| (record, catalog.items(&[key]).unwrap()[0].id))
            .collect()
    };
    let id = |number| item(number, 0, None).id;
    assert_eq!(found("/rows.jsonl"), [(Some(2), id(4)), (Some(8), id(5))]);
    assert_eq!(found("/dog.jpg"), [(None, id(1))]);
    assert_eq!(found("/dog"), []);
}

pub(crate) fn has_another_version_after_every_write(make: Make) {
    let folder = tempfile::tempdir().unwrap();
    let (mut one, mut other) = (make(folder.path()), make(folder.path()));
    let places = ["/rows.jsonl", "/copy.jsonl"];
    for (place, writer) in places.into_iter().zip([&mut one, &mut other]) {
        // The second is another place of the same item: nothing for an index of vectors to follow.
        let items = vec![item(1, 0, Some(1))];
        let file = file(Path::new(place), 1, 3, 0, items);
        writer.write(vec![Write::File(file)]).unwrap();
    }
    let mut before = [one.version().unwrap(), other.version().unwrap()];
    assert_eq!(one.version().unwrap(), before[0], "nothing was written");
    for of_one in [true, false] {
        let writer = if of_one { &mut one } else { &mut other };
        let items = vec![item(1, 0, Some(2))];
        writer
            .write(vec![Write::File(file(Path::new("/rows.jsonl"), 1, 3, 0, items))])
            .unwrap();
        let after = [one.version().unwrap(), other.version().unwrap()];
        assert!(
            before[0] != after[0] && before[1] != after[1],
            "{before:?} {after:?}"
        );
        before = after;
    }
}

pub(crate) fn lists_items_and_segments_in_pages(make: Make) {
    let folder = tempfile::tempdir().unwrap();
    let mut catalog = make(folder.path());
    let before = catalog.sequence().unwrap();
    // Numbers that 4 divides are texts, of two segments.
    let records = (1..=8).map(|number| item(number, 0, Some(number.into())));
    catalog
        .write(vec![Write::File(file(
            Path::new("/rows.jsonl"),
            1,
            3,
            0,
            records.collect(),
        ))])
        .unwrap();
    assert!(catalog.sequence().unwrap() > before);
    let mut listed = Vec::new();
    let mut last = None;
    loop {
        let page = catalog.list(&Modality::ALL, last, 3).unwrap();
        assert!(page.len() <= 3);
        last = page.last().copied();
        listed.extend(page);
        if last.is_none() {
            break;
        }
    }
    assert_eq!(listed.len(), 8);
    assert!(listed.is_sorted_by(|a, b| a > b), "the last first");
    let texts = catalog.list(&[Modality::Text], None, 100).unwrap();
    assert_eq!(texts.len(), 2);
    assert_eq!(catalog.list(&[], None, 100).unwrap(), []);
    let segments = catalog.segments_of(texts[0], None, 100).unwrap();
    assert_eq!(segments.len(), 2);
    let keys: Vec<_> = segments.iter().map(|segment| segment.key).collect();
    assert_eq!(catalog.segments(&keys).unwrap(), segments);
    assert_eq!(catalog.segments_of(texts[0], None, 1).unwrap(), segments[..1]);
    assert_eq!(
        catalog.segments_of(texts[0], Some(keys[0]), 100).unwrap(),
        segments[1..]
    );
}

/// While one handle writes batches of files that belong together, others never see half of one.
pub(crate) fn shows_whole_writes_to_readers(make: Make) {
    let folder = tempfile::tempdir().unwrap();
    let mut catalog = make(folder.path());
    let readers = [catalog.another().unwrap(), catalog.another().unwrap()];
    let done = std::sync::atomic::AtomicBool::new(false);
    std::thread::scope(|scope| {
        let done = &done;
        for reader in readers {
            scope.spawn(move || {
                while !done.load(std::sync::atomic::Ordering::Relaxed) {
                    let mut vectors = 0;
                    let count = |change| {
                        vectors += usize::from(matches!(change, Change::Vector { .. }));
                        Ok(())
                    };
                    reader.changes(&generation(0).space, 0, &mut { count }).unwrap();
                    assert_eq!(vectors % 6, 0, "three items of two segments each");
                }
            });
        }
        for round in 0..20u8 {
            let texts = (0..3).map(|number| {
                let path = format!("/{round}/{number}.txt");
                // Numbers that 4 divides are texts, of two segments.
                let number = 4 * (3 * (round % 10) + number);
                Write::File(file(Path::new(&path), 1, number, 0, vec![item(number, 0, None)]))
            });
            catalog.write(texts.collect()).unwrap();
        }
        done.store(true, std::sync::atomic::Ordering::Relaxed);
    });
}
