//! How unevenly the entries of a gallery are retrieved.

use std::io;

use plotters::prelude::*;
use plotters::style::text_anchor::HPos;
use sensorium_types::Direction;

use super::{BLUE, Canvas, Drawn, FAINT, INK, MUTED, arrow, draw_panels, draw_title, text};
use crate::{DirectionCard, Hubs, RecallCard};

/// How many points a curve has at most.
const POINTS: usize = 200;

impl RecallCard {
    /// Which share of the answers the most retrieved entries take, for each direction, as SVG.
    ///
    /// # Errors
    /// When the plotting library fails.
    pub fn hub_curves(&self) -> io::Result<String> {
        let shown: Vec<_> = self.directions.iter().collect();
        draw_panels(&shown, 4, (300, 250), draw_head, draw_panel)
    }
}

fn draw_head(canvas: &Canvas<'_>) -> Drawn {
    let subtitle =
        "share of the first ten answers of all queries (up) that the most retrieved entries take (across)";
    draw_title(canvas, "Hubs", subtitle)?;
    let key = "blue: measured; dashed: any ten entries for each query, by chance";
    canvas.draw_text(key, &text(15, INK, HPos::Left), (24, 80))
}

fn draw_panel(area: &Canvas<'_>, (direction, entry): &(&Direction, &DirectionCard)) -> Drawn {
    area.draw_text(&arrow(**direction), &text(16, INK, HPos::Left), (16, 18))?;
    let Hubs {
        skewness,
        never,
        top1pct,
        ..
    } = entry.hubs;
    let figures = format!(
        "skewness {skewness:.2}; never {}; top 1 % takes {}",
        percent(&never),
        percent(&top1pct)
    );
    area.draw_text(&figures, &text(13, MUTED, HPos::Left), (16, 40))?;
    let mut chart = ChartBuilder::on(area)
        .margin_top(56)
        .margin_right(24)
        .x_label_area_size(28)
        .y_label_area_size(52)
        .build_cartesian_2d(0.0..1.0, 0.0..1.0)?;
    chart
        .configure_mesh()
        .x_labels(5)
        .y_labels(5)
        .x_label_formatter(&percent)
        .y_label_formatter(&percent)
        .label_style(text(13, INK, HPos::Center))
        .bold_line_style(FAINT)
        .light_line_style(TRANSPARENT)
        .axis_style(FAINT)
        .draw()?;
    let chance = Hubs::by_chance(entry.queries, entry.gallery).concentration(POINTS);
    chart.draw_series(DashedLineSeries::new(chance, 3, 3, MUTED.stroke_width(1)))?;
    let measured = entry.hubs.concentration(POINTS);
    chart.draw_series(LineSeries::new(measured, BLUE.stroke_width(2)))?;
    Ok(())
}

fn percent(share: &f64) -> String {
    format!("{:.0} %", share * 100.0)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::card::tests::card;

    #[test]
    fn every_panel_has_its_figures() {
        let card = card(Direction::all().take(2));
        let svg = card.hub_curves().unwrap();
        let Hubs { skewness, .. } = card.directions.values().next().unwrap().hubs;
        assert_eq!(
            svg.matches(&format!("skewness {skewness:.2}; never 20 %"))
                .count(),
            2
        );
    }
}
