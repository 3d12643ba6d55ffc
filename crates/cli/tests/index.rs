//! `sensorium index` and what keeps an index, end to end.

#![allow(clippy::unwrap_used, reason = "tests may panic")]

mod common;

use std::fs;
use std::os::unix::fs::PermissionsExt as _;
use std::path::{Path, PathBuf};

use assert_cmd::Command;
use common::index::dump;
use common::{checkout, run, run_json, sensorium};
use serde_json::{Value, json};
use tempfile::TempDir;

/// A folder with media, and an index beside it.
struct Place {
    _folder: TempDir,
    media: PathBuf,
    index: PathBuf,
}

impl Place {
    fn new() -> Self {
        let folder = tempfile::tempdir().unwrap();
        let root = folder.path().canonicalize().unwrap();
        let place = Self {
            media: root.join("media"),
            index: root.join("index"),
            _folder: folder,
        };
        fs::create_dir(&place.media).unwrap();
        place.write("hen.txt", "A brown hen walks about.");
        place.write(
            "notes.jsonl",
            "{\"text\": \"rain on a roof\", \"year\": 2024}\n{\"text\": \"an old barn\"}\n",
        );
        fs::copy(
            checkout().join("demo/photos/hen.webp"),
            place.media.join("hen.webp"),
        )
        .unwrap();
        place
    }

    fn write(&self, name: &str, content: &str) {
        let path = self.media.join(name);
        fs::create_dir_all(path.parent().unwrap()).unwrap();
        fs::write(path, content).unwrap();
    }

    fn command(&self, name: &str) -> Command {
        let mut command = sensorium();
        command.arg(name).env("SENSORIUM_INDEX", &self.index);
        command
    }

    /// Indexes the folder, which ends with `code`.
    fn index(&self, code: i32) -> Value {
        run_json(self.command("index").arg(&self.media).arg("--json"), code)
    }

    /// The counts of the next run, which refuses nothing.
    fn counts(&self) -> [u64; 5] {
        let report = self.index(0);
        assert_eq!(report["refused"], json!([]));
        ["added", "updated", "unchanged", "dropped", "ignored"].map(|name| report[name].as_u64().unwrap())
    }

    fn verify(&self) {
        run(&mut self.command("verify"), 0);
    }
}

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
fn what_is_missing_or_unreadable_drops_nothing() {
    let place = Place::new();
    place.index(0);
    let missing = place.media.join("missing");
    let (_, error) = run(place.command("index").arg(&missing).arg(&place.media), 1);
    assert!(error.contains("missing: No such file"), "{error}");
    assert_eq!(error.matches("No such file").count(), 1, "{error}");
    assert_eq!(place.counts(), [0, 0, 3, 0, 0]);

    let locked = place.media.join("locked");
    place.write("locked/cow.txt", "a cow");
    place.index(0);
    fs::set_permissions(&locked, fs::Permissions::from_mode(0o000)).unwrap();
    if fs::read_dir(&locked).is_ok() {
        eprintln!("skipped: this user may read everything");
    } else {
        let report = place.index(3);
        assert_eq!((&report["dropped"], &report["unchanged"]), (&json!(0), &json!(3)));
        assert!(
            report["refused"][0]["cause"]
                .as_str()
                .unwrap()
                .contains("Permission denied")
        );
    }
    fs::set_permissions(&locked, fs::Permissions::from_mode(0o755)).unwrap();
    assert_eq!(place.counts(), [0, 0, 4, 0, 0]);
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
    place.index(0);
    // The same towers, cut otherwise: another space.
    let other = place.media.parent().unwrap().join("other-model");
    fs::create_dir(&other).unwrap();
    for entry in fs::read_dir(checkout().join("models/base")).unwrap() {
        let entry = entry.unwrap();
        fs::copy(entry.path(), other.join(entry.file_name())).unwrap();
    }
    let manifest = fs::read_to_string(other.join("model.toml")).unwrap();
    assert!(manifest.contains("max_tokens = 256"));
    fs::write(
        other.join("model.toml"),
        manifest.replace("max_tokens = 256", "max_tokens = 128"),
    )
    .unwrap();

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
    assert_eq!(report["updated"], 3);
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
fn no_space_is_a_clear_error_that_loses_nothing() {
    let place = Place::new();
    place.index(0);
    let before = dump(&place.index);
    for number in 0..400 {
        place.write(
            &format!("more/{number}.txt"),
            &format!("Note number {number} is about the weather. ").repeat(40),
        );
    }
    // No file may grow beyond 600 kB; the signal is ignored, so that writing fails as on a full disk.
    let limited = std::process::Command::new("bash")
        .args(["-c", "trap '' XFSZ; ulimit -f 600; exec \"$@\"", "bash"])
        .arg(place.command("index").get_program())
        .arg("index")
        .arg(&place.media)
        .env("SENSORIUM_INDEX", &place.index)
        .env("SENSORIUM_MODEL", checkout().join("models/base"))
        .env("ORT_DYLIB_PATH", checkout().join(".runtime/libonnxruntime.so"))
        .output()
        .unwrap();
    let error = String::from_utf8(limited.stderr).unwrap();
    assert_eq!(limited.status.code(), Some(1), "{error}");
    assert!(error.contains("nothing that was indexed is lost"), "{error}");
    place.verify();
    let after = dump(&place.index);
    assert!(before.items.keys().all(|id| after.items.contains_key(id)));
    let report = place.index(0);
    assert_eq!(
        report["added"].as_u64().unwrap() + report["unchanged"].as_u64().unwrap(),
        403
    );
    place.verify();
}

#[test]
fn a_folder_that_cannot_be_written_is_a_clear_error_and_can_be_searched() {
    let place = Place::new();
    place.index(0);
    for entry in fs::read_dir(&place.index).unwrap() {
        fs::set_permissions(entry.unwrap().path(), fs::Permissions::from_mode(0o444)).unwrap();
    }
    fs::set_permissions(&place.index, fs::Permissions::from_mode(0o555)).unwrap();
    if fs::write(place.index.join("probe"), "x").is_ok() {
        fs::remove_file(place.index.join("probe")).unwrap();
        eprintln!("skipped: this user may write everywhere");
        return;
    }
    place.write("new.txt", "a new note");
    let (_, error) = run(place.command("index").arg(&place.media), 1);
    assert!(error.contains("cannot be written"), "{error}");
    run(place.command("search").arg("a hen"), 0);
    place.verify();
    fs::set_permissions(&place.index, fs::Permissions::from_mode(0o755)).unwrap();
}

#[test]
fn completions_know_the_commands() {
    for shell in ["bash", "zsh", "fish"] {
        let (script, _) = run(sensorium().args(["completions", shell]), 0);
        assert!(script.contains("no-features"), "{shell}");
    }
}
