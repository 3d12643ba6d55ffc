//! The recall card as files.

use std::fmt::Write as _;
use std::fs;
use std::io::{self, Write};
use std::path::{Path, PathBuf};

use atomic_write_file::AtomicWriteFile;

use crate::{Error, RecallCard};

const BARS: &str = "recall.svg";
const HEAT_MAP: &str = "recall-at-10.svg";
const CURVES: &str = "recall-at-k.svg";
const SCORES: &str = "scores.svg";
const HUBS: &str = "hubs.svg";
const FOREST: &str = "comparison.svg";

impl RecallCard {
    /// The card as a Markdown page that shows the plots beside it.
    pub fn markdown(&self) -> String {
        let mut page = format!(
            "# Recall card\n\n\
             Space `{space}`; {refused} pairs refused.\n\n\
             {table}\n\n\
             R@k: share of queries with a match among the first k, with its 95 % bootstrap interval over items. \
             Median rank: of the first match. mAP and nDCG: with every item of the same label as relevant.\n\n\
             ![Recall by direction]({BARS})\n\n\
             ![R@10 from each modality to each]({HEAT_MAP})\n\n\
             ![Recall as the list of answers grows]({CURVES})\n\n\
             By chance: if the order of the gallery were left to it.\n\n\
             ## Scores and hubs\n\n\
             {spread}\n\n\
             ROC area: how probable it is that a pair that R@k looks for scores above any other pair, of whatever query. \
             The rest is about how often each entry is among the first ten answers of all queries (N₁₀, Radovanović et \
             al. 2010): the skewness of these numbers, the share of entries that are never retrieved, and the share of \
             answers that the most retrieved hundredth of the entries takes.\n\n\
             ![Scores of matching pairs and of all others]({SCORES})\n\n\
             ![How unevenly entries are retrieved]({HUBS})\n",
            space = self.space,
            refused = self.refused,
            table = self.markdown_table(),
            spread = self.markdown_spread_table(),
        );
        if let Some(comparison) = &self.comparison {
            // Writing into a string cannot fail.
            let _ = write!(
                page,
                "\n## Compared with `{against}`\n\n\
                 {table}\n\n\
                 What each metric is above the other's, with its 95 % interval by the paired bootstrap over items; a lower \
                 median rank is better. The verdict is that of mean recall, open where the interval holds zero. Without any \
                 true difference, about one verdict in twenty would still not be open.\n\n\
                 ![Differences in mean recall]({FOREST})\n",
                against = comparison.against,
                table = comparison.markdown_table(),
            );
        }
        page
    }

    /// Writes `recall.md`, `recall.json` and the plots into a folder, which is made if it is missing.
    ///
    /// Every file appears whole or not at all.
    ///
    /// # Errors
    /// [`Error::Write`] with the file that could not be written.
    pub fn write_to(&self, folder: &Path) -> Result<(), Error> {
        fs::create_dir_all(folder).map_err(|source| write_error(folder.to_owned(), source))?;
        let json = serde_json::to_string_pretty(self).map_err(io::Error::from);
        let files = [
            ("recall.md", Ok(self.markdown())),
            ("recall.json", json),
            (BARS, self.bars()),
            (HEAT_MAP, self.heat_map()),
            (CURVES, self.curves()),
            (SCORES, self.score_histograms()),
            (HUBS, self.hub_curves()),
        ];
        let forest = self
            .comparison
            .as_ref()
            .map(|comparison| (FOREST, comparison.forest()));
        for (name, content) in files.into_iter().chain(forest) {
            let path = folder.join(name);
            let written = content.and_then(|content| write_whole(&path, &content));
            written.map_err(|source| write_error(path, source))?;
        }
        Ok(())
    }
}

fn write_whole(path: &Path, content: &str) -> io::Result<()> {
    let mut file = AtomicWriteFile::open(path)?;
    file.write_all(content.as_bytes())?;
    file.commit()
}

fn write_error(path: PathBuf, source: io::Error) -> Error {
    Error::Write { path, source }
}

#[cfg(test)]
mod tests {
    use sensorium_types::Direction;

    use super::*;
    use crate::card::tests::card;
    use crate::compare::tests::comparison;

    fn names_in(folder: &Path) -> Vec<String> {
        let entries = fs::read_dir(folder).unwrap();
        let mut names: Vec<_> = entries
            .map(|entry| entry.unwrap().file_name().into_string().unwrap())
            .collect();
        names.sort();
        names
    }

    #[test]
    fn the_report_is_whole_and_its_links_lead_somewhere() {
        let folder = tempfile::tempdir().unwrap();
        let out = folder.path().join("new/out");
        card(Direction::all()).write_to(&out).unwrap();
        card(Direction::all()).write_to(&out).unwrap();
        let plots = [HUBS, HEAT_MAP, CURVES, BARS, SCORES];
        assert_eq!(
            names_in(&out),
            [HUBS, HEAT_MAP, CURVES, "recall.json", "recall.md", BARS, SCORES]
        );
        let markdown = fs::read_to_string(out.join("recall.md")).unwrap();
        for plot in plots {
            assert!(markdown.contains(&format!("]({plot})")));
        }
        assert!(!markdown.contains("Compared"));
        let json = fs::read_to_string(out.join("recall.json")).unwrap();
        let json: serde_json::Value = serde_json::from_str(&json).unwrap();
        assert_eq!(json["directions"]["video->video"]["gallery"], 1000);
        assert_eq!(json["directions"]["video->video"]["hubs"]["never"], 0.2);
        assert_eq!(json.get("comparison"), None);
    }

    #[test]
    fn a_comparison_is_part_of_the_report() {
        let folder = tempfile::tempdir().unwrap();
        let card = RecallCard {
            comparison: Some(comparison(Direction::all())),
            ..card(Direction::all())
        };
        card.write_to(folder.path()).unwrap();
        assert!(names_in(folder.path()).contains(&FOREST.to_owned()));
        let markdown = card.markdown();
        assert!(markdown.contains("Compared with `sensorium-base@0000`") && markdown.contains(FOREST));
        let json = fs::read_to_string(folder.path().join("recall.json")).unwrap();
        let json: serde_json::Value = serde_json::from_str(&json).unwrap();
        assert_eq!(json["comparison"]["against"], "sensorium-base@0000");
        assert_eq!(json["comparison"]["directions"]["text->text"]["r1"], -0.02);
    }

    #[test]
    fn an_error_names_what_could_not_be_written() {
        let folder = tempfile::tempdir().unwrap();
        fs::create_dir(folder.path().join("recall.md")).unwrap();
        let error = card(Direction::all())
            .write_to(folder.path())
            .unwrap_err()
            .to_string();
        assert!(error.contains("recall.md'"), "{error}");
        let file = folder.path().join("file");
        fs::write(&file, "").unwrap();
        assert!(
            card(Direction::all())
                .write_to(&file)
                .unwrap_err()
                .to_string()
                .contains("file'")
        );
    }
}
