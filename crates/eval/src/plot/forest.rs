//! Two packages compared: a forest plot.

use std::io;

use plotters::prelude::*;
use plotters::style::text_anchor::HPos;
use sensorium_types::Direction;

use super::{
    BLUE, Canvas, Drawn, FAINT, INK, MUTED, ORANGE, Plot, arrow, draw, draw_legend, draw_title, text,
};
use crate::compare::{Verdict, signed};
use crate::{Comparison, Difference};

const VERDICTS: [Verdict; 3] = [Verdict::Better, Verdict::Worse, Verdict::Open];

impl Comparison {
    /// The difference in mean recall with its 95 % interval for each direction, as SVG.
    ///
    /// # Errors
    /// When the plotting library fails.
    pub fn forest(&self) -> io::Result<String> {
        let height = 150 + 36 * self.directions.len() as u32;
        draw((860, height), |canvas| draw_forest(self, canvas))
    }

    /// Where all differences and zero have room.
    fn reach(&self) -> (f64, f64) {
        let ends = self.directions.values().flat_map(|entry| entry.ci95.mean_recall);
        let (low, high) = ends.fold((-0.005, 0.005), |(low, high): (f64, f64), end| {
            (low.min(end), high.max(end))
        });
        let room = (high - low) / 20.0;
        (low - room, high + room)
    }
}

fn draw_forest(comparison: &Comparison, canvas: &Canvas<'_>) -> Drawn {
    let subtitle = format!(
        "to {}; mean of R@1, R@5 and R@10; whiskers: 95 % interval",
        comparison.against
    );
    draw_title(canvas, "Difference in mean recall", &subtitle)?;
    let kinds = VERDICTS.map(|verdict| (name(verdict), color(verdict)));
    draw_legend(canvas, (24, 86), 100, kinds)?;

    let (low, high) = comparison.reach();
    let rows = comparison.directions.len().max(1) as f64;
    let mut chart = ChartBuilder::on(canvas)
        .margin_top(104)
        .margin_right(228)
        .margin_bottom(8)
        .x_label_area_size(36)
        .y_label_area_size(136)
        .build_cartesian_2d(low..high, rows..0.0)?;
    chart
        .configure_mesh()
        .disable_y_mesh()
        .disable_y_axis()
        .x_labels(7)
        .x_label_formatter(&|value| format!("{value:+.3}"))
        .x_label_style(text(15, INK, HPos::Center))
        .bold_line_style(FAINT)
        .light_line_style(TRANSPARENT)
        .axis_style(FAINT)
        .draw()?;
    let plot = chart.plotting_area();
    plot.draw(&PathElement::new([(0.0, 0.0), (0.0, rows)], MUTED))?;
    for (index, (direction, difference)) in comparison.directions.iter().enumerate() {
        draw_row(plot, index as f64 + 0.5, (low, high), *direction, difference)?;
    }
    Ok(())
}

fn draw_row(
    plot: &Plot<'_>,
    middle: f64,
    (left, right): (f64, f64),
    direction: Direction,
    difference: &Difference,
) -> Drawn {
    let name = Text::new(arrow(direction), (-12, 0), text(17, INK, HPos::Right));
    plot.draw(&(EmptyElement::at((left, middle)) + name))?;
    let (value, [low, high]) = (difference.metrics.mean_recall, difference.ci95.mean_recall);
    let color = color(difference.verdict());
    for (from, to) in [
        ((low, middle), (high, middle)),
        ((low, middle - 0.12), (low, middle + 0.12)),
        ((high, middle - 0.12), (high, middle + 0.12)),
    ] {
        plot.draw(&PathElement::new([from, to], color.stroke_width(2)))?;
    }
    plot.draw(&Circle::new((value, middle), 5, color.filled()))?;
    let numbers = Text::new(signed(value, [low, high]), (12, 0), text(14, INK, HPos::Left));
    plot.draw(&(EmptyElement::at((right, middle)) + numbers))
}

fn name(verdict: Verdict) -> &'static str {
    match verdict {
        Verdict::Better => "better",
        Verdict::Worse => "worse",
        Verdict::Open => "open: zero lies within the interval",
    }
}

fn color(verdict: Verdict) -> RGBColor {
    match verdict {
        Verdict::Better => BLUE,
        Verdict::Worse => ORANGE,
        Verdict::Open => MUTED,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::compare::tests::comparison;

    #[test]
    fn every_direction_has_a_row_with_its_numbers() {
        let svg = comparison(Direction::all().take(3)).forest().unwrap();
        for words in ["text → image", "-0.030 (-0.045 to -0.020)", "sensorium-base@0000"] {
            assert!(svg.contains(words), "{words}");
        }
    }

    #[test]
    fn all_intervals_and_zero_have_room() {
        let all = comparison(Direction::all());
        let (low, high) = all.reach();
        assert!(low < 0.0);
        for entry in all.directions.values() {
            let [from, to] = entry.ci95.mean_recall;
            assert!(low < from && to < high);
        }
    }
}
