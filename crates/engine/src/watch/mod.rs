//! An index that follows its files: the system tells what changes, and what has settled is brought up to date.
//!
//! A thread of `notify` notes changes, the calling thread waits until some have settled and indexes them, under the
//! writer's lock only as long as it writes. What the system does not tell, as that a disk went away, is looked for now and then.

mod note;
mod pending;
mod places;
mod scope;
mod told;
mod tree;

use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::{Duration, Instant};

use crossbeam_channel::{Receiver, Sender, bounded};
use sensorium_model::Package;
use sensorium_store::Error as StoreError;

use self::note::{Notes, explained};
use self::pending::{Batch, EVERYTHING};
use self::places::{Places, Turn};
use self::scope::Scope;
use self::told::Told;
use self::tree::Tree;
use crate::index::roots;
use crate::{Error, IndexOptions, Indexer, Progress, Report, Result};

/// So often it is looked whether roots and disks have gone or come back.
const LOOK: Duration = Duration::from_secs(2);

/// So long another indexer of the same index is waited for before it is tried again.
const BUSY: Duration = Duration::from_secs(1);

/// So long after a failure of the store it is tried again.
const RETRY: Duration = Duration::from_secs(10);

/// So often everything is looked at where the system does not tell of all changes.
const POLL: Duration = Duration::from_secs(60);

/// How an index follows its files.
#[derive(Debug, Clone, PartialEq)]
pub struct WatchOptions {
    /// How files are indexed.
    pub index: IndexOptions,
    /// Look at all files so often instead of asking the system to tell of changes, which it cannot of those that other machines make.
    pub poll: Option<Duration>,
}

/// What happens while an index follows its files.
#[derive(Debug)]
pub enum WatchNotice<'a> {
    /// How far the present run is.
    Progress(Progress),
    /// A run ended that changed something, or the first one. Of what was refused, only what was not told before.
    Round(Report),
    /// From now on changes at and below these paths are followed.
    Watching(&'a [PathBuf]),
    /// What is at and below this path is away: it stays in the index until it comes back.
    Away(&'a Path),
    /// It is back.
    Back(&'a Path),
    /// A run failed or found the index busy, and will be tried again.
    Waiting(&'a Error),
    /// The system does not tell of all changes, for this cause: all files are looked at so often, too.
    Polling(String, Duration),
}

/// Stops a [`Watcher`] from another thread.
#[derive(Debug, Clone)]
pub struct Stopper {
    stopped: Arc<AtomicBool>,
    wake: Sender<()>,
}

impl Stopper {
    /// Lets [`Watcher::run`] end after the files at hand.
    pub fn stop(&self) {
        self.stopped.store(true, Ordering::Relaxed);
        // One that is awake already looks.
        let _ = self.wake.try_send(());
    }

    fn is_stopped(&self) -> bool {
        self.stopped.load(Ordering::Relaxed)
    }
}

/// Keeps an index up to date with some files and folders as they change.
pub struct Watcher {
    index: PathBuf,
    package: Arc<Package>,
    options: WatchOptions,
    scope: Scope,
    places: Places,
    tree: Tree,
    notes: Notes,
    /// When everything is looked at next, where that is done regularly.
    next_poll: Option<(Instant, Duration)>,
    told: Told,
    /// Whether the first run has ended.
    is_up_to_date: bool,
    stopper: Stopper,
    woken: Receiver<()>,
}

impl Watcher {
    /// One that will follow `paths` for the index in `index`.
    ///
    /// # Errors
    /// [`Error::Path`] when one of `paths` is not there.
    pub fn new(
        index: &Path,
        paths: &[PathBuf],
        package: Arc<Package>,
        options: WatchOptions,
    ) -> Result<Self> {
        let (wake, woken) = bounded(1);
        let scope = Scope::new(roots(paths)?);
        Ok(Self {
            index: index.to_owned(),
            package,
            notes: Notes::new(scope.clone(), wake.clone()),
            scope,
            places: Places::default(),
            tree: Tree::default(),
            next_poll: options.poll.map(|every| (Instant::now() + every, every)),
            options,
            told: Told::default(),
            is_up_to_date: false,
            stopper: Stopper {
                stopped: Arc::default(),
                wake,
            },
            woken,
        })
    }

    /// What stops it from another thread.
    pub fn stopper(&self) -> Stopper {
        self.stopper.clone()
    }

    /// Brings the index up to date and keeps it so until it is stopped. `tell` gets what happens.
    ///
    /// # Errors
    /// As [`Indexer::run`], where waiting cannot help.
    pub fn run(&mut self, tell: &mut dyn FnMut(WatchNotice<'_>)) -> Result<()> {
        self.scope.roots().iter().for_each(|root| self.places.add(root));
        if self.options.poll.is_none() {
            match Tree::new(self.notes.clone()) {
                Ok(tree) => self.tree = tree,
                Err(error) => self.poll(&error, tell),
            }
        }
        self.round(&Batch::everything(), tell)?;
        self.is_up_to_date = true;
        if !self.stopper.is_stopped() {
            tell(WatchNotice::Watching(self.scope.roots()));
        }
        while !self.stopper.is_stopped() {
            let now = Instant::now();
            self.look(now, tell);
            let due = self.notes.pending().due();
            if due.is_some_and(|due| due <= now) {
                let batch = self.notes.pending().take(now);
                self.round(&batch, tell)?;
            } else {
                // Whatever wakes it is seen the next time round.
                let _ = self
                    .woken
                    .recv_timeout(due.map_or(LOOK, |due| (due - now).min(LOOK)));
            }
        }
        Ok(())
    }

    /// Looks at everything from time to time, because of `error`.
    fn poll(&mut self, error: &notify::Error, tell: &mut dyn FnMut(WatchNotice<'_>)) {
        if self.next_poll.is_none() {
            self.next_poll = Some((Instant::now() + POLL, POLL));
            tell(WatchNotice::Polling(explained(error), POLL));
        }
    }

    /// Looks for what nobody tells.
    fn look(&mut self, now: Instant, tell: &mut dyn FnMut(WatchNotice<'_>)) {
        for turn in self.places.look() {
            match turn {
                Turn::Away(path) => tell(WatchNotice::Away(&path)),
                Turn::Back(path) => {
                    tell(WatchNotice::Back(&path));
                    self.notes.pending().add(&path, true, now);
                }
            }
        }
        if let Some((next, every)) = &mut self.next_poll
            && *next <= now
        {
            *next = now + *every;
            self.notes.pending().add(Path::new(EVERYTHING), true, now);
        }
    }

    /// Brings the index up to date with what has changed, however long that takes.
    fn round(&mut self, batch: &Batch, tell: &mut dyn FnMut(WatchNotice<'_>)) -> Result<()> {
        let mut paths = self.scope.coalesce(batch.paths.iter().cloned());
        tracing::debug!(?paths, "bringing up to date what has changed");
        self.follow_folders(batch, tell);
        let mut said = String::new();
        while !self.stopper.is_stopped() {
            self.look(Instant::now(), tell);
            match self.index(&mut paths, tell) {
                Ok(report) => {
                    let news = self.told.news(&paths, report);
                    if !self.is_up_to_date || news.is_some() {
                        tell(WatchNotice::Round(news.unwrap_or_default()));
                    }
                    return Ok(());
                }
                Err(Error::Cancelled) => return Ok(()),
                Err(error) => {
                    let Some(pause) = self.pause(&error) else {
                        return Err(error);
                    };
                    let message = error.to_string();
                    if said != message {
                        tell(WatchNotice::Waiting(&error));
                        said = message;
                    }
                    self.sleep(pause);
                }
            }
        }
        Ok(())
    }

    /// Watches the folders that are there now. It comes before the files are looked at, so that what changes later is told.
    fn follow_folders(&mut self, batch: &Batch, tell: &mut dyn FnMut(WatchNotice<'_>)) {
        let folders = self.scope.coalesce(batch.folders.iter().cloned());
        let met = self.tree.follow(&folders);
        met.mounts.iter().for_each(|mount| self.places.add(mount));
        if let Some(error) = met.trouble {
            self.poll(&error, tell);
        }
    }

    /// Brings the index up to date with `paths`; with everything, when there is no index any more.
    fn index(&mut self, paths: &mut Vec<PathBuf>, tell: &mut dyn FnMut(WatchNotice<'_>)) -> Result<Report> {
        let mut indexer = match Indexer::open_existing(&self.index) {
            Err(Error::Store(StoreError::Absent { .. })) => {
                *paths = self.scope.roots().to_vec();
                Indexer::open(&self.index)?
            }
            opened => opened?,
        };
        indexer.cancel_by(Arc::clone(&self.stopper.stopped));
        let away = self.places.away();
        paths.retain(|path| !away.iter().any(|place| path.starts_with(place)));
        let mut progress = |progress| tell(WatchNotice::Progress(progress));
        indexer.follow(paths, &away, &self.package, &self.options.index, &mut progress)
    }

    /// How long to wait before what failed is tried again, if that may help. At the start nobody is served by waiting for a disk
    /// that may be full for ever.
    fn pause(&self, error: &Error) -> Option<Duration> {
        match error {
            Error::Store(StoreError::Busy { .. }) => Some(BUSY),
            Error::Store(
                StoreError::Newer { .. } | StoreError::Foreign { .. } | StoreError::Damaged { .. },
            ) => None,
            Error::Store(_) if self.is_up_to_date => Some(RETRY),
            _ => None,
        }
    }

    /// Waits for so long, or until it is stopped.
    fn sleep(&self, time: Duration) {
        let end = Instant::now() + time;
        while !self.stopper.is_stopped() && self.woken.recv_deadline(end).is_ok() {}
    }
}
