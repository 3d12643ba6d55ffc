//! What has to be done, by comparing what is there with what is known.

use std::collections::HashMap;
use std::path::{Path, PathBuf};

use sensorium_store::{Catalog, Content, FileState, Generation, IndexedFile, Refusal, Stamp};

use super::walk::{Found, FoundFile};
use super::{Refused, Report};
use crate::Result;

/// The work of a run.
#[derive(Debug, Default)]
pub(super) struct Plan {
    /// Files that are new or may have changed.
    pub(super) jobs: Vec<Job>,
    /// Files that are gone.
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
    pub(super) fn new(
        catalog: &dyn Catalog,
        roots: &[PathBuf],
        found: Found,
        generation: &Generation,
    ) -> Result<Self> {
        let mut known = HashMap::new();
        for root in roots {
            let files = catalog.files(root)?;
            known.extend(files.into_iter().map(|file| (file.path.clone(), file)));
        }
        let mut plan = Self::default();
        for file in found.files {
            let before = known.remove(&file.path);
            plan.add(file, before, generation);
        }
        let unknown = |path: &Path| {
            found
                .unreadable
                .iter()
                .any(|(folder, _)| path.starts_with(folder))
        };
        plan.vanished = known
            .into_keys()
            .filter(|path| !unknown(path) && is_gone(path))
            .collect();
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

    fn add(&mut self, file: FoundFile, before: Option<IndexedFile>, generation: &Generation) {
        let state = before.as_ref().map(|before| before.state);
        let settled = before
            .as_ref()
            .is_some_and(|before| before.stamp == file.stamp && before.generation == *generation);
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
                let before = before.filter(|before| before.state == FileState::Indexed);
                self.jobs.push(Job {
                    path: file.path,
                    stamp: file.stamp,
                    is_fresh: false,
                    content: Content::default(),
                    before: before.map_or(Before::Nothing, |before| Before::Items(before.content)),
                });
            }
        }
    }
}

/// Hidden files that were indexed by name are not found, but they are there.
fn is_gone(path: &Path) -> bool {
    !path.symlink_metadata().is_ok_and(|metadata| metadata.is_file())
}
