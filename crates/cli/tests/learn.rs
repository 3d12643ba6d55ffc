//! `sensorium learn` on pairs that the default model cannot know.

#![allow(clippy::unwrap_used, reason = "clippy knows tests, but not their helpers")]

mod common;

use std::fs;
use std::path::{Path, PathBuf};

use image::{Rgb, RgbImage};
use rand::{Rng as _, SeedableRng as _};
use rand_chacha::ChaCha8Rng;
use serde_json::{Value, json};

use common::{NAMES, checkout, run_json, sensorium};

/// Noisy pictures of a colour, each with the word that `name` gives for its number.
fn pairs(folder: &Path, name: impl Fn(usize) -> &'static str) -> PathBuf {
    let mut random = ChaCha8Rng::seed_from_u64(3);
    let mut lines = String::new();
    for number in 0..120 {
        let colour = NAMES[number % NAMES.len()].1;
        let picture = RgbImage::from_fn(64, 64, |_, _| {
            Rgb(colour.map(|value| {
                value
                    .saturating_add(random.random_range(0..60))
                    .saturating_sub(30)
            }))
        });
        let file = format!("{number}.png");
        picture.save(folder.join(&file)).unwrap();
        lines += &format!(
            "{}\n",
            json!({"text": format!("a {}", name(number)), "image": file})
        );
    }
    let path = folder.join("pairs.jsonl");
    fs::write(&path, lines).unwrap();
    path
}

fn learn(pairs: &Path, out: &Path) -> Value {
    let options = [
        "--epochs",
        "15",
        "--batch",
        "32",
        "--dimension",
        "64",
        "--hidden",
        "128",
    ];
    run_json(
        sensorium()
            .args(["learn", "--json"])
            .arg(pairs)
            .arg("--out")
            .arg(out)
            .args(options),
        0,
    )
}

#[test]
fn new_words_are_learned_and_the_new_model_verifies_and_finds_more() {
    let folder = tempfile::tempdir().unwrap();
    let pairs = pairs(folder.path(), |number| NAMES[number % NAMES.len()].0);
    let out = folder.path().join("colours");
    let learned = learn(&pairs, &out);
    assert_eq!(learned["adopted"], true, "{learned}");
    assert!(learned["weights"]["image->text"].as_f64().unwrap() > 0.0);
    let shares = learned["tried_hubs"]["image->text"].as_array().unwrap();
    assert!(shares.len() > 1, "shares of hubs are tried: {learned}");
    assert!(learned["space"].as_str().unwrap().starts_with("colours@"));
    assert!(!folder.path().join("colours.learning").exists());

    let verified = run_json(
        sensorium()
            .args(["model", "verify", "--json", "--model"])
            .arg(&out),
        0,
    );
    assert_eq!(verified["holds"], true, "{verified}");
    let card = run_json(
        sensorium()
            .args(["eval", "--json", "--directions", "image:text", "--model"])
            .arg(&out)
            .arg("--against")
            .arg(checkout().join("models/base"))
            .arg(&pairs),
        0,
    );
    let better = &card["comparison"]["directions"]["image->text"];
    assert!(better["r1"].as_f64().unwrap() > 0.3, "{card}");
    assert!(better["ci95"]["r1"][0].as_f64().unwrap() > 0.0, "{card}");

    let again = sensorium()
        .args(["learn", "--out"])
        .arg(&out)
        .arg(&pairs)
        .output()
        .unwrap();
    assert_eq!(again.status.code(), Some(1));
    assert!(String::from_utf8_lossy(&again.stderr).contains("exists already"));
}

#[test]
fn an_index_comes_into_the_new_space_without_decoding_again() {
    let folder = tempfile::tempdir().unwrap();
    let pairs = pairs(folder.path(), |number| NAMES[number % NAMES.len()].0);
    let (out, index) = (folder.path().join("colours"), folder.path().join("index"));
    let command = |words: &[&str]| {
        let mut command = sensorium();
        command.args(words).arg("--json").arg("--index").arg(&index);
        command
    };
    let picture = folder.path().join("1.png");
    run_json(
        command(&["index"]).arg(&picture).arg(folder.path().join("2.png")),
        0,
    );
    assert_eq!(learn(&pairs, &out)["adopted"], true);

    // No tower is loaded: what is kept is enough.
    let without_towers = |command: &mut assert_cmd::Command| {
        let output = command.args(["-vv", "--model"]).arg(&out).output().unwrap();
        let log = String::from_utf8_lossy(&output.stderr).into_owned();
        assert!(
            output.status.success() && !log.contains("loading a tower"),
            "{log}"
        );
        serde_json::from_slice::<Value>(&output.stdout).unwrap()
    };
    let report = without_towers(&mut command(&["index"]));
    assert_eq!(
        (&report["unchanged"], &report["updated"]),
        (&json!(2), &json!(0)),
        "{report}"
    );

    let status = run_json(&mut command(&["status"]), 0);
    let spaces = status["spaces"].as_object().unwrap();
    assert!(
        spaces.len() == 1 && spaces.keys().all(|space| space.starts_with("colours@")),
        "{status}"
    );
    let found = run_json(command(&["search", "a blicket"]).arg("--model").arg(&out), 0);
    assert_eq!(
        found["hits"][0]["path"].as_str().unwrap(),
        picture.canonicalize().unwrap().to_str().unwrap()
    );
}

#[test]
fn what_cannot_be_learned_is_not_adopted_and_nothing_is_written() {
    let folder = tempfile::tempdir().unwrap();
    // Names that have nothing to do with the colours.
    let pairs = pairs(folder.path(), |number| NAMES[number / 7 * 5 % NAMES.len()].0);
    let out = folder.path().join("nonsense");
    let learned = learn(&pairs, &out);
    assert_eq!(learned["adopted"], false, "{learned}");
    assert_eq!(learned["model"], Value::Null);
    assert!(!out.exists() && !folder.path().join("nonsense.learning").exists());
}

#[test]
fn too_few_pairs_and_wrong_shares_are_clear_errors() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("pairs.jsonl");
    fs::write(&path, r#"{"text": ["a", "b"], "image": "missing.png"}"#).unwrap();
    let failed = |options: &[&str]| {
        let output = sensorium()
            .arg("learn")
            .arg(&path)
            .arg("--out")
            .arg(folder.path().join("out"))
            .args(options)
            .output()
            .unwrap();
        assert_eq!(output.status.code(), Some(1));
        String::from_utf8_lossy(&output.stderr).into_owned()
    };
    assert!(failed(&[]).contains("missing.png"), "{}", failed(&[]));
    assert!(failed(&["--share", "1", "--share", "2"]).contains("one --share for each file"));
    assert!(failed(&["--batch", "1"]).contains("--batch"));
}
