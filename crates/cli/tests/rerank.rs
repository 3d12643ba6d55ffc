//! `sensorium learn --reranker`, `search --rerank` and `--explain`, on pairs that the default model cannot know.

#![allow(clippy::unwrap_used, reason = "clippy knows tests, but not their helpers")]

mod common;

use std::fs;
use std::path::{Path, PathBuf};

use image::{Rgb, RgbImage};
use rand::{Rng as _, SeedableRng as _};
use rand_chacha::ChaCha8Rng;
use serde_json::{Value, json};

use common::{NAMES, run_json, sensorium};

/// Grey pictures with a patch of a colour somewhere, each with the word for the colour.
fn pairs(folder: &Path) -> PathBuf {
    let mut random = ChaCha8Rng::seed_from_u64(5);
    let mut lines = String::new();
    for number in 0..120 {
        let (name, colour) = NAMES[number % NAMES.len()];
        let (left, top) = (random.random_range(0..64), random.random_range(0..64));
        let picture = RgbImage::from_fn(128, 128, |x, y| {
            let inside = (left..left + 64).contains(&x) && (top..top + 64).contains(&y);
            let noise = random.random_range(0..40);
            Rgb(if inside { colour } else { [110; 3] }.map(|value: u8| value.saturating_add(noise)))
        });
        let file = format!("{number}.png");
        picture.save(folder.join(&file)).unwrap();
        lines += &format!(
            "{}\n",
            json!({"text": format!("there is a {name}"), "image": file})
        );
    }
    let path = folder.join("pairs.jsonl");
    fs::write(&path, lines).unwrap();
    path
}

fn hits(answer: &Value) -> Vec<&str> {
    let hits = answer["hits"].as_array().unwrap().iter();
    hits.map(|hit| hit["path"].as_str().unwrap()).collect()
}

#[test]
fn a_reranker_is_learned_ranks_better_in_the_same_space_and_shows_where_it_looked() {
    let folder = tempfile::tempdir().unwrap();
    let pictures = folder.path().join("pictures");
    fs::create_dir(&pictures).unwrap();
    let pairs = pairs(&pictures);
    let (out, index) = (folder.path().join("patches"), folder.path().join("index"));
    let options = [
        "--reranker",
        "--epochs",
        "6",
        "--dimension",
        "32",
        "--hidden",
        "64",
        "--rate",
        "0.003",
    ];
    let learned = run_json(
        sensorium()
            .args(["learn", "--json"])
            .arg(&pairs)
            .args(options)
            .arg("--out")
            .arg(&out),
        0,
    );
    assert_eq!(learned["adopted"], true, "{learned}");
    assert!(
        learned["weights"]["text->image"].as_f64().unwrap() > 0.0,
        "{learned}"
    );
    let verified = run_json(
        sensorium()
            .args(["model", "verify", "--json", "--model"])
            .arg(&out),
        0,
    );
    assert_eq!(verified["holds"], true, "{verified}");

    let eval = |more: &[&str]| {
        let mut command = sensorium();
        command.args(["eval", "--json", "--directions", "text:image", "--model"]);
        let card = run_json(command.arg(&out).arg(&pairs).args(more), 0);
        card["directions"]["text->image"]["map"].as_f64().unwrap()
    };
    let (first, second) = (eval(&[]), eval(&["--rerank"]));
    assert!(second > first, "{first} {second}");

    // The space is that of the default model: its index serves both.
    run_json(
        sensorium()
            .args(["index", "--json", "--index"])
            .arg(&index)
            .arg(&pictures),
        0,
    );
    let maps = folder.path().join("maps");
    let search = |options: &[&str]| {
        let mut command = sensorium();
        command.args([
            "search",
            "there is a fendle",
            "--to",
            "image",
            "-n",
            "50",
            "--json",
        ]);
        command
            .args(options)
            .arg("--model")
            .arg(&out)
            .arg("--index")
            .arg(&index);
        run_json(&mut command, 0)
    };
    let plain = search(&[]);
    let answer = search(&["--rerank", "--explain", "--heat-maps", maps.to_str().unwrap()]);
    let sorted = |answer: &Value| {
        let mut paths: Vec<String> = hits(answer).into_iter().map(str::to_owned).collect();
        paths.sort();
        paths
    };
    assert_eq!(sorted(&plain), sorted(&answer), "the first 50 are the same");
    assert_ne!(hits(&plain), hits(&answer), "their order is not");
    let evidence = &answer["hits"][0]["explain"];
    let weights = evidence["heat_map"]["weights"].as_array().unwrap();
    let sum: f64 = weights.iter().map(|weight| weight.as_f64().unwrap()).sum();
    assert!(weights.len() == 25 && (sum - 1.0).abs() < 1e-3, "{evidence}");
    let words: Vec<_> = evidence["words"]
        .as_array()
        .unwrap()
        .iter()
        .map(|word| &word["word"])
        .collect();
    assert_eq!(words, ["there", "is", "a", "fendle"]);
    assert!(image::open(maps.join("1.png")).unwrap().width() > 0);

    let told = sensorium()
        .args([
            "search",
            "there is a fendle",
            "--to",
            "image",
            "-n",
            "1",
            "--explain",
            "--model",
        ])
        .arg(&out)
        .arg("--index")
        .arg(&index)
        .output()
        .unwrap();
    let told = String::from_utf8_lossy(&told.stdout).into_owned();
    assert!(
        told.contains("looked at the ") && told.contains("rank without \"there\" "),
        "{told}"
    );
}
