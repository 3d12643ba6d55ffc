//! Two packages on the same pairs.

use std::collections::BTreeMap;

use comfy_table::{Table, TableStyle, presets};
use sensorium_types::Direction;
use serde::Serialize;

use crate::bootstrap::paired_intervals;
use crate::card::by_name;
use crate::metrics::Sample;
use crate::ranked::rank;
use crate::table::align_numbers;
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
        let ours = Sample::new(rank(task, &ours, &|_| ()).outcomes);
        let theirs = Sample::new(rank(task, &theirs, &|_| ()).outcomes);
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
    Sample::new(rank(task, &score, &|_| ()).outcomes).metrics(|_| 1)
}

/// What the interval of a difference in mean recall allows to say.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Verdict {
    Better,
    Worse,
    /// Zero lies within the interval.
    Open,
}

impl Difference {
    pub(crate) fn verdict(&self) -> Verdict {
        let [low, high] = self.ci95.mean_recall;
        if low > 0.0 {
            Verdict::Better
        } else if high < 0.0 {
            Verdict::Worse
        } else {
            Verdict::Open
        }
    }
}

impl Comparison {
    /// A table for people: each difference with its 95 % interval, and what that of mean recall says where it
    /// lies on one side of zero.
    pub fn table(&self) -> String {
        let mut table = Table::new();
        table
            .load_style(TableStyle::new())
            .set_header(["direction", "R@1", "R@5", "R@10", "mAP", ""]);
        for (direction, difference) in &self.directions {
            let Difference { metrics, ci95 } = difference;
            let verdict = match difference.verdict() {
                Verdict::Better => "better",
                Verdict::Worse => "worse",
                Verdict::Open => "",
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

    /// A table of every metric in Markdown.
    pub fn markdown_table(&self) -> String {
        let mut table = Table::new();
        table.load_style(presets::ASCII_MARKDOWN).set_header([
            "direction",
            "R@1",
            "R@5",
            "R@10",
            "mean recall",
            "median rank",
            "mAP",
            "nDCG @10",
            "verdict",
        ]);
        for (direction, difference) in &self.directions {
            let Difference { metrics, ci95 } = difference;
            let [low, high] = ci95.median_rank;
            let verdict = match difference.verdict() {
                Verdict::Better => "better",
                Verdict::Worse => "worse",
                Verdict::Open => "open",
            };
            table.add_row([
                direction.to_string(),
                signed(metrics.r1, ci95.r1),
                signed(metrics.r5, ci95.r5),
                signed(metrics.r10, ci95.r10),
                signed(metrics.mean_recall, ci95.mean_recall),
                format!("{:+.1} ({low:+.1} to {high:+.1})", metrics.median_rank),
                signed(metrics.map, ci95.map),
                signed(metrics.ndcg10, ci95.ndcg10),
                verdict.to_owned(),
            ]);
        }
        align_numbers(&mut table);
        table.to_string()
    }
}

/// A difference with its interval.
pub(crate) fn signed(value: f64, [low, high]: Interval) -> String {
    format!("{value:+.3} ({low:+.3} to {high:+.3})")
}

#[cfg(test)]
pub(crate) mod tests {
    use super::*;

    /// A comparison with made-up differences from worse to better.
    pub(crate) fn comparison(directions: impl IntoIterator<Item = Direction>) -> Comparison {
        let difference = |index: usize| {
            let value = (index as f64 - 1.0) / 50.0;
            let metrics = Metrics {
                r1: value,
                r5: value * 1.5,
                r10: value * 2.0,
                mean_recall: value * 1.5,
                median_rank: -value * 100.0,
                map: value,
                ndcg10: value,
            };
            Difference {
                metrics,
                ci95: metrics.each(|value| [value - 0.015, value + 0.01]),
            }
        };
        let directions = directions.into_iter().enumerate();
        Comparison {
            against: "sensorium-base@0000".to_owned(),
            directions: directions.map(|(index, d)| (d, difference(index))).collect(),
        }
    }

    #[test]
    fn a_verdict_needs_an_interval_on_one_side_of_zero() {
        let comparison = comparison(Direction::all().take(3));
        let verdicts: Vec<_> = comparison.directions.values().map(Difference::verdict).collect();
        assert_eq!(verdicts, [Verdict::Worse, Verdict::Open, Verdict::Better]);
        let table = comparison.table();
        assert_eq!(
            (table.matches("better").count(), table.matches("worse").count()),
            (1, 1)
        );
    }

    #[test]
    fn the_markdown_table_has_every_metric_with_its_interval() {
        let table = comparison(Direction::all().take(3)).markdown_table();
        let worse = table.lines().find(|line| line.contains("text->text")).unwrap();
        assert_eq!(worse.matches(" to ").count(), 7);
        for cell in ["-0.020 (-0.035 to -0.010)", "+2.0 (+2.0 to +2.0)", "worse"] {
            assert!(worse.contains(cell), "{cell} in {worse}");
        }
    }
}
