//! Worked queries: what was asked, what came first, and where the expected answer was.

use std::fmt;

use sensorium_types::Direction;

use crate::ranking::{lowest_if_nan, ranks};
use crate::{ContentId, Pairs, Query, Task};

/// One answer of an [`Example`].
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Answer {
    /// The gallery entry.
    pub content: ContentId,
    /// Its score.
    pub score: f32,
    /// Whether it is a match: the query's own item, or within one modality its label.
    pub expected: bool,
}

/// One query with its best answers. Shown as a list in which `>` marks the expected ones.
#[derive(Debug, Clone)]
pub struct Example<'p> {
    /// The pairs that the contents are of.
    pub pairs: &'p Pairs,
    /// The direction.
    pub direction: Direction,
    /// What was asked.
    pub query: Query,
    /// The best answers, best first; at equal scores the expected come last, as in the metrics.
    pub answers: Vec<Answer>,
    /// The rank of the first expected answer, from 1; it may be beyond the answers.
    pub rank: usize,
}

impl<'p> Example<'p> {
    /// Works one of the task's queries, with at most `depth` answers.
    ///
    /// `score` is as for [`evaluate`](crate::evaluate).
    ///
    /// # Panics
    /// When `score` gives another number of scores than there are entries.
    pub fn new(
        task: &Task<'p>,
        query: Query,
        depth: usize,
        score: impl Fn(Direction, &[ContentId], &[ContentId]) -> Vec<f32>,
    ) -> Self {
        let scores = score(task.direction(), &[query.content], task.gallery());
        assert_eq!(
            scores.len(),
            task.gallery().len(),
            "scores of {}",
            task.direction()
        );
        let judgement = task.judge(query);
        let entries = task.gallery().iter().zip(&scores).enumerate();
        let mut answers: Vec<Answer> = entries
            .filter(|(entry, _)| Some(*entry) != judgement.left_out)
            .map(|(entry, (&content, &score))| {
                let expected = judgement.matches.binary_search(&entry).is_ok();
                Answer {
                    content,
                    score,
                    expected,
                }
            })
            .collect();
        answers.sort_by(|a, b| {
            let by_score = lowest_if_nan(b.score).total_cmp(&lowest_if_nan(a.score));
            by_score.then(a.expected.cmp(&b.expected))
        });
        answers.truncate(depth);
        Self {
            pairs: task.pairs(),
            direction: task.direction(),
            query,
            answers,
            rank: ranks(&scores, &judgement.matches, judgement.left_out)[0], // a query has a match
        }
    }
}

impl fmt::Display for Example<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        writeln!(f, "{}: {}", self.direction, self.pairs.name(self.query.content))?;
        for (answer, rank) in self.answers.iter().zip(1..) {
            let mark = if answer.expected { '>' } else { ' ' };
            writeln!(
                f,
                "{mark} {rank:>2}  {:>6.3}  {}",
                answer.score,
                self.pairs.name(answer.content)
            )?;
        }
        if self.rank > self.answers.len() {
            writeln!(f, "  the expected answer is at rank {}", self.rank)?;
        }
        Ok(())
    }
}
