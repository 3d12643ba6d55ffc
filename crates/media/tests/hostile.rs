//! Texts made to take minutes or gigabytes: each is read in seconds and little memory, or refused in time.

#![allow(clippy::unwrap_used, reason = "clippy knows tests, but not their helpers")]

use std::fs;
use std::time::{Duration, Instant};

use sensorium_media::{Cause, Limits, Sample, Target, open};

/// What reading one of them may take on a slow machine that has other work to do. Each once took longer.
const TIME: Duration = Duration::from_secs(12);

/// The most memory that this process may have held, in KiB. One page alone once took 3.9 GB.
const MEMORY: usize = 200 << 10;

/// The passages of a file called `name` that holds `text`, up to an error.
fn read(name: &str, text: &str, limits: &Limits) -> Result<Vec<String>, Cause> {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join(name);
    fs::write(&path, text).unwrap();
    let media = open(&path, limits, &Target::default()).map_err(|error| error.cause)?;
    media
        .map(|piece| match piece.map_err(|error| error.cause)?.sample {
            Sample::Text(passage) => Ok(passage),
            other => panic!("{other:?}"),
        })
        .collect()
}

/// The most memory that this process has held, in KiB.
fn peak_memory() -> usize {
    let status = fs::read_to_string("/proc/self/status").unwrap();
    let line = status.lines().find(|line| line.starts_with("VmHWM:")).unwrap();
    line.split_whitespace().nth(1).unwrap().parse().unwrap()
}

#[test]
fn pages_and_tables_without_bounds_are_read_in_time_and_little_memory() {
    let fonts = "<font size=i>".repeat(950) + &"<p>x".repeat(3000);
    let table = format!(
        "{}|\n{}|\n{}",
        "|a".repeat(3000),
        "|-".repeat(3000),
        "|a\n".repeat(40_000)
    );
    for (name, text, first) in [
        ("fonts.html", format!("<p>{fonts}"), "x"),
        ("bold.html", "<b>x</b>".repeat(1 << 18), "xxx"),
        ("unmatched.html", "<div></x>".repeat(25_000) + "x", "x"),
        ("items.html", "<li><dd>x".repeat(100_000), "x\nx"),
        ("attributes.html", format!("<p {}>x", "a=1 ".repeat(1 << 18)), "x"),
        ("table.md", table, "a a a"),
        ("brackets.md", "[[[[[[[\n".repeat(1 << 19), "[[["),
    ] {
        let started = Instant::now();
        let passages = read(name, &text, &Limits::default()).unwrap();
        assert!(passages[0].starts_with(first), "{name}: {}", passages[0]);
        assert!(started.elapsed() < TIME, "{name}: {:?}", started.elapsed());
        assert!(peak_memory() < MEMORY, "{name}: {} KiB", peak_memory());
    }
}

#[test]
fn a_text_that_takes_too_long_is_refused_when_its_time_is_over() {
    let limits = Limits {
        picture_time: Duration::from_millis(200),
        ..Limits::default()
    };
    let wall = "漢".repeat(4 << 20);
    for (name, text) in [
        ("a.txt", wall.clone()),
        ("a.md", wall.clone()),
        ("a.html", wall.clone()),
        ("a.srt", format!("1\n00:00:01,000 --> 00:00:02,000\n{wall}\n")),
        (
            "a.csv",
            format!("id,text\n{}", format!("1,{}\n", "漢".repeat(8000)).repeat(500)),
        ),
        (
            "a.jsonl",
            format!("{{\"text\": \"{}\"}}\n", "漢".repeat(8000)).repeat(500),
        ),
    ] {
        let started = Instant::now();
        let cause = read(name, &text, &limits).unwrap_err();
        assert!(matches!(cause, Cause::TooSlow(_)), "{name}: {cause}");
        assert!(started.elapsed() < TIME, "{name}: {:?}", started.elapsed());
    }
}

#[test]
fn a_text_that_speaks_of_a_format_is_read_as_what_it_is() {
    let limits = Limits::default();
    let record = "{\"text\": \"the <html> tag\"}\n";
    assert_eq!(read("a.jsonl", record, &limits).unwrap(), ["the <html> tag"]);
    let markdown = "# A\nthe `<html>` tag";
    assert_eq!(read("a.md", markdown, &limits).unwrap(), ["A\nthe <html> tag"]);
    let prose = "WEBVTT is how subtitles begin.";
    assert_eq!(read("a.txt", prose, &limits).unwrap(), [prose]);
}
