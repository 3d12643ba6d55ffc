//! Rectangles at any angle, with the direction in which they are read.

use geo::{MinimumRotatedRect as _, MultiPoint};

/// From this ratio of its sides on, a line is read along the longer one.
const LONG: f32 = 1.5;

/// How steep a line must be to be read downwards rather than upwards to the right; the tangent of its angle to the vertical.
const STEEP: f32 = 0.25;

/// A rectangle in a picture, in pixels; the first pixel lies between 0 and 1.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(super) struct Rectangle {
    pub(super) centre: [f32; 2],
    /// The direction in which it is read, of unit length.
    pub(super) along: [f32; 2],
    /// Its side in that direction.
    pub(super) length: f32,
    /// Its other side.
    pub(super) height: f32,
}

impl Rectangle {
    /// The smallest around `points`; `None` when they lie on a line.
    pub(super) fn around(points: &[[f32; 2]]) -> Option<Self> {
        // The hull of fewer has no area.
        if points.len() < 3 {
            return None;
        }
        let points: MultiPoint<f64> = points
            .iter()
            .map(|&[x, y]| (f64::from(x), f64::from(y)))
            .collect();
        let polygon = points.minimum_rotated_rect()?;
        let corners = polygon.exterior().0.get(..3)?;
        let corner = |at: usize| [corners[at].x as f32, corners[at].y as f32];
        let (first, second) = (difference(corner(0), corner(1)), difference(corner(1), corner(2)));
        let sides = (norm(first), norm(second));
        if !(sides.0.is_normal() && sides.1.is_normal()) {
            return None;
        }
        let centre = [0, 1].map(|axis| (corner(0)[axis] + corner(2)[axis]) / 2.0);
        let (axis, length, height) = if is_read_along(first, sides, second) {
            (first, sides.0, sides.1)
        } else {
            (second, sides.1, sides.0)
        };
        let along = axis.map(|part| part / length);
        let forward = along[0] + STEEP * along[1] > 0.0;
        Some(Self {
            centre,
            along: if forward { along } else { along.map(|part| -part) },
            length,
            height,
        })
    }

    /// The direction from its top to its bottom, of unit length.
    pub(super) fn down(&self) -> [f32; 2] {
        [-self.along[1], self.along[0]]
    }

    /// The same, read from its other end.
    pub(super) fn turned(&self) -> Self {
        Self {
            along: self.along.map(|part| -part),
            ..*self
        }
    }

    /// Larger by `margin` on each side.
    pub(super) fn grown(&self, margin: f32) -> Self {
        Self {
            length: self.length + 2.0 * margin,
            height: self.height + 2.0 * margin,
            ..*self
        }
    }

    /// The same in a picture of which this is one scaled by `scale` and moved by `offset`.
    pub(super) fn unscaled(&self, scale: [f32; 2], offset: [f32; 2]) -> Self {
        let back = |vector: [f32; 2]| [vector[0] / scale[0], vector[1] / scale[1]];
        let along = back(self.along.map(|part| part * self.length));
        let down = back(self.down().map(|part| part * self.height));
        let length = norm(along);
        Self {
            centre: back(difference(offset, self.centre)),
            along: along.map(|part| part / length),
            length,
            height: norm(down),
        }
    }

    /// Its corners, as it is read: from the top left clockwise.
    pub(super) fn corners(&self) -> [[f32; 2]; 4] {
        let down = self.down();
        [(-0.5, -0.5), (0.5, -0.5), (0.5, 0.5), (-0.5, 0.5)].map(|(along, across)| {
            [0, 1].map(|axis| {
                self.centre[axis] + along * self.length * self.along[axis] + across * self.height * down[axis]
            })
        })
    }
}

/// Whether the rectangle with these sides is read along the `first`: a long one lengthwise, others as nearly from left to
/// right as can be.
fn is_read_along(first: [f32; 2], sides: (f32, f32), second: [f32; 2]) -> bool {
    if sides.0 >= sides.1 * LONG || sides.1 >= sides.0 * LONG {
        return sides.0 > sides.1;
    }
    (first[0] / sides.0).abs() > (second[0] / sides.1).abs()
}

/// From `a` to `b`.
fn difference(a: [f32; 2], b: [f32; 2]) -> [f32; 2] {
    [b[0] - a[0], b[1] - a[1]]
}

fn norm(vector: [f32; 2]) -> f32 {
    vector[0].hypot(vector[1])
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn at(degrees: f32, length: f32, height: f32) -> Rectangle {
        let (sin, cos) = degrees.to_radians().sin_cos();
        Rectangle {
            centre: [100.0, 80.0],
            along: [cos, sin],
            length,
            height,
        }
    }

    fn assert_near(found: Rectangle, expected: Rectangle) {
        for (found, expected) in found
            .corners()
            .iter()
            .flatten()
            .zip(expected.corners().iter().flatten())
        {
            assert!((found - expected).abs() < 0.1, "{found} {expected}");
        }
    }

    #[test]
    fn lines_are_read_to_the_right_and_steep_ones_downwards() {
        for degrees in [0.0, 10.0, -10.0, 44.0, -44.0, 60.0, -60.0, 89.0, 90.0, 91.0] {
            let line = at(degrees, 60.0, 12.0);
            assert_near(Rectangle::around(&line.corners()).unwrap(), line);
        }
        let short = at(20.0, 11.0, 12.0);
        assert_near(Rectangle::around(&short.corners()).unwrap(), short);
    }

    #[test]
    fn points_on_a_line_have_no_rectangle() {
        for points in [
            vec![],
            vec![[1.0, 1.0]; 9],
            (0..50).map(|step| [step as f32, 0.0]).collect(),
            (0..50).map(|step| [step as f32, step as f32]).collect(),
        ] {
            assert_eq!(Rectangle::around(&points), None, "{points:?}");
        }
    }

    proptest! {
        #[test]
        fn every_point_is_inside(points in prop::collection::vec((0..200_u8, 0..200_u8), 0..60)) {
            let points: Vec<[f32; 2]> = points.iter().map(|&(x, y)| [f32::from(x), f32::from(y)]).collect();
            if let Some(around) = Rectangle::around(&points) {
                let dot = |a: [f32; 2], b: [f32; 2]| a[0] * b[0] + a[1] * b[1];
                for &point in &points {
                    let from = difference(around.centre, point);
                    prop_assert!(dot(from, around.along).abs() <= around.length / 2.0 + 0.01);
                    prop_assert!(dot(from, around.down()).abs() <= around.height / 2.0 + 0.01);
                }
            }
        }

        #[test]
        fn scaling_back_undoes_scaling(degrees in -180.0_f32..180.0, scale in 0.1_f32..4.0) {
            let line = at(degrees, 60.0, 12.0);
            let scaled = Rectangle {
                centre: line.centre.map(|x| x * scale + 5.0),
                length: line.length * scale,
                height: line.height * scale,
                ..line
            };
            assert_near(scaled.unscaled([scale; 2], [5.0; 2]), line);
        }
    }
}
