//! Hubs: gallery entries that come among the first answers of very many queries, whatever is asked.

use rand::SeedableRng as _;
use rand::seq::index;
use rand_chacha::ChaCha8Rng;
use serde::Serialize;

/// How unevenly a gallery's entries are retrieved, by how often each is among the first ten answers of all queries
/// (N₁₀ of Radovanović, Nanopoulos and Ivanović 2010).
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct Hubs {
    /// The skewness of these numbers: 0 when they lie alike on both sides of their mean, above it where a few are
    /// much greater than the others.
    pub skewness: f64,
    /// Share of entries that are never retrieved: antihubs.
    pub never: f64,
    /// Share of the answers that the most retrieved hundredth of the entries takes, at least one entry.
    pub top1pct: f64,
    /// How often each entry is retrieved, most often first.
    #[serde(skip)]
    pub retrieved: Vec<u32>,
}

impl Hubs {
    /// How many answers of a query are looked at.
    pub(crate) const DEPTH: usize = 10;

    /// Sums up how often each entry was `retrieved`, of at least one.
    pub(crate) fn new(mut retrieved: Vec<u32>) -> Self {
        retrieved.sort_unstable_by(|a, b| b.cmp(a));
        let entries = retrieved.len();
        let never = retrieved.iter().filter(|&&times| times == 0).count();
        let top: u64 = sum(&retrieved[..entries.div_ceil(100)]);
        Self {
            skewness: skewness(&retrieved),
            never: never as f64 / entries as f64,
            top1pct: top as f64 / sum(&retrieved).max(1) as f64,
            retrieved,
        }
    }

    /// What chance would give: each of the queries gets any ten of the entries.
    pub(crate) fn by_chance(queries: usize, entries: usize) -> Self {
        let mut random = ChaCha8Rng::seed_from_u64(0);
        let mut retrieved = vec![0; entries];
        for _ in 0..queries {
            for entry in index::sample(&mut random, entries, Self::DEPTH.min(entries)) {
                retrieved[entry] += 1;
            }
        }
        Self::new(retrieved)
    }

    /// The curve of concentration: which share of the answers the most retrieved entries take, by their share of all
    /// entries. At most about `points` of it, from nothing to all.
    pub(crate) fn concentration(&self, points: usize) -> Vec<(f64, f64)> {
        let (entries, answers) = (self.retrieved.len(), sum(&self.retrieved).max(1));
        let step = entries.div_ceil(points);
        let mut taken = 0;
        let taken_by = self.retrieved.chunks(step).zip(1..).map(|(some, chunk)| {
            taken += sum(some);
            let share = (chunk * step).min(entries) as f64 / entries as f64;
            (share, taken as f64 / answers as f64)
        });
        [(0.0, 0.0)].into_iter().chain(taken_by).collect()
    }
}

fn sum(retrieved: &[u32]) -> u64 {
    retrieved.iter().map(|&times| u64::from(times)).sum()
}

/// The third standardised moment; 0 where all are equal.
fn skewness(retrieved: &[u32]) -> f64 {
    let count = retrieved.len() as f64;
    let mean = sum(retrieved) as f64 / count;
    let moment = |power: i32| {
        let powers = retrieved
            .iter()
            .map(|&times| (f64::from(times) - mean).powi(power));
        powers.sum::<f64>() / count
    };
    let variance = moment(2);
    if variance > 0.0 {
        moment(3) / variance.powf(1.5)
    } else {
        0.0
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn hubs_by_hand() {
        // Mean 2, variance 6.4, third moment 22.8
        let hubs = Hubs::new(vec![1, 0, 1, 7, 1]);
        assert_eq!(hubs.retrieved, [7, 1, 1, 1, 0]);
        assert!(
            (hubs.skewness - 22.8 / 6.4f64.powf(1.5)).abs() < 1e-6,
            "{}",
            hubs.skewness
        );
        assert_eq!((hubs.never, hubs.top1pct), (0.2, 0.7));
    }

    #[test]
    fn entries_that_fare_alike_are_no_hubs() {
        let hubs = Hubs::new(vec![3; 200]);
        assert_eq!((hubs.skewness, hubs.never, hubs.top1pct), (0.0, 0.0, 0.01));
    }

    #[test]
    fn a_hub_takes_what_the_others_lack() {
        let mut retrieved = vec![0; 1000];
        retrieved[17] = 500;
        let hubs = Hubs::new(retrieved);
        assert!(hubs.skewness > 30.0);
        assert_eq!((hubs.never, hubs.top1pct), (0.999, 1.0));
    }

    #[test]
    fn chance_leaves_entries_out_where_queries_are_few() {
        // Two answers an entry: e^-2 of the entries get none, and the skewness is 1 / sqrt(2).
        let hubs = Hubs::by_chance(2000, 10_000);
        assert!((hubs.never - (-2f64).exp()).abs() < 0.01, "{}", hubs.never);
        assert!((hubs.skewness - 0.5f64.sqrt()).abs() < 0.1, "{}", hubs.skewness);
        assert_eq!(
            Hubs::by_chance(5, 4).retrieved,
            [5, 5, 5, 5],
            "fewer than ten entries"
        );
    }

    proptest! {
        #[test]
        fn the_concentration_rises_ever_more_slowly_from_nothing_to_all(
            retrieved in proptest::collection::vec(0..50u32, 1..300)
        ) {
            prop_assume!(sum(&retrieved) > 0);
            let curve = Hubs::new(retrieved).concentration(40);
            prop_assert!(curve.len() <= 41);
            prop_assert_eq!((curve[0], curve[curve.len() - 1]), ((0.0, 0.0), (1.0, 1.0)));
            prop_assert!(curve.is_sorted_by(|a, b| a.0 < b.0 && a.1 <= b.1));
            prop_assert!(curve.iter().all(|(share, taken)| taken + 1e-12 >= *share));
        }
    }
}
