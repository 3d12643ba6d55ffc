//! Looks at files, hashes them, and sends each where it belongs.

use std::collections::HashSet;
use std::ffi::OsString;
use std::os::unix::ffi::OsStrExt as _;
use std::path::{Path, PathBuf};
use std::time::{Duration, SystemTime, UNIX_EPOCH};

use crossbeam_channel::Sender;
use sensorium_media::{Cause, Limits};
use sensorium_store::{Catalog, Content, Refusal};

use super::plan::Job;
use super::walk::stamp;
use super::{Event, Stop, Terms};

/// A file that changed so shortly before it was read may change again within the same tick of the clock.
const TICK: Duration = Duration::from_millis(50);

/// The first stage of the pipeline.
pub(super) struct Feed<'a> {
    pub(super) catalog: &'a mut dyn Catalog,
    pub(super) terms: &'a Terms,
    pub(super) limits: &'a Limits,
    /// Whether the rest of the files is wanted.
    pub(super) stop: &'a Stop<'a>,
}

impl Feed<'_> {
    /// Sends those of `jobs` that must be decoded to `queue`, and what is known of the others to `events`. Ends
    /// early when it is stopped or nobody listens any more.
    pub(super) fn run(self, jobs: Vec<Job>, queue: &Sender<(Job, PathBuf)>, events: &Sender<Event>) {
        let mut queued = HashSet::new();
        for mut job in jobs {
            if self.stop.is_set() {
                return;
            }
            tracing::debug!(path = %job.path.display(), "looking at a file");
            let event = match self.hash(&mut job) {
                Err(error) => Event::Refused(job, error),
                Ok(()) if queued.contains(&kind(job.content, &job.path)) => Event::Repeated(job),
                Ok(()) => match self.known(&job) {
                    Some(refusals) => Event::Known(job, refusals),
                    None => {
                        queued.insert(kind(job.content, &job.path));
                        let path = job.path.clone();
                        if queue.send((job, path)).is_err() {
                            return;
                        }
                        continue;
                    }
                },
            };
            if events.send(event).is_err() {
                return;
            }
        }
    }

    /// Hashes the file, and notes by what a later change is noticed.
    fn hash(&self, job: &mut Job) -> sensorium_media::Result<()> {
        let file = sensorium_media::check(&job.path, self.limits)?;
        let mut read = || {
            job.stamp = stamp(&file.metadata()?);
            let now = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default();
            let tick = now.saturating_sub(TICK).as_nanos();
            job.is_fresh = i128::from(job.stamp.changed) > tick.cast_signed();
            job.content = *blake3::Hasher::new().update_reader(&file)?.finalize().as_bytes();
            Ok(())
        };
        read().map_err(|error| sensorium_media::Error::new(&job.path.clone(), Cause::Read(error)))
    }

    /// What is refused in the file of the catalogue that is the same, when there is one.
    ///
    /// When the catalogue cannot be asked, the file is decoded; the committer will meet the same trouble.
    fn known(&self, job: &Job) -> Option<Vec<Refusal>> {
        let extension = job.path.extension().unwrap_or_default().as_bytes();
        let same = self.catalog.same(&job.content, extension, &self.terms.generation);
        same.unwrap_or_default()
    }
}

/// Files of one kind are decoded to the same: their content, and their extension, which says how text is written.
pub(super) type Kind = (Content, OsString);

pub(super) fn kind(content: Content, path: &Path) -> Kind {
    (content, path.extension().unwrap_or_default().to_ascii_lowercase())
}
