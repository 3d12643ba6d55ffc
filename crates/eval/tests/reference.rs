//! Agreement with scikit-learn and trec_eval on random data; see `reference.py`.

#![allow(clippy::unwrap_used, reason = "clippy knows tests, but not their helpers")]

use std::collections::BTreeMap;
use std::path::Path;

use sensorium_eval::{ContentId, OnBad, Pairs, Task, evaluate};
use sensorium_types::Modality;
use serde::Deserialize;
use serde_json::json;

/// What the libraries computed.
#[derive(Deserialize)]
struct Reference {
    /// The label of each item.
    labels: Vec<Option<usize>>,
    distinct: Distinct,
    tied: Tied,
}

#[derive(Deserialize)]
struct Distinct {
    /// A row for each text, five to an item, of a score for each image.
    scores: Vec<Vec<u32>>,
    directions: BTreeMap<String, Expected>,
}

/// The same scores, divided into whole numbers so that many are equal.
#[derive(Deserialize)]
struct Tied {
    divisor: u32,
    directions: BTreeMap<String, Expected>,
}

#[derive(Deserialize)]
struct Expected {
    queries: usize,
    r1: f64,
    r5: f64,
    r10: f64,
    median_rank: f64,
    map: f64,
    ndcg10: f64,
}

fn reference() -> Reference {
    serde_json::from_str(include_str!("reference.json")).unwrap()
}

/// Items of five texts and an image each; contents are numbered text, ..., text, image, and so on.
fn pairs(labels: &[Option<usize>]) -> Pairs {
    let lines: Vec<String> = labels
        .iter()
        .enumerate()
        .map(|(item, label)| {
            let texts: Vec<String> = (0..5).map(|text| format!("{item} {text}")).collect();
            json!({"text": texts, "image": item.to_string(), "label": label}).to_string()
        })
        .collect();
    Pairs::parse(lines.join("\n").as_bytes(), Path::new("pairs.jsonl"), OnBad::Fail).unwrap()
}

/// Measures every direction that the libraries measured and compares all metrics.
fn assert_agreement(labels: &[Option<usize>], scores: &[Vec<u32>], expected: &BTreeMap<String, Expected>) {
    let pairs = pairs(labels);
    let item_of = |content: ContentId| content.index() / 6;
    // An image is scored as the first text of its item is.
    let text_of = |content: ContentId| item_of(content) * 5 + content.index() % 6 % 5;
    let tasks: Vec<_> = expected
        .keys()
        .map(|name| Task::new(&pairs, name.parse().unwrap()).unwrap())
        .collect();
    let card = evaluate(
        "random",
        &tasks,
        |direction, queries, gallery| {
            let score = |query: ContentId, entry: ContentId| match direction.to {
                Modality::Text => scores[text_of(entry)][item_of(query)],
                _ => scores[text_of(query)][item_of(entry)],
            };
            let row = |query| gallery.iter().map(move |&entry| score(query, entry) as f32);
            queries.iter().flat_map(|&query| row(query)).collect()
        },
        |_| (),
    );
    assert_eq!(card.directions.len(), expected.len());
    for (direction, entry) in &card.directions {
        let expected = &expected[&direction.to_string()];
        assert_eq!(entry.queries, expected.queries, "{direction}");
        let metrics = entry.metrics;
        for (name, value, expected) in [
            ("R@1", metrics.r1, expected.r1),
            ("R@5", metrics.r5, expected.r5),
            ("R@10", metrics.r10, expected.r10),
            ("median rank", metrics.median_rank, expected.median_rank),
            ("mAP", metrics.map, expected.map),
            ("nDCG@10", metrics.ndcg10, expected.ndcg10),
        ] {
            assert!(
                (value - expected).abs() < 1e-6,
                "{direction} {name}: {value} is not {expected}"
            );
        }
    }
}

#[test]
fn without_ties_the_libraries_agree() {
    let Reference { labels, distinct, .. } = reference();
    assert_agreement(&labels, &distinct.scores, &distinct.directions);
}

#[test]
fn with_ties_the_libraries_agree_once_they_count_against_us() {
    let Reference {
        labels,
        distinct,
        tied,
    } = reference();
    let scores: Vec<Vec<u32>> = distinct
        .scores
        .iter()
        .map(|row| row.iter().map(|score| score / tied.divisor).collect())
        .collect();
    assert_agreement(&labels, &scores, &tied.directions);
}
