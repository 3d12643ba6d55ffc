//! Queries to hits: encode, recall by nearest neighbours, rank on one scale.

mod common;
mod condition;
mod confidence;
mod encode;
mod explain;
mod glances;
mod items;
mod matching;
mod moments;
mod overlay;
mod query;
mod rank;
mod second;
mod words;

use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::thread;
use std::time::Instant;

use sensorium_media::Limits;
use sensorium_model::{CANDIDATES, Package, Pool, Reranker, Scorer};
use sensorium_store::{Catalog, Filter, GraphIndex, LARGE, SqliteCatalog, VectorIndex as _, catch_up};
use sensorium_types::{Embedding, Hit};
use serde::Serialize;

use self::common::CommonWords;
pub use self::condition::{BadCondition, parse as parse_condition};
pub use self::confidence::CONFIDENT;
use self::confidence::confidence;
use self::encode::{Asked, EncodedPart, KnownPart, encode, finish};
pub use self::encode::{EncodedContent, FileEncoder};
use self::matching::Matching;
pub use self::query::{Part, PartContent, Query};
use self::rank::{Ask, Ranked, rank};
use self::second::SecondLook;
use self::words::Words;
use crate::Result;
use crate::space::items_elsewhere;

/// Answers queries from an index, also while another process writes to it.
pub struct Searcher {
    folder: PathBuf,
    catalog: Box<dyn Catalog>,
    index: GraphIndex,
    pool: Pool,
    package: Arc<Package>,
    limits: Limits,
    scorer: Scorer,
    /// Loaded with the first query that needs it.
    reranker: Option<Reranker>,
    common: CommonWords,
    matching: Matching,
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
    /// Whether nothing that was found is better than what the best of as many unrelated items would score.
    pub no_match: bool,
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
            index: GraphIndex::open(folder, &*catalog, &space, LARGE),
            catalog,
            pool: Pool::single(Arc::clone(package), limits.clone(), threads),
            package: Arc::clone(package),
            limits,
            scorer: Scorer::new(package),
            reranker: None,
            common: CommonWords::default(),
            matching: Matching::default(),
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
        let mut asked = self.ask(query)?;
        self.prepare([&mut asked]);
        self.answer(asked, started)
    }

    /// Answers `queries`, each for itself, in their order: many take less time together, since their texts are encoded
    /// together.
    pub fn search_all(&mut self, queries: Vec<Query>) -> Vec<Result<Answer>> {
        let started = Instant::now();
        let mut all: Vec<Result<Asked>> = queries.into_iter().map(|query| self.ask(query)).collect();
        self.prepare(all.iter_mut().flatten());
        let answers = all.into_iter().map(|asked| self.answer(asked?, started));
        answers.collect()
    }

    /// The texts of `texts` in the model's space.
    ///
    /// # Errors
    /// Those of the model.
    pub fn embed(&mut self, texts: &[String]) -> Result<Vec<Embedding>> {
        let encodings = self.pool.texts(texts)?.into_iter();
        Ok(encodings.map(|encoding| encoding.embedding).collect())
    }

    /// Whether the model has a second look.
    pub fn can_rerank(&self) -> bool {
        self.package.manifest().reranker.is_some()
    }

    /// `query` with what the index knows of its parts.
    fn ask(&mut self, query: Query) -> Result<Asked> {
        query.check()?;
        if self.reranker.is_none() && (query.rerank || query.explain) {
            self.reranker = Reranker::load(&self.package)?;
        }
        if query.rerank && self.reranker.is_none() {
            return Err(crate::Error::NoReranker(self.space.clone()));
        }
        let parts = self.known(&query)?;
        Ok(Asked { query, parts })
    }

    /// Encodes what is `asked` and brings the index up to date, side by side: the first query loads a tower and all
    /// vectors.
    fn prepare<'a>(&mut self, asked: impl IntoIterator<Item = &'a mut Asked> + Send) {
        let Self {
            folder,
            catalog,
            index,
            pool,
            space,
            ..
        } = self;
        thread::scope(|scope| {
            scope.spawn(|| encode(asked, pool));
            if index.is_outdated(folder) {
                *index = GraphIndex::open(folder, &**catalog, space, LARGE);
            }
            // What fails here fails again in each answer, where it is told.
            if let Err(error) = catch_up(index, &**catalog, space) {
                tracing::debug!(%error, "the index could not be brought up to date");
            }
        });
    }

    fn answer(&mut self, asked: Asked, started: Instant) -> Result<Answer> {
        let Asked { query, parts } = asked;
        let parts = self.finish(&query, parts)?;
        let filter = self.filter(&query)?;
        catch_up(&mut self.index, &*self.catalog, &self.space)?;
        let elsewhere = items_elsewhere(&*self.catalog, &self.folder, &self.space)?;
        let words = self.words(&query)?;
        let ask = Ask {
            parts: &parts,
            filter: &filter,
            words: &words,
        };
        let ranked = self.rank(&query, &ask)?;
        let among = self.among(&query, &filter);
        let mut hits = self.hits(ranked, &words, among)?;
        if query.moments {
            self.add_moments(&parts, &mut hits)?;
        }
        if query.explain {
            self.explain(&query, &ask, &mut hits)?;
        }
        let hits: Vec<Hit> = hits.into_iter().map(|(_, hit)| hit).collect();
        Ok(Answer {
            query,
            space: self.space.clone(),
            took_ms: started.elapsed().as_secs_f64() * 1000.0,
            no_match: hits.iter().all(|hit| hit.confidence < CONFIDENT),
            hits,
            elsewhere,
        })
    }

    /// The parts of `query`, of which `known` is known, with what a second look needs.
    fn finish(&mut self, query: &Query, known: Vec<Option<Result<KnownPart>>>) -> Result<Vec<EncodedPart>> {
        let reranker = self.reranker.as_ref().filter(|_| query.rerank || query.explain);
        let mut parts = Vec::with_capacity(known.len());
        for (part, known) in query.parts.iter().zip(known) {
            // Every part is known or was encoded.
            let known = known.unwrap_or(Err(crate::Error::BadQuery("a part has no content")))?;
            parts.push(finish(part, known, &mut self.pool, &self.package, reranker)?);
        }
        Ok(parts)
    }

    /// Which items have which words of `query`.
    fn words(&mut self, query: &Query) -> Result<Words> {
        self.common.follow(self.catalog.version()?);
        Words::find(query, &*self.catalog, self.index.len(), &mut self.common)
    }

    fn rank(&mut self, query: &Query, ask: &Ask<'_>) -> Result<Vec<Ranked>> {
        let mut ranked = Vec::new();
        let second = self.reranker.as_ref().filter(|_| query.rerank && query.limit > 0);
        let limit = second.map_or(query.limit, |_| query.limit.max(CANDIDATES));
        for &modality in &query.to {
            let mut found = rank(&self.index, &self.scorer, ask, modality, limit)?;
            if let Some(reranker) = second {
                let look = SecondLook {
                    catalog: &*self.catalog,
                    package: &self.package,
                    reranker,
                    parts: ask.parts,
                };
                look.rank(modality, &mut found, &mut self.pool)?;
            }
            ranked.extend(found);
        }
        ranked.sort_by(|a, b| b.score.total_cmp(&a.score).then(a.item.cmp(&b.item)));
        ranked.truncate(query.limit);
        Ok(ranked)
    }

    /// How many vectors may answer `query`.
    fn among(&self, query: &Query, filter: &Filter) -> usize {
        let modalities = query.to.iter().copied().map(Filter::Modality).collect();
        self.index
            .count(&Filter::And(vec![Filter::Or(modalities), filter.clone()]))
    }

    /// What the catalogue says of the ranked, the best of `among` vectors. Items that went meanwhile are left out.
    fn hits(&self, ranked: Vec<Ranked>, words: &Words, among: usize) -> Result<Vec<(Ranked, Hit)>> {
        let items = self
            .catalog
            .items(&ranked.iter().map(|ranked| ranked.item).collect::<Vec<_>>())?;
        let segments = self
            .catalog
            .segments(&ranked.iter().map(|ranked| ranked.segment).collect::<Vec<_>>())?;
        let mut hits = Vec::with_capacity(ranked.len());
        for ranked in ranked {
            let item = items.iter().find(|item| item.key == ranked.item);
            let segment = segments.iter().find(|segment| segment.key == ranked.segment);
            let first = item.and_then(|item| item.locations.first());
            let (Some(item), Some(segment), Some(first)) = (item, segment, first) else {
                continue;
            };
            let hit = Hit {
                rank: hits.len() + 1,
                score: probability(ranked.score),
                confidence: confidence(ranked.score, among),
                similarity: ranked.similarity,
                item: item.id,
                path: first.to_string(),
                file: first.path.clone(),
                locations: item.locations.iter().map(ToString::to_string).collect(),
                modality: item.modality,
                segment: segment.segment.clone(),
                text: segment.text.clone(),
                words: words.of(ranked.item),
                lines: self.catalog.lines(words.lines_of(ranked.item))?,
                moments: None,
                curve: None,
                explain: None,
            };
            hits.push((ranked, hit));
        }
        Ok(hits)
    }
}

/// Deviations above unrelated items at which a score is one half.
const EVEN: f64 = 3.0;

/// Maps deviations to 0 to 1, keeping their order: a logistic curve, until it is calibrated by more than the
/// mean and the deviation of unrelated pairs.
fn probability(deviations: f32) -> f64 {
    1.0 / (1.0 + (EVEN - f64::from(deviations)).exp())
}
