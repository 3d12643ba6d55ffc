//! What happens, in numbers (Prometheus).

use std::sync::atomic::AtomicU64;
use std::time::Duration;

use prometheus_client::encoding::EncodeLabelSet;
use prometheus_client::encoding::text::encode;
use prometheus_client::metrics::counter::Counter;
use prometheus_client::metrics::family::Family;
use prometheus_client::metrics::gauge::Gauge;
use prometheus_client::metrics::histogram::Histogram;
use prometheus_client::registry::{Registry, Unit};

/// Upper bounds of durations, in seconds.
const SECONDS: [f64; 14] = [
    0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 5.0, 10.0, 30.0,
];

#[derive(Debug, Clone, PartialEq, Eq, Hash, EncodeLabelSet)]
pub(crate) struct Route {
    pub(crate) method: String,
    /// The pattern of the path, so that there are few.
    pub(crate) route: String,
    pub(crate) status: u16,
}

#[derive(Debug, Clone, PartialEq, Eq, Hash, EncodeLabelSet)]
struct Stage {
    stage: &'static str,
}

#[derive(Debug, Clone, PartialEq, Eq, Hash, EncodeLabelSet)]
struct Outcome {
    outcome: &'static str,
}

/// All of them.
pub(crate) struct Metrics {
    registry: Registry,
    requests: Family<Route, Histogram>,
    stages: Family<Stage, Histogram>,
    previews: Family<Outcome, Counter>,
    pub(crate) batch: Histogram,
    pub(crate) waiting: Gauge,
    pub(crate) items: Gauge<u64, AtomicU64>,
    pub(crate) jobs: Gauge,
}

fn seconds() -> Histogram {
    Histogram::new(SECONDS)
}

impl Metrics {
    pub(crate) fn new() -> Self {
        let metrics = Self {
            registry: Registry::with_prefix("sensorium"),
            requests: Family::new_with_constructor(seconds),
            stages: Family::new_with_constructor(seconds),
            previews: Family::default(),
            batch: Histogram::new([1.0, 2.0, 4.0, 8.0, 16.0, 32.0]),
            waiting: Gauge::default(),
            items: Gauge::default(),
            jobs: Gauge::default(),
        };
        metrics.registered()
    }

    fn registered(mut self) -> Self {
        let registry = &mut self.registry;
        let in_seconds = Unit::Seconds;
        registry.register_with_unit(
            "http_request",
            "Time to answer",
            in_seconds.clone(),
            self.requests.clone(),
        );
        registry.register_with_unit(
            "stage",
            "Time in a stage: waiting for the model, answering searches, encoding uploads, making previews",
            in_seconds,
            self.stages.clone(),
        );
        registry.register("search_batch", "Queries answered together", self.batch.clone());
        registry.register(
            "search_waiting",
            "Queries that wait for the model",
            self.waiting.clone(),
        );
        registry.register("items", "Items in the index", self.items.clone());
        registry.register("index_jobs", "Indexing jobs that wait or run", self.jobs.clone());
        registry.register(
            "preview_requests",
            "Previews by whether they were cached",
            self.previews.clone(),
        );
        self
    }

    pub(crate) fn answered(&self, route: Route, time: Duration) {
        self.requests.get_or_create(&route).observe(time.as_secs_f64());
    }

    pub(crate) fn stage(&self, stage: &'static str, time: Duration) {
        self.stages
            .get_or_create(&Stage { stage })
            .observe(time.as_secs_f64());
    }

    pub(crate) fn preview(&self, cached: bool) {
        let outcome = if cached { "cached" } else { "made" };
        self.previews.get_or_create(&Outcome { outcome }).inc();
    }

    /// All of them in the text format.
    pub(crate) fn text(&self) -> String {
        let mut text = String::new();
        // Writing to a string does not fail.
        let _ = encode(&mut text, &self.registry);
        text
    }
}
