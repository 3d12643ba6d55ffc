//! `sensorium search`, end to end, on the demo pack.

#![allow(clippy::unwrap_used, clippy::expect_used, reason = "tests may panic")]

mod common;

use std::path::PathBuf;
use std::sync::OnceLock;

use common::{checkout, run, run_json, sensorium};
use serde_json::{Value, json};
use tempfile::TempDir;

/// The demo pack, indexed once.
fn index() -> PathBuf {
    static INDEX: OnceLock<TempDir> = OnceLock::new();
    let folder = INDEX.get_or_init(|| {
        let folder = tempfile::tempdir().unwrap();
        let mut command = sensorium();
        command.arg("index");
        for part in ["photos", "sounds", "videos", "notes", "pairs.jsonl"] {
            command.arg(demo(part));
        }
        run(command.arg("--index").arg(folder.path()), 0);
        folder
    });
    folder.path().to_owned()
}

fn demo(path: &str) -> PathBuf {
    checkout().join("demo").join(path).canonicalize().unwrap()
}

fn search(words: &[&str]) -> Value {
    run_json(
        sensorium()
            .args(["search", "--json"])
            .args(words)
            .env("SENSORIUM_INDEX", index()),
        0,
    )
}

fn paths(answer: &Value) -> Vec<&str> {
    answer["hits"]
        .as_array()
        .unwrap()
        .iter()
        .map(|hit| hit["path"].as_str().unwrap())
        .collect()
}

#[test]
fn an_answer_has_the_form_of_the_contract() {
    let answer = search(&["A brown hen walks about.", "-n", "40"]);
    assert_eq!(
        answer["query"]["parts"],
        json!([{"modality": "text", "text": "A brown hen walks about."}])
    );
    assert_eq!(answer["query"]["to"], json!(["text", "image", "audio", "video"]));
    assert!(answer["space"].as_str().unwrap().starts_with("sensorium-base@"));
    assert!(answer["took_ms"].as_f64().unwrap() > 0.0);
    let hits = answer["hits"].as_array().unwrap();
    assert_eq!(hits.len(), 40);
    for (hit, rank) in hits.iter().zip(1..) {
        assert_eq!(hit["rank"], rank);
        let score = hit["score"].as_f64().unwrap();
        assert!((0.0..=1.0).contains(&score));
        assert!(hit["item"].as_str().unwrap().starts_with("b3:"));
        assert_eq!(hit["path"], hit["locations"][0]);
        assert!(std::path::Path::new(hit["path"].as_str().unwrap()).is_absolute());
        assert_eq!(hit["text"].is_string(), hit["modality"] == "text");
        assert_eq!(
            hit["segment"]["start"].is_f64(),
            ["audio", "video"].contains(&hit["modality"].as_str().unwrap())
        );
    }
    let scores: Vec<f64> = hits.iter().map(|hit| hit["score"].as_f64().unwrap()).collect();
    assert!(
        scores.is_sorted_by(|a, b| a >= b),
        "scores never rise: {scores:?}"
    );
    let modalities: std::collections::BTreeSet<_> =
        hits.iter().map(|hit| hit["modality"].as_str().unwrap()).collect();
    assert_eq!(modalities.len(), 4, "all modalities meet in one ranking");
}

/// The score of the hit whose path ends like this, among the first hundred pictures; 0 without.
fn score_of(words: &[&str], file: &str) -> f64 {
    let answer = search(&[words, &["--to", "image", "-n", "100"]].concat());
    let hits = answer["hits"].as_array().unwrap();
    let found = hits
        .iter()
        .find(|hit| hit["path"].as_str().unwrap().ends_with(file));
    found.map_or(0.0, |hit| hit["score"].as_f64().unwrap())
}

#[test]
fn what_is_to_be_without_loses_and_nothing_else_does() {
    let (hen, violin) = ("photos/hen.webp", "photos/violin.png");
    let image = demo(hen).display().to_string();
    for without in [["--without", "a hen"], ["--without-image", &image]] {
        let with = score_of(&["an animal"], hen);
        assert!(
            score_of(&["an animal", without[0], without[1]], hen) < with,
            "{without:?}"
        );
        let (before, after) = (
            score_of(&["a violin"], violin),
            score_of(&["a violin", without[0], without[1]], violin),
        );
        assert!(after > 0.95 * before, "{without:?}: {before} {after}");
        assert!(after <= before, "to be unlike what is not wanted is no merit");
        let weighted = score_of(&["an animal", without[0], without[1], "--weight", "0.1"], hen);
        let unweighted = score_of(&["an animal", without[0], without[1]], hen);
        assert!(with > weighted && weighted > unweighted);
    }
    let answer = search(&["an animal", "--without", "a hen"]);
    assert_eq!(
        answer["query"]["parts"][1],
        json!({"modality": "text", "text": "a hen", "without": true})
    );
    let (_, error) = run(
        sensorium()
            .args(["search", "--without", "people", "--text", " "])
            .env("SENSORIUM_INDEX", index()),
        1,
    );
    assert!(error.contains("a text is empty"), "{error}");
}

#[test]
fn an_item_of_the_index_is_a_query_and_no_answer() {
    let file = demo("photos/hen.webp").display().to_string();
    let by_file = search(&["--image", &file, "--to", "image", "-n", "5"]);
    assert_eq!(by_file["hits"][0]["path"], *file);
    let id = by_file["hits"][0]["item"].as_str().unwrap();
    for name in [id, &file] {
        let like = search(&["--like", name, "--to", "image", "-n", "4"]);
        assert_eq!(like["query"]["parts"], json!([{"item": name}]));
        assert_eq!(
            paths(&like),
            paths(&by_file)[1..],
            "the same but for the item itself"
        );
    }
    let record = format!("{}#1", demo("pairs.jsonl").display());
    assert!(!paths(&search(&["--like", &record, "--to", "text"])).contains(&record.as_str()));
    let unlike = search(&["an animal", "--unlike", id, "--to", "image", "-n", "100"]);
    assert!(!paths(&unlike).contains(&file.as_str()));

    let several = demo("pairs.jsonl").display().to_string();
    for (name, message) in [
        ("no/such.jpg", "no item 'no/such.jpg'"),
        ("b3:00", "no item 'b3:00'"),
        (&several, "holds several items: name one of its records"),
        (&format!("{several}#9999"), "no item"),
    ] {
        let (_, error) = run(
            sensorium()
                .args(["search", "--like", name])
                .env("SENSORIUM_INDEX", index()),
            1,
        );
        assert!(error.contains(message), "{error}");
    }
}

#[test]
fn every_direction_finds_what_belongs_together() {
    let pairs = std::fs::read_to_string(demo("pairs.jsonl")).unwrap();
    let (line, record) = pairs
        .lines()
        .zip(1..)
        .find(|(line, _)| line.contains("drum kit"))
        .unwrap();
    let pair: Value = serde_json::from_str(line).unwrap();
    let file = |modality: &str| demo(pair[modality].as_str().unwrap()).display().to_string();
    let text = pair["text"].as_str().unwrap();
    let (image, audio, video) = (file("image"), file("audio"), file("video"));
    let record = format!("{}#{record}", demo("pairs.jsonl").display());
    let queries = [
        vec![text],
        vec!["--image", &image],
        vec!["--audio", &audio],
        vec!["--video", &video],
    ];
    for query in &queries {
        for (to, expected) in [
            ("text", &record),
            ("image", &image),
            ("audio", &audio),
            ("video", &video),
        ] {
            let answer = search(&[query.as_slice(), &["--to", to, "-n", "5"]].concat());
            assert!(
                answer["hits"]
                    .as_array()
                    .unwrap()
                    .iter()
                    .all(|hit| hit["modality"] == to)
            );
            assert!(
                paths(&answer).contains(&expected.as_str()),
                "{query:?}->{to}: {:?}",
                paths(&answer)
            );
        }
    }
}

#[test]
fn the_ranking_is_the_one_that_eval_measures() {
    let card = run_json(
        sensorium().arg("eval").arg(demo("pairs.jsonl")).args([
            "--directions",
            "text:image,audio:video",
            "--json",
        ]),
        0,
    );
    let pairs = std::fs::read_to_string(demo("pairs.jsonl")).unwrap();
    let (mut found, mut queries) = (0, 0);
    for line in pairs.lines() {
        let pair: Value = serde_json::from_str(line).unwrap();
        let (Some(audio), Some(video)) = (pair["audio"].as_str(), pair["video"].as_str()) else {
            continue;
        };
        let audio = demo(audio).display().to_string();
        let answer = search(&["--audio", &audio, "--to", "video", "-n", "1"]);
        queries += 1;
        found += u32::from(paths(&answer)[0] == demo(video).to_str().unwrap());
    }
    let direction = &card["directions"]["audio->video"];
    assert_eq!(direction["queries"], queries);
    assert!((direction["r1"].as_f64().unwrap() - f64::from(found) / f64::from(queries)).abs() < 1e-9);
}

#[test]
fn parts_work_together_and_weights_count() {
    let photo = demo("photos/hen.webp").display().to_string();
    let rank = |words: &[&str]| {
        let answer = search(&[words, &["--to", "image", "-n", "64"]].concat());
        paths(&answer).iter().position(|path| *path == photo).unwrap()
    };
    let sheep = "A woolly sheep grazes.";
    let (alone, both) = (rank(&[sheep]), rank(&[sheep, "--image", &photo]));
    assert!(both < alone, "{both} {alone}");
    assert!(rank(&[sheep, "--weight", "9", "--image", &photo]) >= both);
    assert_eq!(rank(&[sheep, "--image", &photo, "--weight", "99"]), 0);
    let answer = search(&["--image", &photo, "--weight", "2", "--text", sheep]);
    let parts =
        json!([{"modality": "image", "path": photo, "weight": 2.0}, {"modality": "text", "text": sheep}]);
    assert_eq!(answer["query"]["parts"], parts);
}

#[test]
fn wrong_usage_says_what_is_wrong() {
    let fails = |words: &[&str], code, expected: &str| {
        let (_, error) = run(
            sensorium()
                .arg("search")
                .args(words)
                .env("SENSORIUM_INDEX", index()),
            code,
        );
        assert!(error.contains(expected), "{error}");
    };
    let goat = demo("sounds/goat.opus").display().to_string();
    fails(&[], 2, "required");
    fails(&["--weight", "2", "hen"], 2, "before every part");
    fails(&["hen", "--weight", "-1"], 2, "");
    fails(&["hen", "--weight", "0"], 2, "a number above 0");
    fails(&["hen", "--to", "smell"], 2, "expected text, image, audio, video");
    fails(&["--image", &goat], 1, "was given as image but holds audio");
    fails(&["--image", "/missing.jpg"], 1, "/missing.jpg: cannot be read");
    fails(&[" "], 1, "a text is empty");
    fails(
        &["hen", "--index", "/nowhere"],
        1,
        "sensorium index FOLDER --index /nowhere",
    );
    let (out, _) = run(
        sensorium()
            .args(["search", "hen", "-n", "0"])
            .env("SENSORIUM_INDEX", index()),
        0,
    );
    assert_eq!(out, "");
}

#[test]
fn people_read_rank_score_modality_time_and_path() {
    let words = [
        "search",
        "A brown hen walks about.",
        "--to",
        "video,text",
        "-n",
        "2",
    ];
    let (out, _) = run(sensorium().args(words).env("SENSORIUM_INDEX", index()), 0);
    let lines: Vec<_> = out.lines().collect();
    assert!(
        lines[0].starts_with("  1  ") && lines[0].contains("pairs.jsonl#12"),
        "{out}"
    );
    assert_eq!(lines[1].trim(), "\"A brown hen walks about.\"");
    assert!(
        lines[2].trim().starts_with("has ") && lines[2].ends_with("brown, hen, walks, about"),
        "{out}"
    );
    assert!(
        lines[3].contains("video  0:00.0-0:0") && lines[3].contains("hen-made-from-photo.mp4"),
        "{out}"
    );
}

/// The names of what is found.
fn names(answer: &Value) -> std::collections::BTreeSet<String> {
    let name = |path: &str| path.rsplit('/').next().unwrap().to_owned();
    paths(answer).into_iter().map(name).collect()
}

#[test]
fn a_condition_leaves_only_what_fulfils_it_and_loses_none_of_that() {
    let all = |condition: &str| search(&["a hen", "-n", "1000", "--where", condition]);
    let everything = search(&["a hen", "-n", "1000"]);
    let count = |answer: &Value| answer["hits"].as_array().unwrap().len();
    let modality = |answer: &Value, modality: &str| {
        let hits = answer["hits"].as_array().unwrap();
        hits.iter().filter(|hit| hit["modality"] == modality).count()
    };
    let images = all("modality = image");
    assert_eq!(count(&images), modality(&everything, "image"));
    assert_eq!(all("modality = image")["query"]["where"], "modality = image");
    assert_eq!(
        count(&all("not modality = image")) + count(&images),
        count(&everything)
    );

    let one = all("path ~ \"photos/hen.*\"");
    assert_eq!(names(&one), ["hen.webp".to_owned()].into());
    let score = |answer: &Value, name: &str| {
        let hits = answer["hits"].as_array().unwrap();
        let hit = hits
            .iter()
            .find(|hit| hit["path"].as_str().unwrap().ends_with(name));
        hit.unwrap()["score"].clone()
    };
    assert_eq!(score(&one, "hen.webp"), score(&everything, "hen.webp"));
    assert_eq!(
        count(&search(&["a hen", "-n", "1", "--where", "name = zebra.png"])),
        1
    );
    assert_eq!(count(&all("name = nowhere")), 0);

    let wide = all("width >= 200 and height > 0");
    assert!(count(&wide) > 0 && modality(&wide, "text") + modality(&wide, "audio") == 0);
    let long = all("duration > 3s");
    let short = all("duration <= 3s");
    assert!(count(&long) > 0 && count(&short) > 0);
    assert_eq!(
        count(&long) + count(&short),
        modality(&everything, "audio") + modality(&everything, "video")
    );
    assert_eq!(
        count(&all("modified >= 2000 and size < 100GB")),
        count(&everything)
    );

    let (_, error) = run(
        sensorium()
            .args(["search", "a hen", "--where", "duration > and size < 3"])
            .env("SENSORIUM_INDEX", index()),
        1,
    );
    assert!(
        error.contains("  duration > and size < 3\n") && error.contains("^"),
        "{error}"
    );
}

/// The judged queries of the demo pack: texts, and what they shall find.
fn judged() -> Vec<Value> {
    let lines = std::fs::read_to_string(demo("queries.jsonl")).unwrap();
    lines
        .lines()
        .map(|line| serde_json::from_str(line).unwrap())
        .collect()
}

#[test]
fn a_name_or_a_rare_word_wins_where_it_is_there() {
    for query in judged() {
        let Some(named) = query["named"].as_str() else {
            continue;
        };
        let text = query["text"].as_str().unwrap();
        let answer = search(&[text, "-n", "5"]);
        assert!(
            paths(&answer).iter().any(|path| path.ends_with(named)),
            "{text}: {:?}",
            paths(&answer)
        );
        assert!(
            answer["hits"][0]["words"].is_array(),
            "{text}: hits say which words matched"
        );
    }
}

#[test]
fn a_picture_does_not_lose_for_having_no_words() {
    let (mut with, mut without, mut all) = (0, 0, 0);
    for query in judged() {
        let Some(relevant) = query["relevant"].as_array().filter(|ids| !ids.is_empty()) else {
            continue;
        };
        let is_right = |answer: &Value| {
            let first = paths(answer)[0].rsplit('/').next().unwrap().to_owned();
            let name = first.split('.').next().unwrap().to_owned();
            usize::from(relevant.iter().any(|id| *id == *name))
        };
        let words = [query["text"].as_str().unwrap(), "--to", "image", "-n", "1"];
        with += is_right(&search(&words));
        without += is_right(&search(&[&words[..], &["--no-words"]].concat()));
        all += 1;
    }
    eprintln!("first pictures that are right: {with} of {all}, by meaning alone {without}");
    assert!(with >= without, "{with} {without} of {all}");
}

#[test]
fn what_is_not_there_is_said_not_to_be_there() {
    let (mut present, mut absent) = (Vec::new(), Vec::new());
    for query in judged() {
        let Some(relevant) = query["relevant"].as_array() else {
            continue;
        };
        let answer = search(&[query["text"].as_str().unwrap(), "--no-words", "-n", "3"]);
        let hits = answer["hits"].as_array().unwrap();
        let of = |hit: &Value| hit["confidence"].as_f64().unwrap();
        let best = hits.iter().map(of).fold(0.0, f64::max);
        assert!((0.0..=1.0).contains(&best));
        assert_eq!(answer["no_match"], best < 0.5);
        if relevant.is_empty() {
            &mut absent
        } else {
            &mut present
        }
        .push(best);
    }
    let pairs = present.iter().flat_map(|a| absent.iter().map(move |b| (a, b)));
    let wins: f64 = pairs
        .map(|(a, b)| f64::from(u8::from(a > b)) + 0.5 * f64::from(u8::from(a == b)))
        .sum();
    let area = wins / (present.len() * absent.len()) as f64;
    present.sort_by(f64::total_cmp);
    let least = present[present.len() / 10];
    let share = |list: &[f64], least: f64| {
        list.iter().filter(|best| **best >= least).count() as f64 / list.len() as f64
    };
    eprintln!(
        "area {area:.3}; at 90 % of answers kept {:.3} false ones; at 0.5: {:.3} kept, {:.3} false",
        share(&absent, least),
        share(&present, 0.5),
        share(&absent, 0.5)
    );
    assert!(area >= 0.85, "{area}");
    let kept = share(&present, 0.5);
    for (before, after, found) in [
        ("Of ", " judged texts", (present.len() + absent.len()) as f64),
        ("an area under the curve of ", ";", area),
        (
            "90 % of the answers kept, ",
            " % of the others",
            100.0 * share(&absent, least),
        ),
        ("the others get one; at one half, ", " % and", 100.0 * kept),
        (
            &format!("at one half, {:.0} % and ", 100.0 * kept),
            " %.",
            100.0 * share(&absent, 0.5),
        ),
    ] {
        let said = figure_of_the_readme(before, after);
        // As it is rounded, and one text of the 52 more or less, since machines differ in the last digits.
        let near = if said < 1.0 { 0.01 } else { 2.0 };
        assert!(
            (said - found).abs() <= near,
            "the README says {before}{said}, found {found}"
        );
    }
}

/// The number between two texts of the README.
fn figure_of_the_readme(before: &str, after: &str) -> f64 {
    let readme = std::fs::read_to_string(checkout().join("README.md")).unwrap();
    let readme = readme.replace('\n', " ");
    let (_, rest) = readme.split_once(before).expect(before);
    let (figure, _) = rest.split_once(after).expect(after);
    figure.trim().parse().expect(figure)
}
