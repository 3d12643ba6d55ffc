//! Ranking the gallery of a task for each of its queries, and what that shows.

use rayon::prelude::*;
use sensorium_types::Direction;

use crate::ranking::{Outcome, first};
use crate::task::Judgement;
use crate::{ContentId, Hubs, Query, Scores, Task};

/// How many queries are scored at a time: enough that a matrix product pays, few enough to fit in memory.
const BATCH: usize = 64;

/// What was seen of some queries of a task. Of the scores it keeps counts alone, so that its size depends on
/// the queries and on the gallery, not on their product.
pub(crate) struct Ranked {
    /// How each query went, in the order of the queries.
    pub(crate) outcomes: Vec<Outcome>,
    /// How often each entry of the gallery was among the first ten.
    pub(crate) retrieved: Vec<u32>,
    pub(crate) scores: Scores,
}

/// Ranks the gallery for every query, by scores as for [`evaluate`](crate::evaluate).
pub(crate) fn rank(
    task: &Task<'_>,
    score: &(impl Fn(Direction, &[ContentId], &[ContentId]) -> Vec<f32> + Sync),
    progress: &(impl Fn(usize) + Sync),
) -> Ranked {
    let gallery = task.gallery();
    let nothing = || Ranked::nothing(gallery.len());
    let with_batch = |mut ranked: Ranked, queries: &[Query]| {
        let contents: Vec<ContentId> = queries.iter().map(|query| query.content).collect();
        let scores = score(task.direction(), &contents, gallery);
        assert_eq!(
            scores.len(),
            queries.len() * gallery.len(),
            "scores of {}",
            task.direction()
        );
        for (&query, row) in queries.iter().zip(scores.chunks(gallery.len())) {
            ranked.add(task, query, row);
        }
        progress(queries.len());
        ranked
    };
    let batches = task.queries().par_chunks(BATCH);
    batches.fold(nothing, with_batch).reduce(nothing, Ranked::merge)
}

impl Ranked {
    fn nothing(gallery: usize) -> Self {
        Self {
            outcomes: Vec::new(),
            retrieved: vec![0; gallery],
            scores: Scores::default(),
        }
    }

    fn add(&mut self, task: &Task<'_>, query: Query, scores: &[f32]) {
        let judgement = task.judge(query);
        self.outcomes.push(task.outcome(query, &judgement, scores));
        let Judgement {
            matches, left_out, ..
        } = judgement;
        for entry in first(scores, &matches, left_out, Hubs::DEPTH) {
            self.retrieved[entry] += 1;
        }
        let mut next_matches = matches.iter().peekable();
        for (entry, &score) in scores.iter().enumerate() {
            let is_match = next_matches.next_if_eq(&&entry).is_some();
            if Some(entry) != left_out {
                self.scores.count(score, is_match);
            }
        }
    }

    fn merge(mut self, other: Self) -> Self {
        self.outcomes.extend(other.outcomes);
        for (times, more) in self.retrieved.iter_mut().zip(other.retrieved) {
            *times += more;
        }
        self.scores = self.scores.merge(other.scores);
        self
    }
}
