//! Bars of recall by direction.

use std::io;

use plotters::prelude::*;
use plotters::style::text_anchor::HPos;
use sensorium_types::Direction;

use super::{Canvas, Drawn, FAINT, INK, Plot, arrow, draw, draw_legend, draw_title, text};
use crate::{DirectionCard, Interval, RecallCard};

/// For R@1, R@5 and R@10: lighter for the laxer measure.
const BLUES: [RGBColor; 3] = [super::BLUE, RGBColor(122, 181, 219), RGBColor(193, 219, 236)];

impl RecallCard {
    /// Bars of R@1, R@5 and R@10 by direction with their 95 % intervals, as SVG.
    ///
    /// # Errors
    /// When the plotting library fails.
    pub fn bars(&self) -> io::Result<String> {
        let height = 140 + 64 * self.directions.len() as u32;
        draw((860, height), |canvas| draw_bars(self, canvas))
    }
}

fn draw_bars(card: &RecallCard, canvas: &Canvas<'_>) -> Drawn {
    let subtitle = "share of queries with a match among the first k; whiskers: 95 % interval";
    draw_title(canvas, "Recall by direction", subtitle)?;
    draw_legend(
        canvas,
        (600, 30),
        76,
        ["R@1", "R@5", "R@10"].into_iter().zip(BLUES),
    )?;

    let groups = card.directions.len().max(1) as f64;
    let mut chart = ChartBuilder::on(canvas)
        .margin_top(84)
        .margin_right(64)
        .margin_bottom(8)
        .x_label_area_size(36)
        .y_label_area_size(136)
        .build_cartesian_2d(0.0..1.0, groups..0.0)?;
    chart
        .configure_mesh()
        .disable_y_mesh()
        .disable_y_axis()
        .x_labels(11)
        .x_label_formatter(&|value| format!("{value:.1}"))
        .x_label_style(text(15, INK, HPos::Center))
        .bold_line_style(FAINT)
        .light_line_style(TRANSPARENT)
        .axis_style(FAINT)
        .draw()?;

    for (index, (direction, entry)) in card.directions.iter().enumerate() {
        draw_group(chart.plotting_area(), index as f64, *direction, entry)?;
    }
    Ok(())
}

/// The three bars of one direction, between `top` and `top + 1`.
fn draw_group(plot: &Plot<'_>, top: f64, direction: Direction, entry: &DirectionCard) -> Drawn {
    let name = Text::new(arrow(direction), (-12, 0), text(17, INK, HPos::Right));
    plot.draw(&(EmptyElement::at((0.0, top + 0.5)) + name))?;
    let DirectionCard { metrics, ci95, .. } = entry;
    let bars = [
        (metrics.r1, ci95.r1),
        (metrics.r5, ci95.r5),
        (metrics.r10, ci95.r10),
    ];
    for (number, (value, interval)) in bars.into_iter().enumerate() {
        let middle = top + 0.24 + 0.26 * number as f64;
        draw_bar(plot, middle, value, interval, BLUES[number])?;
    }
    Ok(())
}

fn draw_bar(plot: &Plot<'_>, middle: f64, value: f64, [low, high]: Interval, color: RGBColor) -> Drawn {
    plot.draw(&Rectangle::new(
        [(0.0, middle - 0.12), (value, middle + 0.12)],
        color.filled(),
    ))?;
    for (from, to) in [
        ((low, middle), (high, middle)),
        ((low, middle - 0.05), (low, middle + 0.05)),
        ((high, middle - 0.05), (high, middle + 0.05)),
    ] {
        plot.draw(&PathElement::new([from, to], INK))?;
    }
    let number = Text::new(format!("{value:.2}"), (8, 0), text(14, INK, HPos::Left));
    plot.draw(&(EmptyElement::at((high.max(value), middle)) + number))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::card::tests::card;

    #[test]
    fn bars_name_every_direction_and_value() {
        let svg = card(Direction::all().take(3)).bars().unwrap();
        assert!(svg.starts_with("<svg") && svg.trim_end().ends_with("</svg>"));
        for words in ["text → text", "text → audio", "R@10", "0.02", "0.14"] {
            assert!(svg.contains(words), "{words}");
        }
        assert!(!svg.contains("video"));
    }
}
