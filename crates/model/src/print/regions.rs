//! A map of probabilities to rectangles around lines.

use std::cmp::Reverse;

use super::package::DetectorSpec;
use super::rectangle::Rectangle;

/// Lines of a picture at most; smaller ones are left out.
const MOST: usize = 1000;

/// The shorter side of a rectangle is at least this, in pixels of the map, before it grows ...
const THINNEST: f32 = 3.0;

/// ... and at least this afterwards.
const THINNEST_GROWN: f32 = 5.0;

/// Where there is print: a probability for each pixel, row by row.
pub(super) struct Map<'a> {
    pub(super) width: usize,
    pub(super) height: usize,
    pub(super) values: &'a [f32],
}

/// The rectangles around what hangs together in `map`, as `spec` has it.
pub(super) fn regions(map: &Map<'_>, spec: &DetectorSpec) -> Vec<Rectangle> {
    let mut components = components(map, spec.least_probability);
    components.sort_by_key(|component| Reverse(component.pixels));
    components.truncate(MOST);
    components
        .iter()
        .filter_map(|component| line(map, spec, component))
        .collect()
}

fn line(map: &Map<'_>, spec: &DetectorSpec, component: &Component) -> Option<Rectangle> {
    let core = Rectangle::around(&component.edges)?;
    if core.length.min(core.height) < THINNEST || score(map, &core) < spec.least_score {
        return None;
    }
    let margin = spec.unclip * core.length * core.height / (2.0 * (core.length + core.height));
    let line = core.grown(margin);
    (line.length.min(line.height) >= THINNEST_GROWN).then_some(line)
}

/// Pixels that hang together.
struct Component {
    pixels: usize,
    /// The middles of those at the left and the right ends of its rows.
    edges: Vec<[f32; 2]>,
}

/// What hangs together, corner by corner too, of the pixels above `least`, in the order of their first pixels.
fn components(map: &Map<'_>, least: f32) -> Vec<Component> {
    let mut open: Vec<bool> = map.values.iter().map(|&value| value > least).collect();
    let is_set = |x: usize, y: usize| map.values[y * map.width + x] > least;
    let mut found = Vec::new();
    let mut waiting = Vec::new();
    for first in 0..open.len() {
        if !std::mem::take(&mut open[first]) {
            continue;
        }
        let mut component = Component {
            pixels: 0,
            edges: Vec::new(),
        };
        waiting.push(first);
        while let Some(pixel) = waiting.pop() {
            let (x, y) = (pixel % map.width, pixel / map.width);
            component.pixels += 1;
            let inside = x > 0 && is_set(x - 1, y) && x + 1 < map.width && is_set(x + 1, y);
            if !inside {
                component.edges.push([x as f32 + 0.5, y as f32 + 0.5]);
            }
            for y in y.saturating_sub(1)..(y + 2).min(map.height) {
                for x in x.saturating_sub(1)..(x + 2).min(map.width) {
                    let near = y * map.width + x;
                    if std::mem::take(&mut open[near]) {
                        waiting.push(near);
                    }
                }
            }
        }
        found.push(component);
    }
    found
}

/// The mean probability of the pixels whose middles lie in `rectangle`, 0 when there are none.
fn score(map: &Map<'_>, rectangle: &Rectangle) -> f32 {
    let ys = rectangle.corners().map(|[_, y]| y);
    let lowest = ys.iter().copied().fold(f32::MAX, f32::min).floor().max(0.0) as usize;
    let highest = ys.iter().copied().fold(f32::MIN, f32::max).ceil().max(0.0) as usize;
    let (mut sum, mut count) = (0.0, 0);
    for y in lowest..highest.min(map.height) {
        let (from, to) = span(rectangle, y as f32 + 0.5);
        // Middles on the edge count: those of a component's outermost pixels lie there.
        let from = (from - 0.5 - 0.01).ceil().max(0.0) as usize;
        let to = ((to - 0.5 + 0.01).floor() + 1.0).clamp(0.0, map.width as f32) as usize;
        let row = &map.values[y * map.width..][..map.width];
        let inside = row.get(from..to).unwrap_or_default();
        sum += inside.iter().map(|&value| f64::from(value)).sum::<f64>();
        count += inside.len();
    }
    if count == 0 {
        0.0
    } else {
        (sum / count as f64) as f32
    }
}

/// From where to where `rectangle` covers the line at `y`; the other way round when it does not.
fn span(rectangle: &Rectangle, y: f32) -> (f32, f32) {
    let away = y - rectangle.centre[1];
    let sides = [
        (rectangle.along, rectangle.length),
        (rectangle.down(), rectangle.height),
    ];
    let mut span = (f32::MIN, f32::MAX);
    for (axis, side) in sides {
        // |x * axis.x + away * axis.y| <= side / 2
        let half = side / 2.0 + 0.01;
        if axis[0].abs() < 1e-6 {
            if (away * axis[1]).abs() > half {
                return (0.0, -1.0);
            }
            continue;
        }
        let (a, b) = (
            (-half - away * axis[1]) / axis[0],
            (half - away * axis[1]) / axis[0],
        );
        span = (span.0.max(a.min(b)), span.1.min(a.max(b)));
    }
    (rectangle.centre[0] + span.0, rectangle.centre[0] + span.1)
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;
    use crate::print::planes::Colours;

    fn spec() -> DetectorSpec {
        let colours: Colours = toml::from_str("mean = [0, 0, 0]\ndeviation = [1, 1, 1]").unwrap();
        DetectorSpec {
            graph: String::new(),
            colours,
            longer_side: [640, 960],
            least_probability: 0.2,
            least_score: 0.4,
            unclip: 1.4,
        }
    }

    fn drawn(width: usize, height: usize, value: impl Fn(usize, usize) -> f32) -> Vec<f32> {
        (0..width * height)
            .map(|at| value(at % width, at / width))
            .collect()
    }

    fn found(width: usize, height: usize, values: &[f32]) -> Vec<Rectangle> {
        let map = Map {
            width,
            height,
            values,
        };
        regions(&map, &spec())
    }

    #[test]
    fn a_bar_becomes_a_rectangle_that_has_grown_around_it() {
        let inside = |x: usize, y: usize| (10..50).contains(&x) && (20..26).contains(&y);
        let lines = found(
            64,
            64,
            &drawn(64, 64, |x, y| if inside(x, y) { 0.9 } else { 0.0 }),
        );
        let [line] = lines[..] else { panic!("{lines:?}") };
        assert_eq!(line.centre, [30.0, 23.0]);
        let margin = 1.4 * 39.0 * 5.0 / (2.0 * 44.0);
        assert!((line.length - 39.0 - 2.0 * margin).abs() < 1e-3, "{line:?}");
        assert!((line.height - 5.0 - 2.0 * margin).abs() < 1e-3, "{line:?}");
    }

    #[test]
    fn what_is_faint_or_thin_is_no_line_and_what_touches_at_corners_is_one() {
        let bar = |x: usize, y: usize| (10..50).contains(&x) && (20..26).contains(&y);
        assert!(found(64, 64, &drawn(64, 64, |x, y| if bar(x, y) { 0.3 } else { 0.0 })).is_empty());
        assert!(
            found(
                64,
                64,
                &drawn(64, 64, |x, y| f32::from(u8::from(x > 9 && y == 20)))
            )
            .is_empty()
        );
        let halves = |x: usize, y: usize| {
            (10..30).contains(&x) && (20..26).contains(&y) || (30..50).contains(&x) && (26..32).contains(&y)
        };
        assert_eq!(
            found(
                64,
                64,
                &drawn(64, 64, |x, y| if halves(x, y) { 0.9 } else { 0.0 })
            )
            .len(),
            1
        );
    }

    #[test]
    fn the_score_of_a_slanted_bar_is_that_of_its_pixels() {
        let inside = |x: usize, y: usize| (x as f32 - y as f32).abs() < 5.0 && (20..80).contains(&(x + y));
        let values = drawn(64, 64, |x, y| if inside(x, y) { 0.8 } else { 0.0 });
        let map = Map {
            width: 64,
            height: 64,
            values: &values,
        };
        let parts = components(&map, 0.2);
        let around = Rectangle::around(&parts[0].edges).unwrap();
        assert!((around.along[0] - around.along[1]).abs() < 0.02, "{around:?}");
        assert!((score(&map, &around) - 0.8).abs() < 0.02);
    }

    #[test]
    fn more_lines_than_are_kept_leave_the_largest() {
        let values = drawn(512, 512, |x, y| {
            f32::from(u8::from(x % 10 < 5 && y % 10 < 5 || x < 40 && y < 5))
        });
        let lines = found(512, 512, &values);
        assert_eq!(lines.len(), MOST);
        assert!(lines[0].length > 30.0);
    }

    proptest! {
        #[test]
        fn any_map_gives_rectangles_with_sides(values in prop::collection::vec(0.0_f32..1.0, 24 * 24)) {
            for line in found(24, 24, &values) {
                prop_assert!(line.length.is_normal() && line.height >= 5.0 && line.height < 100.0);
            }
        }
    }
}
