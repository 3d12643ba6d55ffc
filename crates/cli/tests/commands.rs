//! The commands, end to end, on the demo pack.

#![allow(clippy::unwrap_used, reason = "clippy knows tests, but not their helpers")]

mod common;

use std::collections::BTreeSet;
use std::fs;
use std::os::unix::fs::PermissionsExt as _;

use common::{checkout, run, run_json, sensorium, sensorium_with_mask};
use serde_json::{Value, json};
use sha2::{Digest as _, Sha256};
use tempfile::TempDir;

fn demo(path: &str) -> String {
    checkout().join("demo").join(path).to_str().unwrap().to_owned()
}

fn vector(segment: &Value) -> Vec<f64> {
    let values = segment["vector"].as_array().unwrap().iter();
    values.map(|value| value.as_f64().unwrap()).collect()
}

fn dot(a: &[f64], b: &[f64]) -> f64 {
    a.iter().zip(b).map(|(a, b)| a * b).sum()
}

#[test]
fn embed_gives_every_segment_a_unit_vector_in_one_space() {
    let files = [
        "photos/hen.webp",
        "sounds/rooster.ogg",
        "videos/hen-made-from-photo.mp4",
        "notes/zoo-talk.srt",
    ];
    let document = run_json(
        sensorium()
            .arg("embed")
            .args(files.map(demo))
            .args(["--text", "a brown hen"]),
        0,
    );
    assert_eq!(document["dimension"], 1154);
    assert!(document["space"].as_str().unwrap().starts_with("sensorium-base@"));
    let items = document["items"].as_array().unwrap();
    let modalities: Vec<_> = items
        .iter()
        .map(|item| item["modality"].as_str().unwrap())
        .collect();
    assert_eq!(modalities, ["text", "image", "audio", "video", "text"]);
    let mut tracks = BTreeSet::new();
    for segment in items.iter().flat_map(|item| item["segments"].as_array().unwrap()) {
        let vector = vector(segment);
        assert_eq!(vector.len(), 1154);
        let (labels, pairs) = (&vector[..384], &vector[384..896]);
        assert!((dot(labels, labels) - 1.0).abs() < 1e-4 && (dot(pairs, pairs) - 1.0).abs() < 1e-4);
        tracks.insert(segment["track"].as_str().unwrap());
    }
    assert_eq!(tracks, BTreeSet::from(["audio", "text", "visual"]));
    let subtitle = &items[4]["segments"][1];
    assert_eq!(
        (&subtitle["start"], &subtitle["end"]),
        (&json!(50.0), &json!(61.5))
    );
}

#[test]
fn a_text_is_nearer_to_its_picture_than_to_another() {
    let photos = ["photos/violin.png", "photos/elephant.png"].map(demo);
    let texts = ["--text", "a violin", "--text", "an elephant"];
    let document = run_json(sensorium().arg("embed").args(texts).args(photos), 0);
    let items = document["items"].as_array().unwrap();
    let vectors: Vec<_> = items.iter().map(|item| vector(&item["segments"][0])).collect();
    let [text_violin, text_elephant, violin, elephant] = &vectors[..] else {
        panic!("{} vectors", vectors.len())
    };
    assert!(dot(text_violin, violin) > dot(text_violin, elephant));
    assert!(dot(text_elephant, elephant) > dot(text_elephant, violin));
}

#[test]
fn embed_writes_a_matrix_for_numpy_and_lists_its_rows() {
    let folder = tempfile::tempdir().unwrap();
    let matrix = folder.path().join("rows.npy");
    let document = run_json(
        sensorium()
            .args([
                "embed",
                &demo("notes/sightings.jsonl"),
                &demo("photos/hen.webp"),
                "--npy",
            ])
            .arg(&matrix),
        0,
    );
    let rows: Vec<_> = document["items"]
        .as_array()
        .unwrap()
        .iter()
        .flat_map(|item| item["segments"].as_array().unwrap())
        .map(|segment| segment["row"].as_u64().unwrap())
        .collect();
    assert_eq!(rows, [0, 1, 2, 3]);
    let bytes = fs::read(&matrix).unwrap();
    assert!(bytes.starts_with(b"\x93NUMPY"));
    let header = String::from_utf8_lossy(&bytes[..128]).into_owned();
    assert!(header.contains("<f4") && header.contains("(4, 1154"), "{header}");
    let unwritable = run(
        sensorium().args(["embed", "--text", "x", "--npy", "/nonexistent/rows.npy"]),
        1,
    );
    assert!(unwritable.1.contains("cannot write /nonexistent/rows.npy"));
}

#[test]
fn results_have_the_permissions_that_the_mask_of_the_user_allows() {
    let folder = tempfile::tempdir().unwrap();
    let in_folder = |words: &[&str]| {
        let mut command = sensorium_with_mask("027");
        run(command.args(words).current_dir(folder.path()), 0);
    };
    in_folder(&["embed", "--text", "a hen", "--npy", "rows.npy"]);
    let pairs = demo("pairs.jsonl");
    in_folder(&["eval", &pairs, "--directions", "text:text", "--out", "card"]);
    for name in [
        "rows.npy",
        "card/recall.md",
        "card/recall.json",
        "card/recall.svg",
    ] {
        let mode = folder.path().join(name).metadata().unwrap().permissions().mode();
        assert_eq!(mode & 0o777, 0o640, "{name}");
    }
}

#[test]
fn kinds_that_are_not_searched_are_ignored() {
    let folder = tempfile::tempdir().unwrap();
    let zip = folder.path().join("a.zip");
    fs::write(&zip, b"PK\x03\x04\x14\0\0\0\x08\0").unwrap();
    let document = run_json(sensorium().arg("embed").arg(&zip), 0);
    assert_eq!(document["ignored"], json!([zip.to_str().unwrap()]));
    assert_eq!(document["refused"], json!([]));
}

#[test]
fn the_demo_pack_allows_all_sixteen_directions_and_shows_a_worked_query_of_each() {
    let (out, _) = run(
        sensorium().args(["eval", &demo("pairs.jsonl"), "--examples", "1"]),
        0,
    );
    for from in ["text", "image", "audio", "video"] {
        for to in ["text", "image", "audio", "video"] {
            let direction = format!("{from}->{to}");
            assert_eq!(out.matches(&direction).count(), 2, "{direction}");
        }
    }
    let marks = out.lines().filter(|line| line.starts_with("> ")).count();
    assert!(marks >= 8, "{marks} expected answers are among the first five");
}

#[test]
fn eval_prints_the_card_of_the_contract_and_writes_it_with_plots() {
    let folder = tempfile::tempdir().unwrap();
    let card = folder.path().join("card");
    let document = run_json(
        sensorium()
            .args([
                "eval",
                &demo("pairs.jsonl"),
                "--json",
                "--directions",
                "image:video,text:image",
                "--out",
            ])
            .arg(&card),
        0,
    );
    assert_eq!(document["refused"], 0);
    let directions = document["directions"].as_object().unwrap();
    assert_eq!(directions.keys().collect::<BTreeSet<_>>().len(), 2);
    let found = &directions["text->image"];
    assert_eq!((&found["queries"], &found["gallery"]), (&json!(64), &json!(64)));
    for metric in ["r1", "r5", "r10", "median_rank", "map", "ndcg10"] {
        let value = found[metric].as_f64().unwrap();
        let interval = found["ci95"][metric].as_array().unwrap();
        assert!(interval[0].as_f64().unwrap() <= value && value <= interval[1].as_f64().unwrap());
    }
    // Far above chance, which is 1/64.
    assert!(found["r1"].as_f64().unwrap() > 0.3);
    assert!(found["auc"].as_f64().unwrap() > 0.7);
    assert_eq!(found["curve"][0]["recall"], found["r1"]);
    for figure in ["skewness", "never", "top1pct"] {
        assert!(found["hubs"][figure].is_f64(), "{figure}");
    }
    for file in [
        "recall.md",
        "recall.json",
        "recall.svg",
        "recall-at-10.svg",
        "recall-at-k.svg",
        "scores.svg",
        "hubs.svg",
    ] {
        assert!(card.join(file).exists(), "{file}");
    }
    let written: Value = serde_json::from_slice(&fs::read(card.join("recall.json")).unwrap()).unwrap();
    assert_eq!(written, document);
}

#[test]
fn the_comparison_with_a_model_is_printed_and_part_of_the_report() {
    let folder = tempfile::tempdir().unwrap();
    let card = folder.path().join("card");
    let document = run_json(
        sensorium()
            .args([
                "eval",
                &demo("pairs.jsonl"),
                "--json",
                "--directions",
                "text:text",
            ])
            .arg("--against")
            .arg(checkout().join("models/base"))
            .arg("--out")
            .arg(&card),
        0,
    );
    let difference = &document["comparison"]["directions"]["text->text"];
    assert_eq!(difference["mean_recall"], 0.0, "a model is as good as itself");
    let written: Value = serde_json::from_slice(&fs::read(card.join("recall.json")).unwrap()).unwrap();
    assert_eq!(written, document);
    let page = fs::read_to_string(card.join("recall.md")).unwrap();
    assert!(page.contains("(comparison.svg)") && card.join("comparison.svg").exists());
}

#[test]
fn a_pair_that_cannot_be_read_fails_the_evaluation_unless_it_may_be_skipped() {
    let folder = tempfile::tempdir().unwrap();
    let pairs = folder.path().join("pairs.jsonl");
    let line = |image: &str| {
        format!(
            "{{\"text\": \"a photo of {}\", \"image\": \"{image}\"}}\n",
            image.len()
        )
    };
    fs::write(
        &pairs,
        line(&demo("photos/hen.webp")) + &line("absent.jpg") + &line(&demo("sounds/rooster.ogg")),
    )
    .unwrap();
    let (_, said) = run(sensorium().arg("eval").arg(&pairs), 1);
    assert!(
        said.contains("line 2") && said.contains("absent.jpg") && said.contains("--skip-bad"),
        "{said}"
    );
    let document = run_json(
        sensorium().arg("eval").arg(&pairs).args(["--skip-bad", "--json"]),
        3,
    );
    assert_eq!(document["refused"], 2);
    assert_eq!(document["directions"]["text->image"]["queries"], 1);
}

#[test]
fn visual_only_leaves_the_sound_of_videos_out() {
    let eval = |options: &[&str]| {
        let mut command = sensorium();
        command.args([
            "eval",
            &demo("pairs.jsonl"),
            "--json",
            "--directions",
            "audio:video",
        ]);
        run_json(command.args(options), 0)["directions"]["audio->video"]["r1"]
            .as_f64()
            .unwrap()
    };
    assert!(eval(&[]) > eval(&["--visual-only"]));
}

#[test]
fn the_model_proves_itself_by_its_golden_vectors() {
    let document = run_json(sensorium().args(["model", "verify", "--json"]), 0);
    assert_eq!(document["holds"], true);
    assert!(document["golden"].as_array().unwrap().len() >= 12);
    let (out, _) = run(sensorium().args(["model", "list"]), 0);
    assert!(out.contains("sensorium-base") && out.contains("visual"));
}

/// A copy of the package of the checkout.
fn copied_model() -> TempDir {
    let folder = tempfile::tempdir().unwrap();
    for entry in fs::read_dir(checkout().join("models/base")).unwrap() {
        let entry = entry.unwrap();
        fs::copy(entry.path(), folder.path().join(entry.file_name())).unwrap();
    }
    folder
}

fn sha256(bytes: &[u8]) -> String {
    let digest = Sha256::digest(bytes);
    digest.iter().map(|byte| format!("{byte:02x}")).collect()
}

#[test]
fn a_model_that_embeds_otherwise_than_its_golden_vectors_is_refused() {
    let folder = copied_model();
    let head = folder.path().join("visual-concepts.safetensors");
    let before = fs::read(&head).unwrap();
    // One in two hundred of its numbers, of two bytes each, becomes zero; the file stays well-formed.
    let header = 8 + u64::from_le_bytes(before[..8].try_into().unwrap()) as usize;
    let mut after = before.clone();
    for number in after[header..].chunks_exact_mut(2).step_by(200) {
        number.fill(0);
    }
    fs::write(&head, &after).unwrap();
    let manifest = folder.path().join("model.toml");
    let text = fs::read_to_string(&manifest).unwrap();
    fs::write(&manifest, text.replace(&sha256(&before), &sha256(&after))).unwrap();

    let verify = |option: &[&str], code| {
        let mut command = sensorium();
        command
            .args(["model", "verify"])
            .args(option)
            .arg("--model")
            .arg(folder.path());
        run(&mut command, code).0
    };
    let document: Value = serde_json::from_str(&verify(&["--json"], 1)).unwrap();
    assert_eq!(document["holds"], false);
    for check in document["golden"].as_array().unwrap() {
        let is_visual = check["name"].as_str().unwrap().starts_with("visual");
        assert_eq!(check["holds"], !is_visual, "{check}");
        assert!(check["cosine"].as_f64().unwrap() > 0.99, "{check}");
    }
    assert!(
        verify(&[], 1)
            .contains("4 of 14 golden inputs stay below a cosine of 0.999; do not use this package")
    );
}

#[test]
fn a_model_with_a_changed_file_is_refused_by_name() {
    let folder = copied_model();
    let tokenizer = folder.path().join("tokenizer.json");
    let text = fs::read_to_string(&tokenizer).unwrap();
    fs::write(&tokenizer, text + " ").unwrap();
    let (_, said) = run(
        sensorium()
            .args(["embed", "--text", "x", "--model"])
            .arg(folder.path()),
        1,
    );
    assert!(
        said.contains("tokenizer.json is damaged or was changed"),
        "{said}"
    );
    // A picture needs no tokenizer: only what is needed is loaded.
    run(
        sensorium()
            .args(["embed", &demo("photos/hen.webp"), "--model"])
            .arg(folder.path()),
        0,
    );
}

#[test]
fn what_is_missing_is_named_with_the_command_that_mends_it() {
    let (_, said) = run(
        sensorium()
            .args(["embed", "--text", "x"])
            .env("ORT_DYLIB_PATH", "/nonexistent.so"),
        1,
    );
    assert!(
        said.contains("/nonexistent.so") && said.contains("make setup"),
        "{said}"
    );
    let bare = tempfile::tempdir().unwrap();
    let document = run_json(
        sensorium()
            .args(["embed", &demo("sounds/rooster.ogg")])
            .env("PATH", bare.path()),
        3,
    );
    let cause = document["refused"][0]["cause"].as_str().unwrap();
    assert!(
        cause.contains("'ffprobe'") && cause.contains("sudo apt-get install ffmpeg"),
        "{cause}"
    );
    let (_, said) = run(sensorium().args(["model", "list", "--model", "/nonexistent"]), 1);
    assert!(said.contains("/nonexistent/model.toml cannot be read"), "{said}");
}

#[test]
fn wrong_usage_is_exit_code_two() {
    run(sensorium().arg("embed"), 2);
    run(
        sensorium().args(["eval", "x.jsonl", "--directions", "text:smell"]),
        2,
    );
    let (_, said) = run(sensorium().args(["eval", &demo("notes/page.html")]), 1);
    assert!(said.contains("page.html"), "{said}");
}
