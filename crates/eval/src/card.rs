//! The recall card, as data and as JSON.

use std::collections::BTreeMap;

use sensorium_types::Direction;
use serde::{Serialize, Serializer};

use crate::bootstrap::intervals;
use crate::curve::curve;
use crate::metrics::Sample;
use crate::ranked::Ranked;
use crate::{Comparison, CurvePoint, Hubs, Interval, Metrics, Scores, Task};

/// How well the modalities find each other, by direction.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct RecallCard {
    /// The embedding space that was measured.
    pub space: String,
    /// How many pairs could not be read and were left out.
    pub refused: usize,
    /// Every direction that was measured, in the order in which tables show them.
    #[serde(serialize_with = "by_name")]
    pub directions: BTreeMap<Direction, DirectionCard>,
    /// How it compares with another package, if it was compared.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub comparison: Option<Comparison>,
}

/// The measurements of one direction, rounded to six digits after the point.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct DirectionCard {
    /// How many queries were asked.
    pub queries: usize,
    /// How many entries the gallery has; within one modality, the query itself is one of them.
    pub gallery: usize,
    /// The metrics.
    #[serde(flatten)]
    pub metrics: Metrics,
    /// Their 95 % bootstrap intervals over items.
    pub ci95: Metrics<Interval>,
    /// Recall as the list of answers grows.
    pub curve: Vec<CurvePoint>,
    /// How probable it is that a matching pair scores above any other pair, over all queries: the area under the ROC
    /// curve. Absent where there is no other pair.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub auc: Option<f64>,
    /// How unevenly the entries are retrieved.
    pub hubs: Hubs,
    /// The scores of matching pairs and of others.
    #[serde(skip)]
    pub scores: Scores,
}

impl DirectionCard {
    pub(crate) fn new(task: &Task<'_>, ranked: Ranked) -> Self {
        let sample = Sample::new(ranked.outcomes);
        let card = Self {
            queries: task.queries().len(),
            gallery: task.gallery().len(),
            metrics: sample.metrics(|_| 1),
            ci95: intervals(&sample),
            curve: curve(&sample, task.candidates()),
            auc: ranked.scores.roc_area(),
            hubs: Hubs::new(ranked.retrieved),
            scores: ranked.scores,
        };
        card.rounded()
    }

    fn rounded(mut self) -> Self {
        self.metrics = self.metrics.each(rounded);
        self.ci95 = self.ci95.each(|interval| interval.map(rounded));
        for point in &mut self.curve {
            point.recall = rounded(point.recall);
            point.chance = rounded(point.chance);
        }
        self.auc = self.auc.map(rounded);
        self.hubs.skewness = rounded(self.hubs.skewness);
        self.hubs.never = rounded(self.hubs.never);
        self.hubs.top1pct = rounded(self.hubs.top1pct);
        self
    }
}

fn rounded(value: f64) -> f64 {
    (value * 1e6).round() / 1e6
}

pub(crate) fn by_name<T: Serialize, S: Serializer>(
    directions: &BTreeMap<Direction, T>,
    serializer: S,
) -> Result<S::Ok, S::Error> {
    serializer.collect_map(
        directions
            .iter()
            .map(|(direction, card)| (direction.to_string(), card)),
    )
}

#[cfg(test)]
pub(crate) mod tests {
    use super::*;

    /// A card with one made-up entry for each of `directions`.
    pub(crate) fn card(directions: impl IntoIterator<Item = Direction>) -> RecallCard {
        let entry = |index: usize| {
            let r1 = 0.06 * index as f64 + 0.02;
            let metrics = Metrics {
                r1,
                r5: (r1 * 1.6).min(1.0),
                r10: (r1 * 1.9 + 0.05).min(1.0),
                mean_recall: (r1 * 1.5 + 0.02).min(1.0),
                median_rank: 5.0 + index as f64 / 2.0,
                map: (r1 * 1.3).min(1.0),
                ndcg10: (r1 * 1.5).min(1.0),
            };
            let curve = [1, 5, 10, 100]
                .into_iter()
                .zip([r1, metrics.r5, metrics.r10, 1.0]);
            let mut scores = Scores::default();
            (0..200).for_each(|pair| scores.count((pair % 50) as f32 / 10.0, pair % 50 > 40));
            let entry = DirectionCard {
                queries: 5000,
                gallery: 1000,
                metrics,
                ci95: metrics.each(|value| [value * 0.93, (value * 1.07).min(1.0)]),
                curve: curve
                    .map(|(k, recall)| CurvePoint {
                        k,
                        recall,
                        chance: k as f64 / 1000.0,
                    })
                    .collect(),
                auc: Some(0.875),
                hubs: Hubs::new((0..1000).map(|entry| 100_u32.saturating_sub(entry / 8)).collect()),
                scores,
            };
            entry.rounded()
        };
        RecallCard {
            space: "sensorium-base@3f1c".to_owned(),
            refused: 1,
            directions: directions
                .into_iter()
                .enumerate()
                .map(|(index, d)| (d, entry(index)))
                .collect(),
            comparison: None,
        }
    }

    #[test]
    fn the_json_is_that_of_the_contract() {
        let direction: Direction = "text:image".parse().unwrap();
        let mut card = card([direction]);
        let entry = card.directions.get_mut(&direction).unwrap();
        entry.metrics = Metrics {
            r1: 0.22,
            r5: 0.52,
            r10: 2.0 / 3.0,
            mean_recall: 0.47,
            median_rank: 5.0,
            map: 0.35,
            ndcg10: 0.41,
        };
        entry.ci95 = entry.metrics.each(|value| [0.0, value]);
        *entry = entry.clone().rounded();
        entry.curve.truncate(1);
        entry.hubs = Hubs::new(vec![1, 1, 0, 0]);
        let json = serde_json::to_string(&card).unwrap();
        assert_eq!(
            json,
            r#"{"space":"sensorium-base@3f1c","refused":1,"directions":{"text->image":{"queries":5000,"gallery":1000,"#
                .to_owned()
                + r#""r1":0.22,"r5":0.52,"r10":0.666667,"mean_recall":0.47,"median_rank":5.0,"map":0.35,"ndcg10":0.41,"#
                + r#""ci95":{"r1":[0.0,0.22],"r5":[0.0,0.52],"r10":[0.0,0.666667],"mean_recall":[0.0,0.47],"#
                + r#""median_rank":[0.0,5.0],"map":[0.0,0.35],"ndcg10":[0.0,0.41]},"#
                + r#""curve":[{"k":1,"recall":0.02,"chance":0.001}],"auc":0.875,"#
                + r#""hubs":{"skewness":0.0,"never":0.5,"top1pct":0.5}}}}"#
        );
    }

    #[test]
    fn directions_are_in_the_order_of_tables() {
        let card = card(Direction::all());
        let json = serde_json::to_string(&card).unwrap();
        let positions: Vec<_> = Direction::all()
            .map(|direction| json.find(&format!("\"{direction}\"")).unwrap())
            .collect();
        assert!(positions.is_sorted());
    }
}
