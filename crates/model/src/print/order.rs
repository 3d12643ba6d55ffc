//! The order in which lines are read.

use super::rectangle::Rectangle;

/// Lines whose middles are nearer to each other than this share of the lower one's height stand in one row.
const SAME_ROW: f32 = 0.5;

/// A row of lines; `middle` and `height` are those of its first.
struct Row {
    middle: f32,
    height: f32,
    lines: Vec<Rectangle>,
}

/// Sorts `lines` by rows from top to bottom, and from left to right in each.
pub(super) fn sort(lines: &mut [Rectangle]) {
    lines.sort_by(|a, b| {
        a.centre[1]
            .total_cmp(&b.centre[1])
            .then(a.centre[0].total_cmp(&b.centre[0]))
    });
    let mut rows: Vec<Row> = Vec::new();
    for &line in lines.iter() {
        let (middle, height) = (line.centre[1], extent(&line));
        match rows.last_mut() {
            Some(row) if middle - row.middle <= SAME_ROW * height.min(row.height) => row.lines.push(line),
            _ => rows.push(Row {
                middle,
                height,
                lines: vec![line],
            }),
        }
    }
    for row in &mut rows {
        row.lines.sort_by(|a, b| left(a).total_cmp(&left(b)));
    }
    let sorted = rows.into_iter().flat_map(|row| row.lines);
    for (place, line) in lines.iter_mut().zip(sorted) {
        *place = line;
    }
}

/// Where it begins.
fn left(line: &Rectangle) -> f32 {
    line.corners().iter().map(|[x, _]| *x).fold(f32::MAX, f32::min)
}

/// How much of the picture's height it takes.
fn extent(line: &Rectangle) -> f32 {
    let ys = line.corners().map(|[_, y]| y);
    ys.iter().copied().fold(f32::MIN, f32::max) - ys.iter().copied().fold(f32::MAX, f32::min)
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn line(x: f32, y: f32) -> Rectangle {
        Rectangle {
            centre: [x, y],
            along: [1.0, 0.0],
            length: 40.0,
            height: 10.0,
        }
    }

    #[test]
    fn rows_come_from_top_to_bottom_and_their_lines_from_left_to_right() {
        let mut lines = [
            line(150.0, 18.0),
            line(60.0, 62.0),
            line(50.0, 20.0),
            line(100.0, 40.0),
            line(10.0, 64.0),
        ];
        sort(&mut lines);
        let places = lines.map(|line| line.centre[0]);
        assert_eq!(places, [50.0, 150.0, 100.0, 10.0, 60.0]);
    }

    proptest! {
        #[test]
        fn the_order_does_not_depend_on_the_one_before(
            places in prop::collection::hash_set((0..50_u8, 0..50_u8), 0..30),
            turn in 0..30_usize,
        ) {
            let mut lines: Vec<Rectangle> =
                places.iter().map(|&(x, y)| line(f32::from(x), f32::from(y))).collect();
            let mut others = lines.clone();
            others.rotate_left(turn.min(lines.len()));
            sort(&mut lines);
            sort(&mut others);
            prop_assert_eq!(lines, others);
        }
    }
}
