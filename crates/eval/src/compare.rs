//! Two packages on the same pairs.

use std::collections::BTreeMap;

use comfy_table::{Table, TableStyle};
use sensorium_types::Direction;
use serde::Serialize;

use crate::bootstrap::paired_intervals;
use crate::card::by_name;
use crate::evaluate::outcomes;
use crate::metrics::Sample;
use crate::{ContentId, Interval, Metrics, Task};

/// How much better one package finds than another.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct Comparison {
    /// The space of the other package.
    pub against: String,
    /// What each metric is above the other's, in every direction that was measured.
    #[serde(serialize_with = "by_name")]
    pub directions: BTreeMap<Direction, Difference>,
}

/// What the metrics of a direction are above those of another package.
#[derive(Debug, Clone, Copy, PartialEq, Serialize)]
pub struct Difference {
    /// The differences; a lower median rank is better, of all others a higher one.
    #[serde(flatten)]
    pub metrics: Metrics,
    /// Their 95 % intervals by the paired bootstrap over items.
    pub ci95: Metrics<Interval>,
}

/// Ranks the gallery of every task by `ours` and by `theirs`, which give scores as for
/// [`evaluate`](crate::evaluate), and compares the outcomes.
///
/// # Panics
/// When one gives another number of scores than there are queries times entries.
pub fn compare(
    against: &str,
    tasks: &[Task<'_>],
    ours: impl Fn(Direction, &[ContentId], &[ContentId]) -> Vec<f32> + Sync,
    theirs: impl Fn(Direction, &[ContentId], &[ContentId]) -> Vec<f32> + Sync,
) -> Comparison {
    let difference = |task: &Task<'_>| {
        let ours = Sample::new(outcomes(task, &ours, &|_| ()));
        let theirs = Sample::new(outcomes(task, &theirs, &|_| ()));
        Difference {
            metrics: ours.metrics(|_| 1).minus(&theirs.metrics(|_| 1)),
            ci95: paired_intervals(&ours, &theirs),
        }
    };
    Comparison {
        against: against.to_owned(),
        directions: tasks
            .iter()
            .map(|task| (task.direction(), difference(task)))
            .collect(),
    }
}

/// The metrics of one direction, without intervals.
///
/// # Panics
/// When `score` gives another number of scores than there are queries times entries.
pub fn measure(
    task: &Task<'_>,
    score: impl Fn(Direction, &[ContentId], &[ContentId]) -> Vec<f32> + Sync,
) -> Metrics {
    Sample::new(outcomes(task, &score, &|_| ())).metrics(|_| 1)
}

impl Comparison {
    /// A table for people: each difference with its 95 % interval, marked where this lies on one side of zero.
    pub fn table(&self) -> String {
        let mut table = Table::new();
        table
            .load_style(TableStyle::new())
            .set_header(["direction", "R@1", "R@5", "R@10", "mAP", ""]);
        for (direction, Difference { metrics, ci95 }) in &self.directions {
            let [low, high] = ci95.mean_recall;
            let verdict = if low > 0.0 {
                "better"
            } else if high < 0.0 {
                "worse"
            } else {
                ""
            };
            table.add_row([
                direction.to_string(),
                signed(metrics.r1, ci95.r1),
                signed(metrics.r5, ci95.r5),
                signed(metrics.r10, ci95.r10),
                signed(metrics.map, ci95.map),
                verdict.to_owned(),
            ]);
        }
        table.trim_fmt()
    }
}

fn signed(value: f64, [low, high]: Interval) -> String {
    format!("{value:+.3} ({low:+.3} to {high:+.3})")
}
