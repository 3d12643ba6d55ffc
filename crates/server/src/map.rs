//! Vectors on a plane.

use std::collections::BTreeMap;

use sensorium_store::{Catalog, Change, ItemKey};
use sensorium_types::{ItemId, Modality};
use serde::Serialize;
use utoipa::ToSchema;

use crate::problem::Result;

/// Components that are looked at: those of the first block, which all modalities share.
const COMPONENTS: usize = 384;

/// Steps towards each principal axis.
const STEPS: usize = 30;

/// An item on the plane.
#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct Point {
    item: ItemId,
    /// From -1 to 1.
    x: f32,
    /// From -1 to 1.
    y: f32,
    modality: Modality,
}

/// The first vector of an item.
struct Row {
    item: ItemKey,
    modality: Modality,
    values: Vec<f32>,
}

/// At most `limit` of the `total` items of `space`: on their two principal axes, each modality around its own middle so that they
/// do not lie apart, and spread so that every strip of the plane has as many.
pub(crate) fn project(catalog: &dyn Catalog, space: &str, limit: usize, total: u64) -> Result<Vec<Point>> {
    let every = (total as usize).div_ceil(limit.max(1)).max(1);
    let mut rows = rows(catalog, space, every)?;
    centre(&mut rows);
    let first = axis(&rows, None);
    let second = axis(&rows, Some(&first));
    let across = spread(&rows, &first);
    let along = spread(&rows, &second);
    let keys: Vec<ItemKey> = rows.iter().map(|row| row.item).collect();
    // Items that went meanwhile are left out.
    let ids: BTreeMap<ItemKey, ItemId> = catalog
        .items(&keys)?
        .into_iter()
        .map(|item| (item.key, item.id))
        .collect();
    let points = rows.iter().zip(across.into_iter().zip(along));
    Ok(points
        .filter_map(|(row, (x, y))| {
            Some(Point {
                item: *ids.get(&row.item)?,
                x,
                y,
                modality: row.modality,
            })
        })
        .collect())
}

fn rows(catalog: &dyn Catalog, space: &str, every: usize) -> Result<Vec<Row>> {
    let mut rows: Vec<Row> = Vec::new();
    let mut last = None;
    let mut count = 0;
    catalog.changes(space, 0, &mut |change| {
        if let Change::Vector {
            item,
            modality,
            vector,
            ..
        } = change
            && last != Some(item)
        {
            last = Some(item);
            if count % every == 0 {
                let values = vector.iter().take(COMPONENTS).map(|value| value.to_f32());
                rows.push(Row {
                    item,
                    modality,
                    values: values.collect(),
                });
            }
            count += 1;
        }
        Ok(())
    })?;
    Ok(rows)
}

/// Moves the middle of each modality to the origin.
fn centre(rows: &mut [Row]) {
    for modality in Modality::ALL {
        let of_it = || rows.iter().filter(|row| row.modality == modality);
        let count = of_it().count().max(1) as f32;
        let mut mean = vec![0.0; COMPONENTS];
        for row in of_it() {
            mean.iter_mut()
                .zip(&row.values)
                .for_each(|(mean, value)| *mean += value / count);
        }
        for row in rows.iter_mut().filter(|row| row.modality == modality) {
            row.values
                .iter_mut()
                .zip(&mean)
                .for_each(|(value, mean)| *value -= mean);
        }
    }
}

/// The direction in which `rows` differ most, at right angles to `other` (by power iteration).
fn axis(rows: &[Row], other: Option<&[f32]>) -> Vec<f32> {
    // Any beginning does that is not at right angles to the axis.
    let mut axis: Vec<f32> = (0..COMPONENTS)
        .map(|place| 1.0 + (place as f32 * 0.7).sin())
        .collect();
    for _ in 0..STEPS {
        let mut next = vec![0.0; COMPONENTS];
        for row in rows {
            let share = dot(&row.values, &axis);
            next.iter_mut()
                .zip(&row.values)
                .for_each(|(next, value)| *next += share * value);
        }
        if let Some(other) = other {
            let share = dot(&next, other);
            next.iter_mut()
                .zip(other)
                .for_each(|(next, value)| *next -= share * value);
        }
        let length = dot(&next, &next).sqrt();
        if length < f32::MIN_POSITIVE {
            return axis;
        }
        axis = next.into_iter().map(|value| value / length).collect();
    }
    axis
}

fn dot(a: &[f32], b: &[f32]) -> f32 {
    a.iter().zip(b).map(|(a, b)| a * b).sum()
}

/// Where each row lies among all along `axis`, from -1 to 1.
fn spread(rows: &[Row], axis: &[f32]) -> Vec<f32> {
    let lengths: Vec<f32> = rows.iter().map(|row| dot(&row.values, axis)).collect();
    let mut order: Vec<usize> = (0..rows.len()).collect();
    order.sort_by(|a, b| lengths[*a].total_cmp(&lengths[*b]));
    let mut places = vec![0.0; rows.len()];
    let last = rows.len().saturating_sub(1).max(1) as f32;
    for (rank, row) in order.into_iter().enumerate() {
        places[row] = 2.0 * rank as f32 / last - 1.0;
    }
    places
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_alike_is_near_and_modalities_do_not_lie_apart() {
        // Two kinds of things in two modalities, which differ by more than the things do.
        let mut rows: Vec<Row> = (0..40)
            .map(|number: u16| {
                let mut values = vec![0.0; COMPONENTS];
                let (kind, modality) = (number % 2, number / 2 % 2);
                values[0] = f32::from(kind);
                values[1] = 10.0 * f32::from(modality);
                values[2] = f32::from(number) * 0.001;
                Row {
                    item: ItemKey(number.into()),
                    modality: Modality::ALL[usize::from(modality)],
                    values,
                }
            })
            .collect();
        centre(&mut rows);
        let across = spread(&rows, &axis(&rows, None));
        let sides: Vec<bool> = across.iter().map(|x| *x > 0.0).collect();
        assert!((0..40).all(|place| sides[place] == sides[place % 2]));
        assert!(across.iter().all(|x| (-1.0..=1.0).contains(x)));
        assert!(spread(&[], &[]).is_empty());
    }
}
