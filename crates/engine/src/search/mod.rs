//! Queries to hits: encode, recall by nearest neighbours, rank on one scale.

mod query;
mod rank;

use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::thread;
use std::time::Instant;

use sensorium_media::Limits;
use sensorium_model::{Package, Pool, Scorer};
use sensorium_store::{Catalog, ExactIndex, SqliteCatalog, VectorIndex, catch_up};
use sensorium_types::Hit;
use serde::Serialize;

use self::query::{EncodedPart, encode};
pub use self::query::{Part, PartContent, Query};
use self::rank::{Ranked, rank};
use crate::Result;
use crate::space::items_elsewhere;

/// Answers queries from an index, also while another process writes to it.
pub struct Searcher {
    folder: PathBuf,
    catalog: Box<dyn Catalog>,
    index: Box<dyn VectorIndex>,
    pool: Pool,
    scorer: Scorer,
    space: String,
}

/// What a query found.
#[derive(Debug, Serialize)]
pub struct Answer {
    /// The question.
    pub query: Query,
    /// The space in which it was answered.
    pub space: String,
    /// How long it took, in milliseconds.
    pub took_ms: f64,
    /// The answers, the best first.
    pub hits: Vec<Hit>,
    /// How many items could not be found, since their vectors are of another space.
    #[serde(skip)]
    pub elsewhere: u64,
}

impl Searcher {
    /// Opens the index in `folder` for searching with `package`. Vectors and towers are loaded with the first
    /// query that needs them. The model computes with `threads` threads; vectors are compared on rayon's global pool.
    ///
    /// # Errors
    /// As [`SqliteCatalog::open`], and [`OtherSpace`](crate::Error::OtherSpace).
    pub fn open(folder: &Path, package: &Arc<Package>, limits: Limits, threads: usize) -> Result<Self> {
        let catalog: Box<dyn Catalog> = Box::new(SqliteCatalog::open(folder)?);
        let space = package.space().to_string();
        items_elsewhere(&*catalog, folder, &space)?;
        Ok(Self {
            folder: folder.to_owned(),
            catalog,
            index: Box::new(ExactIndex::new()),
            pool: Pool::single(Arc::clone(package), limits, threads),
            scorer: Scorer::new(package),
            space,
        })
    }

    /// Answers `query` with what is in the index by now.
    ///
    /// # Errors
    /// [`BadQuery`](crate::Error::BadQuery), [`Query`](crate::Error::Query),
    /// [`QueryModality`](crate::Error::QueryModality), [`OtherSpace`](crate::Error::OtherSpace); those of the
    /// model and the store.
    pub fn search(&mut self, query: Query) -> Result<Answer> {
        let started = Instant::now();
        query.check()?;
        let Self {
            catalog,
            index,
            pool,
            space,
            ..
        } = self;
        // The first query loads a tower and all vectors: side by side.
        let (parts, caught_up) = thread::scope(|scope| {
            let parts = scope.spawn(|| encode(&query, pool));
            let caught_up = catch_up(&mut **index, &**catalog, space);
            (
                parts
                    .join()
                    .unwrap_or_else(|panic| std::panic::resume_unwind(panic)),
                caught_up,
            )
        });
        let (parts, ()) = (parts?, caught_up?);
        let elsewhere = items_elsewhere(&*self.catalog, &self.folder, &self.space)?;
        let ranked = self.rank(&query, &parts)?;
        let hits = self.hits(&ranked)?;
        Ok(Answer {
            query,
            space: self.space.clone(),
            took_ms: started.elapsed().as_secs_f64() * 1000.0,
            hits,
            elsewhere,
        })
    }

    fn rank(&self, query: &Query, parts: &[EncodedPart]) -> Result<Vec<Ranked>> {
        let mut ranked = Vec::new();
        for &modality in &query.to {
            ranked.extend(rank(&*self.index, &self.scorer, parts, modality, query.limit)?);
        }
        ranked.sort_by(|a, b| b.score.total_cmp(&a.score).then(a.item.cmp(&b.item)));
        ranked.truncate(query.limit);
        Ok(ranked)
    }

    /// What the catalogue says of the ranked. Items that went meanwhile are left out.
    fn hits(&self, ranked: &[Ranked]) -> Result<Vec<Hit>> {
        let items = self
            .catalog
            .items(&ranked.iter().map(|ranked| ranked.item).collect::<Vec<_>>())?;
        let segments = self
            .catalog
            .segments(&ranked.iter().map(|ranked| ranked.segment).collect::<Vec<_>>())?;
        let hits = ranked.iter().filter_map(|ranked| {
            let item = items.iter().find(|item| item.key == ranked.item)?;
            let segment = segments.iter().find(|segment| segment.key == ranked.segment)?;
            let first = item.locations.first()?;
            Some(Hit {
                rank: 0,
                score: probability(ranked.score),
                similarity: ranked.similarity,
                item: item.id,
                path: first.to_string(),
                file: first.path.clone(),
                locations: item.locations.iter().map(ToString::to_string).collect(),
                modality: item.modality,
                segment: segment.segment.clone(),
                text: segment.text.clone(),
            })
        });
        let ranked = hits.zip(1..).map(|(hit, rank)| Hit { rank, ..hit });
        Ok(ranked.collect())
    }
}

/// Deviations above unrelated items at which a score is one half.
const EVEN: f64 = 3.0;

/// Maps deviations to 0 to 1, keeping their order: a logistic curve, until it is calibrated by more than the
/// mean and the deviation of unrelated pairs.
fn probability(deviations: f32) -> f64 {
    1.0 / (1.0 + (EVEN - f64::from(deviations)).exp())
}
