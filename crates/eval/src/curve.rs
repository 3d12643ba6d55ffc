//! Recall as the list of answers grows.

use serde::Serialize;

use crate::metrics::Sample;

/// Where the curve is measured: even steps on a logarithmic axis, with the 1, 5 and 10 of the metrics among them.
const DEPTHS: [usize; 18] = [1, 2, 3, 4, 5, 6, 8, 10, 13, 16, 20, 25, 32, 40, 50, 63, 80, 100];

/// One point of the curve of recall.
#[derive(Debug, Clone, Copy, PartialEq, Serialize)]
pub struct CurvePoint {
    /// How many answers are looked at.
    pub k: usize,
    /// Share of queries with a match among them.
    pub recall: f64,
    /// What the share would be, on average, if the order of the gallery were left to chance.
    pub chance: f64,
}

/// The curve over a gallery in which each query ranks so many `candidates`: from 1 to all of them, or to 100.
pub(crate) fn curve(sample: &Sample, candidates: usize) -> Vec<CurvePoint> {
    let last = candidates.min(DEPTHS[DEPTHS.len() - 1]);
    let depths = DEPTHS.into_iter().filter(|&k| k < last).chain([last]);
    let outcomes = sample.outcomes();
    let mean = |values: f64| values / outcomes.len() as f64;
    depths
        .map(|k| CurvePoint {
            k,
            recall: mean(outcomes.iter().filter(|outcome| outcome.rank <= k).count() as f64),
            chance: mean(
                outcomes
                    .iter()
                    .map(|outcome| chance(k, outcome.matches, candidates))
                    .sum(),
            ),
        })
        .collect()
}

/// How probable it is that the first `k` of a shuffled list hold one of its `matches`.
fn chance(k: usize, matches: usize, candidates: usize) -> f64 {
    let others = (candidates - matches) as f64;
    let all_others: f64 = (0..k)
        .map(|drawn| (others - drawn as f64).max(0.0) / (candidates - drawn) as f64)
        .product();
    1.0 - all_others
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;
    use crate::ranking::Outcome;

    fn sample(ranks: &[usize], matches: usize) -> Sample {
        let outcome = |&rank| Outcome {
            item: 0,
            rank,
            matches,
            average_precision: 0.0,
            ndcg10: 0.0,
        };
        Sample::new(ranks.iter().map(outcome).collect())
    }

    #[test]
    fn the_chance_of_a_single_match_is_its_share_of_the_gallery() {
        for point in curve(&sample(&[1, 40], 1), 400) {
            assert!((point.chance - point.k as f64 / 400.0).abs() < 1e-6, "{point:?}");
        }
    }

    #[test]
    fn more_matches_are_met_sooner() {
        // Of four, two match: one draw finds one in 1/2, two draws in 1 - 2/4 * 1/3.
        let points = curve(&sample(&[1], 2), 4);
        let chances: Vec<f64> = points.iter().map(|point| point.chance).collect();
        assert_eq!(chances, [0.5, 1.0 - 0.5 / 3.0, 1.0, 1.0]);
    }

    #[test]
    fn the_curve_ends_with_the_gallery_or_at_100() {
        let last = |candidates| curve(&sample(&[1], 1), candidates).last().map(|point| point.k);
        for (candidates, expected) in [(1, 1), (7, 7), (64, 64), (100, 100), (5000, 100)] {
            assert_eq!(last(candidates), Some(expected));
        }
        assert_eq!(curve(&sample(&[1], 1), 5000).len(), DEPTHS.len());
    }

    proptest! {
        #[test]
        fn the_curve_never_falls_and_passes_through_the_metrics(
            ranks in proptest::collection::vec(1..150usize, 1..40), matches in 1..5usize
        ) {
            let sample = sample(&ranks, matches);
            let points = curve(&sample, 150);
            prop_assert!(points.is_sorted_by(|a, b| a.k < b.k && a.recall <= b.recall && a.chance <= b.chance));
            let at = |k| points.iter().find(|point| point.k == k).map(|point| point.recall);
            let metrics = sample.metrics(|_| 1);
            for (k, recall) in [(1, metrics.r1), (5, metrics.r5), (10, metrics.r10)] {
                prop_assert!(at(k).is_some_and(|value| (value - recall).abs() < 1e-12));
            }
        }
    }
}
