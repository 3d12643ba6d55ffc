//! Indexing while others search: one job after the other, each with its progress.

use std::collections::VecDeque;
use std::path::PathBuf;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::mpsc::{Sender, channel};
use std::sync::{Arc, Mutex};
use std::thread;
use std::time::{Duration, Instant};

use axum::http::StatusCode;
use jiff::Timestamp;
use sensorium_engine::{IndexOptions, Indexer, Progress, Report};
use sensorium_model::Package;
use serde::Serialize;
use tokio::sync::watch;
use utoipa::ToSchema;

use crate::metrics::Metrics;
use crate::problem::{Problem, Result};

/// Jobs that are remembered.
const MOST: usize = 100;

/// Jobs that wait at most.
const MOST_WAITING: usize = 20;

/// How often progress is told.
const PAUSE: Duration = Duration::from_millis(200);

/// How much lower the priority of indexing is, so that searches are not starved.
const NICE: i32 = 10;

/// What a job is about.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, ToSchema)]
#[serde(rename_all = "lowercase")]
pub(crate) enum State {
    Queued,
    Running,
    Done,
    Failed,
    Cancelled,
}

/// A job, as clients see it.
#[derive(Debug, Clone, Serialize, ToSchema)]
pub(crate) struct Job {
    id: String,
    pub(crate) state: State,
    /// What is indexed; nothing for all that the index knows.
    paths: Vec<String>,
    /// Files found so far.
    walked: usize,
    /// Files that are new or may have changed, once that is known.
    planned: Option<usize>,
    /// Of those, files that are done.
    done: usize,
    /// What is done before and after these files; nothing while they are read.
    #[serde(skip_serializing_if = "Option::is_none")]
    stage: Option<Stage>,
    /// When it began.
    #[schema(value_type = Option<String>, format = DateTime)]
    started: Option<Timestamp>,
    /// Why it failed.
    #[serde(skip_serializing_if = "Option::is_none")]
    error: Option<String>,
    /// What it did.
    #[serde(skip_serializing_if = "Option::is_none")]
    report: Option<Report>,
}

/// A part of a job besides reading new files.
#[derive(Debug, Clone, Copy, Serialize, ToSchema)]
pub(crate) struct Stage {
    work: Work,
    /// How much there is to do.
    planned: usize,
    /// How much of that is done.
    done: usize,
}

/// What a [`Stage`] counts.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, ToSchema)]
#[serde(rename_all = "lowercase")]
pub(crate) enum Work {
    /// Items that get vectors of another space.
    Reencoding,
    /// Vectors that are arranged by their neighbours.
    Arranging,
    /// Files whose words are recognised.
    Transcribing,
}

impl Job {
    fn begin(&mut self, work: Work, planned: usize) {
        self.stage = Some(Stage {
            work,
            planned,
            done: 0,
        });
    }

    /// Whether nothing will change any more.
    pub(crate) fn is_over(&self) -> bool {
        !matches!(self.state, State::Queued | State::Running)
    }
}

/// A job and what it is told by.
struct Entry {
    id: u64,
    job: watch::Sender<Job>,
    paths: Vec<PathBuf>,
    cancelled: AtomicBool,
    /// What cancels the run, while there is one.
    running: Mutex<Option<Arc<AtomicBool>>>,
}

/// All jobs.
pub(crate) struct Jobs {
    entries: Mutex<VecDeque<Arc<Entry>>>,
    next: Mutex<u64>,
    sender: Sender<Arc<Entry>>,
}

impl Jobs {
    /// Starts the thread that indexes into `folder`; it ends when this is dropped.
    pub(crate) fn start(
        folder: PathBuf,
        package: Arc<Package>,
        options: IndexOptions,
        metrics: Arc<Metrics>,
    ) -> std::io::Result<Self> {
        let (sender, entries) = channel::<Arc<Entry>>();
        thread::Builder::new().name("index".into()).spawn(move || {
            // Of this thread and those that it starts. Without it, indexing is only less polite.
            let _ = rustix::process::nice(NICE);
            while let Ok(entry) = entries.recv() {
                metrics.jobs.inc();
                entry.run(|| Indexer::open(&folder), &package, &options);
                metrics.jobs.dec();
            }
        })?;
        Ok(Self {
            entries: Mutex::default(),
            next: Mutex::new(1),
            sender,
        })
    }

    /// Queues a job for `paths`, or for all that the index knows.
    pub(crate) fn add(&self, paths: Vec<PathBuf>) -> Result<Job> {
        let mut entries = self.entries.lock().map_err(Problem::internal)?;
        let waiting = entries.iter().filter(|entry| !entry.job.borrow().is_over());
        if waiting.count() >= MOST_WAITING {
            return Err(Problem::busy());
        }
        let mut next = self.next.lock().map_err(Problem::internal)?;
        let job = Job {
            id: next.to_string(),
            state: State::Queued,
            paths: paths
                .iter()
                .map(|path| sensorium_types::path_text(path).into_owned())
                .collect(),
            walked: 0,
            planned: None,
            done: 0,
            stage: None,
            started: None,
            error: None,
            report: None,
        };
        let entry = Arc::new(Entry {
            id: *next,
            job: watch::Sender::new(job.clone()),
            paths,
            cancelled: AtomicBool::new(false),
            running: Mutex::default(),
        });
        *next += 1;
        self.sender.send(Arc::clone(&entry)).map_err(Problem::internal)?;
        entries.push_front(entry);
        while entries.len() > MOST && entries.back().is_some_and(|entry| entry.job.borrow().is_over()) {
            entries.pop_back();
        }
        Ok(job)
    }

    /// All that are remembered, the last first.
    pub(crate) fn list(&self) -> Result<Vec<Job>> {
        let entries = self.entries.lock().map_err(Problem::internal)?;
        Ok(entries.iter().map(|entry| entry.job.borrow().clone()).collect())
    }

    /// Follows the job `id`.
    pub(crate) fn follow(&self, id: &str) -> Result<watch::Receiver<Job>> {
        Ok(self.entry(id)?.job.subscribe())
    }

    /// Cancels the job `id`: it ends after the files at hand.
    pub(crate) fn cancel(&self, id: &str) -> Result<Job> {
        let entry = self.entry(id)?;
        entry.cancelled.store(true, Ordering::Relaxed);
        if let Some(running) = &*entry.running.lock().map_err(Problem::internal)? {
            running.store(true, Ordering::Relaxed);
        }
        entry.job.send_if_modified(|job| {
            let waits = job.state == State::Queued;
            if waits {
                job.state = State::Cancelled;
            }
            waits
        });
        Ok(entry.job.borrow().clone())
    }

    fn entry(&self, id: &str) -> Result<Arc<Entry>> {
        let entries = self.entries.lock().map_err(Problem::internal)?;
        let number: Option<u64> = id.parse().ok();
        let found = entries.iter().find(|entry| Some(entry.id) == number);
        found
            .cloned()
            .ok_or_else(|| Problem::new(StatusCode::NOT_FOUND, format!("there is no job {id}")))
    }
}

impl Entry {
    fn run(
        &self,
        open: impl FnOnce() -> sensorium_engine::Result<Indexer>,
        package: &Arc<Package>,
        options: &IndexOptions,
    ) {
        if self.cancelled.load(Ordering::Relaxed) {
            return;
        }
        self.job.send_modify(|job| {
            job.state = State::Running;
            job.started = Some(Timestamp::now());
        });
        let ended = open().and_then(|indexer| self.index(indexer, package, options));
        self.job.send_modify(|job| match ended {
            Ok(report) => {
                job.state = State::Done;
                job.done = job.planned.unwrap_or_default();
                job.report = Some(report);
            }
            Err(sensorium_engine::Error::Cancelled) => job.state = State::Cancelled,
            Err(error) => {
                job.state = State::Failed;
                job.error = Some(error.to_string());
            }
        });
    }

    fn index(
        &self,
        mut indexer: Indexer,
        package: &Arc<Package>,
        options: &IndexOptions,
    ) -> sensorium_engine::Result<Report> {
        let cancelled = indexer.cancelled();
        if let Ok(mut running) = self.running.lock() {
            *running = Some(Arc::clone(&cancelled));
        }
        // It may have been cancelled before there was a run.
        cancelled.store(self.cancelled.load(Ordering::Relaxed), Ordering::Relaxed);
        let mut told = Instant::now();
        let mut progress = |progress| {
            let is_new = matches!(
                progress,
                Progress::Planned(_)
                    | Progress::Reencoding(_)
                    | Progress::Arranging(_)
                    | Progress::Transcribing(_)
            );
            let is_due = is_new || told.elapsed() >= PAUSE;
            if is_due {
                told = Instant::now();
            }
            self.job.send_if_modified(|job| {
                match progress {
                    Progress::Walking(files) => job.walked = files,
                    Progress::Planned(files) => {
                        job.stage = None;
                        job.planned = Some(files);
                    }
                    Progress::Done(files) => job.done += files,
                    Progress::Reencoding(items) => job.begin(Work::Reencoding, items),
                    Progress::Arranging(vectors) => job.begin(Work::Arranging, vectors),
                    Progress::Transcribing(files) => job.begin(Work::Transcribing, files),
                    Progress::Reencoded(done) | Progress::Arranged(done) | Progress::Transcribed(done) => {
                        job.stage.iter_mut().for_each(|stage| stage.done += done);
                    }
                }
                is_due
            });
        };
        match self.paths.is_empty() {
            true => indexer.refresh(package, options, &mut progress),
            false => indexer.run(&self.paths, package, options, &mut progress),
        }
    }
}
