//! Recall of heads in training, on the tuning part.

use std::collections::BTreeMap;

use candle_core::{Device, Tensor};
use rayon::prelude::*;
use sensorium_types::Track;

use crate::Result;
use crate::bank::FeatureBank;
use crate::examples::Example;
use crate::train::{HeadsInTraining, TRACK_PAIRS};

/// Items beyond these are left out, so that it stays quick.
const MOST_ITEMS: usize = 1000;

/// For each pair of tracks that at least two examples have, the mean of R@1, R@5 and R@10 over both directions by the
/// new heads alone. Items of one class are right answers to each other.
pub(crate) fn mean_recall(
    bank: &FeatureBank,
    examples: &[Example],
    heads: &HeadsInTraining,
) -> Result<Vec<f64>> {
    let examples = &examples[..examples.len().min(MOST_ITEMS)];
    let mut embedded: BTreeMap<Track, Vec<Vec<Vec<f32>>>> = BTreeMap::new();
    for (&track, head) in heads {
        let mut values = Vec::new();
        let mut counts = Vec::new();
        for example in examples {
            let rows = example.rows.get(&track).map_or(&[][..], Vec::as_slice);
            rows.iter()
                .try_for_each(|row| bank.read_first(row, head.features(), &mut values))?;
            counts.push(rows.len());
        }
        let total: usize = counts.iter().sum();
        if total == 0 {
            continue;
        }
        let width = values.len() / total;
        let features = Tensor::from_vec(values, (total, width), &Device::Cpu)?;
        let mut vectors = head.forward(&features, None)?.to_vec2::<f32>()?.into_iter();
        let items = counts.iter().map(|&count| vectors.by_ref().take(count).collect());
        embedded.insert(track, items.collect());
    }
    let mut recalls = Vec::new();
    for (a, b) in TRACK_PAIRS {
        let (Some(a), Some(b)) = (embedded.get(&a), embedded.get(&b)) else {
            continue;
        };
        let both: Vec<usize> = (0..examples.len())
            .filter(|&item| !a[item].is_empty() && !b[item].is_empty())
            .collect();
        if both.len() > 1 {
            let there = recall(a, b, &both, examples);
            let back = recall(b, a, &both, examples);
            recalls.push((there + back) / 2.0);
        }
    }
    Ok(recalls)
}

/// Every segment of `queries` asks for the items of `gallery`; an item scores by its best segment.
fn recall(
    queries: &[Vec<Vec<f32>>],
    gallery: &[Vec<Vec<f32>>],
    items: &[usize],
    examples: &[Example],
) -> f64 {
    let outcomes: Vec<f64> = items
        .par_iter()
        .flat_map_iter(|&item| queries[item].iter().map(move |query| (item, query)))
        .map(|(item, query)| {
            let score = |other: usize| {
                let scores = gallery[other]
                    .iter()
                    .map(|vector| sensorium_types::dot(query, vector));
                scores.fold(f32::NEG_INFINITY, f32::max)
            };
            let is_right = |other: usize| examples[other].class == examples[item].class;
            let scores: Vec<f32> = items.iter().map(|&other| score(other)).collect();
            let best = items.iter().zip(&scores).filter(|(other, _)| is_right(**other));
            let best = best.map(|(_, score)| *score).fold(f32::NEG_INFINITY, f32::max);
            let wrong = items.iter().zip(&scores).filter(|(other, _)| !is_right(**other));
            // Ties count against us.
            let before = wrong.filter(|(_, score)| **score >= best).count();
            [1, 5, 10].iter().filter(|&&k| before < k).count() as f64 / 3.0
        })
        .collect();
    outcomes.iter().sum::<f64>() / outcomes.len().max(1) as f64
}
