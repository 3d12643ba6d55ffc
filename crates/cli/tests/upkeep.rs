//! An index over time: files that come and go, other models, odd places.

#![allow(clippy::unwrap_used, reason = "tests may panic")]

mod common;

use std::fs;
use std::path::{Path, PathBuf};

use assert_cmd::Command;
use common::index::other_model;
use common::{run, run_json, sensorium};
use serde_json::{Value, json};
use tempfile::TempDir;

/// A folder with three notes, and an index beside it.
struct Place {
    _folder: TempDir,
    root: PathBuf,
}

impl Place {
    fn new() -> Self {
        let folder = tempfile::tempdir().unwrap();
        let place = Self {
            root: folder.path().canonicalize().unwrap(),
            _folder: folder,
        };
        place.write("media/hen.txt", "A brown hen walks about.");
        place.write("media/sub/rain.txt", "Rain on a roof.");
        place.write("media/sub/barn.txt", "An old barn.");
        place
    }

    fn path(&self, name: &str) -> PathBuf {
        self.root.join(name)
    }

    fn write(&self, name: &str, content: &str) {
        let path = self.path(name);
        fs::create_dir_all(path.parent().unwrap()).unwrap();
        fs::write(path, content).unwrap();
    }

    fn command(&self, name: &str) -> Command {
        let mut command = sensorium();
        command
            .arg(name)
            .env("SENSORIUM_INDEX", self.path("index"))
            .current_dir(&self.root);
        command
    }

    /// What `index` with these words reports.
    fn index(&self, words: &[&str], code: i32) -> Value {
        run_json(self.command("index").args(words).arg("--json"), code)
    }

    /// The paths of the files in an index.
    fn files(&self, index: &str) -> Vec<String> {
        let catalog = sensorium_store::SqliteCatalog::open(&self.path(index)).unwrap();
        let files = sensorium_store::Catalog::files(&catalog, &self.root).unwrap();
        let names = files
            .iter()
            .map(|file| file.path.strip_prefix(&self.root).unwrap());
        names.map(|name| name.display().to_string()).collect()
    }
}

#[test]
fn without_a_path_the_files_of_the_index_are_looked_at_again_and_no_others() {
    let place = Place::new();
    place.index(&["media"], 0);
    place.write("media/hen.txt", "A white hen sits.");
    place.write("media/new.txt", "Nobody asked for this one.");
    fs::remove_file(place.path("media/sub/rain.txt")).unwrap();
    let report = place.index(&[], 0);
    let counts = ["added", "updated", "unchanged", "dropped"].map(|name| report[name].as_u64().unwrap());
    assert_eq!(counts, [0, 1, 1, 1], "{report}");
    assert_eq!(place.files("index"), ["media/hen.txt", "media/sub/barn.txt"]);
}

#[test]
fn without_a_path_a_disk_that_is_away_loses_nothing() {
    let place = Place::new();
    place.index(&["media"], 0);
    fs::rename(place.path("media/sub"), place.path("away")).unwrap();
    let report = place.index(&[], 3);
    assert_eq!((&report["dropped"], &report["unchanged"]), (&json!(0), &json!(1)));
    assert_eq!(
        report["refused"][0]["path"],
        place.path("media/sub").display().to_string()
    );
    let cause = report["refused"][0]["cause"].as_str().unwrap();
    assert!(
        cause.contains("is missing") && cause.contains("sensorium remove"),
        "{cause}"
    );
    fs::rename(place.path("away"), place.path("media/sub")).unwrap();
    assert_eq!(place.index(&[], 0)["unchanged"], 3);
}

#[test]
fn without_a_path_and_an_index_there_is_nothing_to_do() {
    let place = Place::new();
    let (_, error) = run(&mut place.command("index"), 1);
    assert!(error.contains("there is no index in"), "{error}");
    assert!(!place.path("index").exists(), "none is made");
}

#[test]
fn an_index_of_two_spaces_says_what_it_leaves_out_and_how_to_mend_it() {
    let place = Place::new();
    place.index(&["media"], 0);
    let other = other_model(&place.root).display().to_string();
    let search = |words: &[&str]| {
        let mut command = place.command("search");
        run(command.args(["a hen", "--json"]).args(words), 0)
    };
    assert_eq!(search(&[]).1, "", "one space, no warning");

    // Some of the files only.
    place.index(&["media/sub", "--model", &other], 0);
    let (out, warning) = search(&[]);
    let answer: Value = serde_json::from_str(&out).unwrap();
    assert_eq!(answer["hits"].as_array().unwrap().len(), 1);
    assert_eq!(answer.get("elsewhere"), None, "the form of the contract stays");
    assert!(
        warning.contains("items of another space are left out (2)"),
        "{warning}"
    );
    let (_, warning) = search(&["--model", &other]);
    assert!(
        warning.contains("items of another space are left out (1)"),
        "{warning}"
    );
    let index = place.path("index");
    let command = format!("sensorium index --model {other} --index {}", index.display());
    assert!(warning.contains(&command), "{warning}");

    // The command that it names.
    let report = place.index(&["--model", &other], 0);
    assert_eq!((&report["updated"], &report["unchanged"]), (&json!(1), &json!(2)));
    let (out, warning) = search(&["--model", &other]);
    assert_eq!(warning, "");
    let answer: Value = serde_json::from_str(&out).unwrap();
    assert_eq!(answer["hits"].as_array().unwrap().len(), 3);
}

#[test]
fn the_error_of_another_space_names_the_largest_and_a_command_that_is_complete() {
    let place = Place::new();
    place.index(&["media"], 0);
    let other = other_model(&place.root);
    // The index is of two spaces, and most of it of the other one; the model makes a third.
    place.index(&["media/sub", "--model", other.to_str().unwrap()], 0);
    let manifest = fs::read_to_string(other.join("model.toml")).unwrap();
    let third = place.path("third-model");
    fs::rename(&other, &third).unwrap();
    let status = run_json(place.command("status").arg("--json"), 0);
    let (largest, _) = status["spaces"]
        .as_object()
        .unwrap()
        .iter()
        .find(|(_, items)| **items == json!(2))
        .unwrap();
    fs::write(
        third.join("model.toml"),
        manifest.replace("max_tokens = 128", "max_tokens = 64"),
    )
    .unwrap();
    let (_, error) = run(place.command("search").args(["a hen", "--model"]).arg(&third), 1);
    assert!(error.contains(&format!("holds vectors of {largest}")), "{error}");
    let command = format!(
        "sensorium index --model DIR --index {}`",
        place.path("index").display()
    );
    assert!(error.contains(&command), "{error}");
    let report = place.index(&["--model", third.to_str().unwrap()], 0);
    assert_eq!(report["updated"], 3);
}

#[test]
fn what_is_gone_is_removed_through_a_link_too() {
    let place = Place::new();
    std::os::unix::fs::symlink("media/sub", place.path("link")).unwrap();
    place.index(&["media"], 0);
    fs::remove_file(place.path("media/sub/rain.txt")).unwrap();
    let removed = run_json(place.command("remove").args(["link/rain.txt", "--json"]), 0);
    assert_eq!(removed["removed"], 1);
    assert_eq!(place.files("index"), ["media/hen.txt", "media/sub/barn.txt"]);
}

#[test]
fn parts_of_any_index_are_no_media_but_what_lies_beside_them_is() {
    let place = Place::new();
    place.index(&["media", "--index", "media/own"], 0);
    place.write("media/own/goat.txt", "A goat.");
    assert_eq!(place.index(&["media/own", "--index", "media/own"], 0)["added"], 1);
    let report = place.index(&["media"], 0);
    assert_eq!((&report["added"], &report["ignored"]), (&json!(4), &json!(0)));
    let names = [
        "media/hen.txt",
        "media/own/goat.txt",
        "media/sub/barn.txt",
        "media/sub/rain.txt",
    ];
    assert_eq!(place.files("index"), names);
}

#[test]
fn an_address_is_no_folder() {
    let place = Place::new();
    let (_, error) = run(
        place
            .command("index")
            .args(["media", "--index", "postgres://host/index"]),
        2,
    );
    assert!(error.contains("are not there yet"), "{error}");
    assert!(!place.path("postgres:").exists());
    let (_, error) = run(place.command("status").env("SENSORIUM_INDEX", "qdrant://host"), 2);
    assert!(error.contains("are not there yet"), "{error}");
}

#[test]
fn an_index_that_cannot_be_read_is_not_said_to_be_unwritable() {
    let place = Place::new();
    place.index(&["media"], 0);
    let catalog = place.path("index/catalog.sqlite");
    fs::remove_file(&catalog).unwrap();
    std::os::unix::fs::symlink(Path::new("catalog.sqlite"), &catalog).unwrap();
    for words in [&["search", "a hen"][..], &["status"], &["verify"]] {
        let (_, error) = run(place.command(words[0]).args(&words[1..]), 1);
        assert!(error.contains("catalog.sqlite cannot be read: "), "{error}");
    }
}

#[test]
fn every_command_teaches_by_example() {
    let (commands, _) = run(sensorium().arg("--help"), 0);
    let names = commands
        .lines()
        .skip_while(|line| *line != "Commands:")
        .skip(1)
        .map_while(|line| line.split_whitespace().next());
    for name in names.filter(|name| !["model", "help"].contains(name)) {
        let (help, _) = run(sensorium().args([name, "--help"]), 0);
        assert!(help.contains(&format!("Examples:\n  sensorium {name}")), "{help}");
    }
}
