//! From tasks and scores to a recall card.

use rayon::prelude::*;
use sensorium_types::Direction;

use crate::bootstrap::intervals;
use crate::metrics::Sample;
use crate::ranking::Outcome;
use crate::{ContentId, DirectionCard, RecallCard, Task};

/// How many queries are scored at a time: enough that a matrix product pays, few enough to fit in memory.
const BATCH: usize = 64;

/// Ranks the gallery of every task for each of its queries and sums up.
///
/// `space` names the embedding space in the card. `score` gives the scores of a whole gallery for a batch of
/// at most 64 queries of one direction, from several threads at once: one row after the other, each in the
/// order of the gallery, higher for the better answer. `progress` hears how many queries were just finished.
///
/// # Panics
/// When `score` gives another number of scores than there are queries times entries.
pub fn evaluate(
    space: &str,
    tasks: &[Task<'_>],
    score: impl Fn(Direction, &[ContentId], &[ContentId]) -> Vec<f32> + Sync,
    progress: impl Fn(usize) + Sync,
) -> RecallCard {
    let card_of = |task: &Task<'_>| {
        let sample = Sample::new(outcomes(task, &score, &progress));
        let metrics = sample.metrics(|_| 1);
        let ci95 = intervals(&sample);
        DirectionCard::new(task.queries().len(), task.gallery().len(), metrics, ci95)
    };
    RecallCard {
        space: space.to_owned(),
        refused: tasks.first().map_or(0, |task| task.pairs().refused().len()),
        directions: tasks
            .iter()
            .map(|task| (task.direction(), card_of(task)))
            .collect(),
    }
}

pub(crate) fn outcomes(
    task: &Task<'_>,
    score: &(impl Fn(Direction, &[ContentId], &[ContentId]) -> Vec<f32> + Sync),
    progress: &(impl Fn(usize) + Sync),
) -> Vec<Outcome> {
    let gallery = task.gallery();
    let batches = task.queries().par_chunks(BATCH);
    batches
        .flat_map_iter(|queries| {
            let contents: Vec<ContentId> = queries.iter().map(|query| query.content).collect();
            let scores = score(task.direction(), &contents, gallery);
            assert_eq!(
                scores.len(),
                queries.len() * gallery.len(),
                "scores of {}",
                task.direction()
            );
            let rows = scores.chunks(gallery.len());
            let outcomes: Vec<_> = queries
                .iter()
                .zip(rows)
                .map(|(&query, row)| task.outcome(query, row))
                .collect();
            progress(queries.len());
            outcomes
        })
        .collect()
}
