//! The rules of `eval`, each on a case small enough to work out by hand.

#![allow(clippy::unwrap_used, reason = "clippy knows tests, but not their helpers")]

use std::path::Path;

use proptest::prelude::*;
use sensorium_eval::{ContentId, DirectionCard, Error, Example, OnBad, Pairs, Task, evaluate};
use sensorium_types::Direction;

fn pairs(lines: &[&str]) -> Pairs {
    Pairs::parse(lines.join("\n").as_bytes(), Path::new("pairs.jsonl"), OnBad::Fail).unwrap()
}

fn direction(name: &str) -> Direction {
    name.parse().unwrap()
}

/// A scorer over the names of contents: `(query, entry)` to score.
fn by_name<'a>(
    pairs: &'a Pairs,
    score: impl Fn(&str, &str) -> f32 + Sync + 'a,
) -> impl Fn(Direction, &[ContentId], &[ContentId]) -> Vec<f32> + Sync + 'a {
    let name = |id: ContentId| pairs.name(id).trim_matches('"').to_owned();
    move |_, queries, gallery| {
        let row = |&query| {
            gallery
                .iter()
                .map(|&entry| score(&name(query), &name(entry)))
                .collect::<Vec<_>>()
        };
        queries.iter().flat_map(row).collect()
    }
}

fn measure(pairs: &Pairs, name: &str, score: impl Fn(&str, &str) -> f32 + Sync) -> DirectionCard {
    let task = Task::new(pairs, direction(name)).unwrap();
    let card = evaluate("a space", &[task], by_name(pairs, score), |_| ());
    card.directions[&direction(name)].clone()
}

/// A score for each of the named entries, whatever the query; 0 for others.
fn fixed<'a>(scores: &'a [(&'a str, f32)]) -> impl Fn(&str, &str) -> f32 + Sync + 'a {
    |_, entry| {
        scores
            .iter()
            .find(|(name, _)| *name == entry)
            .map_or(0.0, |(_, score)| *score)
    }
}

fn close(value: f64, expected: f64) {
    assert!((value - expected).abs() < 1e-6, "{value} is not {expected}");
}

#[test]
fn queries_have_both_modalities_and_the_gallery_is_every_item_with_the_target() {
    let pairs = pairs(&[
        r#"{"text": "a", "image": "1"}"#,
        r#"{"image": "2", "audio": "2"}"#,
        r#"{"image": "3", "audio": "3"}"#,
        r#"{"text": "d", "audio": "4"}"#,
    ]);
    let entry = measure(
        &pairs,
        "text->image",
        fixed(&[("1", 0.5), ("2", 0.9), ("3", 0.1)]),
    );
    assert_eq!((entry.queries, entry.gallery), (1, 3));
    assert_eq!(
        (entry.metrics.r1, entry.metrics.r5, entry.metrics.median_rank),
        (0.0, 1.0, 2.0)
    );
    close(entry.metrics.map, 0.5);
    close(entry.metrics.ndcg10, 1.0 / 3f64.log2());
}

#[test]
fn each_text_of_an_item_is_a_query_of_its_own() {
    let pairs = pairs(&[
        r#"{"text": ["a", "b", "c"], "image": "1"}"#,
        r#"{"text": "d", "image": "2"}"#,
    ]);
    let right_for = |right: &'static [&str]| {
        move |query: &str, entry: &str| {
            if (entry == "1") == right.contains(&query) {
                1.0
            } else {
                0.0
            }
        }
    };
    let entry = measure(&pairs, "text->image", right_for(&["a", "b"]));
    assert_eq!((entry.queries, entry.gallery), (4, 2));
    assert_eq!((entry.metrics.r1, entry.metrics.median_rank), (0.75, 1.0));
}

#[test]
fn single_texts_are_ranked_and_the_best_own_one_counts() {
    let pairs = pairs(&[
        r#"{"text": ["a", "b"], "image": "1"}"#,
        r#"{"text": ["c", "d"], "image": "2"}"#,
    ]);
    // Ranked c, b, d, a: the first picture finds b at 2 and a at 4, the second c at 1 and d at 3.
    let entry = measure(
        &pairs,
        "image->text",
        fixed(&[("c", 0.9), ("b", 0.8), ("d", 0.7), ("a", 0.6)]),
    );
    assert_eq!((entry.queries, entry.gallery), (2, 4));
    assert_eq!((entry.metrics.r1, entry.metrics.median_rank), (0.5, 1.5));
    close(
        entry.metrics.map,
        ((1.0 / 2.0 + 2.0 / 4.0) / 2.0 + (1.0 + 2.0 / 3.0) / 2.0) / 2.0,
    );
}

#[test]
fn byte_identical_texts_are_one_entry_relevant_to_all_their_items() {
    let pairs = pairs(&[
        r#"{"text": "dog", "image": "1"}"#,
        r#"{"text": "dog", "image": "2"}"#,
        r#"{"text": "Dog", "image": "3"}"#,
    ]);
    let entry = measure(&pairs, "image->text", fixed(&[("dog", 0.9), ("Dog", 0.1)]));
    assert_eq!((entry.queries, entry.gallery), (3, 2));
    close(entry.metrics.r1, 2.0 / 3.0);
    close(entry.metrics.map, (1.0 + 1.0 + 0.5) / 3.0);
    // As queries they stay apart, and each wants its own picture.
    let entry = measure(
        &pairs,
        "text->image",
        fixed(&[("1", 0.9), ("2", 0.8), ("3", 0.7)]),
    );
    assert_eq!((entry.queries, entry.metrics.median_rank), (3, 2.0));
}

#[test]
fn ties_with_others_count_against_us_even_within_the_label() {
    let pairs = pairs(&[
        r#"{"text": "a", "image": "1", "label": "x"}"#,
        r#"{"text": "b", "image": "2", "label": "x"}"#,
        r#"{"text": "c", "image": "3", "label": "y"}"#,
    ]);
    let entry = measure(&pairs, "text->image", |_, _| 0.5);
    assert_eq!((entry.metrics.r1, entry.metrics.median_rank), (0.0, 3.0));
    // Label x: relevant at 2 and 3 of 3; y: at 3.
    close(
        entry.metrics.map,
        (2.0 * (1.0 / 2.0 + 2.0 / 3.0) / 2.0 + 1.0 / 3.0) / 3.0,
    );
}

#[test]
fn an_own_text_that_ties_with_another_own_text_loses_nothing() {
    let pairs = pairs(&[
        r#"{"text": ["a", "b"], "image": "1"}"#,
        r#"{"text": "c", "image": "2"}"#,
    ]);
    let entry = measure(
        &pairs,
        "image->text",
        |_, text| if text == "c" { 0.1 } else { 0.9 },
    );
    assert_eq!((entry.metrics.r1, entry.metrics.median_rank), (0.5, 2.0));
}

#[test]
fn a_label_changes_map_and_ndcg_only() {
    let lines = [
        r#"{"text": "a", "image": "1", "label": "x"}"#,
        r#"{"image": "2", "audio": "2", "label": "x"}"#,
        r#"{"image": "3", "audio": "3", "label": "y"}"#,
        r#"{"image": "4", "audio": "4"}"#,
    ];
    let scores = [("2", 0.9), ("3", 0.8), ("4", 0.7), ("1", 0.6)];
    let labelled = measure(&pairs(&lines), "text->image", fixed(&scores)).metrics;
    let plain = lines.map(|line| line.replace(r#", "label": "x""#, ""));
    let plain = measure(
        &pairs(&plain.each_ref().map(String::as_str)),
        "text->image",
        fixed(&scores),
    )
    .metrics;

    assert_eq!((labelled.r1, labelled.r5, labelled.median_rank), (0.0, 1.0, 4.0));
    assert_eq!(
        (labelled.r1, labelled.r5, labelled.median_rank),
        (plain.r1, plain.r5, plain.median_rank)
    );
    close(plain.map, 0.25);
    close(labelled.map, (1.0 + 2.0 / 4.0) / 2.0);
    close(plain.ndcg10, 1.0 / 5f64.log2());
    close(
        labelled.ndcg10,
        (1.0 + 1.0 / 5f64.log2()) / (1.0 + 1.0 / 3f64.log2()),
    );
}

#[test]
fn within_one_modality_the_query_is_left_out_and_the_label_decides() {
    let pairs = pairs(&[
        r#"{"image": "1", "label": "x"}"#,
        r#"{"image": "2", "label": "x"}"#,
        r#"{"image": "3", "label": "x"}"#,
        r#"{"image": "4", "label": "alone"}"#,
        r#"{"image": "5", "text": "no label"}"#,
    ]);
    // Without the query itself, the ranking is 4, 1, 2, 3, 5 less the query.
    let scores = [("4", 0.9), ("1", 0.8), ("2", 0.7), ("3", 0.6), ("5", 0.5)];
    let entry = measure(&pairs, "image->image", fixed(&scores));
    assert_eq!(
        (entry.queries, entry.gallery),
        (3, 5),
        "no query without a label that others share"
    );
    assert_eq!(
        (entry.metrics.r1, entry.metrics.r5, entry.metrics.median_rank),
        (0.0, 1.0, 2.0)
    );
    close(entry.metrics.map, (1.0 / 2.0 + 2.0 / 3.0) / 2.0);
}

#[test]
fn from_text_to_text_the_own_text_is_left_out_but_other_texts_of_the_item_are_not() {
    let pairs = pairs(&[
        r#"{"text": ["a", "b"], "label": "x"}"#,
        r#"{"text": ["a", "c"], "label": "x"}"#,
        r#"{"text": "d", "label": "y"}"#,
    ]);
    let scores = [("d", 0.9), ("a", 0.8), ("b", 0.7), ("c", 0.6)];
    let entry = measure(&pairs, "text->text", fixed(&scores));
    // Queries a, b, a, c; d has nobody. For a: d, b, c. For b: d, a, c. For c: d, a, b.
    assert_eq!((entry.queries, entry.gallery), (4, 4));
    assert_eq!(entry.metrics.median_rank, 2.0);
    close(entry.metrics.map, (1.0 / 2.0 + 2.0 / 3.0) / 2.0);
}

#[test]
fn a_file_that_two_items_share_is_two_entries() {
    let pairs = pairs(&[r#"{"text": "a", "image": "1"}"#, r#"{"text": "b", "image": "1"}"#]);
    let entry = measure(&pairs, "text->image", |_, _| 1.0);
    assert_eq!((entry.gallery, entry.metrics.median_rank), (2, 2.0));
    assert_eq!(pairs.contents().len(), 3, "though it is encoded once");
}

#[test]
fn scores_that_are_no_numbers_are_the_lowest() {
    let pairs = pairs(&[r#"{"text": "a", "image": "1"}"#, r#"{"text": "b", "image": "2"}"#]);
    let entry = measure(&pairs, "text->image", fixed(&[("1", f32::NAN), ("2", -1.0)]));
    assert_eq!((entry.metrics.r1, entry.metrics.median_rank), (0.5, 1.5));
}

#[test]
fn every_direction_that_the_pairs_allow_is_measured() {
    let pairs = pairs(&[
        r#"{"text": "a", "image": "1", "label": "x"}"#,
        r#"{"text": "b", "image": "2", "label": "x"}"#,
        r#"{"text": "c", "audio": "3", "label": "z"}"#,
    ]);
    let tasks = Task::all(&pairs).unwrap();
    let names: Vec<_> = tasks.iter().map(|task| task.direction().to_string()).collect();
    assert_eq!(
        names,
        [
            "text->text",
            "text->image",
            "text->audio",
            "image->text",
            "image->image",
            "audio->text"
        ]
    );
}

#[test]
fn within_one_modality_the_query_is_no_answer_to_itself_in_curve_scores_and_hubs() {
    let pairs = pairs(&[
        r#"{"image": "1", "label": "x"}"#,
        r#"{"image": "2", "label": "x"}"#,
        r#"{"image": "3", "label": "y"}"#,
    ]);
    let entry = measure(&pairs, "image->image", |query, entry| match (query, entry) {
        ("1", "2") | ("2", "1") => 0.9,
        (query, entry) if query == entry => 0.5,
        _ => 0.6,
    });
    assert_eq!((entry.queries, entry.gallery), (2, 3));
    let curve: Vec<_> = entry
        .curve
        .iter()
        .map(|point| (point.k, point.recall, point.chance))
        .collect();
    assert_eq!(curve, [(1, 1.0, 0.5), (2, 1.0, 1.0)]);
    assert_eq!(entry.auc, Some(1.0));
    assert_eq!(entry.hubs.retrieved, [2, 1, 1]);
}

#[test]
fn what_comes_after_the_first_ten_is_not_retrieved() {
    let lines: Vec<String> = (0..12)
        .map(|item| format!(r#"{{"text": "t{item}", "image": "{item}"}}"#))
        .collect();
    let pairs = pairs(&lines.iter().map(String::as_str).collect::<Vec<_>>());
    let entry = measure(&pairs, "text->image", |_, image| image.parse().unwrap_or(0.0));
    assert_eq!(
        entry.hubs.retrieved,
        [12, 12, 12, 12, 12, 12, 12, 12, 12, 12, 0, 0]
    );
    assert_eq!((entry.hubs.never, entry.hubs.top1pct), (0.166667, 0.1));
    assert_eq!(entry.auc, Some(0.5));
}

#[test]
fn a_direction_that_the_pairs_do_not_allow_says_why() {
    let cause =
        |lines: &[&str], name: &str| Task::new(&pairs(lines), direction(name)).unwrap_err().to_string();
    let plain = [r#"{"text": "a", "image": "1"}"#, r#"{"text": "b", "image": "2"}"#];
    assert!(cause(&plain, "text->audio").contains("no pair has both text and audio"));
    assert!(cause(&plain, "image->image").contains("needs a `label` on pairs with image"));
    let alone = [
        r#"{"image": "1", "label": "x"}"#,
        r#"{"image": "2", "label": "y"}"#,
    ];
    assert!(cause(&alone, "image->image").contains("shared by two different image entries"));
    assert!(matches!(
        Task::all(&pairs(&alone)),
        Err(Error::NoDirections { .. })
    ));
    let same = [r#"{"text": "a", "label": "x"}"#, r#"{"text": "a", "label": "x"}"#];
    assert!(cause(&same, "text->text").contains("shared by two different text entries"));
}

#[test]
fn only_what_a_task_uses_is_to_be_encoded() {
    let pairs = pairs(&[
        r#"{"text": "a", "image": "1", "video": "1"}"#,
        r#"{"text": "b", "audio": "2"}"#,
        r#"{"image": "3", "audio": "3"}"#,
    ]);
    let task = Task::new(&pairs, direction("text->image")).unwrap();
    let names: Vec<_> = task.contents().into_iter().map(|id| pairs.name(id)).collect();
    assert_eq!(names, [r#""a""#, "1", "3"]);
}

#[test]
fn progress_counts_every_query_and_batches_stay_in_order() {
    let lines: Vec<String> = (0..150)
        .map(|i| format!(r#"{{"text": "{i}", "image": "{i}"}}"#))
        .collect();
    let pairs = pairs(&lines.iter().map(String::as_str).collect::<Vec<_>>());
    let finished = std::sync::atomic::AtomicUsize::new(0);
    let tasks = Task::all(&pairs).unwrap();
    let score = by_name(&pairs, |query, entry| if query == entry { 1.0 } else { 0.0 });
    let card = evaluate("a space", &tasks, score, |queries| {
        finished.fetch_add(queries, std::sync::atomic::Ordering::Relaxed);
    });
    assert_eq!(finished.into_inner(), 300);
    assert!(card.directions.values().all(|entry| entry.metrics.r1 == 1.0));
}

#[test]
fn an_example_shows_the_best_answers_and_marks_the_expected() {
    let pairs = pairs(&[
        r#"{"text": "a dog", "image": "1.jpg"}"#,
        r#"{"text": "a cat", "image": "2.jpg"}"#,
        r#"{"text": "a car", "image": "3.jpg"}"#,
    ]);
    let task = Task::new(&pairs, direction("text->image")).unwrap();
    let scores = [("1.jpg", 0.5), ("2.jpg", 0.5), ("3.jpg", 0.25)];
    let example = Example::new(&task, task.queries()[0], 2, by_name(&pairs, fixed(&scores)));
    assert_eq!(
        example.to_string(),
        "text->image: \"a dog\"\n   1   0.500  2.jpg\n>  2   0.500  1.jpg\n"
    );
    let example = Example::new(&task, task.queries()[2], 1, by_name(&pairs, fixed(&scores)));
    assert_eq!(example.rank, 3);
    assert!(
        example
            .to_string()
            .ends_with("the expected answer is at rank 3\n")
    );
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 64, failure_persistence: None, ..ProptestConfig::default() })]
    #[test]
    fn metrics_are_in_range_and_the_order_of_the_pairs_does_not_matter(
        (items, shuffled) in proptest::collection::vec((0..4u8, 0..3u8), 2..24)
            .prop_map(|items| items.into_iter().enumerate().collect::<Vec<_>>())
            .prop_flat_map(|items| (Just(items.clone()), Just(items).prop_shuffle()))
    ) {
        let measured = |items: &[(usize, (u8, u8))]| {
            let lines: Vec<String> = items
                .iter()
                .map(|(id, (text, label))| {
                    format!(r#"{{"text": ["{text}", "{id}"], "image": "{id}", "label": "{label}"}}"#)
                })
                .collect();
            let pairs = pairs(&lines.iter().map(String::as_str).collect::<Vec<_>>());
            let tasks = Task::all(&pairs).unwrap();
            // Any scores will do that depend on the names alone and often tie.
            let score = |query: &str, entry: &str| ((query.len() * 7 + entry.len() * 3) % 5) as f32
                + f32::from(query.ends_with(entry));
            evaluate("a space", &tasks, by_name(&pairs, score), |_| ())
        };
        let (card, other) = (measured(&items), measured(&shuffled));
        prop_assert_eq!(card.directions.len(), other.directions.len());
        for (direction, entry) in &card.directions {
            let m = entry.metrics;
            prop_assert!(0.0 <= m.r1 && m.r1 <= m.r5 && m.r5 <= m.r10 && m.r10 <= 1.0);
            prop_assert!((0.0..=1.0).contains(&m.map) && (0.0..=1.0).contains(&m.ndcg10));
            prop_assert!(1.0 <= m.median_rank && m.median_rank <= entry.gallery as f64);
            prop_assert_eq!(m, other.directions[direction].metrics);
        }
    }
}
