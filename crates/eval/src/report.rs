//! The recall card as files.

use std::fs;
use std::io::{self, Write};
use std::path::{Path, PathBuf};

use atomic_write_file::AtomicWriteFile;

use crate::{Error, RecallCard};

const BARS: &str = "recall.svg";
const HEAT_MAP: &str = "recall-at-10.svg";

impl RecallCard {
    /// The card as a Markdown page that shows the plots beside it.
    pub fn markdown(&self) -> String {
        format!(
            "# Recall card\n\n\
             Space `{space}`; {refused} pairs refused.\n\n\
             {table}\n\n\
             R@k: share of queries with a match among the first k, with its 95 % bootstrap interval over items. \
             Median rank: of the first match. mAP and nDCG: with every item of the same label as relevant.\n\n\
             ![Recall by direction]({BARS})\n\n\
             ![R@10 from each modality to each]({HEAT_MAP})\n",
            space = self.space,
            refused = self.refused,
            table = self.markdown_table(),
        )
    }

    /// Writes `recall.md`, `recall.json` and the plots into a folder, which is made if it is missing.
    ///
    /// Every file appears whole or not at all.
    ///
    /// # Errors
    /// [`Error::Write`] with the file that could not be written.
    pub fn write_to(&self, folder: &Path) -> Result<(), Error> {
        fs::create_dir_all(folder).map_err(|source| write_error(folder.to_owned(), source))?;
        let files = [
            ("recall.md", Ok(self.markdown())),
            (
                "recall.json",
                serde_json::to_string_pretty(self).map_err(io::Error::from),
            ),
            (BARS, self.bars()),
            (HEAT_MAP, self.heat_map()),
        ];
        for (name, content) in files {
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

    #[test]
    fn the_report_is_whole_and_its_links_lead_somewhere() {
        let folder = tempfile::tempdir().unwrap();
        let out = folder.path().join("new/out");
        card(Direction::all()).write_to(&out).unwrap();
        card(Direction::all()).write_to(&out).unwrap();
        let mut names: Vec<_> = fs::read_dir(&out)
            .unwrap()
            .map(|entry| entry.unwrap().file_name().into_string().unwrap())
            .collect();
        names.sort();
        assert_eq!(names, [HEAT_MAP, "recall.json", "recall.md", BARS]);
        let markdown = fs::read_to_string(out.join("recall.md")).unwrap();
        for plot in [BARS, HEAT_MAP] {
            assert!(markdown.contains(&format!("]({plot})")));
        }
        let json = fs::read_to_string(out.join("recall.json")).unwrap();
        let json: serde_json::Value = serde_json::from_str(&json).unwrap();
        assert_eq!(json["directions"]["video->video"]["gallery"], 1000);
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
