//! The recall card, as data and as JSON.

use std::collections::BTreeMap;

use sensorium_types::Direction;
use serde::{Serialize, Serializer};

use crate::{Interval, Metrics};

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
}

/// The measurements of one direction, rounded to six digits after the point.
#[derive(Debug, Clone, Copy, PartialEq, Serialize)]
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
}

impl DirectionCard {
    pub(crate) fn new(queries: usize, gallery: usize, metrics: Metrics, ci95: Metrics<Interval>) -> Self {
        Self {
            queries,
            gallery,
            metrics: metrics.each(rounded),
            ci95: ci95.each(|interval| interval.map(rounded)),
        }
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
            let ci95 = metrics.each(|value| [value * 0.93, (value * 1.07).min(1.0)]);
            DirectionCard::new(5000, 1000, metrics, ci95)
        };
        RecallCard {
            space: "sensorium-base@3f1c".to_owned(),
            refused: 1,
            directions: directions
                .into_iter()
                .enumerate()
                .map(|(index, d)| (d, entry(index)))
                .collect(),
        }
    }

    #[test]
    fn the_json_is_that_of_the_contract() {
        let metrics = Metrics {
            r1: 0.22,
            r5: 0.52,
            r10: 2.0 / 3.0,
            mean_recall: 0.47,
            median_rank: 5.0,
            map: 0.35,
            ndcg10: 0.41,
        };
        let entry = DirectionCard::new(5000, 1000, metrics, metrics.each(|value| [0.0, value]));
        let direction: Direction = "text:image".parse().unwrap();
        let card = RecallCard {
            space: "sensorium-base@3f1c".to_owned(),
            refused: 0,
            directions: BTreeMap::from([(direction, entry)]),
        };
        let json = serde_json::to_string(&card).unwrap();
        assert_eq!(
            json,
            r#"{"space":"sensorium-base@3f1c","refused":0,"directions":{"text->image":{"queries":5000,"gallery":1000,"#
                .to_owned()
                + r#""r1":0.22,"r5":0.52,"r10":0.666667,"mean_recall":0.47,"median_rank":5.0,"map":0.35,"ndcg10":0.41,"#
                + r#""ci95":{"r1":[0.0,0.22],"r5":[0.0,0.52],"r10":[0.0,0.666667],"mean_recall":[0.0,0.47],"#
                + r#""median_rank":[0.0,5.0],"map":[0.0,0.35],"ndcg10":[0.0,0.41]}}}}"#
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
