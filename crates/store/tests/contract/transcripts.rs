use std::path::Path;

use sensorium_store::{Catalog, ItemKey, LineKey, Transcript, Write};
use sensorium_types::{Modality, Span, Track};

use crate::model::{file, id, item};

type Make = fn(&Path) -> Box<dyn Catalog>;

const PATH: &str = "/media.jsonl";

/// Holds the sounds 2 and 6, the video 3 and the picture 1, and returns their keys.
fn fill(catalog: &mut dyn Catalog) -> [ItemKey; 4] {
    let items = [2, 6, 3, 1].map(|number| item(number, 0, Some(number.into())));
    catalog
        .write(vec![Write::File(file(Path::new(PATH), 1, 1, 0, items.to_vec()))])
        .unwrap();
    [2, 6, 3, 1].map(|number| catalog.find(&id(number)).unwrap().unwrap())
}

fn transcript(item: ItemKey, track: Track, maker: &str, lines: &[&str]) -> Transcript {
    let span = |number: usize| Span {
        start: number as f64,
        end: number as f64 + 0.5,
    };
    let timed = |(number, text): (usize, &&str)| (Some(span(number)), (*text).to_owned());
    Transcript {
        item,
        track,
        maker: maker.into(),
        lines: lines.iter().enumerate().map(timed).collect(),
    }
}

fn put(catalog: &mut dyn Catalog, transcript: &Transcript) {
    catalog
        .write(vec![Write::Transcript(transcript.clone())])
        .unwrap();
}

fn texts(catalog: &dyn Catalog, keys: &[LineKey]) -> Vec<String> {
    let lines = catalog.lines(keys).unwrap().into_iter();
    lines.map(|line| line.text).collect()
}

/// They stay while the item is made anew, and go with it; those of another maker count as missing.
pub(crate) fn keeps_them_as_long_as_their_items(make: Make) {
    let folder = tempfile::tempdir().unwrap();
    let mut catalog = make(folder.path());
    let [two, six, three, one] = fill(&mut *catalog);
    let missing =
        |catalog: &dyn Catalog, modality, track| catalog.without_transcript(modality, track, "tiny").unwrap();
    assert_eq!(missing(&*catalog, Modality::Audio, Track::Audio), [two, six]);
    assert_eq!(
        missing(&*catalog, Modality::Image, Track::Audio),
        [],
        "it has no such track"
    );

    let said = transcript(three, Track::Audio, "tiny", &["a blackbird", "and a hen"]);
    let mut read = transcript(three, Track::Visual, "tiny", &["EXIT"]);
    read.lines[0].0 = None;
    put(&mut *catalog, &said);
    put(&mut *catalog, &read);
    put(
        &mut *catalog,
        &transcript(six, Track::Audio, "other", &["by another"]),
    );
    put(&mut *catalog, &transcript(two, Track::Audio, "tiny", &[]));
    put(
        &mut *catalog,
        &transcript(ItemKey(99), Track::Audio, "tiny", &["nobody"]),
    );
    assert_eq!(missing(&*catalog, Modality::Audio, Track::Audio), [six]);
    assert_eq!(missing(&*catalog, Modality::Video, Track::Visual), []);
    assert_eq!(missing(&*catalog, Modality::Image, Track::Visual), [one]);
    let both = catalog.transcripts(three).unwrap();
    assert_eq!(both.len(), 2);
    assert!(both.contains(&said) && both.contains(&read));
    assert_eq!(
        catalog.transcripts(two).unwrap(),
        [transcript(two, Track::Audio, "tiny", &[])]
    );
    let counts = catalog.summary().unwrap().transcripts;
    assert_eq!(counts, [(Track::Visual, 1), (Track::Audio, 3)]);

    let anew = [2, 6, 3, 1].map(|number| item(number, 1, Some(number.into())));
    catalog
        .write(vec![Write::File(file(Path::new(PATH), 2, 2, 1, anew.to_vec()))])
        .unwrap();
    assert_eq!(
        catalog.transcripts(three).unwrap(),
        both,
        "made anew in another space"
    );
    assert_eq!(catalog.verify().unwrap(), Vec::<String>::new());
    assert_eq!(catalog.lines_with_word("exit", 9).unwrap().len(), 1);
    catalog.write(vec![Write::Forget(PATH.into())]).unwrap();
    assert_eq!(catalog.lines_with_word("exit", 9).unwrap(), []);
    assert_eq!(catalog.transcripts(three).unwrap(), []);
    assert_eq!(catalog.verify().unwrap(), Vec::<String>::new());
}

pub(crate) fn finds_words_line_by_line(make: Make) {
    let folder = tempfile::tempdir().unwrap();
    let mut catalog = make(folder.path());
    let [two, six, three, one] = fill(&mut *catalog);
    put(
        &mut *catalog,
        &transcript(two, Track::Audio, "tiny", &["A blackbird.", "Crème brûlée"]),
    );
    put(
        &mut *catalog,
        &transcript(six, Track::Audio, "tiny", &["the hen", "the HEN again"]),
    );
    put(
        &mut *catalog,
        &transcript(three, Track::Visual, "tiny", &["nothing of it"]),
    );
    put(
        &mut *catalog,
        &transcript(one, Track::Visual, "tiny", &["hen house"]),
    );
    let found = |word: &str| catalog.lines_with_word(word, 9).unwrap();
    let keys = |word: &str| found(word).into_iter().map(|(_, line)| line).collect::<Vec<_>>();
    assert_eq!(
        found("blackbird")
            .iter()
            .map(|(item, _)| *item)
            .collect::<Vec<_>>(),
        [two]
    );
    assert_eq!(texts(&*catalog, &keys("creme")), ["Crème brûlée"]);
    assert_eq!(
        texts(&*catalog, &keys("cremebrulee")),
        ["Crème brûlée"],
        "written as two"
    );
    let mut hens = texts(&*catalog, &keys("hen"));
    hens.sort();
    assert_eq!(hens, ["hen house", "the HEN again", "the hen"]);
    assert_eq!(catalog.lines_with_word("hen", 2).unwrap().len(), 2);
    for nothing in ["", "\"", "zebra", "hous"] {
        assert_eq!(found(nothing), [], "{nothing}");
    }
    assert!(
        catalog.with_word("hen", 9).unwrap().is_empty(),
        "lines are asked for apart"
    );
    let both = catalog.words("again hen", 9).unwrap();
    assert_eq!(
        both.iter()
            .map(|found| (found.item, found.segment))
            .collect::<Vec<_>>(),
        [(six, None)]
    );

    let line = keys("brulee")[0];
    assert_eq!(
        catalog.lines(&[line, LineKey(99)]).unwrap()[0]
            .segment
            .span
            .unwrap()
            .start,
        1.0
    );
    assert_eq!(keys("blackbird")[0].0 + 1, line.0, "they follow each other");
    put(&mut *catalog, &transcript(two, Track::Audio, "other", &["anew"]));
    assert!(catalog.lines(&[line]).unwrap().is_empty());
    assert!(catalog.lines_with_word("blackbird", 9).unwrap().is_empty());
}
