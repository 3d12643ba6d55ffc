//! Results into the catalogue, in batches.

use std::collections::HashMap;
use std::path::PathBuf;
use std::time::{Duration, Instant};

use half::f16;
use half::slice::HalfFloatSliceExt as _;
use sensorium_media::Cause;
use sensorium_model::{EncodedFile, EncodedSegment};
use sensorium_store::{
    Catalog, FileState, Generation, IndexedFile, NewFile, NewItem, NewSegment, Refusal, Write,
};
use sensorium_types::{Fields, ItemId};

use super::feed::{Kind, kind};
use super::plan::{Before, Job};
use super::walk::stamp;
use super::{Event, Refused, Report};
use crate::Result;

/// A batch is committed when it has so many files, or weighs so many bytes, or is so old: often enough to lose
/// little, seldom enough to cost little.
const FILES: usize = 512;
const BYTES: usize = 16 << 20;
const AGE: Duration = Duration::from_secs(1);

/// The last stage of the pipeline.
pub(super) struct Committer<'a> {
    catalog: &'a mut dyn Catalog,
    generation: &'a Generation,
    features: bool,
    report: Report,
    batch: Vec<Write>,
    bytes: usize,
    since: Instant,
    /// The kinds that were decoded in this run.
    finished: HashMap<Kind, Outcome>,
    /// Files of a kind whose first is still on its way.
    waiting: HashMap<Kind, Vec<Job>>,
}

/// What came of decoding a file, and of all others of its kind.
#[derive(Debug, Clone)]
enum Outcome {
    /// It holds items; some of its records may be refused.
    Indexed(Vec<Refusal>),
    /// It is refused.
    Refused(Refusal),
    /// It vanished while it was read.
    Gone,
}

impl<'a> Committer<'a> {
    pub(super) fn new(
        catalog: &'a mut dyn Catalog,
        generation: &'a Generation,
        features: bool,
        report: Report,
    ) -> Self {
        Self {
            catalog,
            generation,
            features,
            report,
            batch: Vec::new(),
            bytes: 0,
            since: Instant::now(),
            finished: HashMap::new(),
            waiting: HashMap::new(),
        }
    }

    /// Takes an event, and returns how many files it finished.
    ///
    /// # Errors
    /// When the catalogue cannot be written.
    pub(super) fn take(&mut self, event: Event) -> Result<usize> {
        let done = match event {
            Event::Refused(job, error) => {
                self.refuse(job, &error);
                1
            }
            Event::Known(job, refusals) => {
                self.put_same(job, &refusals);
                1
            }
            Event::Repeated(job) => self.repeated(job),
            Event::Encoded(job, file) => self.encoded(job, *file),
        };
        if self.batch.len() >= FILES || self.bytes >= BYTES || self.since.elapsed() >= AGE {
            self.flush()?;
        }
        Ok(done)
    }

    /// Commits what was taken.
    pub(super) fn flush(&mut self) -> Result<()> {
        self.bytes = 0;
        self.since = Instant::now();
        if !self.batch.is_empty() {
            self.catalog.write(std::mem::take(&mut self.batch))?;
        }
        Ok(())
    }

    /// Forgets what has vanished, now that everything that was moved is in its new place.
    pub(super) fn finish(mut self, vanished: Vec<PathBuf>) -> Result<Report> {
        self.report.dropped += vanished.len();
        forget(self.catalog, vanished)?;
        self.report.refused.sort();
        Ok(self.report)
    }

    fn encoded(&mut self, job: Job, file: sensorium_media::Result<EncodedFile>) -> usize {
        let kind = kind(job.content, &job.path);
        let outcome = match file {
            Err(error) => self.refuse(job, &error),
            Ok(_) if has_changed(&job) => {
                let refusal = whole("was changed while it was read: index it again");
                self.set_aside(job, FileState::RefusedForNow, refusal)
            }
            Ok(file) => self.index(job, file),
        };
        let waiting = self.waiting.remove(&kind).unwrap_or_default();
        self.finished.insert(kind, outcome);
        1 + waiting.into_iter().map(|job| self.repeated(job)).sum::<usize>()
    }

    /// A file of the kind of another file of this run.
    fn repeated(&mut self, job: Job) -> usize {
        let kind = kind(job.content, &job.path);
        match self.finished.get(&kind).cloned() {
            None => {
                self.waiting.entry(kind).or_default().push(job);
                return 0;
            }
            Some(Outcome::Indexed(refusals)) => self.put_same(job, &refusals),
            // Only the first of its kind knows whether the cause may pass: the next run asks again.
            Some(Outcome::Refused(refusal)) => {
                self.set_aside(job, FileState::RefusedForNow, refusal);
            }
            // So the next run decodes this one.
            Some(Outcome::Gone) => {}
        }
        1
    }

    fn put_same(&mut self, job: Job, refusals: &[Refusal]) {
        match job.before {
            Before::Items(content) if content == Some(job.content) => self.report.unchanged += 1,
            Before::Items(_) => self.report.updated += 1,
            Before::Nothing => self.report.added += 1,
        }
        self.report_refusals(&job, refusals);
        self.batch.push(Write::Same {
            stamp: job.stored_stamp(),
            path: job.path,
            content: job.content,
            generation: self.generation.clone(),
        });
    }

    /// Puts the items of a file into the batch.
    fn index(&mut self, job: Job, file: EncodedFile) -> Outcome {
        let refusals: Vec<Refusal> = file
            .refused
            .iter()
            .map(|error| Refusal {
                record: error.record,
                cause: error.cause.to_string(),
            })
            .collect();
        let items = self.items(&job, file);
        if items.is_empty() && refusals.is_empty() {
            let refusal = whole("has nothing in it that can be searched");
            return self.set_aside(job, FileState::Refused, refusal);
        }
        match job.before {
            Before::Items(_) => self.report.updated += 1,
            Before::Nothing => self.report.added += 1,
        }
        self.put(job, FileState::Indexed, refusals.clone(), items);
        Outcome::Indexed(refusals)
    }

    fn items(&mut self, job: &Job, file: EncodedFile) -> Vec<NewItem> {
        let mut items: Vec<NewItem> = Vec::new();
        for segment in file.segments {
            let record = segment.record.as_ref().map(|record| record.number);
            if items.last().is_none_or(|item| item.record != record) {
                items.push(NewItem {
                    id: ItemId::from_hash(job.content),
                    modality: file.modality,
                    format: file.format.clone(),
                    bytes: job.stamp.size,
                    record,
                    fields: segment
                        .record
                        .as_ref()
                        .map_or_else(Fields::new, |record| (*record.fields).clone()),
                    segments: Vec::new(),
                });
            }
            if let Some(item) = items.last_mut() {
                item.segments.push(self.segment(segment));
            }
        }
        items
            .iter_mut()
            .filter(|item| item.record.is_some())
            .for_each(name_record);
        items
    }

    fn segment(&mut self, segment: EncodedSegment) -> NewSegment {
        let features = if self.features {
            segment.encoding.features
        } else {
            Vec::new()
        };
        let vector = halves(segment.encoding.embedding.as_slice());
        let features = halves(&features);
        self.bytes += size_of_val(&vector[..]) + size_of_val(&features[..]);
        self.bytes += segment.text.as_ref().map_or(0, String::len);
        NewSegment {
            segment: segment.segment,
            text: segment.text,
            vector,
            features,
        }
    }

    /// Puts a file that was not decoded into the batch.
    fn refuse(&mut self, job: Job, error: &sensorium_media::Error) -> Outcome {
        let refusal = whole(&error.cause.to_string());
        let state = match &error.cause {
            Cause::Unknown(_) => {
                self.report.ignored += 1;
                self.put(job, FileState::Ignored, Vec::new(), Vec::new());
                return Outcome::Refused(refusal);
            }
            Cause::Read(_) if job.path.symlink_metadata().is_err() => {
                // It was there a moment ago.
                if let Before::Items(_) = job.before {
                    self.report.dropped += 1;
                }
                self.batch.push(Write::Forget(job.path));
                return Outcome::Gone;
            }
            // What it holds may be what it held: that is kept until it can be read again.
            Cause::Read(_) if job.before != Before::Nothing => {
                self.report_refusals(&job, std::slice::from_ref(&refusal));
                return Outcome::Refused(refusal);
            }
            Cause::Read(_) | Cause::Limit { .. } | Cause::TooSlow(_) | Cause::MissingProgram { .. } => {
                FileState::RefusedForNow
            }
            _ => FileState::Refused,
        };
        self.set_aside(job, state, refusal)
    }

    fn set_aside(&mut self, job: Job, state: FileState, refusal: Refusal) -> Outcome {
        self.put(job, state, vec![refusal.clone()], Vec::new());
        Outcome::Refused(refusal)
    }

    fn report_refusals(&mut self, job: &Job, refusals: &[Refusal]) {
        let refused = refusals.iter().map(|refusal| Refused::new(&job.path, refusal));
        self.report.refused.extend(refused);
    }

    fn put(&mut self, job: Job, state: FileState, refusals: Vec<Refusal>, items: Vec<NewItem>) {
        self.report_refusals(&job, &refusals);
        let stamp = job.stored_stamp();
        self.batch.push(Write::File(NewFile {
            file: IndexedFile {
                path: job.path,
                stamp,
                content: (state == FileState::Indexed).then_some(job.content),
                state,
                generation: self.generation.clone(),
                refusals,
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
        catalog.write(files.by_ref().take(FILES).collect())?;
    }
    Ok(())
}

/// Names the item of a record by its text, so that the same text elsewhere is the same item.
fn name_record(item: &mut NewItem) {
    let mut hasher = blake3::Hasher::new();
    item.bytes = 0;
    for text in item.segments.iter().filter_map(|segment| segment.text.as_deref()) {
        hasher.update(text.as_bytes()).update(b"\n");
        item.bytes += text.len() as u64;
    }
    item.id = ItemId::from_hash(*hasher.finalize().as_bytes());
}

/// Half floats have no room for more than 65,504.
fn halves(values: &[f32]) -> Vec<f16> {
    let limit = f16::MAX.to_f32();
    let bounded: Vec<f32> = values.iter().map(|value| value.clamp(-limit, limit)).collect();
    let mut halves = vec![f16::ZERO; values.len()];
    halves.convert_from_f32_slice(&bounded);
    halves
}

fn whole(cause: &str) -> Refusal {
    Refusal {
        record: None,
        cause: cause.to_owned(),
    }
}

fn has_changed(job: &Job) -> bool {
    job.path.metadata().map(|metadata| stamp(&metadata)).ok() != Some(job.stamp)
}
