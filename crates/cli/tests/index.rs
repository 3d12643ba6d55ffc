//! `sensorium index` and what keeps an index, end to end.

#![allow(clippy::unwrap_used, reason = "tests may panic")]

mod common;

use std::fs;
use std::path::Path;

use common::index::{Place, dump, looked_at, other_model};
use common::{checkout, run, run_json, sensorium};
use serde_json::json;

#[test]
fn a_second_run_does_only_what_has_changed() {
    let place = Place::new();
    assert_eq!(place.counts(), [3, 0, 0, 0, 0]);
    assert_eq!(place.counts(), [0, 0, 3, 0, 0]);

    place.write("hen.txt", "A white hen sits.");
    place.write("sub/archive.zip", "PK\u{3}\u{4}\0\0");
    place.write(".hidden.txt", "not to be found");
    fs::remove_file(place.media.join("notes.jsonl")).unwrap();
    assert_eq!(place.counts(), [0, 1, 1, 1, 1]);
    assert_eq!(place.counts(), [0, 0, 2, 0, 1], "what is ignored is remembered");

    // Renamed, copied, touched: the content is known, and it stays the same item.
    let before = dump(&place.index);
    fs::rename(place.media.join("hen.webp"), place.media.join("sub/poultry.webp")).unwrap();
    fs::copy(place.media.join("hen.txt"), place.media.join("copy.txt")).unwrap();
    assert_eq!(place.counts(), [2, 0, 1, 1, 1]);
    let after = dump(&place.index);
    assert_eq!(
        before.items.keys().collect::<Vec<_>>(),
        after.items.keys().collect::<Vec<_>>()
    );
    fs::File::open(place.media.join("copy.txt"))
        .unwrap()
        .set_modified(std::time::UNIX_EPOCH)
        .unwrap();
    assert_eq!(place.counts(), [0, 0, 3, 0, 1]);
    place.verify();
}

/// Each text is found where it is, and nowhere else.
fn assert_found(place: &Place, texts: &[(&str, &str)]) {
    for (name, text) in texts {
        let answer = run_json(place.command("search").args([*text, "--json", "-n", "1"]), 0);
        let hit = &answer["hits"][0];
        assert_eq!(hit["text"], *text, "{name}");
        assert_eq!(
            hit["path"],
            place.media.join(name).display().to_string(),
            "{text}"
        );
    }
    place.verify();
}

#[test]
fn files_that_change_places_keep_what_they_hold() {
    let place = Place::empty();
    let (hen, rain, goat) = ("a brown hen", "rain on a roof", "a goat on a hill");
    place.write("a.txt", hen);
    place.write("b.txt", rain);
    assert_eq!(place.counts(), [2, 0, 0, 0, 0]);
    let rename = |from: &str, to: &str| fs::rename(place.media.join(from), place.media.join(to)).unwrap();

    // A swap.
    rename("a.txt", "c.txt");
    rename("b.txt", "a.txt");
    rename("c.txt", "b.txt");
    assert_eq!(place.counts(), [0, 2, 0, 0, 0]);
    assert_found(&place, &[("b.txt", hen), ("a.txt", rain)]);

    // A rotation, as of logs.
    rename("b.txt", "c.txt");
    rename("a.txt", "b.txt");
    place.write("a.txt", goat);
    assert_eq!(place.counts(), [1, 2, 0, 0, 0]);
    assert_found(&place, &[("a.txt", goat), ("b.txt", rain), ("c.txt", hen)]);

    // A copy, of which the original goes on.
    fs::copy(place.media.join("a.txt"), place.media.join("backup.txt")).unwrap();
    place.write("a.txt", "two goats on a hill");
    assert_eq!(place.counts(), [1, 1, 2, 0, 0]);
    assert_found(&place, &[("backup.txt", goat), ("a.txt", "two goats on a hill")]);
}

#[test]
fn many_files_that_are_renamed_in_a_chain_are_all_found_again() {
    // More than fit into one batch, so that what a file held is overwritten before its next name is looked at.
    const FILES: usize = 700;
    let place = Place::empty();
    let name = |number: usize| format!("{number:04}.txt");
    for number in 0..FILES {
        place.write(&name(number), &format!("note number {number}"));
    }
    place.index(0);
    for number in (0..FILES).rev() {
        let (from, to) = (place.media.join(name(number)), place.media.join(name(number + 1)));
        fs::rename(from, to).unwrap();
    }
    place.write(&name(0), "a new note");
    assert_eq!(place.counts(), [1, FILES as u64, 0, 0, 0]);
    let chained = dump(&place.index);
    assert_eq!(chained.items.len(), FILES + 1);
    place.verify();
    fs::remove_dir_all(&place.index).unwrap();
    place.index(0);
    chained.assert_same(&dump(&place.index));
}

#[test]
fn only_what_held_something_is_counted_as_added_updated_or_dropped() {
    let place = Place::empty();
    place.write("good.txt", "a brown hen");
    place.write("copy.txt", "a brown hen");
    place.write("bad.jsonl", "{broken\n{\"text\": 7}\n");
    place.write("bad.jpg", "no picture");
    place.write("archive.zip", "PK\u{3}\u{4}\0\0");
    let counts = |code| {
        let report = place.index(code);
        let refused = report["refused"].as_array().unwrap().len();
        let count = |name: &str| report[name].as_u64().unwrap();
        (
            ["added", "updated", "unchanged", "dropped", "ignored"].map(count),
            refused,
        )
    };
    assert_eq!(counts(3), ([2, 0, 0, 0, 1], 3));
    assert_eq!(counts(3), ([0, 0, 2, 0, 1], 3));
    for name in ["bad.jsonl", "bad.jpg", "archive.zip", "copy.txt"] {
        fs::remove_file(place.media.join(name)).unwrap();
    }
    assert_eq!(counts(0), ([0, 0, 1, 1, 0], 0));
}

#[test]
fn what_was_done_bit_by_bit_is_what_is_done_at_once() {
    let place = Place::new();
    place.index(0);
    place.write("more/a.md", "# Goats\n\nThey climb.");
    place.write("more/b.md", "# Goats\n\nThey climb.");
    place.write("bad.jpg", "no picture");
    place.index(3);
    fs::remove_file(place.media.join("more/a.md")).unwrap();
    place.write("notes.jsonl", "{\"text\": \"an old barn\"}\n{broken\n");
    place.index(3);
    let bit_by_bit = dump(&place.index);
    fs::remove_dir_all(&place.index).unwrap();
    place.index(3);
    bit_by_bit.assert_same(&dump(&place.index));
    place.verify();
}

#[test]
fn records_are_items_with_fields_and_bad_ones_are_told_each_time() {
    let place = Place::new();
    let long = "x".repeat(10_000);
    place.write(
        "rows.jsonl",
        &format!("{{\"text\": \"a goat\"}}\n{{\"text\": \"{long}\"}}\n{{\"text\": \"a sheep\"}}\n"),
    );
    for unchanged in [0, 4] {
        let report = place.index(3);
        assert_eq!(report["unchanged"], unchanged);
        let refused = &report["refused"][0];
        assert_eq!(
            refused["path"],
            format!("{}#2", place.media.join("rows.jsonl").display())
        );
        assert!(
            refused["cause"].as_str().unwrap().contains("10000 characters"),
            "{refused}"
        );
    }
    let answer = run_json(place.command("search").args(["a sheep", "--json", "-n", "1"]), 0);
    assert_eq!(
        answer["hits"][0]["path"],
        format!("{}#3", place.media.join("rows.jsonl").display())
    );
    assert_eq!(answer["hits"][0]["text"], "a sheep");
}

#[test]
fn a_refused_file_is_told_again_and_comes_in_when_it_is_mended() {
    let place = Place::new();
    place.write("hen.jpg", "no picture");
    for _ in 0..2 {
        let report = place.index(3);
        assert_eq!(report["refused"].as_array().unwrap().len(), 1);
        let cause = report["refused"][0]["cause"].as_str().unwrap();
        assert!(cause.contains("named like a picture but holds text"), "{cause}");
    }
    let status = run_json(place.command("status").arg("--json"), 0);
    assert_eq!(
        (&status["files"]["refused"], &status["files"]["indexed"]),
        (&json!(1), &json!(3))
    );
    fs::copy(
        checkout().join("demo/photos/rooster.jpg"),
        place.media.join("hen.jpg"),
    )
    .unwrap();
    assert_eq!(place.counts(), [1, 0, 3, 0, 0]);
    // A limit may be another one next time.
    let report = run_json(
        place
            .command("index")
            .arg(&place.media)
            .args(["--json", "--max-pixels", "9"]),
        0,
    );
    assert_eq!(report["unchanged"], 4);
}

#[test]
fn a_limit_that_is_lifted_lets_a_file_in() {
    let place = Place::new();
    let limited = |pixels: &str, code| {
        run_json(
            place
                .command("index")
                .arg(&place.media)
                .args(["--json", "--max-pixels", pixels]),
            code,
        )
    };
    assert_eq!(limited("100", 3)["added"], 2);
    // Files this young are hashed once more.
    assert_eq!(limited("100", 3)["unchanged"], 2);
    let mut again = place.command("index");
    again.arg(&place.media).args(["--max-pixels", "100"]);
    let (_, log) = run(again.env("RUST_LOG", "sensorium_engine=debug"), 3);
    assert_eq!(
        looked_at(&log),
        0,
        "under the same limits the answer is the same: {log}"
    );
    assert!(log.contains("more than the limit of 100"), "{log}");
    assert_eq!(limited("100000000", 0)["added"], 1);
}

#[test]
fn names_that_are_not_utf8_are_indexed_and_escaped() {
    use std::os::unix::ffi::OsStrExt as _;
    let place = Place::new();
    let name = std::ffi::OsStr::from_bytes(b"caf\xe9.txt");
    fs::write(place.media.join(name), "espresso in the morning").unwrap();
    assert_eq!(place.counts()[0], 4);
    let answer = run_json(
        place
            .command("search")
            .args(["espresso in the morning", "--json", "-n", "1"]),
        0,
    );
    assert_eq!(
        answer["hits"][0]["path"],
        format!("{}/caf%E9.txt", place.media.display())
    );
    assert_eq!(place.counts()[2], 4);
}

#[test]
fn removing_forgets_what_is_asked_for_and_nothing_else() {
    let place = Place::new();
    place.index(0);
    let removed = run_json(
        place
            .command("remove")
            .arg(place.media.join("hen.txt"))
            .arg("--json"),
        0,
    );
    assert_eq!(removed["removed"], 1);
    run(place.command("remove").arg(place.media.join("hen.txt")), 1);
    let status = run_json(place.command("status").arg("--json"), 0);
    assert_eq!(status["items"], json!({"text": 2, "image": 1}));
    // Also what is no longer there.
    fs::remove_dir_all(&place.media).unwrap();
    let removed = run_json(place.command("remove").arg(&place.media).arg("--json"), 0);
    assert_eq!(removed["removed"], 2);
    place.verify();
}

#[test]
fn the_index_may_lie_in_the_folder_that_it_is_about() {
    let mut place = Place::new();
    place.index = place.media.join("index");
    assert_eq!(place.counts(), [3, 0, 0, 0, 0]);
    assert_eq!(place.counts(), [0, 0, 3, 0, 0]);
}

#[test]
fn without_features_the_index_is_smaller_and_finds_the_same() {
    let place = Place::new();
    place.index(0);
    let bytes = |place: &Place| run_json(place.command("status").arg("--json"), 0)["bytes"].clone();
    let hits = |place: &Place| run_json(place.command("search").args(["a hen", "--json"]), 0)["hits"].clone();
    let (full, found) = (bytes(&place), hits(&place));
    assert!(full["features"].as_u64().unwrap() > 0);
    fs::remove_dir_all(&place.index).unwrap();
    run(place.command("index").arg(&place.media).arg("--no-features"), 0);
    assert_eq!(bytes(&place)["features"], 0);
    assert_eq!(bytes(&place)["vectors"], full["vectors"]);
    assert_eq!(hits(&place), found);
}

#[test]
fn an_index_of_another_space_is_named_and_migrated_on_request() {
    let place = Place::new();
    place.write("copy.txt", "A brown hen walks about.");
    place.index(0);
    let other = other_model(place.media.parent().unwrap());

    let with = |name: &str, model: &Path| {
        let mut command = place.command(name);
        command.env("SENSORIUM_MODEL", model);
        command
    };
    for mut command in [with("search", &other), with("index", &other)] {
        let (_, error) = run(command.arg(&place.media), 1);
        assert!(error.contains("holds vectors of sensorium-base@"), "{error}");
        assert!(error.contains("sensorium index --model DIR"), "{error}");
    }
    let report = run_json(
        place
            .command("index")
            .arg(&place.media)
            .arg("--json")
            .arg("--model")
            .arg(&other),
        0,
    );
    assert_eq!((&report["updated"], &report["unchanged"]), (&json!(4), &json!(0)));
    run(with("search", &other).arg("a hen"), 0);
    let (_, error) = run(place.command("search").arg("a hen"), 1);
    assert!(error.contains("holds vectors of"), "{error}");
    place.verify();
}

#[test]
fn a_second_indexer_is_told_and_searches_go_on() {
    let place = Place::new();
    place.index(0);
    let lock = sensorium_store::WriterLock::acquire(&place.index).unwrap();
    for name in ["index", "remove"] {
        let (_, error) = run(place.command(name).arg(&place.media), 1);
        let owner = format!("process {}", std::process::id());
        assert!(
            error.contains("is being written by another process") && error.contains(&owner),
            "{error}"
        );
    }
    run(place.command("search").arg("a hen"), 0);
    drop(lock);
    assert_eq!(place.counts(), [0, 0, 3, 0, 0]);
}

#[test]
fn completions_know_the_commands() {
    for shell in ["bash", "zsh", "fish"] {
        let (script, _) = run(sensorium().args(["completions", shell]), 0);
        assert!(script.contains("no-features"), "{shell}");
    }
}
