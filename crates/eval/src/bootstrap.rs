//! Confidence intervals by the percentile bootstrap (Efron 1979).

use rand::{Rng, SeedableRng};
use rand_chacha::ChaCha8Rng;
use rayon::prelude::*;

use crate::Metrics;
use crate::metrics::Sample;

const RESAMPLES: u64 = 1000;
/// Any number will do; a fixed one makes every run give the same intervals.
const SEED: u64 = 0;

/// Lower and upper end.
pub type Interval = [f64; 2];

/// The 95 % interval of every metric.
///
/// What is drawn, with replacement, is the items that have queries: the queries of one item stay together,
/// since they are not independent. The gallery stays as it is.
pub(crate) fn intervals(sample: &Sample) -> Metrics<Interval> {
    percentiles_of_each(&resample(sample, |times_drawn| {
        sample.metrics(|outcome| times_drawn[outcome.item])
    }))
}

/// The 95 % intervals of what the metrics of `ours` are above those of `theirs`, by drawing the same items for
/// both (the paired bootstrap, Koehn 2004). Both are about the same queries.
pub(crate) fn paired_intervals(ours: &Sample, theirs: &Sample) -> Metrics<Interval> {
    percentiles_of_each(&resample(ours, |times_drawn| {
        let metrics = |sample: &Sample| sample.metrics(|outcome| times_drawn[outcome.item]);
        metrics(ours).minus(&metrics(theirs))
    }))
}

/// The metrics of every resample, given how often each item was drawn.
fn resample(sample: &Sample, metrics: impl Fn(&[u32]) -> Metrics + Sync) -> Vec<Metrics> {
    let outcomes = sample.outcomes();
    let mut items: Vec<usize> = outcomes.iter().map(|outcome| outcome.item).collect();
    items.sort_unstable();
    items.dedup();
    let item_count = items.last().map_or(0, |last| last + 1);
    (0..RESAMPLES)
        .into_par_iter()
        .map(|resample| {
            let mut rng = ChaCha8Rng::seed_from_u64(SEED);
            rng.set_stream(resample);
            let mut times_drawn = vec![0; item_count];
            for _ in 0..items.len() {
                times_drawn[items[rng.random_range(0..items.len())]] += 1;
            }
            metrics(&times_drawn)
        })
        .collect()
}

fn percentiles_of_each(resampled: &[Metrics]) -> Metrics<Interval> {
    let interval = |metric: fn(&Metrics) -> f64| percentiles(resampled.iter().map(metric).collect());
    Metrics {
        r1: interval(|metrics| metrics.r1),
        r5: interval(|metrics| metrics.r5),
        r10: interval(|metrics| metrics.r10),
        mean_recall: interval(|metrics| metrics.mean_recall),
        median_rank: interval(|metrics| metrics.median_rank),
        map: interval(|metrics| metrics.map),
        ndcg10: interval(|metrics| metrics.ndcg10),
    }
}

/// The 2.5 and the 97.5 percentile, between neighbours by linear interpolation.
fn percentiles(mut values: Vec<f64>) -> Interval {
    values.sort_unstable_by(f64::total_cmp);
    [0.025, 0.975].map(|share| {
        let position = share * (values.len() - 1) as f64;
        let (below, above) = (
            values[position.floor() as usize],
            values[position.ceil() as usize],
        );
        below + (above - below) * position.fract()
    })
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;
    use crate::ranking::Outcome;

    fn outcome(item: usize, rank: usize) -> Outcome {
        Outcome {
            item,
            rank,
            matches: 1,
            average_precision: 1.0 / rank as f64,
            ndcg10: 1.0 / rank as f64,
        }
    }

    #[test]
    fn percentiles_interpolate() {
        let values = (0..=1000).rev().map(f64::from).collect();
        assert_eq!(percentiles(values), [25.0, 975.0]);
        assert_eq!(percentiles(vec![0.0, 1.0]), [0.025, 0.975]);
        assert_eq!(percentiles(vec![3.0]), [3.0, 3.0]);
    }

    #[test]
    fn the_interval_of_a_share_is_that_of_the_binomial() {
        // 400 items of which a quarter are found: standard error sqrt(.25 * .75 / 400) = .02165
        let outcomes = (0..400)
            .map(|item| outcome(item, if item % 4 == 0 { 1 } else { 20 }))
            .collect();
        let [low, high] = intervals(&Sample::new(outcomes)).r1;
        assert!((low - (0.25 - 1.96 * 0.02165)).abs() < 0.005, "{low}");
        assert!((high - (0.25 + 1.96 * 0.02165)).abs() < 0.005, "{high}");
    }

    #[test]
    fn items_are_drawn_not_their_captions() {
        // Five captions of an item that fare alike tell no more than one.
        let outcomes = |captions: usize| {
            let items = (0..60).flat_map(|item| std::iter::repeat_n(item, captions));
            Sample::new(items.map(|item| outcome(item, 1 + item % 7)).collect())
        };
        assert_eq!(intervals(&outcomes(1)).r1, intervals(&outcomes(5)).r1);
    }

    #[test]
    fn a_single_item_has_no_spread() {
        let interval = intervals(&Sample::new(vec![outcome(7, 2), outcome(7, 4)]));
        assert_eq!(interval.median_rank, [3.0, 3.0]);
    }

    #[test]
    fn drawing_the_same_items_for_both_shows_a_small_difference() {
        // Each of the two has a wide interval of its own; one is better by two items in a hundred, always.
        let sample = |more: usize| {
            let rank = |item: usize| {
                if item.is_multiple_of(2) || item < more {
                    1
                } else {
                    20
                }
            };
            Sample::new((0..200).map(|item| outcome(item, rank(item))).collect())
        };
        let (ours, theirs) = (sample(8), sample(0));
        let [low, high] = paired_intervals(&ours, &theirs).r1;
        assert!(0.0 < low && low < 0.02 && 0.02 < high, "{low} {high}");
        assert!(intervals(&ours).r1[0] < intervals(&theirs).r1[1]);
        assert_eq!(paired_intervals(&ours, &ours).r1, [0.0, 0.0]);
    }

    proptest! {
        #![proptest_config(ProptestConfig::with_cases(32))]
        #[test]
        fn the_interval_holds_the_estimate_and_repeats(
            ranks in proptest::collection::vec(1..40usize, 20..60)
        ) {
            let sample = Sample::new(ranks.into_iter().enumerate().map(|(item, rank)| outcome(item, rank)).collect());
            let estimate = sample.metrics(|_| 1);
            let interval = intervals(&sample);
            let pairs = [
                (estimate.r1, interval.r1), (estimate.r5, interval.r5), (estimate.r10, interval.r10),
                (estimate.mean_recall, interval.mean_recall), (estimate.median_rank, interval.median_rank), (estimate.map, interval.map),
                (estimate.ndcg10, interval.ndcg10),
            ];
            for (value, [low, high]) in pairs {
                prop_assert!(low <= value && value <= high, "{low} {value} {high}");
            }
            prop_assert_eq!(interval, intervals(&sample));
        }
    }
}
