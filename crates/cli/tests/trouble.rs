//! Indexing where something is in the way: rights, space, and files that change or take long.

#![allow(clippy::unwrap_used, reason = "tests may panic")]

mod common;

use std::fs;
use std::os::unix::fs::{MetadataExt as _, PermissionsExt as _, chown};
use std::os::unix::process::CommandExt as _;
use std::path::{Path, PathBuf};
use std::process::{Child, Stdio};
use std::thread::sleep;
use std::time::{Duration, Instant};

use assert_cmd::Command;
use common::index::{Place, dump, looked_at};
use common::{checkout, ffmpeg, run, run_json};
use serde_json::{Value, json};

/// A user without rights: the tests often run as one who may read and write everything.
const NOBODY: u32 = 65_534;

/// The binary and what it needs, where that user can reach them.
struct Nobody {
    kit: PathBuf,
    index: PathBuf,
    is_needed: bool,
}

impl Nobody {
    /// Gives the place to that user.
    fn own(place: &Place) -> Self {
        let root = place.media.parent().unwrap();
        let kit = root.join("kit");
        fs::create_dir_all(kit.join("model")).unwrap();
        fs::set_permissions(root, fs::Permissions::from_mode(0o755)).unwrap();
        let copy = |from: &Path, to: PathBuf| {
            fs::copy(from, &to).unwrap();
            fs::set_permissions(to, fs::Permissions::from_mode(0o755)).unwrap();
        };
        let command = common::sensorium();
        copy(Path::new(command.get_program()), kit.join("sensorium"));
        copy(
            &checkout().join(".runtime/libonnxruntime.so"),
            kit.join("libonnxruntime.so"),
        );
        for entry in fs::read_dir(checkout().join("models/base")).unwrap() {
            let entry = entry.unwrap();
            copy(&entry.path(), kit.join("model").join(entry.file_name()));
        }
        let is_needed = fs::metadata(root).unwrap().uid() == 0;
        if is_needed {
            for entry in walkdir::WalkDir::new(root) {
                chown(entry.unwrap().path(), Some(NOBODY), Some(NOBODY)).unwrap();
            }
        }
        Self {
            kit,
            index: place.index.clone(),
            is_needed,
        }
    }

    fn command(&self, name: &str) -> Command {
        let mut command = std::process::Command::new(self.kit.join("sensorium"));
        command
            .arg(name)
            .current_dir(&self.kit)
            .env("SENSORIUM_INDEX", &self.index)
            .env("SENSORIUM_MODEL", self.kit.join("model"))
            .env("ORT_DYLIB_PATH", self.kit.join("libonnxruntime.so"));
        if self.is_needed {
            command.uid(NOBODY).gid(NOBODY);
        }
        Command::from_std(command)
    }

    fn index(&self, place: &Place, code: i32) -> Value {
        run_json(self.command("index").arg(&place.media).arg("--json"), code)
    }
}

fn set_mode(path: &Path, mode: u32) {
    fs::set_permissions(path, fs::Permissions::from_mode(mode)).unwrap();
}

#[test]
fn what_is_missing_drops_nothing() {
    let place = Place::new();
    place.index(0);
    let missing = place.media.join("missing");
    let (_, error) = run(place.command("index").arg(&missing).arg(&place.media), 1);
    assert!(error.contains("missing: No such file"), "{error}");
    assert_eq!(error.matches("No such file").count(), 1, "{error}");
    assert_eq!(place.counts(), [0, 0, 3, 0, 0]);
}

#[test]
fn what_cannot_be_read_drops_nothing() {
    let place = Place::new();
    place.write("locked/cow.txt", "a cow");
    // Hidden, and therefore indexed by name only.
    place.write(".attic/goat.txt", "a goat");
    let (locked, attic) = (place.media.join("locked"), place.media.join(".attic"));
    let nobody = Nobody::own(&place);
    nobody.index(&place, 0);
    run(nobody.command("index").arg(attic.join("goat.txt")), 0);
    set_mode(&locked, 0o000);
    set_mode(&attic, 0o000);
    set_mode(&place.media.join("hen.txt"), 0o000);
    let report = nobody.index(&place, 3);
    let refused: Vec<&str> = report["refused"]
        .as_array()
        .unwrap()
        .iter()
        .map(|refused| refused["path"].as_str().unwrap())
        .collect();
    let expected = [place.media.join("hen.txt"), locked.clone()].map(|path| path.display().to_string());
    assert_eq!(refused, expected);
    assert!(report.to_string().contains("Permission denied"), "{report}");
    assert_eq!((&report["dropped"], &report["unchanged"]), (&json!(0), &json!(2)));
    assert_eq!(dump(&place.index).files.len(), 5);
    set_mode(&locked, 0o755);
    set_mode(&attic, 0o755);
    set_mode(&place.media.join("hen.txt"), 0o644);
    assert_eq!(nobody.index(&place, 0)["unchanged"], 4);
    let hits = run_json(nobody.command("search").args(["a goat", "--json", "-n", "1"]), 0);
    assert_eq!(hits["hits"][0]["text"], "a goat");
}

#[test]
fn a_folder_that_cannot_be_written_is_a_clear_error_and_can_be_searched() {
    let place = Place::new();
    let nobody = Nobody::own(&place);
    nobody.index(&place, 0);
    for entry in fs::read_dir(&place.index).unwrap() {
        set_mode(&entry.unwrap().path(), 0o444);
    }
    set_mode(&place.index, 0o555);
    place.write("new.txt", "a new note");
    let (_, error) = run(nobody.command("index").arg(&place.media), 1);
    assert!(error.contains("cannot be written"), "{error}");
    run(nobody.command("search").arg("a hen"), 0);
    run(&mut nobody.command("verify"), 0);
    set_mode(&place.index, 0o755);
}

/// Notes that take up room.
fn notes(place: &Place, count: usize) {
    for number in 0..count {
        place.write(
            &format!("more/{number}.txt"),
            &format!("Note number {number} is about the weather. ").repeat(40),
        );
    }
}

#[test]
fn a_write_that_fails_is_a_clear_error_that_loses_nothing_and_ends_the_run() {
    const NOTES: usize = 2000;
    let place = Place::new();
    place.index(0);
    let before = dump(&place.index);
    notes(&place, NOTES);
    // No file may grow beyond 200 kB; the signal is ignored, so that writing fails.
    let limited = std::process::Command::new("bash")
        .args(["-c", "trap '' XFSZ; ulimit -f 200; exec \"$@\"", "bash"])
        .arg(place.command("index").get_program())
        .arg("index")
        .arg(&place.media)
        .env("SENSORIUM_INDEX", &place.index)
        .env("SENSORIUM_MODEL", checkout().join("models/base"))
        .env("ORT_DYLIB_PATH", checkout().join(".runtime/libonnxruntime.so"))
        .env("RUST_LOG", "sensorium_engine=debug")
        .output()
        .unwrap();
    let error = String::from_utf8(limited.stderr).unwrap();
    assert_eq!(limited.status.code(), Some(1), "{error}");
    assert!(error.contains("nothing that was indexed is lost"), "{error}");
    let looked_at = looked_at(&error);
    assert!(
        looked_at < NOTES,
        "{looked_at} files were looked at, though nothing could be kept"
    );
    place.verify();
    let after = dump(&place.index);
    assert!(before.items.keys().all(|id| after.items.contains_key(id)));
}

/// A disk of a size of our choice.
struct Disk(PathBuf);

impl Disk {
    /// `None` where this user may not mount one.
    fn mount(path: &Path, size: &str) -> Option<Self> {
        fs::create_dir_all(path).unwrap();
        mount(path, &format!("size={size}")).then(|| Self(path.to_owned()))
    }

    fn grow(&self, size: &str) {
        assert!(mount(&self.0, &format!("remount,size={size}")));
    }
}

fn mount(path: &Path, options: &str) -> bool {
    let mut command = std::process::Command::new("mount");
    command
        .args(["-t", "tmpfs", "-o", options, "tmpfs"])
        .arg(path)
        .stderr(Stdio::null());
    command.status().is_ok_and(|status| status.success())
}

impl Drop for Disk {
    fn drop(&mut self) {
        // What is left mounted keeps the folder from being removed, and is seen by that.
        let _ = std::process::Command::new("umount").arg(&self.0).status();
    }
}

#[test]
fn a_full_disk_is_a_clear_error_that_loses_nothing_at_the_first_start_and_later() {
    let place = Place::new();
    let Some(disk) = Disk::mount(&place.index, "64k") else {
        eprintln!("skipped: this user may not mount a small disk");
        return;
    };
    let full = || {
        let (_, error) = run(place.command("index").arg(&place.media), 1);
        assert!(error.contains("the disk or the quota is full"), "{error}");
    };
    full();
    let (_, error) = run(&mut place.command("status"), 1);
    assert!(error.contains("there is no index"), "{error}");

    disk.grow("1m");
    assert_eq!(place.counts(), [3, 0, 0, 0, 0]);
    let before = dump(&place.index);
    notes(&place, 100);
    full();
    place.verify();
    let after = dump(&place.index);
    assert!(before.items.keys().all(|id| after.items.contains_key(id)));

    disk.grow("100m");
    let report = place.index(0);
    assert_eq!(
        report["added"].as_u64().unwrap() + report["unchanged"].as_u64().unwrap(),
        103
    );
    place.verify();
}

/// An ffprobe that says when it was started, and goes on when it may.
struct Gate {
    folder: PathBuf,
}

impl Gate {
    fn new(place: &Place) -> Self {
        let folder = place.media.parent().unwrap().join("gate");
        fs::create_dir(&folder).unwrap();
        let script = "#!/bin/bash\n\
            here=$(dirname \"$0\")\n\
            touch \"$here/reached\"\n\
            until [ -e \"$here/open\" ]; do sleep 0.05; done\n\
            PATH=${PATH#*:} exec ffprobe \"$@\"\n";
        fs::write(folder.join("ffprobe"), script).unwrap();
        set_mode(&folder.join("ffprobe"), 0o755);
        Self { folder }
    }

    /// Starts to index the folder, and waits until a sound is reached.
    fn start(&self, place: &Place) -> Child {
        let path = std::env::var_os("PATH").unwrap();
        let path =
            std::env::join_paths(std::iter::once(self.folder.clone()).chain(std::env::split_paths(&path)));
        let child = std::process::Command::new(place.command("index").get_program())
            .args(["index", "--json"])
            .arg(&place.media)
            .env("PATH", path.unwrap())
            .env("SENSORIUM_INDEX", &place.index)
            .env("SENSORIUM_MODEL", checkout().join("models/base"))
            .env("ORT_DYLIB_PATH", checkout().join(".runtime/libonnxruntime.so"))
            .stdout(Stdio::piped())
            .spawn()
            .unwrap();
        wait_until("a sound is reached", || self.folder.join("reached").exists());
        child
    }

    fn open(&self) {
        fs::write(self.folder.join("open"), "").unwrap();
    }
}

fn wait_until(what: &str, mut is_so: impl FnMut() -> bool) {
    let started = Instant::now();
    while !is_so() {
        assert!(
            started.elapsed() < Duration::from_secs(60),
            "waited in vain until {what}"
        );
        sleep(Duration::from_millis(50));
    }
}

fn sound(place: &Place, name: &str, pitch: u32) {
    let source = format!("sine={pitch}:d=3");
    ffmpeg(&["-f", "lavfi", "-i", &source], &place.media.join(name));
}

#[test]
fn others_are_committed_while_a_file_takes_long() {
    let place = Place::new();
    sound(&place, "long.wav", 440);
    let gate = Gate::new(&place);
    let mut child = gate.start(&place);
    wait_until("the others are committed", || {
        let output = place.command("status").arg("--json").output().unwrap();
        let status: Value = serde_json::from_slice(&output.stdout).unwrap_or_default();
        status["files"]["indexed"] == 3
    });
    assert_eq!(
        child.try_wait().unwrap(),
        None,
        "the long one still takes its time"
    );
    gate.open();
    assert!(child.wait().unwrap().success());
    assert_eq!(place.counts(), [0, 0, 4, 0, 0]);
}

#[test]
fn a_file_that_changes_while_it_is_read_keeps_what_it_held_and_leaves_its_copies_alone() {
    let place = Place::empty();
    sound(&place, "a.wav", 220);
    place.index(0);
    let before = dump(&place.index);
    // Another sound now, with two copies; it changes again when it was hashed, and one of the copies goes.
    sound(&place, "a.wav", 330);
    for copy in ["b.wav", "c.wav"] {
        fs::copy(place.media.join("a.wav"), place.media.join(copy)).unwrap();
    }
    let gate = Gate::new(&place);
    let child = gate.start(&place);
    sound(&place, "a.wav", 550);
    fs::remove_file(place.media.join("c.wav")).unwrap();
    gate.open();
    let output = child.wait_with_output().unwrap();
    assert_eq!(output.status.code(), Some(3));
    let report: Value = serde_json::from_slice(&output.stdout).unwrap();
    let changed = json!([{
        "path": place.media.join("a.wav").display().to_string(),
        "cause": "was changed while it was read: index it again",
    }]);
    assert_eq!((&report["refused"], &report["added"]), (&changed, &json!(1)));
    let after = dump(&place.index);
    assert_eq!(after.items.len(), 2);
    for (id, item) in &before.items {
        assert_eq!(&after.items[id], item, "what it held is kept");
    }
    assert_eq!(place.counts(), [0, 1, 1, 0, 0]);
    place.verify();
}
