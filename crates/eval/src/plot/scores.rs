//! The scores of matching pairs beside those of all others.

use std::io;
use std::ops::Range;

use plotters::prelude::*;
use plotters::style::text_anchor::HPos;
use sensorium_types::Direction;

use super::{
    BLUE, Canvas, Drawn, FAINT, INK, MUTED, ORANGE, arrow, draw_legend, draw_panels, draw_title, text,
};
use crate::scores::PairCounts;
use crate::{DirectionCard, RecallCard, Scores};

/// How many bars a panel has at most.
const BARS: f64 = 40.0;

impl RecallCard {
    /// A histogram of the scores of matching pairs and of all others for each direction, as SVG.
    ///
    /// # Errors
    /// When the plotting library fails.
    pub fn score_histograms(&self) -> io::Result<String> {
        let shown: Vec<_> = self.directions.iter().collect();
        draw_panels(&shown, 4, (300, 200), draw_head, draw_panel)
    }
}

fn draw_head(canvas: &Canvas<'_>) -> Drawn {
    let subtitle = "how each kind is spread, drawn to the same height; ROC area: 0.5 is chance, 1 no overlap";
    draw_title(canvas, "Scores of matching pairs and of all others", subtitle)?;
    draw_legend(
        canvas,
        (24, 84),
        140,
        [("matching", BLUE), ("all others", ORANGE)],
    )
}

fn draw_panel(area: &Canvas<'_>, (direction, entry): &(&Direction, &DirectionCard)) -> Drawn {
    area.draw_text(&arrow(**direction), &text(16, INK, HPos::Left), (16, 18))?;
    let overlap = match entry.auc {
        Some(area) => format!("ROC area {area:.3}"),
        None => "no other pairs".to_owned(),
    };
    area.draw_text(&overlap, &text(14, MUTED, HPos::Right), (284, 18))?;
    let Some(range) = entry.scores.range() else {
        return Ok(());
    };
    let scores = entry.scores.clone().coarse((range.end - range.start) / BARS);
    let range = whole_bins(&range, scores.width());
    let kinds = [
        (ORANGE, outline(&scores, &range, |counts| counts.others)),
        (BLUE, outline(&scores, &range, |counts| counts.matching)),
    ];
    let mut chart = ChartBuilder::on(area)
        .margin_top(34)
        .margin_left(16)
        .margin_right(16)
        .x_label_area_size(28)
        .build_cartesian_2d(range, 0.0..1.05)?;
    chart
        .configure_mesh()
        .disable_mesh()
        .disable_y_axis()
        .x_labels(6)
        .x_label_style(text(14, INK, HPos::Center))
        .axis_style(FAINT)
        .draw()?;
    for (color, outline) in kinds {
        let area = AreaSeries::new(outline, 0.0, color.mix(0.35));
        chart.draw_series(area.border_style(color.stroke_width(1)))?;
    }
    Ok(())
}

/// The range with both ends moved outwards to those of bins.
fn whole_bins(range: &Range<f64>, width: f64) -> Range<f64> {
    (range.start / width).floor() * width..(range.end / width).ceil() * width
}

/// The steps over the bins within a range, the highest being 1.
fn outline(scores: &Scores, range: &Range<f64>, kind: impl Fn(&PairCounts) -> u64) -> Vec<(f64, f64)> {
    let bins = scores.bins().filter(|(start, _)| range.contains(start));
    let bins: Vec<_> = bins.map(|(start, counts)| (start, kind(&counts))).collect();
    let highest = bins.iter().map(|bin| bin.1).max().unwrap_or(0).max(1);
    bins.into_iter()
        .flat_map(|(start, count)| {
            let height = count as f64 / highest as f64;
            [(start, height), (start + scores.width(), height)]
        })
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::card::tests::card;

    #[test]
    fn every_panel_has_its_roc_area() {
        let svg = card(Direction::all().take(3)).score_histograms().unwrap();
        assert_eq!(svg.matches("ROC area 0.875").count(), 3);
        assert!(svg.contains("text → audio") && !svg.contains("video"));
    }

    #[test]
    fn a_direction_without_scores_has_an_empty_panel() {
        let mut card = card(Direction::all().take(1));
        for entry in card.directions.values_mut() {
            (entry.scores, entry.auc) = (Scores::default(), None);
        }
        assert!(card.score_histograms().unwrap().contains("no other pairs"));
    }

    #[test]
    fn the_outline_steps_over_whole_bins_up_to_one() {
        let mut scores = Scores::default();
        for score in [-3.5, 0.5, 1.2, 1.4, 9.0] {
            scores.count(score, true);
        }
        let scores = scores.coarse(1.0);
        let range = whole_bins(&(0.3..1.5), 1.0);
        assert_eq!(range, 0.0..2.0);
        assert_eq!(
            outline(&scores, &range, |counts| counts.matching),
            [(0.0, 0.5), (1.0, 0.5), (1.0, 1.0), (2.0, 1.0)]
        );
        let others = outline(&scores, &range, |counts| counts.others);
        assert!(others.iter().all(|point| point.1 == 0.0));
    }
}
