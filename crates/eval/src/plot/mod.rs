//! The recall card as pictures: what they have in common.

mod bars;
mod curves;
mod forest;
mod heat_map;
mod hubs;
mod scores;

use std::io;

use plotters::coord::Shift;
use plotters::coord::types::RangedCoordf64;
use plotters::prelude::*;
use plotters::style::text_anchor::{HPos, Pos, VPos};
use sensorium_types::Direction;

type Canvas<'a> = DrawingArea<SVGBackend<'a>, Shift>;
type Plot<'a> = DrawingArea<SVGBackend<'a>, Cartesian2d<RangedCoordf64, RangedCoordf64>>;
type Drawn = Result<(), DrawingAreaErrorKind<io::Error>>;

const INK: RGBColor = RGBColor(38, 44, 53);
const MUTED: RGBColor = RGBColor(105, 113, 124);
const FAINT: RGBColor = RGBColor(222, 226, 231);
const BLUE: RGBColor = RGBColor(49, 130, 189);
const ORANGE: RGBColor = RGBColor(222, 120, 32);

/// Where pictures of panels begin below title and legend.
const HEAD: u32 = 100;

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

/// Draws each of `shown` in a panel of its own, with at most so many `columns`, below a head of title and legend.
fn draw_panels<T>(
    shown: &[T],
    columns: usize,
    (width, height): (u32, u32),
    head: impl FnOnce(&Canvas<'_>) -> Drawn,
    panel: impl Fn(&Canvas<'_>, &T) -> Drawn,
) -> io::Result<String> {
    let columns = shown.len().clamp(1, columns);
    let rows = shown.len().div_ceil(columns).max(1);
    let panels = (columns as u32 * width, rows as u32 * height);
    // A single panel is narrower than the title.
    let size = (panels.0.max(640) + 24, panels.1 + HEAD + 8);
    draw(size, |canvas| {
        head(canvas)?;
        let grid = canvas
            .margin(HEAD, 8, 12, size.0 - panels.0 - 12)
            .split_evenly((rows, columns));
        grid.iter()
            .zip(shown)
            .try_for_each(|(area, shown)| panel(area, shown))
    })
}

fn draw_title(canvas: &Canvas<'_>, title: &str, subtitle: &str) -> Drawn {
    canvas.draw_text(title, &text(24, INK, HPos::Left), (24, 30))?;
    canvas.draw_text(subtitle, &text(15, INK, HPos::Left), (24, 56))
}

/// Squares with what their colours stand for, from a point to the right.
fn draw_legend<'n>(
    canvas: &Canvas<'_>,
    (left, middle): (i32, i32),
    step: i32,
    entries: impl IntoIterator<Item = (&'n str, RGBColor)>,
) -> Drawn {
    for (left, (name, color)) in (left..).step_by(step as usize).zip(entries) {
        canvas.draw(&Rectangle::new(
            [(left, middle - 6), (left + 14, middle + 8)],
            color.filled(),
        ))?;
        canvas.draw_text(name, &text(16, INK, HPos::Left), (left + 21, middle))?;
    }
    Ok(())
}

fn text(size: u32, color: RGBColor, across: HPos) -> TextStyle<'static> {
    ("sans-serif", size)
        .into_font()
        .color(&color)
        .pos(Pos::new(across, VPos::Center))
}

fn arrow(Direction { from, to }: Direction) -> String {
    format!("{from} → {to}")
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::card::tests::card;
    use crate::compare::tests::comparison;

    #[test]
    fn every_picture_draws_any_number_of_directions() {
        for count in [0, 1, 2, 5, 16] {
            let card = card(Direction::all().take(count));
            let pictures = [
                card.bars(),
                card.heat_map(),
                card.curves(),
                card.score_histograms(),
                card.hub_curves(),
                comparison(Direction::all().take(count)).forest(),
            ];
            for svg in pictures {
                let svg = svg.unwrap();
                assert!(svg.starts_with("<svg") && svg.trim_end().ends_with("</svg>"));
                assert!(!svg.contains("NaN") && !svg.contains("inf"), "{svg}");
            }
        }
    }
}
