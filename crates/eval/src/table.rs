//! The recall card as a table, for the terminal and for Markdown.

use comfy_table::{
    CellAlignment, ColumnConstraint, ContentArrangement, LineStyle, Table, TableStyle, Width, presets,
};
use sensorium_types::Direction;

use crate::{DirectionCard, Interval, RecallCard};

const HEADER: [&str; 9] = [
    "direction",
    "queries",
    "gallery",
    "R@1",
    "R@5",
    "R@10",
    "median rank",
    "mAP",
    "nDCG @10",
];

impl RecallCard {
    /// A table for people, in columns of `width` characters or else those of the terminal.
    ///
    /// Beside each recall stands its 95 % interval, below it where the table would be too wide.
    pub fn table(&self, width: Option<u16>) -> String {
        let mut table = self.rows();
        let rule = LineStyle::none().fill('─').junction('─');
        table
            .load_style(TableStyle::new().header_separator(rule))
            .set_content_arrangement(ContentArrangement::Dynamic);
        for (index, width) in self.longest_words().into_iter().enumerate() {
            if let Some(column) = table.column_mut(index) {
                column
                    .set_padding((0, 0))
                    .set_constraint(ColumnConstraint::LowerBoundary(width));
            }
        }
        if let Some(width) = width {
            table.set_width(width);
        }
        table.trim_fmt()
    }

    /// The same table in Markdown.
    pub fn markdown_table(&self) -> String {
        let mut table = self.rows();
        table.load_style(presets::ASCII_MARKDOWN);
        table.to_string()
    }

    /// How scores are spread and entries retrieved, in Markdown.
    pub fn markdown_spread_table(&self) -> String {
        let mut table = Table::new();
        table.load_style(presets::ASCII_MARKDOWN).set_header([
            "direction",
            "ROC area",
            "skewness of N₁₀",
            "never retrieved",
            "taken by the top 1 %",
        ]);
        for (direction, card) in &self.directions {
            table.add_row([
                direction.to_string(),
                card.auc.map_or_else(|| "–".to_owned(), share),
                format!("{:.2}", card.hubs.skewness),
                share(card.hubs.never),
                share(card.hubs.top1pct),
            ]);
        }
        align_numbers(&mut table);
        table.to_string()
    }

    fn rows(&self) -> Table {
        let mut table = Table::new();
        table.set_header(HEADER);
        for (direction, card) in &self.directions {
            table.add_row(row(*direction, card));
        }
        align_numbers(&mut table);
        table
    }

    /// The least width of every column, in characters: lines break at spaces, but not within words.
    fn longest_words(&self) -> [Width; 9] {
        let mut longest = HEADER.map(longest_word);
        for (direction, card) in &self.directions {
            for (longest, cell) in longest.iter_mut().zip(row(*direction, card)) {
                *longest = longest_word(&cell).max(*longest);
            }
        }
        longest.map(Width::Fixed)
    }
}

/// Puts all but the names in the first column to the right.
pub(crate) fn align_numbers(table: &mut Table) {
    for column in table.column_iter_mut().skip(1) {
        column.set_cell_alignment(CellAlignment::Right);
    }
}

fn longest_word(cell: &str) -> u16 {
    cell.split(' ')
        .map(|word| word.chars().count() as u16)
        .max()
        .unwrap_or(0)
}

fn row(direction: Direction, card: &DirectionCard) -> [String; 9] {
    let DirectionCard {
        queries,
        gallery,
        metrics,
        ci95,
        ..
    } = card;
    [
        direction.to_string(),
        queries.to_string(),
        gallery.to_string(),
        with_interval(metrics.r1, ci95.r1),
        with_interval(metrics.r5, ci95.r5),
        with_interval(metrics.r10, ci95.r10),
        metrics.median_rank.to_string(),
        share(metrics.map),
        share(metrics.ndcg10),
    ]
}

fn with_interval(value: f64, [low, high]: Interval) -> String {
    format!("{} {}–{}", share(value), share(low), share(high))
}

/// Three digits, and no zero before the point, as is usual in tables of recalls.
fn share(value: f64) -> String {
    let digits = format!("{value:.3}");
    digits.strip_prefix('0').unwrap_or(&digits).to_owned()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::card::tests::card;

    #[test]
    fn a_wide_table_has_one_line_a_direction() {
        let table = card(Direction::all()).table(Some(160));
        let line = table.lines().find(|line| line.contains("text->text")).unwrap();
        let words: Vec<_> = line.split_whitespace().collect();
        assert_eq!(
            words,
            [
                "text->text",
                "5000",
                "1000",
                ".020",
                ".019–.021",
                ".032",
                ".030–.034",
                ".088",
                ".082–.094",
                "5",
                ".026",
                ".030"
            ]
        );
    }

    #[test]
    fn a_narrow_table_fits_and_breaks_between_words_only() {
        let table = card(Direction::all()).table(Some(80));
        assert!(table.lines().all(|line| line.chars().count() <= 80), "{table}");
        for whole in ["video->video", "queries", ".920", ".856–.984", "1.000"] {
            assert!(table.contains(whole), "{whole} in\n{table}");
        }
    }

    #[test]
    fn markdown_has_a_rule_below_the_header() {
        let table = card(Direction::all()).markdown_table();
        let lines: Vec<_> = table.lines().collect();
        assert_eq!(lines.len(), 2 + 16);
        assert!(
            lines[0].starts_with("| direction") && lines[1].starts_with("|---"),
            "{table}"
        );
    }

    #[test]
    fn the_table_of_scores_and_hubs_has_a_line_a_direction() {
        let table = card(Direction::all()).markdown_spread_table();
        assert_eq!(table.lines().count(), 2 + 16);
        let line = table.lines().find(|line| line.contains("text->text")).unwrap();
        let cells: Vec<_> = line.split('|').map(str::trim).collect();
        assert_eq!((cells[2], cells[4]), (".875", ".200"));
    }
}
