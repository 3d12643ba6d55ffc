//! Files into an index: walk, compare with what is known, decode, encode, commit.
//!
//! One thread looks at files and hashes them, the pool decodes and encodes on all cores, and the calling
//! thread commits; short queues lie between, so that memory is bounded and none waits for long.

mod commit;
mod feed;
mod known;
mod plan;
mod report;
mod walk;

use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::thread;

use crossbeam_channel::bounded;
use sensorium_media::{Limits, WINDOWING_VERSION};
use sensorium_model::{EncodedFile, Package, Pool};
use sensorium_store::{Catalog, Generation, Refusal, SqliteCatalog, WriterLock};

use self::commit::Committer;
use self::feed::Feed;
use self::plan::{Job, Plan};
pub use self::report::{Progress, Refused, Report};
use self::walk::Found;
use crate::space::items_elsewhere;
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
}

/// The one that writes to an index. It has the writer's lock as long as it lives.
pub struct Indexer {
    folder: PathBuf,
    catalog: Box<dyn Catalog>,
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
    Encoded(Job, Box<sensorium_media::Result<EncodedFile>>),
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
            _lock: lock,
        })
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
        let generation = self.generation(package, options)?;
        let roots = walk::roots(paths)?;
        let found = walk::walk(&roots, progress);
        self.update(&roots, found, package, generation, options, progress)
    }

    /// What the model makes, unless the index is of another space and shall stay there.
    fn generation(&self, package: &Package, options: &IndexOptions) -> Result<Generation> {
        let space = package.space().to_string();
        if !options.migrate {
            items_elsewhere(&*self.catalog, &self.folder, &space)?;
        }
        Ok(Generation {
            space,
            windowing: WINDOWING_VERSION,
        })
    }

    /// Brings the index up to date with what was found at and below `roots`.
    fn update(
        &mut self,
        roots: &[PathBuf],
        found: Found,
        package: &Arc<Package>,
        generation: Generation,
        options: &IndexOptions,
        progress: &mut dyn FnMut(Progress),
    ) -> Result<Report> {
        let plan = Plan::new(&*self.catalog, roots, found, &generation)?;
        progress(Progress::Planned(plan.jobs.len()));
        self.work(plan, package, generation, options, progress)
    }

    fn work(
        &mut self,
        plan: Plan,
        package: &Arc<Package>,
        generation: Generation,
        options: &IndexOptions,
        progress: &mut dyn FnMut(Progress),
    ) -> Result<Report> {
        let Plan {
            jobs,
            vanished,
            report,
        } = plan;
        if jobs.is_empty() && vanished.is_empty() {
            return Ok(report);
        }
        let reader = self.catalog.another()?;
        let mut pool = Pool::new(Arc::clone(package), options.limits.clone(), options.threads);
        let mut committer = Committer::new(&mut *self.catalog, &generation, options.features, report);
        let (job_sender, queue) = bounded::<(Job, PathBuf)>(2 * options.threads);
        let (sender, events) = bounded::<Event>(4);
        let (committed, encoded) = thread::scope(|scope| {
            let feed = Feed {
                catalog: reader,
                generation: &generation,
                limits: &options.limits,
            };
            let fed = sender.clone();
            scope.spawn(move || feed.run(jobs, &job_sender, &fed));
            let pool = scope.spawn(move || {
                pool.files(queue, |job, file| {
                    // Nobody listens when committing has failed; then the feed ends, too.
                    let _ = sender.send(Event::Encoded(job, Box::new(file)));
                })
            });
            let committed: Result<()> = events.into_iter().try_for_each(|event| {
                progress(Progress::Done(committer.take(event)?));
                Ok(())
            });
            let encoded = pool
                .join()
                .unwrap_or_else(|panic| std::panic::resume_unwind(panic));
            (committed, encoded)
        });
        // What was encoded before a failure is kept.
        let flushed = committer.flush();
        committed?;
        encoded?;
        flushed?;
        committer.finish(vanished)
    }
}
