//! `sensorium search --moments`, on events hidden in longer files.

#![allow(clippy::unwrap_used, reason = "clippy knows tests, but not their helpers")]

mod common;

use std::path::{Path, PathBuf};
use std::process::Command;

use common::{checkout, run, run_json, sensorium};
use serde_json::Value;
use tempfile::TempDir;

/// When the event begins and ends, in seconds.
const EVENT: (f64, f64) = (31.0, 33.0);

fn ffmpeg(words: &[&str], out: &Path) {
    let mut command = Command::new("ffmpeg");
    command
        .args(["-nostdin", "-v", "error", "-y"])
        .args(words)
        .arg(out);
    assert!(command.status().unwrap().success(), "{words:?}");
}

fn demo(path: &str) -> String {
    checkout().join("demo").join(path).display().to_string()
}

/// An index of a minute of noise in which a rooster crows for two seconds, and of a minute of a grey picture in which a
/// zebra is seen for as long.
fn index() -> (TempDir, PathBuf) {
    let folder = tempfile::tempdir().unwrap();
    let media = folder.path().join("media");
    std::fs::create_dir(&media).unwrap();
    let sound = demo("sounds/rooster.ogg");
    ffmpeg(
        &[
            "-f",
            "lavfi",
            "-i",
            "anoisesrc=color=pink:amplitude=0.02:d=60:r=16000",
            "-i",
            &sound,
            "-filter_complex",
            "[1:a]aresample=16000,atrim=0:2,adelay=31000|31000[event];[0:a][event]amix=inputs=2:duration=first:normalize=0",
        ],
        &media.join("hidden.wav"),
    );
    let photo = demo("photos/zebra.png");
    ffmpeg(
        &[
            "-f",
            "lavfi",
            "-i",
            "color=gray:s=320x240:r=5:d=60",
            "-loop",
            "1",
            "-i",
            &photo,
            "-filter_complex",
            "[1:v]scale=320:240[event];[0:v][event]overlay=enable='between(t,31,33)':shortest=1",
            "-t",
            "60",
        ],
        &media.join("hidden.mp4"),
    );
    let index = folder.path().join("index");
    run(sensorium().arg("index").arg(&media).arg("--index").arg(&index), 0);
    (folder, index)
}

fn assert_found(hit: &Value) {
    let moment = &hit["moments"][0];
    let time = |name: &str| moment[name].as_f64().unwrap();
    let (start, end, peak) = (time("start"), time("end"), time("peak"));
    assert!(peak > EVENT.0 - 2.0 && peak < EVENT.1 + 2.0, "{moment}");
    assert!(start < EVENT.1 && end > EVENT.0 && end - start < 15.0, "{moment}");
    let curve = hit["curve"].as_array().unwrap();
    let ends = curve.iter().map(|stretch| stretch["end"].as_f64().unwrap());
    assert!(ends.is_sorted_by(|a, b| a < b));
}

/// The window that mattered most is that of the event, that is when the query looked most, and of pictures it is told where
/// in them.
fn assert_mattered(hit: &Value, track: &str) {
    let evidence = &hit["explain"];
    let windows = evidence["windows"].as_array().unwrap();
    let scores: Vec<f64> = windows
        .iter()
        .map(|window| window["score"].as_f64().unwrap())
        .collect();
    assert!(
        scores.len() > 1 && scores.is_sorted_by(|a, b| a >= b),
        "{evidence}"
    );
    let time = |name: &str| windows[0][name].as_f64().unwrap();
    assert!(time("start") < EVENT.1 && time("end") > EVENT.0, "{evidence}");
    assert_eq!(windows[0]["track"], track, "{evidence}");
    let looked_at = evidence["heat_map"]["weights"].as_array().map(Vec::len);
    assert_eq!(looked_at, (track == "visual").then_some(25), "{evidence}");

    let attention = evidence["attention"].as_array().unwrap();
    let weight = |glance: &Value| glance["weight"].as_f64().unwrap();
    let sum: f64 = attention.iter().map(weight).sum();
    assert!((sum - 1.0).abs() < 1e-3, "{evidence}");
    let most = attention
        .iter()
        .max_by(|a, b| weight(a).total_cmp(&weight(b)))
        .unwrap();
    let (start, end) = (most["start"].as_f64().unwrap(), most["end"].as_f64().unwrap());
    assert!(start < EVENT.1 + 1.0 && end > EVENT.0 - 1.0, "{evidence}");
}

#[test]
fn a_sound_and_a_sight_of_two_seconds_are_found_where_they_are() {
    let (_folder, index) = index();
    let search = |words: &[&str]| {
        let mut command = sensorium();
        command.args(["search", "--json", "--moments"]).args(words);
        run_json(command.arg("--index").arg(&index), 0)
    };
    let rooster = demo("sounds/rooster.ogg");
    let zebra = demo("photos/zebra.png");
    for query in [
        &["--audio", &rooster, "--to", "audio"][..],
        &["a rooster crows", "--to", "audio"],
        &["--image", &zebra, "--to", "video"],
        &["a zebra", "--to", "video"],
    ] {
        let answer = search(query);
        assert_found(&answer["hits"][0]);
    }
    for (query, to, track) in [
        ("a zebra", "video", "visual"),
        ("a rooster crows", "audio", "audio"),
    ] {
        assert_mattered(&search(&[query, "--to", to, "--explain"])["hits"][0], track);
    }
    let without = run_json(
        sensorium()
            .args(["search", "a zebra", "--json", "--index"])
            .arg(&index),
        0,
    );
    assert!(without["hits"][0]["moments"].is_null() && without["hits"][0]["curve"].is_null());
    let (out, _) = run(
        sensorium()
            .args(["search", "a zebra", "--to", "video", "--moments", "--index"])
            .arg(&index),
        0,
    );
    assert!(out.contains("best at 0:3"), "{out}");
}
