//! Threads that hold a model: one answers searches, a few at a time; one encodes uploads. Each has a short queue.

use std::panic::{AssertUnwindSafe, catch_unwind};
use std::path::PathBuf;
use std::sync::Arc;
use std::sync::mpsc::{Receiver, SyncSender, sync_channel};
use std::thread;
use std::time::{Duration, Instant};

use sensorium_engine::{Answer, EncodedContent, FileEncoder, Query, Searcher};
use sensorium_types::Embedding;
use tokio::sync::oneshot;

use crate::metrics::Metrics;
use crate::problem::{Problem, Result};

/// Queries that are answered together at most.
const BATCH: usize = 32;

/// Uploads that wait at most: each is a file on disk.
const WAITING_UPLOADS: usize = 16;

/// What the model has to do, and who waits for it.
struct Job<W, A> {
    work: W,
    answer: oneshot::Sender<Result<A>>,
    since: Instant,
}

/// A way to a thread with a model.
struct Queue<W, A> {
    sender: SyncSender<Job<W, A>>,
    time: Duration,
}

impl<W, A> Queue<W, A> {
    /// What the thread makes of `work`.
    ///
    /// # Errors
    /// Busy, when too many wait or it takes too long.
    async fn ask(&self, work: W) -> Result<A> {
        let (answer, answered) = oneshot::channel();
        let since = Instant::now();
        let job = Job { work, answer, since };
        self.sender.try_send(job).map_err(|_| Problem::busy())?;
        match tokio::time::timeout(self.time, answered).await {
            Ok(Ok(answer)) => answer,
            Ok(Err(_)) => Err(Problem::internal("the thread of the model ended")),
            Err(_) => Err(Problem::busy()),
        }
    }
}

impl<W, A> Job<W, A> {
    /// Whether nobody waits for it any more.
    fn is_forsaken(&self) -> bool {
        self.answer.is_closed()
    }
}

/// Searches and embeds texts.
pub(crate) struct Search {
    searches: Queue<Work, Done>,
}

enum Work {
    Search(Box<Query>),
    Embed(Vec<String>),
}

enum Done {
    Answer(Box<Answer>),
    Embeddings(Vec<Embedding>),
}

impl Search {
    /// Starts the thread; it ends when this is dropped.
    pub(crate) fn start(
        searcher: Searcher,
        waiting: usize,
        time: Duration,
        metrics: Arc<Metrics>,
    ) -> std::io::Result<Self> {
        let (sender, jobs) = sync_channel(waiting.max(1));
        thread::Builder::new()
            .name("search".into())
            .spawn(move || search(searcher, &jobs, &metrics))?;
        Ok(Self {
            searches: Queue { sender, time },
        })
    }

    /// What `query` finds.
    pub(crate) async fn search(&self, query: Query) -> Result<Answer> {
        match self.searches.ask(Work::Search(Box::new(query))).await? {
            Done::Answer(answer) => Ok(*answer),
            Done::Embeddings(_) => Err(Problem::internal("embeddings instead of an answer")),
        }
    }

    /// The texts in the model's space.
    pub(crate) async fn embed(&self, texts: Vec<String>) -> Result<Vec<Embedding>> {
        match self.searches.ask(Work::Embed(texts)).await? {
            Done::Embeddings(embeddings) => Ok(embeddings),
            Done::Answer(_) => Err(Problem::internal("an answer instead of embeddings")),
        }
    }
}

fn search(mut searcher: Searcher, jobs: &Receiver<Job<Work, Done>>, metrics: &Metrics) {
    while let Ok(first) = jobs.recv() {
        let rest = std::iter::from_fn(|| jobs.try_recv().ok());
        let batch: Vec<_> = std::iter::once(first).chain(rest).take(BATCH).collect();
        let mut queries = Vec::new();
        let mut waiting = Vec::new();
        for job in batch.into_iter().filter(|job| !job.is_forsaken()) {
            metrics.stage("wait", job.since.elapsed());
            match job.work {
                Work::Search(query) => {
                    queries.push(*query);
                    waiting.push(job.answer);
                }
                Work::Embed(texts) => {
                    let embeddings = contained(|| searcher.embed(&texts));
                    let embeddings = embeddings.and_then(|done| Ok(Done::Embeddings(done?)));
                    // Whoever asked may have gone.
                    let _ = job.answer.send(embeddings);
                }
            }
        }
        if queries.is_empty() {
            continue;
        }
        let started = Instant::now();
        metrics.batch.observe(queries.len() as f64);
        match contained(|| searcher.search_all(queries)) {
            Ok(answers) => {
                for (waiting, answer) in waiting.into_iter().zip(answers) {
                    let answer = answer.map(|answer| Done::Answer(Box::new(answer)));
                    let _ = waiting.send(answer.map_err(Problem::from));
                }
            }
            Err(problem) => {
                for waiting in waiting {
                    let _ = waiting.send(Err(problem.clone()));
                }
            }
        }
        metrics.stage("search", started.elapsed());
    }
}

/// What `work` gives, or an internal problem when it panics: a fault concerns one request, not the server.
fn contained<T>(work: impl FnOnce() -> T) -> Result<T> {
    // A searcher holds caches, which are whole after each step.
    catch_unwind(AssertUnwindSafe(work)).map_err(|_| Problem::internal("a search panicked"))
}

/// Encodes uploads.
pub(crate) struct Encode {
    files: Queue<PathBuf, EncodedContent>,
}

impl Encode {
    /// Starts the thread; it ends when this is dropped.
    pub(crate) fn start(
        mut encoder: FileEncoder,
        time: Duration,
        metrics: Arc<Metrics>,
    ) -> std::io::Result<Self> {
        let (sender, jobs) = sync_channel::<Job<PathBuf, EncodedContent>>(WAITING_UPLOADS);
        thread::Builder::new().name("uploads".into()).spawn(move || {
            while let Ok(job) = jobs.recv() {
                if job.is_forsaken() {
                    continue;
                }
                let started = Instant::now();
                let encoded = contained(|| encoder.encode(&job.work));
                let _ = job.answer.send(encoded.and_then(|encoded| Ok(encoded?)));
                metrics.stage("encode", started.elapsed());
            }
        })?;
        Ok(Self {
            files: Queue { sender, time },
        })
    }

    /// The file at `path` in the model's space.
    pub(crate) async fn encode(&self, path: PathBuf) -> Result<EncodedContent> {
        self.files.ask(path).await
    }
}
