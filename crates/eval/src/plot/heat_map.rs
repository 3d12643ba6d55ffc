//! The recall of all sixteen directions at a glance.

use std::io;

use plotters::prelude::*;
use plotters::style::text_anchor::HPos;
use sensorium_types::{Direction, Modality};

use super::{Canvas, Drawn, INK, draw, draw_title, text};
use crate::RecallCard;

const NOTHING: RGBColor = RGBColor(244, 245, 247);
/// The ends of the scale, for 0 and for 1.
const PALE: RGBColor = RGBColor(233, 242, 250);
const FULL: RGBColor = RGBColor(8, 69, 148);

impl RecallCard {
    /// R@10 from each modality (rows) to each (columns), as SVG.
    ///
    /// # Errors
    /// When the plotting library fails.
    pub fn heat_map(&self) -> io::Result<String> {
        draw((580, 580), |canvas| draw_heat_map(self, canvas))
    }
}

fn draw_heat_map(card: &RecallCard, canvas: &Canvas<'_>) -> Drawn {
    const LEFT: i32 = 104;
    const TOP: i32 = 120;
    const CELL: i32 = 110;
    let subtitle = "rows: what is asked with; columns: what is found";
    draw_title(canvas, "R@10 from each modality to each", subtitle)?;
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
}
