//! A graph of neighbours finds what a comparison with all finds, and whatever happens to its files is mended.

#![allow(clippy::unwrap_used, reason = "tests may panic")]

mod common;

use std::fs;
use std::path::{Path, PathBuf};

use assert_cmd::Command;
use common::index::{Place, dump};
use common::{run, run_json};
use serde_json::Value;

/// Texts of which a graph is made.
const FROM: &str = "100";

const QUERIES: [&str; 3] = ["a hen in the barn", "rain at night", "the engine of a red lorry"];

/// Records of which each is another sentence, from `first` on.
fn notes(first: usize, count: usize) -> String {
    let who = [
        "a hen",
        "a dog",
        "an old woman",
        "the postman",
        "a red lorry",
        "my brother",
        "the night train",
    ];
    let does = [
        "sleeps",
        "waits",
        "makes a noise",
        "comes back",
        "is being washed",
        "is lost",
    ];
    let place = [
        "in the barn",
        "behind the hill",
        "at the station",
        "in the rain",
        "by the river",
        "on the roof",
        "near the church",
    ];
    let line = |number: usize| {
        let rest = number / who.len();
        let (who, does, place) = (
            who[number % who.len()],
            does[rest % does.len()],
            place[rest / does.len() % place.len()],
        );
        format!("{{\"text\": \"{who} {does} {place}\"}}\n")
    };
    (first..first + count).map(line).collect()
}

/// With 252 texts in three files, and a picture.
fn place() -> Place {
    let place = Place::new();
    for part in 0..3 {
        place.write(&format!("part{part}.jsonl"), &notes(84 * part, 84));
    }
    place
}

fn arrange(place: &Place) -> Command {
    let mut command = place.command("index");
    command.arg(&place.media).args(["--arrange-from", FROM]);
    command
}

/// What is found, with scores.
fn found(place: &Place, more: &[&str]) -> Vec<(String, f64)> {
    let hits = QUERIES.into_iter().flat_map(|query| {
        let answer = run_json(place.command("search").args([query, "--json"]).args(more), 0);
        answer["hits"].as_array().unwrap().clone()
    });
    let hit = |hit: Value| {
        (
            hit["item"].as_str().unwrap().to_owned(),
            hit["score"].as_f64().unwrap(),
        )
    };
    hits.map(hit).collect()
}

fn assert_same(here: &[(String, f64)], there: &[(String, f64)]) {
    assert_eq!(here.len(), there.len());
    for ((item, score), (other, same)) in here.iter().zip(there) {
        assert!((score - same).abs() < 1e-4, "{item} {score}, {other} {same}");
    }
}

/// The file of the graph that ends with `end`.
fn file(place: &Place, end: &str) -> Option<PathBuf> {
    let entries = fs::read_dir(place.index.join("near")).ok()?;
    let mut paths: Vec<_> = entries.map(|entry| entry.unwrap().path()).collect();
    paths.sort();
    // That of the texts, which has a graph.
    paths
        .into_iter()
        .find(|path| path.to_str().unwrap().ends_with(end) && path.to_str().unwrap().contains("text"))
}

fn flip(path: &Path) {
    let mut bytes = fs::read(path).unwrap();
    let middle = bytes.len() / 2;
    bytes[middle] ^= 1;
    fs::write(path, bytes).unwrap();
}

/// What happens to the files of a graph.
type Damage = fn(&Place);

#[test]
fn a_graph_finds_what_a_comparison_with_all_finds_and_is_mended() {
    let (exact, place) = (place(), place());
    exact.index(0);
    assert!(!exact.index.join("near").exists(), "there are few vectors");
    run(&mut arrange(&place), 0);
    assert!(file(&place, ".graph").is_some());
    let same = |more: &[&str]| assert_same(&found(&place, more), &found(&exact, more));
    same(&[]);
    same(&["--no-words", "-n", "30"]);
    same(&["--where", "record < 20"]);
    place.verify();

    let list = place.index.join("near/list");
    let damages: [(&str, Damage); 5] = [
        ("graph", |place| flip(&file(place, ".graph").unwrap())),
        ("keys", |place| {
            let path = file(place, ".keys").unwrap();
            let bytes = fs::read(&path).unwrap();
            fs::write(path, &bytes[..bytes.len() / 2]).unwrap();
        }),
        ("rows", |place| {
            fs::remove_file(file(place, ".rows").unwrap()).unwrap()
        }),
        ("list", |place| flip(&place.index.join("near/list"))),
        ("all", |place| {
            fs::remove_dir_all(place.index.join("near")).unwrap()
        }),
    ];
    let expected = found(&exact, &[]);
    for (what, damage) in damages {
        damage(&place);
        if what != "all" {
            let (out, err) = run(&mut place.command("verify"), 1);
            assert!((out + &err).contains("/near"), "{what}");
        }
        assert_same(&found(&place, &[]), &expected);
        // Nothing else has changed.
        run(&mut arrange(&place), 0);
        assert!(file(&place, ".graph").is_some(), "{what}");
        place.verify();
    }
    same(&["--no-words"]);

    // A sentence in four is another, and one in four is gone.
    for place in [&exact, &place] {
        place.write("part0.jsonl", &notes(252, 42));
    }
    exact.index(0);
    let before = fs::read(&list).unwrap();
    place.index(0);
    assert_eq!(
        fs::read(&list).unwrap(),
        before,
        "too few for a graph, unless it is asked for"
    );
    same(&[]);
    run(&mut arrange(&place), 0);
    assert_ne!(fs::read(&list).unwrap(), before);
    same(&["--no-words", "-n", "30"]);

    // The graph of another index, with a list that is whole.
    let other = Place::empty();
    other.write("part.jsonl", &notes(0, 120));
    run(&mut arrange(&other), 0);
    fs::remove_dir_all(other.index.join("near")).unwrap();
    fs::create_dir(other.index.join("near")).unwrap();
    for entry in fs::read_dir(place.index.join("near")).unwrap() {
        let entry = entry.unwrap();
        fs::copy(entry.path(), other.index.join("near").join(entry.file_name())).unwrap();
    }
    let count = found(&other, &["-n", "200"]).len();
    assert_eq!(count, 3 * 120, "all are found without it");
    run(&mut arrange(&other), 0);
    assert_ne!(
        fs::read(other.index.join("near/list")).unwrap(),
        fs::read(&list).unwrap()
    );
    assert_eq!(found(&other, &["-n", "200"]).len(), count);
    assert_eq!(dump(&other.index).items.len(), 120);
}
