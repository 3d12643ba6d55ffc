//! Results into the catalogue, in batches.

use std::collections::HashMap;
use std::path::PathBuf;
use std::time::{Duration, Instant};

use crossbeam_channel::{Receiver, RecvTimeoutError};
use sensorium_media::Cause;
use sensorium_model::EncodedFile;
use sensorium_store::{Catalog, FileState, IndexedFile, NewFile, NewItem, Refusal, Write};

use super::feed::{Kind, kind};
use super::items::{self, Kept};
use super::plan::{Before, Job};
use super::walk::{is_gone, stamp};
use super::{Event, Progress, Refused, Report, Terms};
use crate::Result;

/// A batch is committed when it has so many files, or weighs so many bytes, or is so old: often enough to lose
/// little, seldom enough to cost little.
pub(crate) const BATCH_FILES: usize = 512;
pub(crate) const BATCH_BYTES: usize = 16 << 20;
const AGE: Duration = Duration::from_secs(1);

/// The last stage of the pipeline.
pub(super) struct Committer<'a> {
    catalog: &'a mut dyn Catalog,
    terms: &'a Terms,
    report: Report,
    batch: Vec<Write>,
    /// The steps of the batch that may find nothing, by their place in it, with what is refused in each.
    hopes: Vec<(usize, Job, Vec<Refusal>)>,
    bytes: usize,
    since: Instant,
    /// Files that are done with the next commit.
    settled: usize,
    /// The kinds that were decoded in this round.
    finished: HashMap<Kind, Outcome>,
    /// Files of a kind whose first is still on its way.
    waiting: HashMap<Kind, Vec<Job>>,
    /// Files that the next round has to look at.
    again: Vec<Job>,
}

/// What decoding a file says of all others of its kind.
#[derive(Debug, Clone)]
enum Outcome {
    /// They hold its items; some of their records may be refused.
    Indexed(Vec<Refusal>),
    /// They hold nothing.
    Nothing(Verdict),
    /// Nothing, since its trouble may be its own.
    Unknown,
}

/// Why a file holds nothing.
#[derive(Debug, Clone)]
struct Verdict {
    state: FileState,
    refusals: Vec<Refusal>,
    /// Whether others might have passed where these limits stood.
    by_limits: bool,
}

impl<'a> Committer<'a> {
    pub(super) fn new(catalog: &'a mut dyn Catalog, terms: &'a Terms, report: Report) -> Self {
        Self {
            catalog,
            terms,
            report,
            batch: Vec::new(),
            hopes: Vec::new(),
            bytes: 0,
            since: Instant::now(),
            settled: 0,
            finished: HashMap::new(),
            waiting: HashMap::new(),
            again: Vec::new(),
        }
    }

    /// Takes `events` until there are no more, and commits on the way.
    ///
    /// # Errors
    /// When the catalogue cannot be written.
    pub(super) fn follow(
        &mut self,
        events: &Receiver<Event>,
        progress: &mut dyn FnMut(Progress),
    ) -> Result<()> {
        loop {
            // A batch does not wait for the next event, which may be an hour of sound away.
            match events.recv_timeout(AGE.saturating_sub(self.since.elapsed())) {
                Ok(event) => self.take(event),
                Err(RecvTimeoutError::Timeout) => {}
                Err(RecvTimeoutError::Disconnected) => return Ok(()),
            }
            if self.batch.len() >= BATCH_FILES || self.bytes >= BATCH_BYTES || self.since.elapsed() >= AGE {
                progress(Progress::Done(self.flush()?));
            }
        }
    }

    fn take(&mut self, event: Event) {
        match event {
            Event::Refused(job, error) => drop(self.refuse(job, &error)),
            Event::Known(job, refusals) => self.hope(job, refusals),
            Event::Repeated(job) => self.repeated(job),
            Event::Encoded(job, file) => self.encoded(job, *file),
        }
    }

    /// Commits what was taken, and returns how many files are done by that.
    ///
    /// # Errors
    /// When the catalogue cannot be written.
    pub(super) fn flush(&mut self) -> Result<usize> {
        self.bytes = 0;
        self.since = Instant::now();
        if !self.batch.is_empty() {
            let written = self.catalog.write(std::mem::take(&mut self.batch))?;
            for (place, job, refusals) in std::mem::take(&mut self.hopes) {
                if written.unfound.binary_search(&place).is_ok() {
                    // What held its content holds something else by now: it is decoded after all.
                    self.again.push(job);
                } else {
                    self.found(&job, &refusals);
                }
            }
        }
        Ok(std::mem::take(&mut self.settled))
    }

    /// Ends a round, and returns the files that another one has to look at: fewer each time, since a file comes
    /// again only when another one of its round was settled.
    pub(super) fn end_round(&mut self) -> Vec<Job> {
        self.finished.clear();
        std::mem::take(&mut self.again)
    }

    /// Forgets what has vanished, now that everything that was moved is in its new place.
    ///
    /// # Errors
    /// When the catalogue cannot be written.
    pub(super) fn finish(mut self, vanished: Vec<PathBuf>) -> Result<Report> {
        forget(self.catalog, vanished)?;
        self.report.refused.sort();
        Ok(self.report)
    }

    fn encoded(&mut self, job: Job, file: sensorium_media::Result<EncodedFile<Kept>>) {
        let kind = kind(job.content, &job.path);
        let outcome = match file {
            Err(error) => self.refuse(job, &error),
            Ok(_) if has_changed(&job) => {
                self.leave(job, whole("was changed while it was read: index it again"))
            }
            Ok(file) => self.index(job, file),
        };
        let waiting = self.waiting.remove(&kind).unwrap_or_default();
        self.finished.insert(kind, outcome);
        waiting.into_iter().for_each(|job| self.repeated(job));
    }

    /// A file of the kind of another file of this round.
    fn repeated(&mut self, job: Job) {
        let kind = kind(job.content, &job.path);
        match self.finished.get(&kind).cloned() {
            None => self.waiting.entry(kind).or_default().push(job),
            Some(Outcome::Indexed(refusals)) => self.hope(job, refusals),
            Some(Outcome::Nothing(verdict)) => self.set_aside(job, verdict),
            Some(Outcome::Unknown) => self.again.push(job),
        }
    }

    /// The catalogue should have what the file holds.
    fn hope(&mut self, job: Job, refusals: Vec<Refusal>) {
        self.batch.push(Write::Same {
            stamp: job.stored_stamp(),
            path: job.path.clone(),
            content: job.content,
            generation: self.terms.generation.clone(),
        });
        self.hopes.push((self.batch.len() - 1, job, refusals));
    }

    /// It has.
    fn found(&mut self, job: &Job, refusals: &[Refusal]) {
        match job.before {
            Before::Items(content) if content == Some(job.content) => self.report.unchanged += 1,
            Before::Items(_) => self.report.updated += 1,
            Before::Nothing => self.report.added += 1,
        }
        self.settled += 1;
        self.report_refusals(job, refusals);
    }

    /// Puts the items of a file into the batch.
    fn index(&mut self, job: Job, mut file: EncodedFile<Kept>) -> Outcome {
        let refused = std::mem::take(&mut file.refused);
        let mut refusals: Vec<Refusal> = refused.iter().map(refusal).collect();
        let items = items::items(&job, file);
        if items.is_empty() {
            if refusals.is_empty() {
                refusals.push(whole("has nothing in it that can be searched"));
            }
            let verdict = Verdict {
                state: FileState::Refused,
                refusals,
                by_limits: refused.iter().any(|error| is_limit(&error.cause)),
            };
            self.set_aside(job, verdict.clone());
            return Outcome::Nothing(verdict);
        }
        match job.before {
            Before::Items(_) => self.report.updated += 1,
            Before::Nothing => self.report.added += 1,
        }
        self.bytes += items::bytes(&items);
        let verdict = Verdict {
            state: FileState::Indexed,
            refusals: refusals.clone(),
            by_limits: false,
        };
        self.put(job, verdict, items);
        Outcome::Indexed(refusals)
    }

    /// A file that was not decoded.
    fn refuse(&mut self, job: Job, error: &sensorium_media::Error) -> Outcome {
        let state = match &error.cause {
            Cause::Read(_) => return self.leave(job, refusal(error)),
            Cause::Unknown(_) => FileState::Ignored,
            Cause::MissingProgram { .. } => FileState::RefusedForNow,
            _ => FileState::Refused,
        };
        let verdict = Verdict {
            state,
            refusals: match state {
                FileState::Ignored => Vec::new(),
                _ => vec![refusal(error)],
            },
            by_limits: is_limit(&error.cause),
        };
        self.set_aside(job, verdict.clone());
        match &error.cause {
            // Another one may be faster to read.
            Cause::TooSlow(_) => Outcome::Unknown,
            _ => Outcome::Nothing(verdict),
        }
    }

    /// A file that could not be read, or not as it was: what it held is kept until it can be, unless it is gone.
    fn leave(&mut self, job: Job, refusal: Refusal) -> Outcome {
        if is_gone(&job.path) {
            self.report.dropped += usize::from(job.before != Before::Nothing);
            self.settled += 1;
            self.batch.push(Write::Forget(job.path));
        } else if job.before == Before::Nothing {
            let verdict = Verdict {
                state: FileState::RefusedForNow,
                refusals: vec![refusal],
                by_limits: false,
            };
            self.set_aside(job, verdict);
        } else {
            self.settled += 1;
            self.report_refusals(&job, &[refusal]);
        }
        Outcome::Unknown
    }

    fn set_aside(&mut self, job: Job, verdict: Verdict) {
        self.report.ignored += usize::from(verdict.state == FileState::Ignored);
        self.put(job, verdict, Vec::new());
    }

    fn report_refusals(&mut self, job: &Job, refusals: &[Refusal]) {
        let refused = refusals.iter().map(|refusal| Refused::new(&job.path, refusal));
        self.report.refused.extend(refused);
    }

    fn put(&mut self, job: Job, verdict: Verdict, items: Vec<NewItem>) {
        self.settled += 1;
        self.report_refusals(&job, &verdict.refusals);
        let stamp = job.stored_stamp();
        self.batch.push(Write::File(NewFile {
            file: IndexedFile {
                path: job.path,
                stamp,
                content: (verdict.state == FileState::Indexed).then_some(job.content),
                state: verdict.state,
                limits: verdict.by_limits.then_some(self.terms.limits),
                generation: self.terms.generation.clone(),
                refusals: verdict.refusals,
            },
            items,
        }));
    }
}

/// Forgets `files`, in batches.
///
/// # Errors
/// When the catalogue cannot be written.
pub(super) fn forget(catalog: &mut dyn Catalog, files: impl IntoIterator<Item = PathBuf>) -> Result<()> {
    let mut files = files.into_iter().map(Write::Forget).peekable();
    while files.peek().is_some() {
        catalog.write(files.by_ref().take(BATCH_FILES).collect())?;
    }
    Ok(())
}

fn refusal(error: &sensorium_media::Error) -> Refusal {
    Refusal {
        record: error.record,
        cause: error.cause.to_string(),
    }
}

fn whole(cause: &str) -> Refusal {
    Refusal {
        record: None,
        cause: cause.to_owned(),
    }
}

fn is_limit(cause: &Cause) -> bool {
    matches!(cause, Cause::Limit { .. } | Cause::TooSlow(_))
}

fn has_changed(job: &Job) -> bool {
    job.path.metadata().map(|metadata| stamp(&metadata)).ok() != Some(job.stamp)
}
