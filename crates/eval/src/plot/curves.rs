//! Recall as the list of answers grows.

use std::collections::{BTreeMap, BTreeSet};
use std::io;

use plotters::prelude::*;
use plotters::style::text_anchor::HPos;
use sensorium_types::Modality;

use super::{Canvas, Drawn, FAINT, INK, draw_legend, draw_panels, draw_title, text};
use crate::{CurvePoint, RecallCard};

/// The directions from one modality: what is found, and how well.
type Curves<'c> = (Modality, Vec<(Modality, &'c [CurvePoint])>);

impl RecallCard {
    /// A curve of R@k over k for each direction, in a panel for each modality that is asked with, as SVG.
    ///
    /// # Errors
    /// When the plotting library fails.
    pub fn curves(&self) -> io::Result<String> {
        let mut panels: BTreeMap<Modality, Vec<_>> = BTreeMap::new();
        for (direction, entry) in &self.directions {
            let curve = (direction.to, entry.curve.as_slice());
            panels.entry(direction.from).or_default().push(curve);
        }
        let panels: Vec<Curves<'_>> = panels.into_iter().collect();
        let all = self.directions.values().flat_map(|entry| &entry.curve);
        let deepest = all.map(|point| point.k).max().unwrap_or(0).max(10);
        let found: BTreeSet<Modality> = self.directions.keys().map(|direction| direction.to).collect();
        draw_panels(
            &panels,
            2,
            (480, 320),
            |canvas| draw_head(canvas, &found),
            |area, panel| draw_panel(area, panel, deepest as f64),
        )
    }
}

fn draw_head(canvas: &Canvas<'_>, found: &BTreeSet<Modality>) -> Drawn {
    let subtitle =
        "share of queries with a match among the first k; dotted: by chance; colour: what is found";
    draw_title(canvas, "Recall as the list of answers grows", subtitle)?;
    let entries = found.iter().map(|&to| (to.name(), color(to)));
    draw_legend(canvas, (24, 86), 84, entries)
}

fn draw_panel(area: &Canvas<'_>, (from, curves): &Curves<'_>, deepest: f64) -> Drawn {
    area.draw_text(&format!("{from} → …"), &text(17, INK, HPos::Left), (48, 18))?;
    let mut chart = ChartBuilder::on(area)
        .margin_top(36)
        .margin_right(20)
        .x_label_area_size(36)
        .y_label_area_size(48)
        .build_cartesian_2d((1.0..deepest).log_scale(), 0.0..1.0)?;
    chart
        .configure_mesh()
        .x_desc("k")
        .y_labels(6)
        .x_label_formatter(&depth_label)
        .y_label_formatter(&|recall| format!("{recall:.1}"))
        .label_style(text(14, INK, HPos::Center))
        .bold_line_style(FAINT)
        .light_line_style(TRANSPARENT)
        .axis_style(FAINT)
        .draw()?;
    for (to, curve) in curves {
        let color = color(*to);
        let chance = curve.iter().map(|point| (point.k as f64, point.chance));
        chart.draw_series(DashedLineSeries::new(chance, 2, 3, color.stroke_width(1)))?;
        let recall = curve.iter().map(|point| (point.k as f64, point.recall));
        chart.draw_series(LineSeries::new(recall.clone(), color.stroke_width(2)))?;
        chart.draw_series(recall.map(|point| Circle::new(point, 2, color.filled())))?;
    }
    Ok(())
}

/// Only 1, 2 and 5 of each decade, so that labels keep apart.
fn depth_label(k: &f64) -> String {
    let label = format!("{k:.0}");
    if label.starts_with(['1', '2', '5']) {
        label
    } else {
        String::new()
    }
}

/// The colour of what is found; told apart with any kind of colour vision (Okabe and Ito 2008).
fn color(to: Modality) -> RGBColor {
    match to {
        Modality::Text => RGBColor(0, 114, 178),
        Modality::Image => RGBColor(213, 94, 0),
        Modality::Audio => RGBColor(0, 158, 115),
        Modality::Video => RGBColor(204, 121, 167),
    }
}

#[cfg(test)]
mod tests {
    use sensorium_types::Direction;

    use crate::card::tests::card;

    #[test]
    fn there_is_a_panel_for_each_modality_that_is_asked_with() {
        let svg = card(Direction::all().take(5)).curves().unwrap();
        assert!(svg.contains("text → …") && svg.contains("image → …") && !svg.contains("audio → …"));
        let of_audio = svg.matches("#009E73").count();
        assert!(of_audio > 4, "a curve and its legend");
    }
}
