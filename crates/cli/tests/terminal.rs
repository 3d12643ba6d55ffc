//! `sensorium search` in a terminal, one that shows everything and says nothing.

#![allow(clippy::unwrap_used, reason = "tests may panic")]

mod common;

use std::fs;
use std::io::{Read as _, Write as _};
use std::os::unix::ffi::OsStrExt as _;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::time::{Duration, Instant};

use assert_cmd::cargo::cargo_bin;
use common::{checkout, run, sensorium};
use tempfile::TempDir;

/// Far more than a search takes.
const PATIENCE: Duration = Duration::from_secs(60);

/// A folder with media, and its index.
struct Place {
    _folder: TempDir,
    root: PathBuf,
}

impl Place {
    fn new() -> Self {
        let folder = tempfile::tempdir().unwrap();
        let root = folder.path().canonicalize().unwrap();
        let media = root.join("media");
        fs::create_dir(&media).unwrap();
        for name in ["photos/hen.webp", "sounds/goat.opus"] {
            let file = Path::new(name).file_name().unwrap();
            fs::copy(checkout().join("demo").join(name), media.join(file)).unwrap();
        }
        fs::write(media.join("notes.jsonl"), "{\"text\": \"an old barn\"}\n").unwrap();
        let latin1 = std::ffi::OsStr::from_bytes(b"caf\xe9 #1.txt");
        fs::write(media.join(latin1), "espresso in the morning").unwrap();
        run(
            sensorium()
                .arg("index")
                .arg(&media)
                .arg("--index")
                .arg(root.join("index")),
            0,
        );
        Self {
            _folder: folder,
            root,
        }
    }

    /// What `search` with these words shows in a terminal with these variables, and what a program that comes
    /// after it reads of the line `typed` that was typed before either.
    fn search(&self, words: &str, variables: &[(&str, &str)], typed: &str) -> String {
        let words = format!("\"$SENSORIUM\" search {words}; read -r line; echo \"typed: $line\"");
        let mut terminal = Command::new("script");
        terminal
            .args(["--quiet", "--return", "--command", &words, "/dev/null"])
            .env("SHELL", "/bin/sh")
            .env("SENSORIUM", cargo_bin("sensorium"))
            .env("SENSORIUM_INDEX", self.root.join("index"))
            .env("SENSORIUM_MODEL", checkout().join("models/base"))
            .env("ORT_DYLIB_PATH", checkout().join(".runtime/libonnxruntime.so"))
            .env("TERM", "xterm-256color")
            .stdin(Stdio::piped())
            .stdout(Stdio::piped());
        for name in [
            "TMUX",
            "TERM_PROGRAM",
            "LC_TERMINAL",
            "KONSOLE_VERSION",
            "KITTY_WINDOW_ID",
            "NO_COLOR",
        ] {
            terminal.env_remove(name);
        }
        let mut terminal = terminal.envs(variables.iter().copied()).spawn().unwrap();
        // The keyboard stays open, or else it would look like a terminal that hung up.
        let mut keyboard = terminal.stdin.take().unwrap();
        writeln!(keyboard, "{typed}").unwrap();
        let mut screen = terminal.stdout.take().unwrap();
        let reader = std::thread::spawn(move || {
            let mut shown = Vec::new();
            screen.read_to_end(&mut shown).unwrap();
            String::from_utf8(shown).unwrap()
        });
        let started = Instant::now();
        while terminal.try_wait().unwrap().is_none() {
            if started.elapsed() > PATIENCE {
                terminal.kill().unwrap();
                panic!("the search waits: {}", reader.join().unwrap());
            }
            std::thread::sleep(Duration::from_millis(10));
        }
        reader.join().unwrap()
    }

    fn media(&self, name: &str) -> String {
        self.root.join("media").join(name).display().to_string()
    }
}

#[test]
fn a_terminal_that_never_answers_is_not_waited_for_and_what_is_typed_ahead_stays() {
    let place = Place::new();
    for variables in [
        &[][..],
        &[("TERM", "xterm-kitty"), ("KITTY_WINDOW_ID", "1")],
        &[("TERM_PROGRAM", "WezTerm")],
    ] {
        let shown = place.search("'a hen' --to image", variables, "next command");
        assert!(shown.contains(&place.media("hen.webp")), "{shown}");
        assert!(shown.contains("typed: next command"), "{shown}");
        assert!(!shown.contains("\u{1b}[c"), "it was asked: {shown:?}");
    }
}

#[test]
fn pictures_are_shown_where_the_terminal_can() {
    let place = Place::new();
    let shows = |variables: &[(&str, &str)], to: &str, mark: &str| {
        place
            .search(&format!("'a hen' --to {to}"), variables, "")
            .contains(mark)
    };
    let (kitty, iterm) = ([("TERM", "xterm-kitty")], [("TERM_PROGRAM", "iTerm.app")]);
    assert!(shows(&kitty, "image", "\u{1b}_Ga=T,f=100,"));
    assert!(!shows(&kitty, "audio,text", "\u{1b}_G"));
    assert!(shows(&iterm, "image", "\u{1b}]1337;File=inline=1;"));
    assert!(!shows(&[], "image", "\u{1b}_G"));
}

#[test]
fn a_terminal_shows_path_modality_time_and_score_in_colours() {
    let place = Place::new();
    let shown = place.search("'a goat bleats' --to audio", &[], "");
    let plain = console::strip_ansi_codes(&shown).into_owned();
    assert_ne!(shown, plain, "there are colours");
    let hit: Vec<&str> = plain
        .lines()
        .find(|line| line.contains("goat.opus"))
        .unwrap()
        .split_whitespace()
        .collect();
    let [rank, score, modality, time, path] = hit[..] else {
        panic!("{plain}")
    };
    assert_eq!((rank, modality), ("1", "audio"));
    assert!((0.0..=1.0).contains(&score.parse::<f64>().unwrap()), "{score}");
    assert!(time.starts_with("0:00.0-0:"), "{time}");
    assert_eq!(path, place.media("goat.opus"));
}

#[test]
fn links_lead_to_the_files() {
    let place = Place::new();
    let link =
        |address: &str, text: &str| format!("\u{1b}]8;;file://{address}\u{1b}\\{text}\u{1b}]8;;\u{1b}\\");
    let shown = place.search("barn --to text", &[("FORCE_HYPERLINK", "1")], "");
    let record = link(&place.media("notes.jsonl"), &place.media("notes.jsonl#1"));
    assert!(shown.contains(&record), "{shown:?}");
    let latin1 = link(&place.media("caf%E9%20%231.txt"), &place.media("caf%E9 #1.txt"));
    assert!(shown.contains(&latin1), "{shown:?}");
}
