//! Files into an index: walk, compare with what is known, decode, encode, commit.
//!
//! One thread looks at files and hashes them, the pool decodes and encodes on all cores, and the calling
//! thread commits; short queues lie between, so that memory is bounded and none waits for long.

mod commit;
mod feed;
mod items;
mod known;
mod near;
mod plan;
mod reencode;
mod report;
#[cfg(test)]
mod tests;
mod walk;

use std::ops::ControlFlow;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::thread;

use crossbeam_channel::bounded;
use sensorium_media::{Limits, WINDOWING_VERSION};
use sensorium_model::{EncodedFile, Package, Pool};
use sensorium_store::{Catalog, Generation, Look, Refusal, SqliteCatalog, WriterLock};

use self::commit::Committer;
pub(crate) use self::commit::{BATCH_BYTES, BATCH_FILES};
use self::feed::Feed;
use self::items::Kept;
pub(crate) use self::items::{bytes as item_bytes, name_record};
pub(crate) use self::known::without_links;
use self::plan::{Job, Plan};
pub use self::report::{Progress, Refused, Report};
use self::walk::Found;
pub use self::walk::open_unchanged;
pub(crate) use self::walk::{entries, is_hidden, roots, topmost};
use crate::space::items_elsewhere;
use crate::transcribe::{Recognisers, Transcription, Transcripts};
use crate::{Error, Result};

/// How files are indexed.
#[derive(Debug, Clone, PartialEq)]
pub struct IndexOptions {
    /// What one file may cost.
    pub limits: Limits,
    /// How many cores are used; at least one.
    pub threads: usize,
    /// Whether the towers' pooled features are kept, from which vectors of another space can be made later.
    pub features: bool,
    /// Whether an index of another space is brought into that of the model.
    pub migrate: bool,
    /// Which words in media are looked for, of all items that lack them.
    pub transcripts: Transcripts,
    /// From how many vectors of a modality and track on they are arranged for searches that do not look at all;
    /// [`ARRANGE_FROM`](crate::ARRANGE_FROM) unless there is a reason.
    pub arrange_from: usize,
}

/// On what terms files are read.
struct Terms {
    generation: Generation,
    /// The hash of the limits.
    limits: [u8; 32],
    /// Whether the towers' features are kept.
    features: bool,
    /// What recognises words.
    recognisers: Recognisers,
}

/// The one that writes to an index. It has the writer's lock as long as it lives.
pub struct Indexer {
    pub(crate) folder: PathBuf,
    pub(crate) catalog: Box<dyn Catalog>,
    cancelled: Arc<AtomicBool>,
    /// Whether what is kept of nearest neighbours was read and found whole, or made again.
    has_seen_near: AtomicBool,
    // Let go last, after the catalogue is closed.
    _lock: WriterLock,
}

/// What happens to a file on its way.
enum Event {
    /// It was refused before it was decoded, or is ignored.
    Refused(Job, sensorium_media::Error),
    /// Its content is in the catalogue, with these refusals.
    Known(Job, Vec<Refusal>),
    /// Its content is that of another file of this run.
    Repeated(Job),
    /// It was decoded and encoded, or refused.
    Encoded(Job, Box<sensorium_media::Result<EncodedFile<Kept>>>),
}

impl Indexer {
    /// Opens the index in `folder` for writing, and makes both when they are not there.
    ///
    /// # Errors
    /// As [`SqliteCatalog::create`] and [`WriterLock::acquire`].
    pub fn open(folder: &Path) -> Result<Self> {
        std::fs::create_dir_all(folder).map_err(|source| Error::path(folder, source))?;
        let folder = folder
            .canonicalize()
            .map_err(|source| Error::path(folder, source))?;
        let lock = WriterLock::acquire(&folder)?;
        let catalog = SqliteCatalog::create(&folder, &lock)?;
        Ok(Self {
            folder,
            catalog: Box::new(catalog),
            cancelled: Arc::default(),
            has_seen_near: AtomicBool::new(false),
            _lock: lock,
        })
    }

    /// What cancels a run from another thread: when it is set, the run ends with [`Error::Cancelled`] after the files at hand.
    pub fn cancelled(&self) -> Arc<AtomicBool> {
        Arc::clone(&self.cancelled)
    }

    /// Lets `flag` cancel runs from now on.
    pub(crate) fn cancel_by(&mut self, flag: Arc<AtomicBool>) {
        self.cancelled = flag;
    }

    /// Opens the index in `folder` for writing, when there is one.
    ///
    /// # Errors
    /// As [`open`](Self::open), and [`sensorium_store::Error::Absent`].
    pub fn open_existing(folder: &Path) -> Result<Self> {
        SqliteCatalog::open(folder)?;
        Self::open(folder)
    }

    /// Brings the index up to date with the files at and below `paths`, and tells `progress` how far it is.
    ///
    /// # Errors
    /// [`Error::Path`] when one of `paths` is not there and [`Error::OtherSpace`], before anything is changed;
    /// [`Error::Model`] and [`Error::Store`], after which everything that was committed stays.
    pub fn run(
        &mut self,
        paths: &[PathBuf],
        package: &Arc<Package>,
        options: &IndexOptions,
        progress: &mut dyn FnMut(Progress),
    ) -> Result<Report> {
        let roots = walk::roots(paths)?;
        let terms = self.terms(package, options, progress)?;
        let found = walk::walk(&roots, progress);
        self.update(&roots, found, package, &terms, options, progress)
    }

    /// Brings the index up to date with what is at and below `paths`, which are absolute and without links, whether it is still
    /// there or not. What is at and below `away` is left as it is.
    ///
    /// # Errors
    /// As [`run`](Self::run), but for paths that are not there.
    pub(crate) fn follow(
        &mut self,
        paths: &[PathBuf],
        away: &[PathBuf],
        package: &Arc<Package>,
        options: &IndexOptions,
        progress: &mut dyn FnMut(Progress),
    ) -> Result<Report> {
        let terms = self.terms(package, options, progress)?;
        let mut found = walk::walk(paths, progress);
        found.away = away.to_vec();
        self.update(paths, found, package, &terms, options, progress)
    }

    /// What the model makes. An index of another space is brought into the model's as far as kept features allow, or is an
    /// error, as `options` say.
    fn terms(
        &mut self,
        package: &Package,
        options: &IndexOptions,
        progress: &mut dyn FnMut(Progress),
    ) -> Result<Terms> {
        let terms = Terms::new(package, options)?;
        if options.migrate {
            reencode::reencode(&mut *self.catalog, package, &terms.generation, progress)?;
        } else {
            items_elsewhere(&*self.catalog, &self.folder, &terms.generation.space)?;
        }
        Ok(terms)
    }

    /// Brings the index up to date with what was found at and below `roots`.
    fn update(
        &mut self,
        roots: &[PathBuf],
        found: Found,
        package: &Arc<Package>,
        terms: &Terms,
        options: &IndexOptions,
        progress: &mut dyn FnMut(Progress),
    ) -> Result<Report> {
        let plan = Plan::new(&*self.catalog, roots, found, terms)?;
        progress(Progress::Planned(plan.jobs.len()));
        let mut report = self.work(plan, package, terms, options, progress)?;
        if options.transcripts != Transcripts::default() {
            self.transcribe(roots, terms, options, &mut report, progress)?;
        }
        Ok(report)
    }

    /// Makes the transcripts that are wanted of items at and below `roots`.
    fn transcribe(
        &mut self,
        roots: &[PathBuf],
        terms: &Terms,
        options: &IndexOptions,
        report: &mut Report,
        progress: &mut dyn FnMut(Progress),
    ) -> Result<()> {
        let transcription = Transcription {
            recognisers: &terms.recognisers,
            limits: &options.limits,
            threads: options.threads,
            roots,
            cancelled: &self.cancelled,
        };
        let reread = transcription.run(&self.folder, &mut *self.catalog, progress)?;
        report.transcribed = Some(reread.read);
        report.refused.extend(reread.refused);
        report.refused.sort();
        Ok(())
    }

    fn work(
        &mut self,
        plan: Plan,
        package: &Arc<Package>,
        terms: &Terms,
        options: &IndexOptions,
        progress: &mut dyn FnMut(Progress),
    ) -> Result<Report> {
        let mut pool = Pool::new(Arc::clone(package), options.limits.clone(), options.threads);
        let mut reader = self.catalog.another()?;
        let mut committer = Committer::new(&mut *self.catalog, terms, plan.report);
        let mut jobs = plan.jobs;
        while !jobs.is_empty() {
            let stop = Stop {
                ended: AtomicBool::new(false),
                cancelled: &self.cancelled,
            };
            let feed = Feed {
                catalog: &mut *reader,
                terms,
                limits: &options.limits,
                stop: &stop,
            };
            round(jobs, feed, &mut pool, &mut committer, options.threads, progress)?;
            if self.cancelled.load(Ordering::Relaxed) {
                return Err(Error::Cancelled);
            }
            jobs = committer.end_round();
        }
        let report = committer.finish(plan.vanished)?;
        self.keep_near(&terms.generation.space, options.arrange_from, progress);
        Ok(report)
    }

    /// Arranges the vectors where they are `large` many, so that they are searched soon. Nothing is lost where that fails.
    pub(crate) fn keep_near(&self, space: &str, large: usize, progress: &mut dyn FnMut(Progress)) {
        // Files do not change behind its back: once is enough.
        let look = match self.has_seen_near.swap(true, Ordering::Relaxed) {
            true => Look::Lengths,
            false => Look::Contents,
        };
        let kept = near::keep(
            &self.folder,
            &*self.catalog,
            space,
            large,
            look,
            &self.cancelled,
            progress,
        );
        if let Err(error) = kept {
            tracing::warn!(%error, "vectors could not be arranged: searches take longer");
        }
    }
}

impl Terms {
    fn new(package: &Package, options: &IndexOptions) -> Result<Self> {
        Ok(Self {
            generation: Generation {
                space: package.space().to_string(),
                windowing: WINDOWING_VERSION,
            },
            limits: *blake3::hash(format!("{:?}", options.limits).as_bytes()).as_bytes(),
            features: options.features,
            recognisers: Recognisers::find(package, options.transcripts)?,
        })
    }
}

/// Why no further file is begun.
struct Stop<'a> {
    /// Nobody commits any more.
    ended: AtomicBool,
    /// Nobody wants it any more.
    cancelled: &'a AtomicBool,
}

impl Stop<'_> {
    fn is_set(&self) -> bool {
        self.ended.load(Ordering::Relaxed) || self.cancelled.load(Ordering::Relaxed)
    }
}

/// Sends `jobs` through all stages.
fn round(
    jobs: Vec<Job>,
    feed: Feed<'_>,
    pool: &mut Pool,
    committer: &mut Committer<'_>,
    threads: usize,
    progress: &mut dyn FnMut(Progress),
) -> Result<()> {
    let stop = feed.stop;
    let features = feed.terms.features;
    let (job_sender, queue) = bounded::<(Job, PathBuf)>(2 * threads);
    let (sender, events) = bounded::<Event>(4);
    let (committed, encoded) = thread::scope(|scope| {
        let fed = sender.clone();
        scope.spawn(move || feed.run(jobs, &job_sender, &fed));
        let pool = scope.spawn(move || {
            let wanted = queue.into_iter().take_while(|_| !stop.is_set());
            let keep = |encoding| Kept::new(&encoding, features);
            pool.files_as(wanted, keep, |job, file| {
                // Nobody listens when committing has failed.
                match sender.send(Event::Encoded(job, Box::new(file))) {
                    Ok(()) => ControlFlow::Continue(()),
                    Err(_) => ControlFlow::Break(()),
                }
            })
        });
        let committed = committer.follow(&events, progress);
        stop.ended.store(true, Ordering::Relaxed);
        drop(events);
        let encoded = pool
            .join()
            .unwrap_or_else(|panic| std::panic::resume_unwind(panic));
        (committed, encoded)
    });
    committed?;
    // What was encoded before the model failed is kept.
    let flushed = committer.flush();
    encoded?;
    progress(Progress::Done(flushed?));
    Ok(())
}
