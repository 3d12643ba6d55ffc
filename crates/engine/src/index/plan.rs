//! What has to be done, by comparing what is there with what is known.

use std::collections::HashMap;
use std::path::{Path, PathBuf};

use sensorium_store::{Catalog, Content, FileState, IndexedFile, Refusal, Stamp};

use super::walk::{Found, FoundFile, is_gone};
use super::{Refused, Report, Terms};
use crate::Result;

/// The work of a run.
#[derive(Debug, Default)]
pub(super) struct Plan {
    /// Files that are new or may have changed.
    pub(super) jobs: Vec<Job>,
    /// Files that are gone, whether they held something or not.
    pub(super) vanished: Vec<PathBuf>,
    /// What is settled already.
    pub(super) report: Report,
}

/// A file to be looked at.
#[derive(Debug, Clone)]
pub(super) struct Job {
    pub(super) path: PathBuf,
    pub(super) stamp: Stamp,
    /// Whether it may change again without a change of its stamp.
    pub(super) is_fresh: bool,
    /// The hash of its bytes, once it was read.
    pub(super) content: Content,
    /// Whether it holds items, and of which content.
    pub(super) before: Before,
}

impl Job {
    /// By what the next run shall know that the file did not change.
    pub(super) fn stored_stamp(&self) -> Stamp {
        let changed = if self.is_fresh { 0 } else { self.stamp.changed };
        Stamp {
            changed,
            ..self.stamp
        }
    }
}

/// What is known of a file from before.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Before {
    /// It holds no items.
    Nothing,
    /// It holds the items of this content.
    Items(Option<Content>),
}

impl Plan {
    pub(super) fn new(catalog: &dyn Catalog, roots: &[PathBuf], found: Found, terms: &Terms) -> Result<Self> {
        let mut known = HashMap::new();
        for root in roots {
            let files = catalog.files(root)?;
            known.extend(files.into_iter().map(|file| (file.path.clone(), file)));
        }
        let mut plan = Self::default();
        for file in found.files {
            let before = known.remove(&file.path);
            plan.add(file, before, terms);
        }
        let unreadable = found.unreadable.iter().map(|(folder, _)| folder);
        let unknown: Vec<&PathBuf> = unreadable.chain(&found.away).collect();
        let unknown = |path: &Path| unknown.iter().any(|folder| path.starts_with(folder));
        // Hidden files that were indexed by name are not found, but they are there.
        let vanished = known
            .into_values()
            .filter(|file| !unknown(&file.path) && is_gone(&file.path));
        for file in vanished {
            plan.report.dropped += usize::from(file.state == FileState::Indexed);
            plan.vanished.push(file.path);
        }
        plan.vanished.sort();
        for (path, cause) in &found.unreadable {
            let refusal = Refusal {
                record: None,
                cause: cause.clone(),
            };
            plan.report.refused.push(Refused::new(path, &refusal));
        }
        Ok(plan)
    }

    fn add(&mut self, file: FoundFile, before: Option<IndexedFile>, terms: &Terms) {
        let state = before.as_ref().map(|before| before.state);
        let settled = before.as_ref().is_some_and(|before| {
            before.stamp == file.stamp
                && before.generation == terms.generation
                && before.limits.is_none_or(|limits| limits == terms.limits)
        });
        match (state, before) {
            (Some(FileState::Indexed | FileState::Refused), Some(before)) if settled => {
                if before.state == FileState::Indexed {
                    self.report.unchanged += 1;
                }
                let refusals = before.refusals.iter();
                self.report
                    .refused
                    .extend(refusals.map(|refusal| Refused::new(&file.path, refusal)));
            }
            (Some(FileState::Ignored), _) if settled => self.report.ignored += 1,
            (_, before) => {
                let items = before.filter(|before| before.state == FileState::Indexed);
                // What was made otherwise is made anew, whatever the content.
                let content =
                    |before: IndexedFile| before.content.filter(|_| before.generation == terms.generation);
                self.jobs.push(Job {
                    path: file.path,
                    stamp: file.stamp,
                    is_fresh: false,
                    content: Content::default(),
                    before: items.map_or(Before::Nothing, |before| Before::Items(content(before))),
                });
            }
        }
    }
}
