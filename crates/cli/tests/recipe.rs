//! What the recipe of models/base promises, on the data that it is judged by. Without the data it is skipped.

#![allow(clippy::unwrap_used, reason = "clippy knows tests, but not their helpers")]

mod common;

use std::collections::BTreeMap;
use std::fs;
use std::path::PathBuf;

use serde_json::{Value, json};

use common::{checkout, run_json, sensorium};

/// Photos of the development split that are looked at.
const PHOTOS: usize = 300;

/// The folder of the training data: `$SENSORIUM_DATA`, or `shared/data` beside the checkout.
fn data() -> Option<PathBuf> {
    let named = std::env::var_os("SENSORIUM_DATA").map(PathBuf::from);
    let folder = named.unwrap_or_else(|| checkout().join("../shared/data"));
    folder.join("flickr8k/dev.tsv").exists().then_some(folder)
}

#[test]
fn the_second_look_finds_more_than_the_heads_on_photos_held_out() {
    let Some(data) = data() else {
        eprintln!(
            "skipped: there is no flickr8k/dev.tsv in $SENSORIUM_DATA or in shared/data beside the checkout"
        );
        return;
    };
    let table = fs::read_to_string(data.join("flickr8k/dev.tsv")).unwrap();
    let mut captions: BTreeMap<&str, Vec<&str>> = BTreeMap::new();
    for (file, caption) in table.lines().filter_map(|line| line.split_once('\t')) {
        captions.entry(file).or_default().push(caption);
    }
    let folder = tempfile::tempdir().unwrap();
    let pairs = folder.path().join("pairs.jsonl");
    let photos = data.join("flickr8k/dev").canonicalize().unwrap();
    let lines = captions
        .iter()
        .take(PHOTOS)
        .map(|(file, captions)| json!({"text": captions, "image": photos.join(file)}).to_string());
    fs::write(&pairs, lines.collect::<Vec<_>>().join("\n")).unwrap();

    let card = |options: &[&str]| {
        let mut command = sensorium();
        command.args(["eval", "--json", "--directions", "text:image,image:text"]);
        run_json(command.args(options).arg(&pairs), 0)
    };
    let (first, second) = (card(&[]), card(&["--rerank"]));
    for direction in ["text->image", "image->text"] {
        let recall = |card: &Value| card["directions"][direction]["mean_recall"].as_f64().unwrap();
        assert!(
            recall(&second) > recall(&first),
            "{direction}: {} {}",
            recall(&first),
            recall(&second)
        );
    }
}
