//! `sensorium index --speech --print`: words that are said or to be read are found, with their times.

#![allow(clippy::unwrap_used, reason = "clippy knows tests, but not their helpers")]

mod common;

use std::fs;
use std::path::Path;
use std::process::Stdio;
use std::time::{Duration, Instant};

use common::index::Place;
use common::{binary, checkout, ffmpeg, run, run_json};
use serde_json::{Value, json};

/// A sign that reads "NO PARKING" and "8 am to 6 pm".
const SIGN: &str = "crates/model/tests/print/sign.png";

fn sign(place: &Place, name: &str) {
    fs::copy(checkout().join(SIGN), place.media.join(name)).unwrap();
}

/// The voice that ffmpeg has, saying `text` after `silence` seconds.
fn say(place: &Place, text: &str, silence: f64, name: &str) {
    assert!(
        checkout().join("models/speech/model.toml").exists(),
        "the tests need what hears words: run `make speech`"
    );
    let source = format!("flite=text='{text}':voice=slt");
    let later = format!("adelay={}", silence * 1000.0);
    ffmpeg(
        &["-f", "lavfi", "-i", &source, "-af", &later],
        &place.media.join(name),
    );
}

fn recognise(place: &Place, words: &[&str]) -> u64 {
    let report = run_json(place.command("index").args(words).arg("--json"), 0);
    assert_eq!(report["refused"], json!([]), "{report}");
    report["transcribed"].as_u64().unwrap()
}

fn search(place: &Place, text: &str) -> Vec<Value> {
    let answer = run_json(place.command("search").arg(text).arg("--json"), 0);
    answer["hits"].as_array().unwrap().clone()
}

fn name(hit: &Value) -> &str {
    let path = Path::new(hit["path"].as_str().unwrap());
    path.file_name().unwrap().to_str().unwrap()
}

fn transcripts(place: &Place) -> Value {
    run_json(place.command("status").arg("--json"), 0)["transcripts"].clone()
}

#[test]
fn words_on_a_sign_are_found_in_an_index_that_was_there_before() {
    let place = Place::new();
    sign(&place, "a.png");
    assert_eq!(place.index(0)["transcribed"], Value::Null);
    assert_eq!(recognise(&place, &["--print"]), 2, "the sign and the hen");
    assert_eq!(recognise(&place, &["--print"]), 0, "what was recognised stays");
    assert_eq!(transcripts(&place), json!({"visual": 2}));

    let lines = run_json(
        place
            .command("search")
            .args(["the sign", "--to", "image", "--json"]),
        0,
    );
    assert_eq!(lines["hits"][0].get("lines"), None, "nobody asked for its words");
    let hits = search(&place, "the sign that reads no parking");
    assert_eq!(name(&hits[0]), "a.png", "{hits:?}");
    let line = &hits[0]["lines"][0];
    assert_eq!(line["track"], "visual");
    assert!(
        line["text"].as_str().unwrap().to_lowercase().contains("parking"),
        "{line}"
    );
    assert_eq!(line.get("start"), None, "a picture has no times");
    let (told, _) = run(place.command("search").arg("the sign that reads no parking"), 0);
    assert!(told.contains("reads \""), "{told}");
    let (told, _) = run(&mut place.command("status"), 0);
    assert!(told.contains("read 2"), "{told}");
    place.verify();

    // Words go with their item, and come again with it.
    fs::remove_file(place.media.join("a.png")).unwrap();
    place.index(0);
    assert_eq!(transcripts(&place), json!({"visual": 1}));
    sign(&place, "b.png");
    let report = run_json(
        place
            .command("index")
            .arg(&place.media)
            .args(["--print", "--json"]),
        0,
    );
    assert_eq!((&report["added"], &report["transcribed"]), (&json!(1), &json!(1)));
    place.verify();
}

#[test]
fn what_is_said_is_found_with_its_moment() {
    let place = Place::new();
    say(
        &place,
        "There was a blackbird in the old oak tree.",
        0.0,
        "walk.wav",
    );
    say(&place, "The train to London leaves at noon.", 12.0, "station.wav");
    let moving = [
        "-f",
        "lavfi",
        "-i",
        "testsrc=duration=16:size=320x240:rate=5",
        "-i",
    ];
    let sound = place.media.join("station.wav").display().to_string();
    let video = place.media.join("station.mp4");
    ffmpeg(
        &[&moving[..], &[&sound, "-pix_fmt", "yuv420p", "-shortest"]].concat(),
        &video,
    );
    let report = run_json(
        place
            .command("index")
            .arg(&place.media)
            .args(["--speech", "--json"]),
        0,
    );
    assert_eq!(report["transcribed"], json!(3), "{report}");

    for question in ["blackbird", "the clip where she says blackbird"] {
        let hits = search(&place, question);
        assert_eq!(name(&hits[0]), "walk.wav", "{question}");
        assert_eq!(hits[0]["lines"][0]["track"], "audio");
    }
    let hits = search(&place, "someone says the train leaves at noon");
    let mut both = [name(&hits[0]), name(&hits[1])];
    both.sort_unstable();
    assert_eq!(both, ["station.mp4", "station.wav"]);
    for hit in &hits[..2] {
        let start = hit["lines"][0]["start"].as_f64().unwrap();
        assert!((10.5..14.5).contains(&start), "{hit}");
    }
    let without = run_json(
        place
            .command("search")
            .args(["blackbird", "--no-words", "--json"]),
        0,
    );
    assert!(
        without["hits"]
            .as_array()
            .unwrap()
            .iter()
            .all(|hit| hit.get("lines").is_none())
    );

    // They come along with their items.
    let other = Place::empty();
    run(other.command("merge").arg(&place.index), 0);
    assert_eq!(transcripts(&other), json!({"audio": 3}));
    assert_eq!(name(&search(&other, "blackbird")[0]), "walk.wav");
    assert_eq!(recognise(&other, &["--speech"]), 0);
    other.verify();
}

#[test]
fn recognising_goes_on_after_a_kill() {
    let place = Place::empty();
    let source = checkout().join(SIGN).display().to_string();
    for number in 1..=12 {
        let wider = format!("pad=iw+{}:ih", 2 * number);
        ffmpeg(
            &["-i", &source, "-vf", &wider],
            &place.media.join(format!("{number}.png")),
        );
    }
    place.index(0);
    let mut recognising = binary();
    recognising
        .args(["index", "--print", "--threads", "1"])
        .env("SENSORIUM_INDEX", &place.index);
    let mut child = recognising.stderr(Stdio::null()).spawn().unwrap();
    let begun = Instant::now();
    while transcripts(&place) == json!({}) && begun.elapsed() < Duration::from_secs(300) {
        assert!(child.try_wait().unwrap().is_none_or(|status| status.success()));
    }
    child.kill().unwrap();
    child.wait().unwrap();
    let kept = transcripts(&place)["visual"].as_u64().unwrap();
    assert!(kept >= 1, "what was acknowledged stays");
    place.verify();
    assert_eq!(recognise(&place, &["--print"]), 12 - kept);
    assert_eq!(
        search(&place, "no parking")
            .iter()
            .filter(|hit| hit.get("lines").is_some())
            .count(),
        10
    );
    place.verify();
}

#[test]
fn what_lacks_is_said_before_anything_is_done() {
    let place = Place::new();
    let mut command = place.command_without_parts("index");
    let (_, told) = run(command.arg(&place.media).arg("--speech"), 1);
    assert!(
        told.contains("--speech needs") && told.contains("make speech"),
        "{told}"
    );
    let status = run_json(place.command("status").arg("--json"), 0);
    assert_eq!(status["items"], json!({}));
}
