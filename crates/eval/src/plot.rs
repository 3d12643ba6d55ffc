//! The recall card as pictures.

use std::io;

use plotters::coord::Shift;
use plotters::coord::types::RangedCoordf64;
use plotters::prelude::*;
use plotters::style::text_anchor::{HPos, Pos, VPos};
use sensorium_types::{Direction, Modality};

use crate::{DirectionCard, Interval, RecallCard};

type Canvas<'a> = DrawingArea<SVGBackend<'a>, Shift>;
type Plot<'a> = DrawingArea<SVGBackend<'a>, Cartesian2d<RangedCoordf64, RangedCoordf64>>;
type Drawn = Result<(), DrawingAreaErrorKind<io::Error>>;

const INK: RGBColor = RGBColor(38, 44, 53);
const FAINT: RGBColor = RGBColor(222, 226, 231);
const NOTHING: RGBColor = RGBColor(244, 245, 247);
/// For R@1, R@5 and R@10: lighter for the laxer measure.
const BAR_BLUES: [RGBColor; 3] = [
    RGBColor(49, 130, 189),
    RGBColor(122, 181, 219),
    RGBColor(193, 219, 236),
];
/// The heat map's ends, for 0 and for 1.
const PALE: RGBColor = RGBColor(233, 242, 250);
const FULL: RGBColor = RGBColor(8, 69, 148);
const NAMES: [&str; 3] = ["R@1", "R@5", "R@10"];

impl RecallCard {
    /// Bars of R@1, R@5 and R@10 by direction with their 95 % intervals, as SVG.
    ///
    /// # Errors
    /// When the plotting library fails.
    pub fn bars(&self) -> io::Result<String> {
        let height = 140 + 64 * self.directions.len() as u32;
        draw((860, height), |canvas| draw_bars(self, canvas))
    }

    /// R@10 from each modality (rows) to each (columns), as SVG.
    ///
    /// # Errors
    /// When the plotting library fails.
    pub fn heat_map(&self) -> io::Result<String> {
        draw((580, 580), |canvas| draw_heat_map(self, canvas))
    }
}

fn draw(size: (u32, u32), content: impl FnOnce(&Canvas<'_>) -> Drawn) -> io::Result<String> {
    let mut svg = String::new();
    {
        let canvas = SVGBackend::with_string(&mut svg, size).into_drawing_area();
        let drawn = canvas
            .fill(&WHITE)
            .and_then(|()| content(&canvas))
            .and_then(|()| canvas.present());
        drawn.map_err(io::Error::other)?;
    }
    Ok(svg)
}

fn text(size: u32, color: RGBColor, across: HPos) -> TextStyle<'static> {
    ("sans-serif", size)
        .into_font()
        .color(&color)
        .pos(Pos::new(across, VPos::Center))
}

fn draw_bars(card: &RecallCard, canvas: &Canvas<'_>) -> Drawn {
    canvas.draw_text("Recall by direction", &text(24, INK, HPos::Left), (24, 30))?;
    let subtitle = "share of queries with a match among the first k; whiskers: 95 % interval";
    canvas.draw_text(subtitle, &text(15, INK, HPos::Left), (24, 56))?;
    draw_legend(canvas)?;

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

fn draw_legend(canvas: &Canvas<'_>) -> Drawn {
    for (index, name) in NAMES.into_iter().enumerate() {
        let left = 600 + 76 * index as i32;
        canvas.draw(&Rectangle::new(
            [(left, 24), (left + 14, 38)],
            BAR_BLUES[index].filled(),
        ))?;
        canvas.draw_text(name, &text(16, INK, HPos::Left), (left + 21, 30))?;
    }
    Ok(())
}

/// The three bars of one direction, between `top` and `top + 1`.
fn draw_group(plot: &Plot<'_>, top: f64, direction: Direction, entry: &DirectionCard) -> Drawn {
    let Direction { from, to } = direction;
    let name = Text::new(format!("{from} → {to}"), (-12, 0), text(17, INK, HPos::Right));
    plot.draw(&(EmptyElement::at((0.0, top + 0.5)) + name))?;
    let DirectionCard { metrics, ci95, .. } = entry;
    let bars = [
        (metrics.r1, ci95.r1),
        (metrics.r5, ci95.r5),
        (metrics.r10, ci95.r10),
    ];
    for (number, (value, interval)) in bars.into_iter().enumerate() {
        let middle = top + 0.24 + 0.26 * number as f64;
        draw_bar(plot, middle, value, interval, BAR_BLUES[number])?;
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

fn draw_heat_map(card: &RecallCard, canvas: &Canvas<'_>) -> Drawn {
    const LEFT: i32 = 104;
    const TOP: i32 = 120;
    const CELL: i32 = 110;
    canvas.draw_text(
        "R@10 from each modality to each",
        &text(24, INK, HPos::Left),
        (24, 30),
    )?;
    let subtitle = "rows: what is asked with; columns: what is found";
    canvas.draw_text(subtitle, &text(15, INK, HPos::Left), (24, 56))?;
    for (index, modality) in Modality::ALL.into_iter().enumerate() {
        let middle = CELL * index as i32 + CELL / 2;
        canvas.draw_text(
            modality.name(),
            &text(17, INK, HPos::Center),
            (LEFT + middle, TOP - 16),
        )?;
        canvas.draw_text(
            modality.name(),
            &text(17, INK, HPos::Right),
            (LEFT - 14, TOP + middle),
        )?;
    }
    for (index, direction) in Direction::all().enumerate() {
        let (column, row) = (index as i32 % 4, index as i32 / 4);
        let corner = (LEFT + CELL * column, TOP + CELL * row);
        let value = card.directions.get(&direction).map(|entry| entry.metrics.r10);
        let (fill, ink, words) = cell(value);
        canvas.draw(&Rectangle::new(
            [corner, (corner.0 + CELL - 3, corner.1 + CELL - 3)],
            fill.filled(),
        ))?;
        let middle = (corner.0 + CELL / 2, corner.1 + CELL / 2);
        canvas.draw_text(&words, &text(22, ink, HPos::Center), middle)?;
    }
    Ok(())
}

/// Fill, ink and words of a heat map's cell: darker for the higher value.
fn cell(value: Option<f64>) -> (RGBColor, RGBColor, String) {
    let Some(value) = value else {
        return (NOTHING, INK, "–".to_owned());
    };
    let shade = |pale: u8, full: u8| (f64::from(pale) + (f64::from(full) - f64::from(pale)) * value) as u8;
    let fill = RGBColor(
        shade(PALE.0, FULL.0),
        shade(PALE.1, FULL.1),
        shade(PALE.2, FULL.2),
    );
    let ink = if value > 0.5 { WHITE } else { INK };
    (fill, ink, format!("{value:.2}"))
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

    #[test]
    fn the_heat_map_marks_what_was_not_measured() {
        let svg = card(Direction::all().take(3)).heat_map().unwrap();
        assert_eq!(svg.matches('–').count(), 13);
        for modality in Modality::ALL {
            assert_eq!(
                svg.matches(&format!("\n{modality}\n")).count(),
                2,
                "a row and a column of {modality}"
            );
        }
    }

    #[test]
    fn a_card_without_directions_still_draws() {
        assert!(card([]).bars().is_ok() && card([]).heat_map().is_ok());
    }
}
