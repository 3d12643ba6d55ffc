//! `sensorium export`, `import` and `merge`, end to end: what goes out comes in again, and answers are the same.

#![allow(clippy::unwrap_used, reason = "tests may panic")]

mod common;

use std::collections::{BTreeMap, BTreeSet};
use std::fs::{self, File};
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::thread;

use arrow_array::builder::{ListBuilder, PrimitiveBuilder};
use arrow_array::types::{Float32Type, Float64Type};
use arrow_array::{Array as _, ArrayRef, RecordBatch, StringArray, UInt64Array};
use common::index::{Place, dump, other_model};
use common::{binary, checkout, run, run_json};
use parquet::arrow::ArrowWriter;
use parquet::arrow::arrow_reader::ParquetRecordBatchReaderBuilder;
use sensorium_store::{Catalog as _, SqliteCatalog, WriterLock};
use sensorium_types::ItemId;
use serde_json::{Value, json};

/// Texts, records, a picture, a sound and a video; a copy, and a name that is not UTF-8.
fn place() -> Place {
    let place = Place::new();
    place.write("copy.txt", "A brown hen walks about.");
    for (from, to) in [
        ("sounds/rooster.ogg", "rooster.ogg"),
        ("videos/hen-made-from-photo.mp4", "hen.mp4"),
    ] {
        fs::copy(checkout().join("demo").join(from), place.media.join(to)).unwrap();
    }
    use std::os::unix::ffi::OsStrExt as _;
    let odd = std::ffi::OsStr::from_bytes(b"caf\xe9.txt");
    fs::write(place.media.join(odd), "a cup of coffee").unwrap();
    place.index(0);
    place
}

/// The answers of an index to some queries.
fn answers(place: &Place, index: &Path) -> Vec<Value> {
    let hen = checkout().join("demo/photos/hen.webp");
    let queries: [&[&str]; 4] = [
        &["a hen"],
        &["rain", "--where", "year = 2024"],
        &["--image", hen.to_str().unwrap()],
        &["a rooster crows", "--to", "audio,video", "--moments"],
    ];
    let answer = |words: &[&str]| {
        let mut command = place.command("search");
        command.args(words).arg("--json").arg("--index").arg(index);
        let mut answer = run_json(&mut command, 0);
        assert!(!answer["hits"].as_array().unwrap().is_empty());
        answer["took_ms"] = json!(0);
        answer
    };
    queries.into_iter().map(answer).collect()
}

fn export(place: &Place, to: &Path, more: &[&str]) -> Value {
    run_json(
        place
            .command("export")
            .arg("--to")
            .arg(to)
            .args(more)
            .arg("--json"),
        0,
    )
}

#[test]
fn an_index_that_goes_out_and_comes_in_gives_the_same_answers() {
    let place = place();
    goes_out_and_comes_in(&place, "all.parquet");
    goes_out_and_comes_in(&place, "all.npy");
}

fn goes_out_and_comes_in(place: &Place, table: &str) {
    let copy = place.index.with_file_name(format!("copy-{table}"));
    let table = place.media.with_file_name(table);
    let exported = export(place, &table, &[]);
    let before = dump(&place.index);
    let rows: usize = before.files.len();
    assert!(exported["rows"].as_u64().unwrap() as usize > rows, "{exported}");

    let import = || {
        run_json(
            place
                .command("import")
                .arg(&table)
                .arg("--json")
                .arg("--index")
                .arg(&copy),
            0,
        )
    };
    assert_eq!(import(), json!({"added": 7, "known": 0, "stale": 0}));
    before.assert_same(&dump(&copy));
    assert_eq!(answers(place, &place.index), answers(place, &copy));
    run(place.command("verify").arg("--index").arg(&copy), 0);

    assert_eq!(import(), json!({"added": 0, "known": 7, "stale": 0}));
    let report = run_json(
        place
            .command("index")
            .arg(&place.media)
            .arg("--json")
            .arg("--index")
            .arg(&copy),
        0,
    );
    assert_eq!(
        report["unchanged"], 7,
        "no file has to be looked at again: {report}"
    );
}

#[test]
fn what_was_exported_in_part_is_looked_at_again() {
    let place = Place::new();
    place.index(0);
    let table = place.media.with_file_name("rain.parquet");
    let exported = export(&place, &table, &["--where", "year = 2024"]);
    assert_eq!(exported["rows"], 1);
    fs::remove_dir_all(&place.index).unwrap();
    run(place.command("import").arg(&table), 0);
    assert_eq!(dump(&place.index).items.len(), 1);
    assert_eq!(place.counts(), [2, 1, 0, 0, 0]);

    let (_, said) = run(
        place
            .command("export")
            .arg("--to")
            .arg(&table)
            .args(["--where", "year = 1900"]),
        1,
    );
    assert!(said.contains("has nothing of this kind"), "{said}");
    let (_, said) = run(place.command("export").args(["--to", "all.csv"]), 2);
    assert!(said.contains(".parquet or .npy"), "{said}");
}

#[test]
fn a_matrix_has_the_vectors_and_its_lines_say_what_they_are() {
    let place = place();
    let matrix = place.media.with_file_name("seen.npy");
    let exported = export(&place, &matrix, &["--modality", "image,video"]);
    let lines = fs::read_to_string(matrix.with_extension("jsonl")).unwrap();
    let lines: Vec<Value> = lines
        .lines()
        .map(|line| serde_json::from_str(line).unwrap())
        .collect();
    assert_eq!(exported["rows"], lines.len());
    let file = npyz::NpyFile::new(File::open(&matrix).unwrap()).unwrap();
    let dimension = exported["dimension"].as_u64().unwrap();
    assert_eq!(file.shape(), [lines.len() as u64, dimension]);
    let values: Vec<f32> = file.into_vec().unwrap();
    let row = lines.iter().position(|line| line["modality"] == "image").unwrap();
    assert_eq!(lines[row]["path"], place.media.join("hen.webp").to_str().unwrap());
    let catalog = SqliteCatalog::open(&place.index).unwrap();
    let (_, item) = catalog.at(&place.media.join("hen.webp")).unwrap()[0];
    let vector: Vec<f32> = catalog.encoded(item).unwrap()[0]
        .vector
        .iter()
        .map(|half| half.to_f32())
        .collect();
    assert_eq!(values.chunks(dimension as usize).nth(row).unwrap(), vector);
    assert!(
        lines
            .iter()
            .any(|line| line["track"] == "audio" && line["start"].is_number())
    );
}

/// Writes a table of one picture with these columns beside the usual ones.
fn write_table(path: &Path, dimension: usize, space: Option<&str>) {
    let mut vectors = ListBuilder::new(PrimitiveBuilder::<Float32Type>::new());
    vectors.values().append_slice(&vec![0.01; dimension]);
    vectors.append(true);
    let text = |value: &str| -> ArrayRef { Arc::new(StringArray::from(vec![value.to_owned()])) };
    let mut columns = vec![
        ("item", text(&format!("b3:{}", "07".repeat(32)))),
        ("path", text("/nowhere/hen.jpg")),
        ("modality", text("image")),
        ("track", text("visual")),
        ("vector", Arc::new(vectors.finish())),
    ];
    columns.extend(space.map(|space| ("space", text(space))));
    let batch = RecordBatch::try_from_iter(columns).unwrap();
    let mut writer = ArrowWriter::try_new(File::create(path).unwrap(), batch.schema(), None).unwrap();
    writer.write(&batch).unwrap();
    writer.close().unwrap();
}

/// What `import` of a table says that it refuses, and that nothing came in.
fn refused(place: &Place, table: &Path) -> String {
    let (_, said) = run(place.command("import").arg(table), 1);
    assert!(said.contains(table.to_str().unwrap()), "{said}");
    assert!(dump(&place.index).items.is_empty(), "{said}");
    said
}

#[test]
fn vectors_of_no_common_space_are_refused_and_of_the_same_taken_from_any_writer() {
    let full = Place::new();
    full.index(0);
    let exported = export(&full, &full.media.with_file_name("all.parquet"), &[]);
    let space = exported["space"].as_str().unwrap();
    let dimension = exported["dimension"].as_u64().unwrap() as usize;

    let place = Place::empty();
    let table = place.media.join("table.parquet");
    write_table(&table, 512, Some(space));
    let said = refused(&place, &table);
    assert!(
        said.contains("512 components") && said.contains("no common space"),
        "{said}"
    );
    write_table(&table, dimension, Some("clip@0123"));
    let said = refused(&place, &table);
    assert!(said.contains("clip@0123") && said.contains(space), "{said}");
    write_table(&table, dimension, None);
    let said = refused(&place, &table);
    assert!(said.contains("does not say of which space"), "{said}");

    write_table(&table, dimension, Some(space));
    run(place.command("import").arg(&table), 0);
    assert_eq!(dump(&place.index).items.len(), 1);
    place.verify();
}

/// Writes a table of these texts, without paths, and of these paths of pictures, with one vector each.
fn write_small(path: &Path, texts: &[(&str, &[f32])], pictures: &[(&Path, &[f32])], space: &str) {
    let mut vectors = ListBuilder::new(PrimitiveBuilder::<Float64Type>::new());
    let all = texts.iter().map(|(_, vector)| vector);
    for vector in all.chain(pictures.iter().map(|(_, vector)| vector)) {
        let wide: Vec<f64> = vector.iter().map(|value| f64::from(*value)).collect();
        vectors.values().append_slice(&wide);
        vectors.append(true);
    }
    let of = |of_text: &dyn Fn(&str) -> Option<String>, of_picture: &dyn Fn(&Path) -> Option<String>| {
        let texts = texts.iter().map(|(text, _)| of_text(text));
        let column: StringArray = texts
            .chain(pictures.iter().map(|(path, _)| of_picture(path)))
            .collect();
        Arc::new(column) as ArrayRef
    };
    let columns = [
        ("text", of(&|text| Some(text.to_owned()), &|_| None)),
        ("path", of(&|_| None, &|path| path.to_str().map(str::to_owned))),
        ("modality", of(&|_| None, &|_| Some("image".to_owned()))),
        ("vector", Arc::new(vectors.finish()) as ArrayRef),
        (
            "space",
            of(&|_| Some(space.to_owned()), &|_| Some(space.to_owned())),
        ),
    ];
    let batch = RecordBatch::try_from_iter(columns).unwrap();
    let mut writer = ArrowWriter::try_new(File::create(path).unwrap(), batch.schema(), None).unwrap();
    writer.write(&batch).unwrap();
    writer.close().unwrap();
}

/// The vectors of an index, by the texts and the names of the files that they are of.
fn vectors(place: &Place) -> (BTreeMap<String, Vec<f32>>, String) {
    let matrix = place.media.with_file_name("vectors.npy");
    let exported = export(place, &matrix, &[]);
    let values: Vec<f32> = npyz::NpyFile::new(File::open(&matrix).unwrap())
        .unwrap()
        .into_vec()
        .unwrap();
    let rows = values.chunks(exported["dimension"].as_u64().unwrap() as usize);
    let lines = fs::read_to_string(matrix.with_extension("jsonl")).unwrap();
    let name = |line: &str| {
        let line: Value = serde_json::from_str(line).unwrap();
        let path = Path::new(line["path"].as_str().unwrap())
            .file_name()
            .unwrap()
            .to_owned();
        line["text"]
            .as_str()
            .map_or_else(|| path.into_string().unwrap(), str::to_owned)
    };
    let named = lines.lines().map(name).zip(rows.map(<[f32]>::to_vec));
    (named.collect(), exported["space"].as_str().unwrap().to_owned())
}

#[test]
fn texts_and_pictures_with_nothing_but_vectors_come_in_and_are_found() {
    let full = Place::new();
    full.index(0);
    let (vectors, space) = vectors(&full);
    let (hen, picture) = ("A brown hen walks about.", "hen.webp");
    let ids = |place: &Place| -> BTreeSet<ItemId> { dump(&place.index).items.into_keys().collect() };

    let place = Place::empty();
    let table = place.media.join("own.parquet");
    fs::copy(full.media.join(picture), place.media.join(picture)).unwrap();
    let lost = Path::new("lost.webp");
    write_small(
        &table,
        &[(hen, &vectors[hen]), ("something else", &vectors[hen])],
        &[(Path::new(picture), &vectors[picture]), (lost, &vectors[picture])],
        &space,
    );
    let imported = run_json(place.command("import").arg(&table).arg("--json"), 0);
    assert_eq!(imported, json!({"added": 3, "known": 0, "stale": 0}));
    place.verify();
    let answer = run_json(place.command("search").args(["a hen", "--json"]), 0);
    let hits = answer["hits"].as_array().unwrap();
    let paths: BTreeSet<&str> = hits.iter().map(|hit| hit["path"].as_str().unwrap()).collect();
    let at = |name: &str| place.media.join(name).to_str().unwrap().to_owned();
    let expected = [
        at("own.parquet#1"),
        at("own.parquet#2"),
        at(picture),
        at("lost.webp"),
    ];
    assert_eq!(paths, expected.iter().map(String::as_str).collect());
    assert!(
        hits.iter()
            .any(|hit| hit["text"] == hen && hit["modality"] == "text"),
        "{hits:?}"
    );
    let known = ids(&full).intersection(&ids(&place)).count();
    assert_eq!(known, 1, "a picture that is there is named by its content");

    let (_, said) = run(place.command("import").arg(place.media.join("none.npy")), 1);
    assert!(said.contains("none.npy"), "{said}");
}

#[test]
fn a_matrix_that_does_not_fit_its_lines_or_the_space_is_refused() {
    let full = Place::new();
    full.index(0);
    let matrix = full.media.with_file_name("all.npy");
    export(&full, &matrix, &[]);
    let (values, lines) = (
        fs::read(&matrix).unwrap(),
        fs::read_to_string(matrix.with_extension("jsonl")).unwrap(),
    );
    let place = Place::empty();
    let table = place.media.join("bad.npy");
    let refuse = |values: &[u8], lines: &str, cause: &str| {
        fs::write(&table, values).unwrap();
        fs::write(table.with_extension("jsonl"), lines).unwrap();
        let (_, said) = run(place.command("import").arg(&table), 1);
        assert!(
            said.contains("bad.") && said.contains(cause),
            "expected '{cause}': {said}"
        );
        assert!(dump(&place.index).items.is_empty(), "{said}");
    };
    let first = lines.split_inclusive('\n').next().unwrap();
    refuse(&values, first, "ends before line 2");
    refuse(
        &values,
        &format!("{lines}{first}"),
        "more lines than the matrix has rows",
    );
    refuse(
        &values,
        &lines
            .replace("\"track\"", "\"trick\"")
            .replace("\"modality\":\"", "\"modality\":\"un"),
        "row 1: line 1",
    );
    refuse(&values[..values.len() - 7], &lines, "damaged");
    refuse(b"", &lines, "damaged");
    refuse(
        b"\x93NUMPY\x02\x00\xff\xff\xff\xff{'descr'",
        &lines,
        "header is longer",
    );
    refuse(&columns_first(&values), &lines, "ascontiguousarray");
    let mut infinite = values.clone();
    let end = infinite.len();
    infinite[end - 4..].copy_from_slice(&f32::INFINITY.to_le_bytes());
    refuse(&infinite, &lines, "no finite numbers");
    whatever_byte_is_wrong_nothing_crashes(&place, &table, &values);
}

/// It is an error, or a value that is another one. `whole` is what would be right at `table`.
fn whatever_byte_is_wrong_nothing_crashes(place: &Place, table: &Path, whole: &[u8]) {
    for place_of_fault in (0..whole.len()).step_by(whole.len() / 12) {
        let mut bytes = whole.to_vec();
        bytes[place_of_fault] ^= 0xff;
        fs::write(table, bytes).unwrap();
        let index = place.index.with_file_name(format!("index-{place_of_fault}"));
        let output = place
            .command("import")
            .arg(table)
            .arg("--index")
            .arg(&index)
            .output()
            .unwrap();
        let said = String::from_utf8_lossy(&output.stderr);
        assert!(
            matches!(output.status.code(), Some(0 | 1)),
            "byte {place_of_fault}: {said}"
        );
        run(place.command("verify").arg("--index").arg(&index), 0);
    }
}

/// A matrix that says it is kept column by column.
fn columns_first(matrix: &[u8]) -> Vec<u8> {
    let at = matrix.windows(5).position(|word| word == b"False").unwrap();
    [&matrix[..at], b"True ", &matrix[at + 5..]].concat()
}

#[test]
fn a_damaged_table_is_an_error_that_names_it_and_nothing_comes_in() {
    let full = Place::new();
    full.index(0);
    let whole = full.media.with_file_name("all.parquet");
    export(&full, &whole, &[]);
    let whole = fs::read(&whole).unwrap();

    let place = Place::empty();
    let table = place.media.join("bad.parquet");
    for (cause, bytes) in [
        ("empty", Vec::new()),
        ("text", b"item,path\n".to_vec()),
        ("cut off", whole[..whole.len() / 2].to_vec()),
        ("without its head", whole[100..].to_vec()),
    ] {
        fs::write(&table, bytes).unwrap();
        let said = refused(&place, &table);
        assert!(said.contains("damaged"), "{cause}: {said}");
    }
    whatever_byte_is_wrong_nothing_crashes(&place, &table, &whole);
    let (_, said) = run(
        place.command("import").arg(place.media.join("missing.parquet")),
        1,
    );
    assert!(said.contains("missing.parquet"), "{said}");
}

#[test]
fn rows_of_a_file_that_are_apart_are_refused() {
    let full = Place::new();
    full.index(0);
    let whole = full.media.with_file_name("all.parquet");
    export(&full, &whole, &[]);
    let reader = ParquetRecordBatchReaderBuilder::try_new(File::open(&whole).unwrap()).unwrap();
    let batch = reader.build().unwrap().next().unwrap().unwrap();
    let records: &UInt64Array = batch
        .column_by_name("record")
        .unwrap()
        .as_any()
        .downcast_ref()
        .unwrap();
    let first = records.iter().position(|record| record == Some(1)).unwrap();

    let place = Place::empty();
    let table = place.media.join("apart.parquet");
    let mut writer = ArrowWriter::try_new(File::create(&table).unwrap(), batch.schema(), None).unwrap();
    writer.write(&batch.slice(first, 2)).unwrap();
    writer.write(&batch.slice(0, 1)).unwrap();
    writer.write(&batch.slice(first, 1)).unwrap();
    writer.close().unwrap();
    let said = refused(&place, &table);
    assert!(said.contains("sort the table by path and record"), "{said}");
}

/// An index of `notes` of its own beside `place`.
fn other(place: &Place, name: &str, notes: &[(&str, &str)]) -> PathBuf {
    let folder = place.media.with_file_name(name);
    fs::create_dir(&folder).unwrap();
    for (name, text) in notes {
        fs::write(folder.join(name), text).unwrap();
    }
    let index = place.index.with_file_name(format!("{name}-index"));
    run(place.command("index").arg(&folder).arg("--index").arg(&index), 0);
    index
}

#[test]
fn a_merged_index_is_as_if_all_had_been_indexed_in_it() {
    let place = place();
    let notes = [
        ("goat.txt", "a goat on a hill"),
        ("hen.txt", "A brown hen walks about."),
    ];
    let second = other(&place, "second", &notes);
    let both = place.index.with_file_name("both");
    let merge = |others: &[&PathBuf]| {
        let mut command = place.command("merge");
        run_json(command.args(others).arg("--index").arg(&both).arg("--json"), 0)
    };
    assert_eq!(
        merge(&[&place.index, &second]),
        json!({"added": 9, "known": 0, "stale": 0})
    );
    assert_eq!(merge(&[&second, &place.index])["added"], 0, "nothing is new");
    run(place.command("verify").arg("--index").arg(&both), 0);

    let together = place.index.with_file_name("together");
    let folders = [&place.media, &place.media.with_file_name("second")];
    run(
        place.command("index").args(folders).arg("--index").arg(&together),
        0,
    );
    dump(&together).assert_same(&dump(&both));
    let features = |index: &Path| {
        let status = run_json(place.command("status").arg("--json").arg("--index").arg(index), 0);
        status["bytes"]["features"].clone()
    };
    assert_eq!(features(&together), features(&both));
    // What was encoded in other company differs by rounding.
    for (expected, answer) in answers(&place, &together).iter().zip(answers(&place, &both)) {
        let hits = |answer: &Value| answer["hits"].as_array().unwrap().clone();
        let (expected, answer) = (hits(expected), hits(&answer));
        assert_eq!(expected.len(), answer.len());
        for (expected, hit) in expected.iter().zip(&answer) {
            assert_eq!(
                (&expected["item"], &expected["locations"]),
                (&hit["item"], &hit["locations"])
            );
            let score = |hit: &Value| hit["score"].as_f64().unwrap();
            assert!((score(expected) - score(hit)).abs() < 1e-3, "{expected} {hit}");
        }
    }

    // What it knows stays, and what is new comes.
    place.write("later.txt", "a late note");
    place.index(0);
    assert_eq!(
        merge(&[&place.index]),
        json!({"added": 1, "known": 7, "stale": 0})
    );
}

#[test]
fn indexes_of_different_spaces_are_not_merged() {
    let place = Place::new();
    place.index(0);
    let model = other_model(place.media.parent().unwrap());
    let other = place.index.with_file_name("other");
    run(
        place
            .command("index")
            .arg(&place.media)
            .arg("--index")
            .arg(&other)
            .arg("--model")
            .arg(&model),
        0,
    );
    let before = dump(&place.index);
    let (_, said) = run(place.command("merge").arg(&other), 1);
    let space = |index: &Path| {
        let generations = SqliteCatalog::open(index).unwrap().generations().unwrap();
        generations[0].space.clone()
    };
    assert!(
        said.contains(&space(&place.index)) && said.contains(&space(&other)),
        "{said}"
    );
    before.assert_same(&dump(&place.index));

    let (_, said) = run(place.command("merge").arg(&place.index), 1);
    assert!(said.contains("is the index itself"), "{said}");
    let (_, said) = run(place.command("merge").arg(&place.media), 1);
    assert!(said.contains("there is no index in"), "{said}");
    let _lock = WriterLock::acquire(&other).unwrap();
    let (_, said) = run(place.command("merge").arg(&other), 1);
    assert!(said.contains("is being written by another process"), "{said}");
}

#[test]
fn a_merge_that_is_killed_goes_on_where_it_was() {
    let place = Place::empty();
    for number in 0..1200 {
        place.write(&format!("{number}.txt"), &format!("note {number}"));
    }
    place.index(0);
    let whole = place.index.with_file_name("whole");
    let items = || {
        let catalog = SqliteCatalog::open(&whole);
        let summary = catalog.and_then(|catalog| catalog.summary()).unwrap_or_default();
        summary.items.iter().map(|(_, count)| *count).sum::<u64>()
    };
    let is_halfway = (0..20).any(|_| {
        let _ = fs::remove_dir_all(&whole);
        let mut child = binary()
            .arg("merge")
            .arg(&place.index)
            .arg("--index")
            .arg(&whole)
            .stdout(std::process::Stdio::null())
            .spawn()
            .unwrap();
        while items() == 0 && child.try_wait().unwrap().is_none() {
            thread::yield_now();
        }
        child.kill().unwrap();
        child.wait().unwrap();
        (1..1200).contains(&items())
    });
    assert!(is_halfway, "no kill hit the middle");
    run(
        place
            .command("merge")
            .arg(&place.index)
            .arg("--index")
            .arg(&whole),
        0,
    );
    dump(&place.index).assert_same(&dump(&whole));
    run(place.command("verify").arg("--index").arg(&whole), 0);
}
