//! What was told already, so that it is told once.

use std::collections::BTreeSet;
use std::path::{Path, PathBuf};

use sensorium_types::path_text;

use crate::{Refused, Report};

/// Refusals that were told and still hold.
#[derive(Debug, Default)]
pub(super) struct Told {
    refused: BTreeSet<Refused>,
}

impl Told {
    /// What is new in the report of a run over `paths`: refusals that were told before are left out. `None` when nothing has changed.
    pub(super) fn news(&mut self, paths: &[PathBuf], report: Report) -> Option<Report> {
        let Report { refused, .. } = &report;
        let new: Vec<Refused> = refused
            .iter()
            .filter(|refused| !self.refused.contains(refused))
            .cloned()
            .collect();
        self.refused
            .retain(|refused| !paths.iter().any(|path| is_of(refused, path)));
        self.refused.extend(refused.iter().cloned());
        let has_news = report.added + report.updated + report.dropped + new.len() > 0;
        has_news.then_some(Report {
            refused: new,
            ..report
        })
    }
}

/// Whether `refused` is of something at or below `path`.
fn is_of(refused: &Refused, path: &Path) -> bool {
    let path = path_text(path);
    let rest = refused.path.strip_prefix(path.trim_end_matches('/'));
    rest.is_some_and(|rest| rest.is_empty() || rest.starts_with(['/', '#']))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn refused(path: &str) -> Refused {
        Refused {
            path: path.into(),
            cause: "is damaged".into(),
        }
    }

    fn news(told: &mut Told, path: &str, refusals: &[&str]) -> Option<Vec<String>> {
        let report = Report {
            unchanged: 3,
            refused: refusals.iter().map(|path| refused(path)).collect(),
            ..Report::default()
        };
        let news = told.news(&[path.into()], report)?;
        Some(news.refused.into_iter().map(|refused| refused.path).collect())
    }

    #[test]
    fn a_refusal_is_told_once_until_it_has_passed() {
        let mut told = Told::default();
        let both = ["/a/x.jpg", "/a/y.jsonl#2"];
        assert_eq!(news(&mut told, "/", &both), Some(both.map(String::from).to_vec()));
        assert_eq!(news(&mut told, "/a", &both), None);
        assert_eq!(news(&mut told, "/a/x", &[]), None);
        assert_eq!(news(&mut told, "/a/y.jsonl", &[]), None, "it was mended");
        assert_eq!(news(&mut told, "/", &both), Some(vec![both[1].into()]));
    }

    #[test]
    fn a_run_that_changed_nothing_is_no_news() {
        let mut told = Told::default();
        assert_eq!(told.news(&["/".into()], Report::default()), None);
        let dropped = Report {
            dropped: 1,
            ..Report::default()
        };
        assert_eq!(told.news(&["/".into()], dropped.clone()), Some(dropped));
    }
}
