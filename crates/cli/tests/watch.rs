//! `sensorium index --watch`, end to end: what changes is found, what goes away for a while is kept.

#![allow(clippy::unwrap_used, reason = "tests may panic")]

mod common;

use std::fs;
use std::io::{BufRead as _, BufReader, Read, Write as _};
use std::path::Path;
use std::process::{Child, Command, ExitStatus, Stdio};
use std::sync::mpsc::{Receiver, channel};
use std::thread;
use std::time::{Duration, Instant};

use common::index::{Place, dump};
use common::{binary, run, sensorium_in_shell};
use sensorium_store::{Catalog as _, ItemKey, SqliteCatalog, WriterLock};
use serde_json::Value;

/// Longer than anything takes on a slow machine.
const DEADLINE: Duration = Duration::from_secs(120);

/// A `sensorium index --watch --json` that runs. It is killed when the test ends.
struct Watching {
    child: Child,
    rounds: Receiver<String>,
    said: Receiver<String>,
}

impl Drop for Watching {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

impl Watching {
    /// Starts it for `paths`.
    fn begin(place: &Place, paths: &[&Path]) -> Self {
        let mut command = binary();
        command.arg("index").args(paths);
        Self::spawn(place, command)
    }

    /// The same, and waits for the end of the first run.
    fn start(place: &Place, paths: &[&Path]) -> Self {
        let watching = Self::begin(place, paths);
        watching.round();
        watching.await_said("watching ");
        watching
    }

    fn spawn(place: &Place, mut command: Command) -> Self {
        command
            .args(["--watch", "--json"])
            .env("SENSORIUM_INDEX", &place.index)
            .env("RUST_LOG", "warn,sensorium_engine::watch=debug")
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .stderr(Stdio::piped());
        let mut child = command.spawn().unwrap();
        Self {
            rounds: lines(child.stdout.take().unwrap()),
            said: lines(child.stderr.take().unwrap()),
            child,
        }
    }

    /// The report of the next run that changed something.
    fn round(&self) -> Value {
        match self.rounds.recv_timeout(DEADLINE) {
            Ok(line) => serde_json::from_str(&line).unwrap(),
            Err(error) => panic!("{error}: {:?}", self.said.try_iter().collect::<Vec<_>>()),
        }
    }

    /// Added, updated and dropped in the next run that changed something.
    fn counts(&self) -> [u64; 3] {
        let round = self.round();
        ["added", "updated", "dropped"].map(|name| round[name].as_u64().unwrap())
    }

    /// Waits until something with these words is said.
    fn await_said(&self, words: &str) -> String {
        let mut said = Vec::new();
        while let Ok(line) = self.said.recv_timeout(DEADLINE) {
            if line.contains(words) {
                return line;
            }
            said.push(line);
        }
        panic!("nothing about '{words}' in {said:#?}");
    }

    /// Asks it to end, and waits until it has.
    fn end(mut self, signal: &str) -> ExitStatus {
        send(&self.child, signal);
        let started = Instant::now();
        while started.elapsed() < DEADLINE {
            if let Some(status) = self.child.try_wait().unwrap() {
                return status;
            }
            thread::sleep(Duration::from_millis(20));
        }
        panic!("it goes on after {signal}");
    }
}

fn send(child: &Child, signal: &str) {
    let sent = Command::new("kill")
        .args([signal, &child.id().to_string()])
        .status();
    assert!(sent.unwrap().success());
}

/// The lines of `stream` as they come.
fn lines(stream: impl Read + Send + 'static) -> Receiver<String> {
    let (sender, receiver) = channel();
    thread::spawn(move || {
        for line in BufReader::new(stream).lines() {
            // After the end of the test nobody listens.
            let _ = sender.send(line.unwrap());
        }
    });
    receiver
}

/// `sensorium index` of the folder of `place`, run by a shell behind `script` in a space of its own, where one may mount and set limits;
/// nothing where `trial` fails there.
#[allow(clippy::print_stderr, reason = "a test that was left out says so")]
fn in_own_space(place: &Place, script: &str, trial: &str) -> Option<Command> {
    let own_space = || {
        let mut command = Command::new("unshare");
        command.arg("-rm");
        command
    };
    let tried = own_space().args(["sh", "-c", trial]).status();
    if !tried.is_ok_and(|status| status.success()) {
        eprintln!("not tested: no right to do this here: {trial}");
        return None;
    }
    let shell = sensorium_in_shell(&format!("{script} exec \"$@\""));
    let mut command = own_space();
    command.arg(shell.get_program()).args(shell.get_args());
    for (name, value) in shell.get_envs() {
        value.map(|value| command.env(name, value));
    }
    command.arg("index").arg(&place.media);
    Some(command)
}

/// The texts of the index, sorted.
fn texts(place: &Place) -> Vec<String> {
    let items = dump(&place.index).items;
    let mut texts: Vec<String> = items
        .values()
        .filter_map(|(_, segments)| segments.first()?.text.clone())
        .collect();
    texts.sort();
    texts
}

/// The item at `name`, by its key, which a new one never gets.
fn key(place: &Place, name: &str) -> ItemKey {
    let catalog = SqliteCatalog::open(&place.index).unwrap();
    let items = catalog.at(&place.media.join(name)).unwrap();
    assert_eq!(items.len(), 1, "{name}");
    items[0].1
}

#[test]
fn files_that_come_change_move_and_go_are_followed() {
    let place = Place::empty();
    place.write("hen.txt", "a brown hen");
    let watching = Watching::start(&place, &[&place.media]);

    place.write("sub/deeper/rain.txt", "rain on a roof");
    assert_eq!(watching.counts(), [1, 0, 0]);
    place.write("hen.txt", "a white hen");
    assert_eq!(watching.counts(), [0, 1, 0]);
    assert_eq!(texts(&place), ["a white hen", "rain on a roof"]);

    // As an editor saves.
    place.write(".hen.txt.swp", "a black hen");
    fs::rename(place.media.join(".hen.txt.swp"), place.media.join("hen.txt")).unwrap();
    assert_eq!(watching.counts(), [0, 1, 0]);
    assert_eq!(texts(&place), ["a black hen", "rain on a roof"]);

    // Folders that move are not encoded again, and followed where they are.
    let before = key(&place, "sub/deeper/rain.txt");
    fs::rename(place.media.join("sub"), place.media.join("moved")).unwrap();
    assert_eq!(watching.counts(), [1, 0, 1]);
    assert_eq!(key(&place, "moved/deeper/rain.txt"), before);
    place.write("moved/deeper/rain.txt", "snow on a roof");
    assert_eq!(watching.counts(), [0, 1, 0]);

    fs::remove_file(place.media.join("hen.txt")).unwrap();
    assert_eq!(watching.counts(), [0, 0, 1]);
    fs::remove_dir_all(place.media.join("moved")).unwrap();
    assert_eq!(watching.counts(), [0, 0, 1]);
    assert!(texts(&place).is_empty());

    assert_eq!(watching.end("-TERM").code(), Some(0));
    place.verify();
}

#[test]
fn a_burst_of_files_is_one_run_or_few() {
    const FILES: u64 = 300;
    let place = Place::empty();
    let watching = Watching::start(&place, &[&place.media]);
    for number in 0..FILES {
        place.write(&format!("notes/{number}.txt"), &format!("note number {number}"));
    }
    let (mut added, mut rounds) = (0, 0);
    while added < FILES {
        added += watching.counts()[0];
        rounds += 1;
    }
    assert_eq!(added, FILES);
    assert!(rounds <= 3, "{rounds}");
    assert_eq!(watching.end("-INT").code(), Some(0));
}

#[test]
fn where_the_system_lost_count_everything_is_looked_at() {
    let limit = fs::read_to_string("/proc/sys/fs/inotify/max_queued_events").unwrap();
    let limit: usize = limit.trim().parse().unwrap();
    let place = Place::empty();
    place.write("a.txt", "a brown hen");
    place.write("b.txt", "rain on a roof");
    let watching = Watching::start(&place, &[&place.media]);
    send(&watching.child, "-STOP");
    // Each opens, empties, writes and closes; in turns, since what happens twice in a row is told once.
    for _ in 0..limit / 8 + 100 {
        place.write("a.txt", "a brown hen");
        place.write("b.txt", "rain on a roof");
    }
    place.write("sub/late.txt", "a goat on a hill");
    send(&watching.child, "-CONT");
    assert_eq!(watching.counts(), [1, 0, 0]);
    place.write("sub/later.txt", "an old barn");
    assert_eq!(watching.counts(), [1, 0, 0], "the new folder is followed, too");
}

#[test]
fn a_root_that_goes_away_is_kept_and_caught_up_with_when_it_is_back() {
    let place = Place::empty();
    place.write("disk/hen.txt", "a brown hen");
    place.write("disk/rain.txt", "rain on a roof");
    place.write("home/barn.txt", "an old barn");
    let (disk, elsewhere) = (place.media.join("disk"), place.media.join("elsewhere"));
    let watching = Watching::start(&place, &[&disk, &place.media.join("home")]);

    fs::rename(&disk, &elsewhere).unwrap();
    let said = watching.await_said("is away");
    assert!(said.starts_with(disk.to_str().unwrap()), "{said}");
    // Others are still followed.
    place.write("home/goat.txt", "a goat on a hill");
    assert_eq!(watching.counts(), [1, 0, 0]);
    assert_eq!(texts(&place).len(), 4);

    fs::remove_file(elsewhere.join("rain.txt")).unwrap();
    fs::write(elsewhere.join("snow.txt"), "snow on a roof").unwrap();
    fs::rename(&elsewhere, &disk).unwrap();
    watching.await_said("is back");
    assert_eq!(watching.counts(), [1, 0, 1]);
    place.write("disk/later.txt", "a sunny day");
    assert_eq!(watching.counts(), [1, 0, 0]);
    assert_eq!(
        texts(&place),
        [
            "a brown hen",
            "a goat on a hill",
            "a sunny day",
            "an old barn",
            "snow on a roof"
        ]
    );
    assert_eq!(watching.end("-TERM").code(), Some(0));
    place.verify();
}

#[test]
fn a_disk_below_a_root_that_is_unmounted_is_kept() {
    let place = Place::empty();
    place.write("barn.txt", "an old barn");
    let disk = place.media.join("disk");
    fs::create_dir(&disk).unwrap();
    // Each line of its input is a step.
    let script = format!(
        "mount -t tmpfs none '{disk}' && echo 'a brown hen' > '{disk}/hen.txt'; exec 3<&0; (
            read _ && umount '{disk}'
            read _ && mount -t tmpfs none '{disk}' && echo 'a white hen' > '{disk}/hen.txt'
            read _
        ) <&3 >/dev/null 2>&1 &",
        disk = disk.display(),
    );
    let trial = format!("mount -t tmpfs none '{}'", disk.display());
    let Some(command) = in_own_space(&place, &script, &trial) else {
        return;
    };
    let mut watching = Watching::spawn(&place, command);
    assert_eq!(watching.counts(), [2, 0, 0]);
    watching.await_said("watching ");

    let mut step = watching.child.stdin.take().unwrap();
    step.write_all(b"unmount\n").unwrap();
    let said = watching.await_said("is away");
    assert!(said.starts_with(disk.to_str().unwrap()), "{said}");
    // The folder that stayed behind is looked at with all others, and nothing of the disk is dropped.
    for name in ["1.txt", "2.txt"] {
        place.write(name, name);
    }
    fs::rename(place.media.join("barn.txt"), place.media.join("shed.txt")).unwrap();
    assert_eq!(watching.counts(), [3, 0, 1]);
    assert!(texts(&place).contains(&"a brown hen".to_owned()));

    step.write_all(b"mount\n").unwrap();
    watching.await_said("is back");
    assert_eq!(watching.counts(), [0, 1, 0]);
    assert!(texts(&place).contains(&"a white hen".to_owned()));
    assert_eq!(watching.end("-TERM").code(), Some(0));
}

#[test]
fn what_is_hidden_linked_or_of_the_index_starts_no_run() {
    let mut place = Place::empty();
    place.index = place.media.join("index");
    place.write(".git/config", "hidden");
    let elsewhere = place.media.parent().unwrap().join("elsewhere.txt");
    fs::write(&elsewhere, "elsewhere").unwrap();
    let watching = Watching::start(&place, &[&place.media]);

    place.write(".git/other", "hidden");
    place.write(".note.txt", "hidden");
    std::os::unix::fs::symlink(&elsewhere, place.media.join("link.txt")).unwrap();
    place.write("hen.txt", "a brown hen");
    let round = watching.round();
    assert_eq!((&round["added"], &round["ignored"]), (&1.into(), &0.into()));
    // The writing of the index is no reason to write it again.
    thread::sleep(Duration::from_secs(4));
    let runs = watching
        .said
        .try_iter()
        .filter(|line| line.contains("bringing up to date"));
    assert_eq!(runs.count(), 1);
}

#[test]
fn the_index_is_free_while_nothing_happens_and_waited_for_while_another_writes() {
    let place = Place::empty();
    place.write("hen.txt", "a brown hen");
    place.write("private.txt", "a secret");
    let watching = Watching::start(&place, &[&place.media]);

    run(place.command("remove").arg(place.media.join("private.txt")), 0);
    let report = place.index(0);
    assert_eq!(report["added"], 1, "it was forgotten and is found again");

    let lock = WriterLock::acquire(&place.index).unwrap();
    place.write("rain.txt", "rain on a roof");
    watching.await_said("is being written by another process");
    place.write("snow.txt", "snow on a roof");
    drop(lock);
    let mut added = 0;
    while added < 2 {
        added += watching.counts()[0];
    }
    assert_eq!(texts(&place).len(), 4);
}

#[test]
fn what_is_followed_has_to_be_named_and_to_be_there() {
    let place = Place::empty();
    let missing = place.media.join("missing");
    let (_, said) = run(place.command("index").arg(&missing).arg("--watch"), 1);
    assert!(said.contains(missing.to_str().unwrap()), "{said}");
    let (_, said) = run(place.command("index").arg("--watch"), 2);
    assert!(said.contains("PATH"), "{said}");
}

#[test]
fn a_file_by_itself_is_followed_when_it_is_replaced() {
    let place = Place::empty();
    place.write("note.txt", "a brown hen");
    place.write("other.txt", "not asked for");
    let watching = Watching::start(&place, &[&place.media.join("note.txt")]);
    place.write("other.txt", "still not asked for");
    place.write("new", "a white hen");
    fs::rename(place.media.join("new"), place.media.join("note.txt")).unwrap();
    assert_eq!(watching.counts(), [0, 1, 0]);
    assert_eq!(texts(&place), ["a white hen"]);
}

#[test]
fn all_files_are_looked_at_regularly_when_asked_for_or_where_too_few_folders_can_be_watched() {
    let place = Place::empty();
    let mut command = binary();
    command.arg("index").arg(&place.media).args(["--poll", "1"]);
    let watching = Watching::spawn(&place, command);
    watching.round();
    place.write("hen.txt", "a brown hen");
    assert_eq!(watching.counts(), [1, 0, 0]);
    drop(watching);

    for folder in ["a", "b", "c", "d"] {
        fs::create_dir(place.media.join(folder)).unwrap();
    }
    let limit = "echo 2 > /proc/sys/user/max_inotify_watches";
    let Some(command) = in_own_space(&place, &format!("{limit};"), limit) else {
        return;
    };
    let watching = Watching::spawn(&place, command);
    let said = watching.await_said("looked at every 60 s");
    assert!(said.contains("fs.inotify.max_user_watches"), "{said}");
    watching.round();
}

#[test]
fn a_refusal_is_told_once_and_a_file_that_is_mended_is_taken() {
    let place = Place::empty();
    place.write("bad.jpg", "no picture");
    let watching = Watching::begin(&place, &[&place.media]);
    assert_eq!(watching.round()["refused"].as_array().unwrap().len(), 1);
    place.write("hen.txt", "a brown hen");
    let round = watching.round();
    assert_eq!(round["refused"].as_array().unwrap().len(), 0, "{round}");
    fs::copy(
        common::checkout().join("demo/photos/hen.webp"),
        place.media.join("bad.jpg"),
    )
    .unwrap();
    assert_eq!(watching.counts(), [1, 0, 0]);
}

#[test]
fn stopped_during_the_first_run_it_ends_in_order() {
    let place = Place::empty();
    for number in 0..3000 {
        place.write(&format!("{number}.txt"), &format!("note number {number} of many"));
    }
    let watching = Watching::begin(&place, &[&place.media]);
    let indexed = || {
        let status = place.command("status").arg("--json").output().unwrap();
        let status: Value = serde_json::from_slice(&status.stdout).unwrap_or_default();
        status["files"]["indexed"].as_u64().unwrap_or_default()
    };
    while indexed() == 0 {
        thread::sleep(Duration::from_millis(50));
    }
    assert_eq!(watching.end("-TERM").code(), Some(0));
    assert!((1..3000).contains(&indexed()));
    place.verify();
}
