//! From tasks and scores to a recall card.

use sensorium_types::Direction;

use crate::ranked::rank;
use crate::{ContentId, DirectionCard, RecallCard, Task};

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
    let card_of = |task: &Task<'_>| DirectionCard::new(task, rank(task, &score, &progress));
    RecallCard {
        space: space.to_owned(),
        refused: tasks.first().map_or(0, |task| task.pairs().refused().len()),
        directions: tasks
            .iter()
            .map(|task| (task.direction(), card_of(task)))
            .collect(),
        comparison: None,
    }
}
