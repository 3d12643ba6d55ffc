//! `sensorium duplicates`, on edits of the demo pack.

#![allow(clippy::unwrap_used, reason = "clippy knows tests, but not their helpers")]

mod common;

use std::fs;
use std::path::Path;
use std::process::Stdio;

use common::index::Place;
use common::{binary, checkout, ffmpeg, run, run_json};
use sensorium_store::{Catalog as _, SqliteCatalog};
use serde_json::Value;

fn demo(path: &str) -> String {
    let path = checkout().join("demo").join(path);
    path.display().to_string()
}

/// `from` in the demo pack, edited by ffmpeg.
fn edit(place: &Place, from: &str, words: &[&str], name: &str) {
    let source = demo(from);
    let words: Vec<&str> = ["-i", &source].into_iter().chain(words.iter().copied()).collect();
    ffmpeg(&words, &place.media.join(name));
}

fn copy(place: &Place, from: &str, name: &str) {
    fs::copy(demo(from), place.media.join(name)).unwrap();
}

fn index(place: &Place) {
    run(place.command("index").arg(&place.media), 0);
}

fn duplicates(place: &Place) -> Value {
    let package = checkout().join("models/copies/model.toml");
    assert!(
        package.exists(),
        "the tests need what copies of pictures are told by: run `make copies`"
    );
    run_json(place.command("duplicates").arg("--json"), 0)
}

/// The names of the files of a group, sorted.
fn names(group: &Value) -> Vec<String> {
    let others = group["others"].as_array().unwrap().iter();
    let mut names: Vec<String> = others.chain([&group["largest"]]).map(name).collect();
    names.sort();
    names
}

fn name(item: &Value) -> String {
    let path = Path::new(item["paths"][0].as_str().unwrap());
    path.file_name().unwrap().to_str().unwrap().to_owned()
}

#[test]
fn edits_of_a_picture_are_copies_and_another_picture_of_the_same_thing_is_not() {
    let place = Place::empty();
    copy(&place, "photos/lion.jpg", "lion.jpg");
    copy(&place, "photos/lion.jpg", "same.jpg");
    edit(&place, "photos/lion.jpg", &["-q:v", "20"], "recompressed.jpg");
    edit(&place, "photos/lion.jpg", &["-vf", "scale=iw/2:-2"], "scaled.png");
    edit(
        &place,
        "photos/lion.jpg",
        &["-vf", "crop=iw*0.8:ih*0.8"],
        "cropped.png",
    );
    let caption = "drawbox=y=ih*0.85:h=ih*0.15:w=iw:color=white:t=fill";
    edit(&place, "photos/lion.jpg", &["-vf", caption], "captioned.png");
    for other in ["cow.png", "cow-white.webp", "duck.webp", "drake.jpg"] {
        copy(&place, &format!("photos/{other}"), other);
    }
    index(&place);
    let found = duplicates(&place);
    let exact = found["exact"].as_array().unwrap();
    assert_eq!(exact.len(), 1, "{found}");
    assert_eq!(exact[0]["paths"].as_array().unwrap().len(), 2);
    let copies = found["copies"].as_array().unwrap();
    assert_eq!(copies.len(), 1, "{found}");
    assert_eq!(
        names(&copies[0]),
        [
            "captioned.png",
            "cropped.png",
            "lion.jpg",
            "recompressed.jpg",
            "scaled.png"
        ]
    );
    assert_eq!(found["read"], 9);
    assert_eq!(duplicates(&place)["read"], 0, "a second run reads nothing");
    assert_eq!(duplicates(&place)["copies"], found["copies"]);

    let similar = run_json(place.command("duplicates").args(["--similar", "--json"]), 0);
    assert!(similar["similar"].is_array() && found["similar"].is_null());
}

#[test]
fn edits_of_a_sound_are_copies_and_a_track_is_found_inside_a_video() {
    let place = Place::empty();
    let sources = ["cuckoo.m4a", "lark.ogg", "seagull.ogg", "blackbird.mp3"]
        .map(|name| demo(&format!("sounds/{name}")));
    // Something long enough to be cut: four birds, one after the other.
    let mut words: Vec<&str> = sources
        .iter()
        .flat_map(|source| ["-i", source.as_str()])
        .collect();
    words.extend(["-filter_complex", "concat=n=4:v=0:a=1"]);
    let whole = place.media.join("birds.flac");
    ffmpeg(&words, &whole);
    let whole = whole.display().to_string();
    let made = |words: &[&str], name: &str| {
        let words: Vec<&str> = ["-i", &whole].into_iter().chain(words.iter().copied()).collect();
        ffmpeg(&words, &place.media.join(name));
    };
    made(&["-b:a", "64k"], "re-encoded.mp3");
    made(&["-af", "volume=-12dB"], "quieter.ogg");
    made(&["-ss", "1.5", "-t", "4"], "cut.wav");
    copy(&place, "sounds/rooster.ogg", "rooster.ogg");
    let late = "[0:a]adelay=3000|3000[late]";
    let video = [
        "-f",
        "lavfi",
        "-i",
        "testsrc=s=160x120:r=5:d=20",
        "-filter_complex",
        late,
    ];
    made(
        &[&video[..], &["-map", "1:v", "-map", "[late]", "-shortest"]].concat(),
        "film.mp4",
    );
    index(&place);
    let found = duplicates(&place);
    let copies = found["copies"].as_array().unwrap();
    assert_eq!(copies.len(), 1, "{found}");
    assert_eq!(
        names(&copies[0]),
        [
            "birds.flac",
            "cut.wav",
            "film.mp4",
            "quieter.ogg",
            "re-encoded.mp3"
        ]
    );
    let others = copies[0]["others"].as_array().unwrap();
    let offset = |wanted: &str| {
        let other = others.iter().find(|other| name(other) == wanted).unwrap();
        assert_eq!(other["track"], "audio");
        (
            other["offset"].as_f64().unwrap(),
            name_of(&copies[0], &other["of"]),
        )
    };
    assert_eq!(name(&copies[0]["largest"]), "film.mp4", "the longest");
    let (late, of) = offset("birds.flac");
    assert!(of == "film.mp4" && (late - 3.0).abs() < 0.2, "{late} in {of}");
    let (cut, of) = offset("cut.wav");
    let expected = if of == "film.mp4" { 4.5 } else { 1.5 };
    assert!((cut - expected).abs() < 0.2, "{cut} in {of}");
    let film = run_json(
        place
            .command("duplicates")
            .args(["--modality", "audio", "--json"]),
        0,
    );
    assert_eq!(
        names(&film["copies"][0]),
        ["birds.flac", "cut.wav", "quieter.ogg", "re-encoded.mp3"]
    );
}

#[test]
fn what_is_asked_for_is_told_and_the_picture_with_most_pixels_comes_first() {
    let place = Place::empty();
    for (folder, photo) in [("a", "lion.jpg"), ("b", "fox.jpg")] {
        fs::create_dir(place.media.join(folder)).unwrap();
        copy(&place, &format!("photos/{photo}"), &format!("{folder}/{photo}"));
        // Lossless, so that it has fewer pixels and more bytes.
        let name = format!("{folder}/smaller.png");
        edit(
            &place,
            &format!("photos/{photo}"),
            &["-vf", "scale=iw*0.9:-2"],
            &name,
        );
    }
    index(&place);
    let found = duplicates(&place);
    assert_eq!(found["copies"].as_array().unwrap().len(), 2);
    for group in found["copies"].as_array().unwrap() {
        let (largest, other) = (&group["largest"], &group["others"][0]);
        assert!(largest["width"].as_u64() > other["width"].as_u64(), "{group}");
        assert!(largest["bytes"].as_u64() < other["bytes"].as_u64(), "{group}");
    }
    let mut below = place.command("duplicates");
    let below = run_json(below.arg(place.media.join("a")).arg("--json"), 0);
    assert_eq!(below["copies"].as_array().unwrap().len(), 1);
    assert_eq!(name(&below["copies"][0]["largest"]), "lion.jpg");
    let (_, error) = run(place.command("duplicates").arg("/nowhere"), 1);
    assert!(
        error.contains("/nowhere: nothing in the index is at or below it"),
        "{error}"
    );
    let sounds = run_json(
        place
            .command("duplicates")
            .args(["--modality", "audio", "--json"]),
        0,
    );
    assert_eq!(sounds["copies"], serde_json::json!([]));

    let (out, _) = run(&mut place.command("duplicates"), 0);
    assert!(out.contains("lion.jpg  (") && out.contains(" visual "), "{out}");
}

/// How many bytes of fingerprints are kept.
fn kept(place: &Place) -> u64 {
    let catalog = SqliteCatalog::open(&place.index).unwrap();
    catalog.summary().unwrap().fingerprint_bytes
}

#[test]
fn what_was_made_before_a_kill_is_not_made_again() {
    let place = Place::empty();
    for part in ["photos", "sounds"] {
        for file in fs::read_dir(checkout().join("demo").join(part)).unwrap() {
            let file = file.unwrap();
            fs::copy(file.path(), place.media.join(file.file_name())).unwrap();
        }
    }
    index(&place);
    let mut child = binary()
        .args(["duplicates", "--threads", "1"])
        .env("SENSORIUM_INDEX", &place.index)
        .stdout(Stdio::null())
        .stderr(Stdio::null())
        .spawn()
        .unwrap();
    while kept(&place) == 0 && child.try_wait().unwrap().is_none() {
        std::thread::sleep(std::time::Duration::from_millis(20));
    }
    assert!(
        child.try_wait().unwrap().is_none(),
        "it ended before it could be killed"
    );
    child.kill().unwrap();
    child.wait().unwrap();
    run(&mut place.command("verify"), 0);
    let status = run_json(place.command("status").arg("--json"), 0);
    let items = status["items"]["image"].as_u64().unwrap() + status["items"]["audio"].as_u64().unwrap();
    let read = duplicates(&place)["read"].as_u64().unwrap();
    assert!(read > 0 && read < items, "{read} of {items}");
    assert_eq!(duplicates(&place)["read"], 0);

    // The fingerprints of what is forgotten are forgotten.
    let before = kept(&place);
    run(place.command("remove").arg(place.media.join("lion.jpg")), 0);
    assert!(kept(&place) < before);
    run(&mut place.command("verify"), 0);
}

/// The name of the item `id` of a group.
fn name_of(group: &Value, id: &Value) -> String {
    let others = group["others"].as_array().unwrap().iter();
    let item = others.chain([&group["largest"]]).find(|item| item["item"] == *id);
    name(item.unwrap())
}

#[test]
fn without_the_package_the_answer_says_that_pictures_are_not_compared() {
    let place = Place::empty();
    copy(&place, "photos/lion.jpg", "lion.jpg");
    edit(&place, "photos/lion.jpg", &["-q:v", "20"], "recompressed.jpg");
    index(&place);
    let (out, err) = run(&mut place.command_without_parts("duplicates"), 0);
    assert!(
        err.contains("models/copies") && err.contains("are not compared"),
        "{err}"
    );
    assert!(out.contains("no duplicates"), "{out}");
}
