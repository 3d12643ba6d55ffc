//! The metrics of a direction, summed up over its queries.

use serde::Serialize;

use crate::ranking::Outcome;

/// The metrics of one direction, each of type `T`: a value, or an interval.
#[derive(Debug, Clone, Copy, PartialEq, Serialize)]
pub struct Metrics<T = f64> {
    /// Share of queries with a match at rank 1.
    pub r1: T,
    /// Share of queries with a match among the first 5.
    pub r5: T,
    /// Share of queries with a match among the first 10.
    pub r10: T,
    /// The mean of the three.
    pub mean_recall: T,
    /// Median over the queries of the rank of the first match, from 1.
    pub median_rank: T,
    /// Mean average precision over the whole gallery.
    pub map: T,
    /// Mean normalised discounted cumulative gain of the first ten.
    pub ndcg10: T,
}

impl<T> Metrics<T> {
    /// Applies `change` to every metric.
    pub fn each<U>(self, change: impl Fn(T) -> U) -> Metrics<U> {
        Metrics {
            r1: change(self.r1),
            r5: change(self.r5),
            r10: change(self.r10),
            mean_recall: change(self.mean_recall),
            median_rank: change(self.median_rank),
            map: change(self.map),
            ndcg10: change(self.ndcg10),
        }
    }
}

impl Metrics {
    /// What each metric is above that of `other`.
    pub fn minus(&self, other: &Self) -> Self {
        Self {
            r1: self.r1 - other.r1,
            r5: self.r5 - other.r5,
            r10: self.r10 - other.r10,
            mean_recall: self.mean_recall - other.mean_recall,
            median_rank: self.median_rank - other.median_rank,
            map: self.map - other.map,
            ndcg10: self.ndcg10 - other.ndcg10,
        }
    }
}

/// The outcomes of at least one query, ready to be summed up under many weights.
pub(crate) struct Sample {
    /// By rising rank, so that a weighted median is one pass.
    outcomes: Vec<Outcome>,
}

impl Sample {
    pub(crate) fn new(mut outcomes: Vec<Outcome>) -> Self {
        outcomes.sort_unstable_by_key(|outcome| outcome.rank);
        Self { outcomes }
    }

    pub(crate) fn outcomes(&self) -> &[Outcome] {
        &self.outcomes
    }

    /// The metrics when every query counts as often as `weight` says; at least one must count.
    pub(crate) fn metrics(&self, weight: impl Fn(&Outcome) -> u32) -> Metrics {
        let weights: Vec<u32> = self.outcomes.iter().map(weight).collect();
        let total: u32 = weights.iter().sum();
        let mean = |value: &dyn Fn(&Outcome) -> f64| {
            let weighted = self
                .outcomes
                .iter()
                .zip(&weights)
                .map(|(outcome, &w)| value(outcome) * f64::from(w));
            weighted.sum::<f64>() / f64::from(total)
        };
        let [r1, r5, r10] = [1, 5, 10].map(|k| mean(&|outcome| within(outcome, k)));
        Metrics {
            r1,
            r5,
            r10,
            mean_recall: (r1 + r5 + r10) / 3.0,
            median_rank: self.median_rank(&weights, total),
            map: mean(&|outcome| outcome.average_precision),
            ndcg10: mean(&|outcome| outcome.ndcg10),
        }
    }

    /// The mean of the two middle ranks, which are the same one when the total is odd.
    fn median_rank(&self, weights: &[u32], total: u32) -> f64 {
        let mut counted = 0;
        let mut lower = None;
        for (outcome, weight) in self.outcomes.iter().zip(weights) {
            counted += weight;
            let rank = outcome.rank as f64;
            if counted > (total - 1) / 2 {
                lower.get_or_insert(rank);
            }
            if counted > total / 2 {
                return (lower.unwrap_or(rank) + rank) / 2.0;
            }
        }
        f64::NAN // not reached while one query counts
    }
}

fn within(outcome: &Outcome, k: usize) -> f64 {
    if outcome.rank <= k { 1.0 } else { 0.0 }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn sample(ranks: &[usize]) -> Sample {
        let outcome = |&rank| Outcome {
            item: rank,
            rank,
            matches: 1,
            average_precision: 1.0 / rank as f64,
            ndcg10: 0.5,
        };
        Sample::new(ranks.iter().map(outcome).collect())
    }

    #[test]
    fn metrics_by_hand() {
        let metrics = sample(&[12, 1, 4, 10]).metrics(|_| 1);
        assert_eq!((metrics.r1, metrics.r5, metrics.r10), (0.25, 0.5, 0.75));
        assert_eq!(metrics.median_rank, 7.0);
        assert!((metrics.map - (1.0 + 0.25 + 0.1 + 1.0 / 12.0) / 4.0).abs() < 1e-12);
        assert_eq!(metrics.ndcg10, 0.5);
    }

    #[test]
    fn the_median_is_the_middle_or_between_the_two_middles() {
        assert_eq!(sample(&[3]).metrics(|_| 1).median_rank, 3.0);
        assert_eq!(sample(&[9, 1, 2]).metrics(|_| 1).median_rank, 2.0);
        assert_eq!(sample(&[9, 1, 2, 4]).metrics(|_| 1).median_rank, 3.0);
    }

    #[test]
    fn a_weight_counts_a_query_that_often() {
        let weight = |outcome: &Outcome| if outcome.rank == 1 { 3 } else { 1 };
        assert_eq!(
            sample(&[1, 6]).metrics(weight),
            sample(&[1, 1, 1, 6]).metrics(|_| 1)
        );
        let only_six = |outcome: &Outcome| u32::from(outcome.rank == 6);
        assert_eq!(sample(&[1, 6]).metrics(only_six).median_rank, 6.0);
    }

    proptest! {
        #[test]
        fn recall_rises_with_k_and_the_median_is_the_usual_one(
            mut ranks in proptest::collection::vec(1..30usize, 1..20)
        ) {
            let metrics = sample(&ranks).metrics(|_| 1);
            prop_assert!(0.0 <= metrics.r1 && metrics.r1 <= metrics.r5);
            prop_assert!(metrics.r5 <= metrics.r10 && metrics.r10 <= 1.0);
            ranks.sort_unstable();
            let middle = ranks.len() / 2;
            let expected = (ranks[(ranks.len() - 1) / 2] + ranks[middle]) as f64 / 2.0;
            prop_assert_eq!(metrics.median_rank, expected);
        }
    }
}
