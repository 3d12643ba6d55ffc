//! Attention to tokens as attention to places of a frame and to stretches of time.

use sensorium_types::{Glance, HeatMap, Segment, Span};

/// A moment of a sound that was repeated lies at several times: so many of them are followed.
const POINTS: usize = 16;

/// How much was looked at each place of a grid of so many `rows` and `columns`, in all windows together, of which each has
/// as many `weights`.
pub(super) fn places(weights: &[f32], rows: usize, columns: usize) -> HeatMap {
    let mut places = vec![0.0; rows * columns];
    for window in weights.chunks_exact(places.len().max(1)) {
        for (place, weight) in places.iter_mut().zip(window) {
            *place += weight;
        }
    }
    HeatMap {
        rows,
        columns,
        weights: places,
        png: None,
    }
}

/// How much was looked at each of `windows`, of which each has as many `weights`.
pub(super) fn windows(weights: &[f32], windows: &[Segment]) -> Vec<Glance> {
    let each = weights.len() / windows.len().max(1);
    let sums = weights
        .chunks_exact(each.max(1))
        .map(|window| window.iter().sum());
    let spans = windows.iter().zip(sums);
    spans
        .filter_map(|(window, weight)| {
            Some(Glance {
                span: window.span?,
                weight,
            })
        })
        .collect()
}

/// How much was looked at each of the equal parts of `windows` of sound, as many of each as it has moments. Those shorter
/// than `tile_below` seconds were heard several times.
pub(super) fn moments(weights: &[f32], windows: &[Segment], tile_below: f64) -> Vec<Glance> {
    let each = (weights.len() / windows.len().max(1)).max(1);
    let spans = windows.iter().filter_map(|window| window.span);
    let of_window = |(span, weights): (Span, &[f32])| {
        let parts = folded(weights, span.seconds().max(tile_below) / span.seconds());
        let part = span.seconds() / each as f64;
        parts.into_iter().enumerate().map(move |(place, weight)| Glance {
            span: Span {
                start: span.start + part * place as f64,
                end: span.start + part * (place + 1) as f64,
            },
            weight,
        })
    };
    spans
        .zip(weights.chunks_exact(each))
        .flat_map(of_window)
        .collect()
}

/// The `weights` of the equal parts of something that was played `times` times, at the parts of one time: what was played
/// twice has the mean, so that it does not seem to matter more. The sum stays.
fn folded(weights: &[f32], times: f64) -> Vec<f32> {
    let count = weights.len();
    let mut folded = vec![0.0; count];
    let mut points = vec![0.0f32; count];
    for (part, weight) in weights.iter().enumerate() {
        for point in 0..POINTS {
            let at = (part as f64 + (point as f64 + 0.5) / POINTS as f64) * times;
            folded[at as usize % count] += weight;
            points[at as usize % count] += 1.0;
        }
    }
    for (weight, points) in folded.iter_mut().zip(points) {
        *weight /= points.max(1.0);
    }
    let (before, after): (f32, f32) = (weights.iter().sum(), folded.iter().sum());
    if after > 0.0 {
        folded.iter_mut().for_each(|weight| *weight *= before / after);
    }
    folded
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;
    use sensorium_types::Track;

    use super::*;

    fn sound(start: f64, end: f64) -> Segment {
        Segment::window(Track::Audio, start, end)
    }

    #[test]
    fn places_of_all_frames_come_together() {
        let map = places(&[0.1, 0.2, 0.3, 0.4], 1, 2);
        assert_eq!(map.weights, [0.1 + 0.3, 0.2 + 0.4]);
    }

    #[test]
    fn a_window_has_the_sum_of_its_places() {
        let glances = windows(&[0.25, 0.25, 0.5, 0.0], &[sound(0.0, 2.0), sound(2.0, 3.0)]);
        let weights: Vec<f32> = glances.iter().map(|glance| glance.weight).collect();
        assert_eq!(weights, [0.5, 0.5]);
        assert_eq!(glances[1].span, Span { start: 2.0, end: 3.0 });
    }

    #[test]
    fn a_moment_is_where_it_was_heard() {
        let glances = moments(&[0.0, 0.75, 0.25, 0.0], &[sound(2.0, 10.0)], 5.0);
        assert_eq!(glances.len(), 4);
        assert_eq!(glances[1].span, Span { start: 4.0, end: 6.0 });
        assert!((glances[1].weight - 0.75).abs() < 1e-6 && glances[0].weight == 0.0);
    }

    #[test]
    fn what_was_heard_twice_does_not_count_twice() {
        let glances = moments(&[0.125; 8], &[sound(0.0, 4.0)], 5.0);
        assert!(glances.iter().all(|glance| (glance.weight - 0.125).abs() < 1e-6));
    }

    #[test]
    fn a_moment_of_the_second_time_is_one_of_the_first() {
        let glances = moments(&[0.0, 0.5, 0.0, 0.5], &[sound(0.0, 2.5)], 5.0);
        let weights: Vec<f32> = glances.iter().map(|glance| glance.weight).collect();
        assert_eq!(weights, [0.0, 0.0, 0.5, 0.5]);
    }

    proptest! {
        #[test]
        fn nothing_that_was_looked_at_is_lost(
            weights in proptest::collection::vec(0.0f32..1.0, 8),
            length in 0.01f64..20.0,
        ) {
            let sum: f32 = moments(&weights, &[sound(1.0, 1.0 + length)], 5.0).iter().map(|glance| glance.weight).sum();
            prop_assert!((sum - weights.iter().sum::<f32>()).abs() < 1e-3);
        }
    }
}
