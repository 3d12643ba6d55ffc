//! Scores after a second look at the first candidates.

use std::borrow::Cow;
use std::collections::HashMap;

use sensorium_model::{Reranker, Scorer, Tokens, looked_at, looked_at_first};
use sensorium_types::{Direction, Segment, Track};

use crate::{ContentId, Embedded};

/// The gap between the last of the candidates and the first of the rest.
const GAP: f32 = 1e-3;

/// The segments of each content, in their order, with their tokens; `None` for a segment without any.
pub type ContentTokens = HashMap<ContentId, Vec<(Segment, Option<Tokens>)>>;

/// What a second look needs beside the embeddings.
pub struct SecondLook<'a> {
    /// Compares the tokens.
    pub reranker: &'a Reranker,
    /// Those of the contents.
    pub tokens: &'a ContentTokens,
    /// How many of the first ranking are looked at once more.
    pub candidates: usize,
}

impl SecondLook<'_> {
    /// The scores that [`evaluate`](crate::evaluate) asks for: those of `embedded`, where the best `candidates` of each
    /// query have that of the reranker and the others follow in the old order.
    pub fn scores(
        &self,
        embedded: &Embedded,
        scorer: &Scorer,
        direction: Direction,
        queries: &[ContentId],
        gallery: &[ContentId],
    ) -> Vec<f32> {
        if !self.reranker.ranks(direction) {
            return embedded.scores(scorer, direction, queries, gallery);
        }
        let rows = queries.iter().flat_map(|&query| {
            let first = embedded.matches(scorer, direction, query, gallery);
            let scores = first
                .iter()
                .map(|found| found.map_or(f32::NEG_INFINITY, |found| found.score));
            let again = |best: &[usize], scores: &[f32]| {
                let second = |&entry: &usize| self.second(query, gallery[entry], first[entry]?.segment);
                let second: Vec<Option<f32>> = best.iter().map(second).collect();
                self.reranker.joined(direction, scores, &second)
            };
            reranked(scores.collect(), self.candidates, again)
        });
        rows.collect()
    }

    /// How far an entry, whose segment at `best` is its best, is above unrelated ones; `None` where there are no tokens.
    fn second(&self, query: ContentId, entry: ContentId, best: usize) -> Option<f32> {
        let (target, query) = (self.tokens.get(&entry)?, self.tokens.get(&query)?);
        let segments: Vec<&Segment> = target.iter().map(|(segment, _)| segment).collect();
        let each = target.get(best)?.1.as_ref()?.len();
        let target = together(target, looked_at(&segments, best, each))?;

        let segments: Vec<&Segment> = query.iter().map(|(segment, _)| segment).collect();
        let each = |track: Track| {
            let mut of_track = query.iter().filter(|(segment, _)| segment.track == track);
            of_track
                .find_map(|(_, tokens)| tokens.as_ref())
                .map_or(1, Tokens::len)
        };
        let groups = looked_at_first(&segments, each).into_iter();
        let query: Vec<Cow<'_, Tokens>> = groups.filter_map(|places| together(query, places)).collect();
        let query = query.iter().map(AsRef::as_ref);
        self.reranker.second(query, &target)
    }
}

/// The tokens of the segments at `places`.
fn together(segments: &[(Segment, Option<Tokens>)], places: Vec<usize>) -> Option<Cow<'_, Tokens>> {
    if let [place] = places[..] {
        return segments[place].1.as_ref().map(Cow::Borrowed);
    }
    let parts = places.into_iter().filter_map(|place| segments[place].1.as_ref());
    Tokens::joined(parts).map(Cow::Owned)
}

/// `scores` with those of the best `candidates` replaced by what `again` makes of their places and scores, and all others
/// behind them in their old order.
fn reranked(
    mut scores: Vec<f32>,
    candidates: usize,
    again: impl Fn(&[usize], &[f32]) -> Vec<f32>,
) -> Vec<f32> {
    let mut order: Vec<usize> = (0..scores.len()).collect();
    let by_score = |a: &usize, b: &usize| scores[*b].total_cmp(&scores[*a]).then(a.cmp(b));
    if candidates > 0 && candidates < order.len() {
        order.select_nth_unstable_by(candidates - 1, by_score);
    }
    let (best, rest) = order.split_at(candidates.min(order.len()));
    let before: Vec<f32> = best.iter().map(|&entry| scores[entry]).collect();
    for (&entry, score) in best.iter().zip(again(best, &before)) {
        scores[entry] = score;
    }
    let lowest = best
        .iter()
        .map(|&entry| scores[entry])
        .fold(f32::INFINITY, f32::min);
    let highest = rest
        .iter()
        .map(|&entry| scores[entry])
        .fold(f32::NEG_INFINITY, f32::max);
    if highest.is_finite() && lowest.is_finite() && highest >= lowest - GAP {
        for &entry in rest {
            scores[entry] -= highest - lowest + GAP;
        }
    }
    scores
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn the_candidates_change_places_and_the_others_stay_behind_them() {
        let again = |best: &[usize], before: &[f32]| {
            let new = [None, Some(9.0), None, Some(-7.0), None];
            let both = best.iter().zip(before);
            both.map(|(&entry, before)| new[entry].unwrap_or(*before))
                .collect()
        };
        let scores = reranked(vec![5.0, 4.0, 1.0, 3.0, 2.0], 3, again);
        assert_eq!(scores[..2], [5.0, 9.0]);
        assert_eq!(scores[3], -7.0);
        assert!(scores[4] < -7.0 && scores[2] < scores[4], "{scores:?}");
    }

    proptest! {
        #[test]
        fn without_new_scores_the_order_is_the_old_one(
            scores in proptest::collection::vec(-10.0f32..10.0, 1..40),
            candidates in 0usize..50,
        ) {
            let found = reranked(scores.clone(), candidates, |_, before| before.to_vec());
            for a in 0..scores.len() {
                for b in 0..scores.len() {
                    prop_assert!(scores[a] <= scores[b] || found[a] >= found[b]);
                }
            }
        }
    }
}
