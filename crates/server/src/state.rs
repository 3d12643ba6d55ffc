//! What all requests share.

use std::path::PathBuf;
use std::sync::{Arc, Mutex};

use sensorium_engine::{ARRANGE_FROM, FileEncoder, IndexOptions, Indexer, Searcher};
use sensorium_media::Limits;
use sensorium_model::Package;
use sensorium_store::{Catalog, SqliteCatalog};

use crate::api::status::Overview;
use crate::auth::Auth;
use crate::jobs::Jobs;
use crate::metrics::Metrics;
use crate::previews::Previews;
use crate::readers::Readers;
use crate::uploads::Uploads;
use crate::worker::{Encode, Search};
use crate::{Error, Result, Settings};

/// Names by which a machine calls itself.
const LOOPBACK_NAMES: [&str; 3] = ["localhost", "127.0.0.1", "[::1]"];

/// The parts of a server.
pub(crate) struct App {
    pub(crate) index: PathBuf,
    pub(crate) card: Option<PathBuf>,
    pub(crate) space: String,
    pub(crate) reranker: bool,
    pub(crate) auth: Auth,
    pub(crate) search: Search,
    pub(crate) uploads: Uploads,
    pub(crate) readers: Readers,
    pub(crate) previews: Arc<Previews>,
    pub(crate) jobs: Jobs,
    pub(crate) metrics: Arc<Metrics>,
    /// What the index holds, and the change that it is of.
    pub(crate) overview: Mutex<Option<Arc<Overview>>>,
}

impl App {
    /// Opens the index, and makes it when it is not there.
    pub(crate) fn new(settings: &Settings, package: &Arc<Package>) -> Result<Self> {
        if matches!(
            SqliteCatalog::open(&settings.index),
            Err(sensorium_store::Error::Absent { .. })
        ) {
            Indexer::open(&settings.index)?;
        }
        settings.transcripts.check(package)?;
        let metrics = Arc::new(Metrics::new());
        let uploads = settings.upload_limits();
        let searcher = Searcher::open(&settings.index, package, uploads.clone(), settings.threads)?;
        let reranker = searcher.can_rerank();
        let catalog: Box<dyn Catalog> = Box::new(SqliteCatalog::open(&settings.index)?);
        let encoder = FileEncoder::new(package, uploads.clone(), settings.threads);
        let index = settings.index.canonicalize().map_err(|source| Error::Path {
            path: settings.index.clone(),
            source,
        })?;
        let options = IndexOptions {
            limits: settings.limits.clone(),
            // The rest is for searches.
            threads: settings.threads.saturating_sub(1).max(1),
            features: true,
            migrate: false,
            transcripts: settings.transcripts,
            arrange_from: ARRANGE_FROM,
        };
        let previews = Previews::new(
            settings.cache.clone(),
            settings.cache_bytes,
            preview_limits(&settings.limits),
            Arc::clone(&metrics),
        );
        let previews = previews.map_err(|source| Error::Path {
            path: settings.cache.clone(),
            source,
        })?;
        let names = match settings.host.is_loopback() {
            true => {
                let own = LOOPBACK_NAMES.map(str::to_owned);
                let given = settings.names.iter().map(|name| name.to_ascii_lowercase());
                own.into_iter().chain(given).collect()
            }
            // Whoever comes from elsewhere needs a key.
            false => Vec::new(),
        };
        Ok(Self {
            card: settings.card.clone(),
            space: package.space().to_string(),
            reranker,
            auth: Auth::new(settings.keys.clone(), settings.read_only, names),
            search: Search::start(searcher, settings.queue, settings.time, Arc::clone(&metrics))?,
            uploads: Uploads::new(
                Encode::start(encoder, settings.time, Arc::clone(&metrics))?,
                settings.upload_bytes,
            )?,
            readers: Readers::new(catalog),
            previews: Arc::new(previews),
            jobs: Jobs::start(index.clone(), Arc::clone(package), options, Arc::clone(&metrics))?,
            index,
            metrics,
            overview: Mutex::default(),
        })
    }
}

/// Previews have an account of their own, so that they do not wait for an indexing job.
fn preview_limits(limits: &Limits) -> Limits {
    Limits {
        memory: sensorium_media::Memory::new(limits.memory.limit()),
        ..limits.clone()
    }
}
