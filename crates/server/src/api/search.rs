//! Questions.

use std::sync::Arc;

use axum::extract::State;
use sensorium_engine::{Answer, Part as QueryPart, Query as EngineQuery};
use sensorium_types::{Hit, ItemId, Modality};
use serde::{Deserialize, Serialize};
use utoipa::{IntoParams, ToSchema};

use super::extract::{Json, Query, cursor, limit, modalities};
use crate::about::Media;
use crate::problem::{Problem, Result};
use crate::state::App;

/// Answers of a page.
const USUAL: usize = 30;
const MOST: usize = 200;

/// Answers in all: who looks at more asks another question.
const DEEPEST: usize = 2000;

/// Answers of which each can be explained.
const MOST_EXPLAINED: usize = 50;

/// Parts of a query.
const MOST_PARTS: usize = 16;

/// Characters of a text or a condition.
const LONGEST_TEXT: usize = 10_000;

/// A question.
#[derive(Debug, Clone, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct Search {
    /// What to look for; at least one that is not `without`.
    #[schema(min_items = 1, max_items = 16)]
    parts: Vec<Part>,
    /// The modalities of the answers; all when there is none.
    #[serde(default)]
    to: Vec<Modality>,
    /// What answers have to fulfil, as in `duration > 60 and path ~ "2024/*"`.
    #[serde(default, rename = "where", skip_serializing_if = "Option::is_none")]
    condition: Option<String>,
    /// How many answers are wanted; 30 unless it is said.
    #[serde(default, skip_serializing)]
    #[schema(minimum = 1, maximum = 200)]
    limit: Option<usize>,
    /// `next` of an earlier answer to the same question.
    #[serde(default, skip_serializing)]
    cursor: Option<String>,
    /// Whether the first answers are ranked once more, by attention.
    #[serde(default)]
    rerank: bool,
    /// Whether sounds and videos say when they answer.
    #[serde(default)]
    moments: bool,
    /// Whether answers say why they were found; for 50 answers at most.
    #[serde(default)]
    explain: bool,
    /// Whether names, folders, captions and texts that have the words of the query count.
    #[serde(default = "yes")]
    #[schema(default = true)]
    words: bool,
}

fn yes() -> bool {
    true
}

/// One part of a question: a text, an item of the index or an upload.
#[derive(Debug, Clone, Default, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct Part {
    /// Words.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    text: Option<String>,
    /// The id of an item.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    item: Option<ItemId>,
    /// The id of an upload.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    upload: Option<String>,
    /// How much it counts beside the others; 1 unless it is said.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schema(exclusive_minimum = 0.0)]
    weight: Option<f32>,
    /// Whether answers shall be unlike it.
    #[serde(default)]
    without: bool,
}

/// What was found.
#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct Found {
    /// The question.
    query: Search,
    /// The space in which it was answered.
    space: String,
    /// How long that took, in milliseconds.
    took_ms: f64,
    /// Whether nothing that was found is better than what the best of as many unrelated items would score.
    no_match: bool,
    /// Items that cannot be found, since their vectors are of another space.
    elsewhere: u64,
    /// The answers, the best first.
    hits: Vec<FoundItem>,
    /// The cursor of the answers behind these; null when there are none.
    next: Option<String>,
}

/// An item that answers.
#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct FoundItem {
    #[serde(flatten)]
    hit: Hit,
    media: Media,
}

/// A question in an address.
#[derive(Debug, Deserialize, IntoParams)]
#[into_params(parameter_in = Query)]
pub(crate) struct Simply {
    /// Words.
    q: String,
    /// Modalities, as in `image,video`; all when nothing is said.
    to: Option<String>,
    /// How many answers are wanted.
    #[param(minimum = 1, maximum = 200)]
    limit: Option<usize>,
    /// What answers have to fulfil.
    #[serde(rename = "where")]
    condition: Option<String>,
    /// `next` of an earlier answer.
    cursor: Option<String>,
}

/// Search for words.
#[utoipa::path(get, path = "/search", tag = "search", params(Simply),
    responses((status = 200, body = Found), (status = "4XX", body = Problem), (status = 503, body = Problem)))]
pub(crate) async fn search_simply(
    State(app): State<Arc<App>>,
    Query(simply): Query<Simply>,
) -> Result<axum::Json<Found>> {
    let part = Part {
        text: Some(simply.q),
        ..Part::default()
    };
    let search = Search {
        to: modalities(simply.to.as_deref())?,
        condition: simply.condition,
        limit: simply.limit,
        cursor: simply.cursor,
        ..Search::new(vec![part])
    };
    answer(&app, search).await
}

/// Search for texts, items and uploads.
#[utoipa::path(post, path = "/search", tag = "search", request_body = Search,
    responses((status = 200, body = Found), (status = "4XX", body = Problem), (status = 503, body = Problem)))]
pub(crate) async fn search(
    State(app): State<Arc<App>>,
    Json(search): Json<Search>,
) -> Result<axum::Json<Found>> {
    answer(&app, search).await
}

impl Search {
    /// For `parts`, with nothing more.
    pub(crate) fn new(parts: Vec<Part>) -> Self {
        Self {
            parts,
            to: Vec::new(),
            condition: None,
            limit: None,
            cursor: None,
            rerank: false,
            moments: false,
            explain: false,
            words: true,
        }
    }

    /// What is like an item.
    pub(crate) fn like(item: ItemId, to: Vec<Modality>, limit: Option<usize>) -> Self {
        let part = Part {
            item: Some(item),
            ..Part::default()
        };
        Self {
            to,
            limit,
            ..Self::new(vec![part])
        }
    }

    /// The question as the engine knows it, with `limit` answers.
    fn query(&self, app: &App, limit: usize) -> Result<EngineQuery> {
        if self.parts.len() > MOST_PARTS {
            return Err(Problem::bad_request(format!(
                "a query may have {MOST_PARTS} parts at most"
            )));
        }
        if self
            .condition
            .as_ref()
            .is_some_and(|text| text.chars().count() > LONGEST_TEXT)
        {
            return Err(Problem::bad_request(format!(
                "a condition may have {LONGEST_TEXT} characters at most"
            )));
        }
        let parts = self.parts.iter().map(|part| part.query(app));
        Ok(EngineQuery {
            to: Modality::each_once(&self.to),
            condition: self.condition.clone(),
            limit,
            rerank: self.rerank,
            words: self.words,
            moments: self.moments,
            explain: self.explain,
            ..EngineQuery::new(parts.collect::<Result<_>>()?)
        })
    }
}

impl Part {
    fn query(&self, app: &App) -> Result<QueryPart> {
        let part = match (&self.text, self.item, &self.upload) {
            (Some(text), None, None) if text.chars().count() <= LONGEST_TEXT => {
                QueryPart::text(text.as_str())
            }
            (Some(_), None, None) => {
                return Err(Problem::bad_request(format!(
                    "a text may have {LONGEST_TEXT} characters at most"
                )));
            }
            (None, Some(item), None) => QueryPart::item(item.to_string()),
            (None, None, Some(id)) => {
                let upload = app.uploads.get(id)?;
                QueryPart::encoded(upload.name, upload.content)
            }
            _ => return Err(Problem::bad_request("a part has one of text, item and upload")),
        };
        Ok(QueryPart {
            weight: self.weight.unwrap_or(1.0),
            without: self.without,
            ..part
        })
    }
}

/// Answers `search`, a page of it.
pub(crate) async fn answer(app: &App, search: Search) -> Result<axum::Json<Found>> {
    let most = if search.explain { MOST_EXPLAINED } else { MOST };
    let wanted = limit(search.limit, USUAL.min(most), most)?;
    let from = cursor(search.cursor.as_deref())?.unwrap_or(0);
    let from = usize::try_from(from).ok().filter(|from| *from < DEEPEST);
    let from = from.ok_or_else(|| Problem::bad_request(format!("there are {DEEPEST} answers at most")))?;
    let to = (from + wanted).min(DEEPEST);
    let mut answer = app.search.search(search.query(app, to)?).await?;
    let next = (answer.hits.len() == to && to < DEEPEST).then(|| to.to_string());
    answer.hits.drain(..from.min(answer.hits.len()));
    let hits = with_media(app, std::mem::take(&mut answer.hits)).await?;
    Ok(axum::Json(Found::new(search, answer, hits, next)))
}

async fn with_media(app: &App, hits: Vec<Hit>) -> Result<Vec<FoundItem>> {
    app.readers
        .read(move |catalog| {
            let mut found = Vec::with_capacity(hits.len());
            for hit in hits {
                let key = catalog.find(&hit.item)?;
                let item = catalog.items(key.as_slice())?.pop();
                // It may have gone meanwhile.
                found.extend(item.map(|item| FoundItem {
                    media: Media::of(&item),
                    hit,
                }));
            }
            Ok(found)
        })
        .await
}

impl Found {
    fn new(query: Search, answer: Answer, hits: Vec<FoundItem>, next: Option<String>) -> Self {
        Self {
            query,
            space: answer.space,
            took_ms: answer.took_ms,
            no_match: answer.no_match,
            elsewhere: answer.elsewhere,
            hits,
            next,
        }
    }
}
