//! From the scores of one query to its ranks and its share in the metrics.

/// How deep nDCG looks.
const NDCG_DEPTH: usize = 10;

/// How one query went.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(crate) struct Outcome {
    /// The position of the query's item among [`Pairs::items`](crate::Pairs::items).
    pub(crate) item: usize,
    /// Rank of the first match, from 1.
    pub(crate) rank: usize,
    /// How many entries are a match.
    pub(crate) matches: usize,
    /// Average precision over the whole gallery, 0 to 1.
    pub(crate) average_precision: f64,
    /// Normalised discounted cumulative gain of the first ten, 0 to 1.
    pub(crate) ndcg10: f64,
}

/// The ranks, from 1 and rising, of the `wanted` entries of a gallery with these `scores`.
///
/// Higher scores come first. At equal scores all other entries come before the wanted ones, and a score that
/// is not a number counts as the lowest. `wanted` holds distinct positions; the one `left_out`, which is none
/// of them, has no rank. All positions are within the scores.
pub(crate) fn ranks(scores: &[f32], wanted: &[usize], left_out: Option<usize>) -> Vec<usize> {
    let is_rival = rivals(scores.len(), wanted, left_out);
    let mut wanted_scores: Vec<f32> = wanted.iter().map(|&entry| lowest_if_nan(scores[entry])).collect();
    wanted_scores.sort_unstable_by(|a, b| b.total_cmp(a));

    // Where a rival would be inserted among the wanted tells whom it pushes down; no sort of the gallery.
    let mut rivals_before = vec![0; wanted.len() + 1];
    for (&score, _) in scores.iter().zip(&is_rival).filter(|(_, is_rival)| **is_rival) {
        let score = lowest_if_nan(score);
        rivals_before[wanted_scores.partition_point(|&wanted| wanted > score)] += 1;
    }
    let mut rank = 0;
    rivals_before[..wanted.len()]
        .iter()
        .map(|rivals| {
            rank += rivals + 1;
            rank
        })
        .collect()
}

/// The first `depth` of a gallery with these `scores`, in the order of [`ranks`]; of entries that it does not tell
/// apart, the one that stands first in the gallery comes first.
pub(crate) fn first(scores: &[f32], wanted: &[usize], left_out: Option<usize>, depth: usize) -> Vec<usize> {
    let is_rival = rivals(scores.len(), wanted, left_out);
    let rivals = (0..scores.len()).filter(|&entry| is_rival[entry]);
    let mut first: Vec<(f32, usize)> = Vec::with_capacity(depth + 1);
    for entry in rivals.chain(wanted.iter().copied()) {
        let score = lowest_if_nan(scores[entry]);
        if first.len() < depth || first.last().is_some_and(|(last, _)| score > *last) {
            // Behind its equals, all of which come before it.
            let place = first.partition_point(|(before, _)| *before >= score);
            first.insert(place, (score, entry));
            first.truncate(depth);
        }
    }
    first.into_iter().map(|(_, entry)| entry).collect()
}

/// For each entry of a gallery, whether it is ranked and not wanted.
fn rivals(entries: usize, wanted: &[usize], left_out: Option<usize>) -> Vec<bool> {
    let mut is_rival = vec![true; entries];
    for &entry in wanted.iter().chain(&left_out) {
        is_rival[entry] = false;
    }
    is_rival
}

pub(crate) fn lowest_if_nan(score: f32) -> f32 {
    if score.is_nan() { f32::NEG_INFINITY } else { score }
}

/// The mean of the precisions at the `ranks` of all relevant entries, which rise from 1; 0 for none.
pub(crate) fn average_precision(ranks: &[usize]) -> f64 {
    let precisions = ranks
        .iter()
        .zip(1..)
        .map(|(&rank, found)| f64::from(found) / rank as f64);
    precisions.sum::<f64>() / ranks.len().max(1) as f64
}

/// Normalised discounted cumulative gain of the first ten answers, from the `ranks` of all relevant
/// entries, which rise from 1; 0 for none.
///
/// Gains are 1 or 0, discounted by the binary logarithm of one more than the rank (Järvelin and
/// Kekäläinen 2002).
pub(crate) fn ndcg10(ranks: &[usize]) -> f64 {
    let gain = |rank: usize| 1.0 / (rank as f64 + 1.0).log2();
    let found: f64 = ranks
        .iter()
        .take_while(|&&rank| rank <= NDCG_DEPTH)
        .map(|&rank| gain(rank))
        .sum();
    let best: f64 = (1..=ranks.len().clamp(1, NDCG_DEPTH)).map(gain).sum();
    found / best
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn ranks_follow_the_scores() {
        assert_eq!(ranks(&[0.1, 0.9, 0.5, 0.7], &[0, 3], None), [2, 4]);
        assert_eq!(ranks(&[0.1, 0.9, 0.5, 0.7], &[1], None), [1]);
        assert_eq!(ranks(&[0.1], &[], None), [0; 0]);
    }

    #[test]
    fn ties_with_others_count_against_us_and_among_the_wanted_do_not() {
        assert_eq!(ranks(&[0.5, 0.5, 0.5, 0.9], &[1], None), [4]);
        assert_eq!(ranks(&[0.5, 0.5, 0.5, 0.9], &[0, 1], None), [3, 4]);
        assert_eq!(ranks(&[0.0, -0.0], &[0], None), [2], "both zeros are equal");
    }

    #[test]
    fn the_one_left_out_pushes_nobody_down() {
        assert_eq!(ranks(&[1.0, 0.5, 0.7], &[1], Some(0)), [2]);
    }

    #[test]
    fn a_score_that_is_no_number_is_the_lowest() {
        assert_eq!(ranks(&[f32::NAN, -1.0], &[0], None), [2]);
        assert_eq!(ranks(&[f32::NAN, -1.0], &[1], None), [1]);
        assert_eq!(ranks(&[f32::NAN, f32::NAN, f32::NEG_INFINITY], &[1], None), [3]);
    }

    #[test]
    fn the_first_leave_out_what_is_not_ranked_and_may_be_all() {
        assert_eq!(first(&[0.1, 0.9, 0.5, 0.7], &[0], None, 2), [1, 3]);
        assert_eq!(first(&[0.1, 0.9, 0.5, 0.7], &[0], Some(1), 2), [3, 2]);
        assert_eq!(first(&[0.1, 0.9], &[0], None, 10), [1, 0]);
        assert_eq!(
            first(&[0.5, f32::NAN, 0.5, 0.5], &[0], None, 3),
            [2, 3, 0],
            "ties"
        );
    }

    #[test]
    fn average_precision_by_hand() {
        assert_eq!(average_precision(&[1]), 1.0);
        assert_eq!(average_precision(&[4]), 0.25);
        // 1/1, 2/3, 3/6
        assert!((average_precision(&[1, 3, 6]) - (1.0 + 2.0 / 3.0 + 0.5) / 3.0).abs() < 1e-12);
        assert_eq!(average_precision(&[]), 0.0);
    }

    #[test]
    fn ndcg_by_hand() {
        assert_eq!(ndcg10(&[1, 2]), 1.0);
        assert_eq!(ndcg10(&[3]), 0.5);
        assert_eq!(ndcg10(&[11]), 0.0);
        // (1/log2(2) + 1/log2(4)) / (1/log2(2) + 1/log2(3))
        assert!((ndcg10(&[1, 3]) - 1.5 / (1.0 + 1.0 / 3f64.log2())).abs() < 1e-12);
        // Twelve relevant: the best list of ten has ten of them.
        let all: Vec<usize> = (1..=12).collect();
        assert!((ndcg10(&all) - 1.0).abs() < 1e-12);
        assert_eq!(ndcg10(&[]), 0.0);
    }

    /// Scores with many ties, and which of them are wanted.
    fn gallery() -> impl Strategy<Value = Vec<(f32, bool)>> {
        let score = prop_oneof![(0..6u8).prop_map(f32::from), Just(f32::NAN)];
        proptest::collection::vec((score, any::<bool>()), 1..40)
    }

    fn ranks_in(gallery: &[(f32, bool)]) -> Vec<usize> {
        let scores: Vec<f32> = gallery.iter().map(|(score, _)| *score).collect();
        let wanted: Vec<usize> = (0..gallery.len()).filter(|&entry| gallery[entry].1).collect();
        ranks(&scores, &wanted, None)
    }

    proptest! {
        #[test]
        fn ranks_are_those_of_a_full_sort(gallery in gallery()) {
            let mut sorted = gallery.clone();
            sorted.sort_by(|(a, a_wanted), (b, b_wanted)| {
                lowest_if_nan(*b).total_cmp(&lowest_if_nan(*a)).then(a_wanted.cmp(b_wanted))
            });
            let expected: Vec<usize> = (1..=sorted.len()).filter(|&rank| sorted[rank - 1].1).collect();
            prop_assert_eq!(ranks_in(&gallery), expected);
        }

        #[test]
        fn the_first_are_those_of_the_ranks(gallery in gallery(), depth in 1..12usize) {
            let scores: Vec<f32> = gallery.iter().map(|(score, _)| *score).collect();
            let wanted: Vec<usize> = (0..gallery.len()).filter(|&entry| gallery[entry].1).collect();
            let first = first(&scores, &wanted, None, depth);
            prop_assert_eq!(first.len(), depth.min(gallery.len()));
            let ranks: Vec<usize> = (1..).zip(&first).filter(|(_, entry)| gallery[**entry].1).map(|(rank, _)| rank).collect();
            let expected: Vec<usize> = ranks_in(&gallery).into_iter().filter(|&rank| rank <= depth).collect();
            prop_assert_eq!(ranks, expected);
        }

        #[test]
        fn the_order_of_the_gallery_does_not_matter(
            (gallery, shuffled) in gallery().prop_flat_map(|gallery| (Just(gallery.clone()), Just(gallery).prop_shuffle()))
        ) {
            prop_assert_eq!(ranks_in(&gallery), ranks_in(&shuffled));
        }

        #[test]
        fn metrics_stay_between_zero_and_one(gallery in gallery()) {
            let ranks = ranks_in(&gallery);
            prop_assert!((0.0..=1.0).contains(&average_precision(&ranks)));
            prop_assert!((0.0..=1.0 + 1e-12).contains(&ndcg10(&ranks)));
        }
    }
}
