//! How the scores of matching pairs are spread beside those of all others.

use std::collections::VecDeque;
use std::ops::Range;

/// How many pairs were counted.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub(crate) struct PairCounts {
    /// Pairs of a query with one of its matches.
    pub(crate) matching: u64,
    /// All other pairs.
    pub(crate) others: u64,
}

impl PairCounts {
    fn add(&mut self, more: Self) {
        self.matching += more.matching;
        self.others += more.others;
    }
}

/// The most bins that scores are counted in: enough for the ROC area, and little memory however many scores there are.
const MOST_BINS: usize = 4096;
/// Bins begin as wide as two to this power.
const FINEST: i32 = -24;

/// A histogram of scores whose range need not be known beforehand.
///
/// Bins are as wide as a power of two and begin at a multiple of it. Where they would become too many,
/// neighbours are joined two by two; so the result depends on the scores alone, not on their order.
#[derive(Debug, Clone, PartialEq)]
pub struct Scores {
    /// The binary logarithm of the width of the bins.
    exponent: i32,
    /// Where the first bin begins, in widths.
    start: i64,
    bins: VecDeque<PairCounts>,
    /// Pairs that could not be compared.
    without: PairCounts,
}

impl Default for Scores {
    fn default() -> Self {
        Self {
            exponent: FINEST,
            start: 0,
            bins: VecDeque::new(),
            without: PairCounts::default(),
        }
    }
}

impl Scores {
    /// Counts a pair; a score that is not a finite number is as good as none.
    pub(crate) fn count(&mut self, score: f32, is_match: bool) {
        let one = PairCounts {
            matching: u64::from(is_match),
            others: u64::from(!is_match),
        };
        if !score.is_finite() {
            return self.without.add(one);
        }
        let mut place = (f64::from(score) / self.width()).floor();
        // Beyond this, numbers of bins would not be exact.
        while place.abs() > 2f64.powi(52) {
            self.coarsen();
            place = (f64::from(score) / self.width()).floor();
        }
        self.add(self.exponent, place as i64, one);
    }

    /// Counts what another one has counted.
    pub(crate) fn merge(mut self, other: Self) -> Self {
        for (place, &counts) in (other.start..).zip(&other.bins) {
            self.add(other.exponent, place, counts);
        }
        self.without.add(other.without);
        self
    }

    /// The area under the ROC curve: how probable it is that a matching pair scores above another one, where equal
    /// scores count as half; `None` where one kind of pairs is missing.
    pub fn roc_area(&self) -> Option<f64> {
        let (mut below, mut area) = (0.0, 0.0);
        let mut matching = 0;
        for bin in [&self.without].into_iter().chain(&self.bins) {
            area += bin.matching as f64 * (below + bin.others as f64 / 2.0);
            below += bin.others as f64;
            matching += bin.matching;
        }
        let pairs = below * matching as f64;
        (pairs > 0.0).then(|| area / pairs)
    }

    /// The same in bins that are at least so wide.
    pub(crate) fn coarse(mut self, width: f64) -> Self {
        while self.width() < width {
            self.coarsen();
        }
        self
    }

    /// Where the scores lie, but for the outermost thousandth of each kind of pairs on either side.
    pub(crate) fn range(&self) -> Option<Range<f64>> {
        let sides = [
            self.quantiles(|counts| counts.matching),
            self.quantiles(|counts| counts.others),
        ];
        let joined = |a: Range<f64>, b: Range<f64>| a.start.min(b.start)..a.end.max(b.end);
        sides.into_iter().flatten().reduce(joined)
    }

    fn quantiles(&self, kind: impl Fn(&PairCounts) -> u64) -> Option<Range<f64>> {
        let spare = self.bins.iter().map(&kind).sum::<u64>() / 1000;
        let beyond_spare = |seen: &mut u64, counts: &PairCounts| {
            *seen += kind(counts);
            *seen > spare
        };
        let mut seen = 0;
        let first = self.bins.iter().position(|bin| beyond_spare(&mut seen, bin))?;
        seen = 0;
        let last = self.bins.iter().rposition(|bin| beyond_spare(&mut seen, bin))?;
        let place = |bin: usize| (self.start + bin as i64) as f64 * self.width();
        Some(place(first)..place(last + 1))
    }

    /// The pairs of every bin with its lower end, in the order of the scores, without those that could not be compared.
    pub(crate) fn bins(&self) -> impl Iterator<Item = (f64, PairCounts)> {
        let places = self.start..;
        places
            .zip(&self.bins)
            .map(|(place, counts)| (place as f64 * self.width(), *counts))
    }

    pub(crate) fn width(&self) -> f64 {
        2f64.powi(self.exponent)
    }

    /// Adds to the bin that is number `place` when bins are as wide as two to the power of `exponent`.
    fn add(&mut self, exponent: i32, place: i64, counts: PairCounts) {
        while self.exponent < exponent {
            self.coarsen();
        }
        let place_now = |now: &Self| place >> (now.exponent - exponent).min(63);
        if self.bins.is_empty() {
            self.start = place_now(self);
        }
        loop {
            let end = self.start + self.bins.len() as i64;
            let span = end.max(place_now(self) + 1) - self.start.min(place_now(self));
            if span <= MOST_BINS as i64 {
                break;
            }
            self.coarsen();
        }
        let place = place_now(self);
        while place < self.start {
            self.bins.push_front(PairCounts::default());
            self.start -= 1;
        }
        let bin = (place - self.start) as usize;
        if bin >= self.bins.len() {
            self.bins.resize(bin + 1, PairCounts::default());
        }
        self.bins[bin].add(counts);
    }

    /// Joins the bins two by two.
    fn coarsen(&mut self) {
        let bins = std::mem::take(&mut self.bins);
        let start = self.start;
        self.start = start >> 1;
        self.exponent += 1;
        for (place, counts) in (start..).zip(bins) {
            let bin = ((place >> 1) - self.start) as usize;
            if bin >= self.bins.len() {
                self.bins.push_back(PairCounts::default());
            }
            self.bins[bin].add(counts);
        }
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn scores(pairs: &[(f32, bool)]) -> Scores {
        let mut scores = Scores::default();
        for &(score, is_match) in pairs {
            scores.count(score, is_match);
        }
        scores
    }

    /// Every matching pair against every other one.
    fn area_by_hand(pairs: &[(f32, bool)]) -> f64 {
        let of = |kind: bool| pairs.iter().filter(move |pair| pair.1 == kind).map(|pair| pair.0);
        let wins = of(true).flat_map(|matching| {
            of(false).map(move |other| match matching.total_cmp(&other) {
                std::cmp::Ordering::Less => 0.0,
                std::cmp::Ordering::Equal => 0.5,
                std::cmp::Ordering::Greater => 1.0,
            })
        });
        wins.sum::<f64>() / (of(true).count() * of(false).count()) as f64
    }

    #[test]
    fn the_area_of_separated_scores_is_one_or_zero() {
        let apart = [(0.9, true), (0.8, true), (0.1, false), (-3.0, false)];
        assert_eq!(scores(&apart).roc_area(), Some(1.0));
        let swapped = apart.map(|(score, is_match)| (score, !is_match));
        assert_eq!(scores(&swapped).roc_area(), Some(0.0));
    }

    #[test]
    fn the_area_of_equal_distributions_is_a_half() {
        let pairs: Vec<_> = (0..1000).map(|pair| ((pair / 2) as f32, pair % 2 == 0)).collect();
        assert_eq!(scores(&pairs).roc_area(), Some(0.5));
        assert_eq!(
            scores(&[(0.3, true), (0.3, false), (0.3, false)]).roc_area(),
            Some(0.5)
        );
    }

    #[test]
    fn without_a_pair_of_either_kind_there_is_no_area() {
        assert_eq!(scores(&[]).roc_area(), None);
        assert_eq!(scores(&[(0.5, true)]).roc_area(), None);
    }

    #[test]
    fn pairs_that_cannot_be_compared_are_below_all_others() {
        for none in [f32::NAN, f32::NEG_INFINITY] {
            let scores = scores(&[(none, true), (-1e30, false)]);
            assert_eq!(scores.roc_area(), Some(0.0));
            assert_eq!(scores.bins().count(), 1);
        }
    }

    #[test]
    fn memory_is_bounded_for_any_range() {
        let scores = scores(&[(f32::MAX, true), (f32::MIN, false), (1e-30, false), (0.0, true)]);
        assert!(scores.bins.len() <= MOST_BINS);
        assert_eq!(
            scores
                .bins()
                .map(|(_, bin)| bin.matching + bin.others)
                .sum::<u64>(),
            4
        );
    }

    #[test]
    fn bins_hold_the_scores_between_their_ends() {
        let scores = scores(&[(-0.6, false), (0.2, true), (0.3, true), (0.9, false)]).coarse(0.4);
        let bins: Vec<_> = scores.bins().collect();
        let [nothing, other] = [0, 1].map(|others| PairCounts { matching: 0, others });
        let two = PairCounts {
            matching: 2,
            others: 0,
        };
        assert_eq!(scores.width(), 0.5);
        assert_eq!(bins, [(-1.0, other), (-0.5, nothing), (0.0, two), (0.5, other)]);
    }

    #[test]
    fn the_range_leaves_out_strays() {
        let mut pairs: Vec<_> = (0..2000).map(|pair| (pair as f32 / 2000.0, false)).collect();
        pairs.extend([(50.0, false), (-50.0, false), (1.5, true)]);
        let range = scores(&pairs).range().unwrap();
        assert!(-0.1 < range.start && range.start <= 0.01, "{range:?}");
        assert!(
            1.5 < range.end && range.end < 1.6,
            "the only match counts: {range:?}"
        );
        assert_eq!(scores(&[(f32::NAN, true)]).range(), None);
    }

    proptest! {
        #[test]
        fn the_area_is_that_of_all_pairs_and_the_order_does_not_matter(
            pairs in proptest::collection::vec((-20f32..20.0, any::<bool>()), 2..200),
            cut in 0..200usize,
        ) {
            prop_assume!(pairs.iter().any(|pair| pair.1) && pairs.iter().any(|pair| !pair.1));
            let whole = scores(&pairs);
            let in_bins: Vec<_> = pairs
                .iter()
                .map(|&(score, is_match)| ((f64::from(score) / whole.width()).floor() as f32, is_match))
                .collect();
            let area = whole.roc_area().unwrap();
            prop_assert!((area - area_by_hand(&in_bins)).abs() < 1e-9, "{area}");
            prop_assert!(whole.width() <= 40.0 / 2048.0);
            let (some, others) = pairs.split_at(cut.min(pairs.len()));
            prop_assert_eq!(&scores(others).merge(scores(some)), &whole);
        }
    }
}
