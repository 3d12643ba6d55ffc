//! Questions.

use std::sync::Arc;

use axum::extract::multipart::Field;
use axum::extract::{DefaultBodyLimit, FromRequest as _, Multipart, Request, State};
use axum::http::StatusCode;
use sensorium_engine::{Answer, Part as QueryPart, Query as EngineQuery};
use sensorium_types::{Hit, ItemId, Modality};
use serde::{Deserialize, Serialize};
use utoipa::{IntoParams, ToSchema};

use super::BODY_BYTES;
use super::extract::{Json, Query, cursor, limit, modalities};
use super::uploads::is_form;
use crate::about::Media;
use crate::problem::{Problem, Problems, Result};
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
    pub(crate) parts: Vec<Part>,
    /// The modalities of the answers; all when there is none.
    #[serde(default)]
    pub(crate) to: Vec<Modality>,
    /// What answers have to fulfil, as in `duration > 60 and path ~ "2024/*"`.
    #[serde(default, rename = "where", skip_serializing_if = "Option::is_none")]
    pub(crate) condition: Option<String>,
    /// How many answers are wanted; 30 unless it is said.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schema(minimum = 1, maximum = 200)]
    pub(crate) limit: Option<usize>,
    /// `next` of an earlier answer to the same question.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schema(pattern = "^[0-9]{1,18}$")]
    pub(crate) cursor: Option<String>,
    /// Whether the first answers are ranked once more, by attention.
    #[serde(default)]
    pub(crate) rerank: bool,
    /// Whether sounds and videos say when they answer.
    #[serde(default)]
    pub(crate) moments: bool,
    /// Whether answers say why they were found; for 50 answers at most.
    #[serde(default)]
    pub(crate) explain: bool,
    /// Whether names, folders, captions and texts that have the words of the query count.
    #[serde(default = "yes")]
    #[schema(default = true)]
    pub(crate) words: bool,
}

fn yes() -> bool {
    true
}

/// One part of a question: a text, an item of the index, an upload or a file of the form.
#[derive(Debug, Clone, Default, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct Part {
    /// Words.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(crate) text: Option<String>,
    /// The id of an item.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(crate) item: Option<ItemId>,
    /// The id of an upload.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(crate) upload: Option<String>,
    /// The name of the form's field that brings a file with the question.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(crate) file: Option<String>,
    /// How much it counts beside the others; 1 unless it is said.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schema(exclusive_minimum = 0.0)]
    pub(crate) weight: Option<f32>,
    /// Whether answers shall be unlike it.
    #[serde(default)]
    pub(crate) without: bool,
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
    #[param(pattern = "^[0-9]{1,18}$")]
    cursor: Option<String>,
}

/// Search for words.
#[utoipa::path(get, path = "/search", tag = "search", params(Simply),
    responses((status = 200, body = Found), Problems))]
pub(crate) async fn search_simply(
    State(app): State<Arc<App>>,
    Query(simply): Query<Simply>,
) -> Result<axum::Json<Found>> {
    let search = Search {
        to: modalities(simply.to.as_deref())?,
        condition: simply.condition,
        limit: simply.limit,
        cursor: simply.cursor,
        ..Search::new(vec![Part::text(simply.q)])
    };
    answer(&app, search).await
}

/// A question that brings its files.
#[derive(ToSchema)]
#[expect(dead_code, reason = "it describes the form, which is read as a stream")]
pub(crate) struct SearchForm {
    /// The question, as JSON, whose parts name files by `file`; without it, each file is a part.
    #[schema(content_media_type = "application/json")]
    query: Option<String>,
    /// A picture, a sound, a video or a text. Other fields may bring more, under names of their own.
    #[schema(value_type = Option<String>, format = Binary)]
    file: Option<Vec<u8>>,
}

/// Search for texts, items and uploads; as a form, with files.
#[utoipa::path(post, path = "/search", tag = "search",
    request_body(content((Search = "application/json"), (SearchForm = "multipart/form-data"))),
    responses((status = 200, body = Found), Problems))]
pub(crate) async fn search(State(app): State<Arc<App>>, mut request: Request) -> Result<axum::Json<Found>> {
    let search = match is_form(request.headers()) {
        true => asked(&app, Multipart::from_request(request, &app).await?).await?,
        false => {
            DefaultBodyLimit::max(BODY_BYTES).apply(&mut request);
            let Json(search) = Json::from_request(request, &app).await?;
            search
        }
    };
    answer(&app, search).await
}

/// The question of `form`, with its files as uploads.
async fn asked(app: &App, mut form: Multipart) -> Result<Search> {
    let mut search = None;
    let mut files = Vec::new();
    while let Some(field) = form.next_field().await? {
        let name = field.name().unwrap_or_default().to_owned();
        if name == "query" {
            search = Some(query_of(field).await?);
        } else if files.len() < MOST_PARTS {
            let called = field.file_name().unwrap_or("upload").to_owned();
            let (upload, _) = app.uploads.take(&called, field).await?;
            files.push((name, upload));
        } else {
            return Err(Problem::bad_request(format!(
                "a form may bring {MOST_PARTS} files at most"
            )));
        }
    }
    let Some(mut search) = search else {
        let parts = files.into_iter().map(|(_, upload)| Part {
            upload: Some(upload),
            ..Part::default()
        });
        return Ok(Search::new(parts.collect()));
    };
    for part in &mut search.parts {
        if let (Some(name), None) = (&part.file, &part.upload) {
            let file = files.iter().find(|(field, _)| field == name);
            let (_, upload) =
                file.ok_or_else(|| Problem::bad_request(format!("the form has no file called {name:?}")))?;
            part.upload = Some(upload.clone());
            part.file = None;
        }
    }
    Ok(search)
}

/// The question in the field `query`.
async fn query_of(mut field: Field<'_>) -> Result<Search> {
    let mut json = Vec::new();
    while let Some(chunk) = field.chunk().await? {
        if json.len() + chunk.len() > BODY_BYTES {
            return Err(Problem::new(
                StatusCode::PAYLOAD_TOO_LARGE,
                format!("a query may have {BODY_BYTES} bytes at most"),
            ));
        }
        json.extend_from_slice(&chunk);
    }
    serde_json::from_slice(&json).map_err(|error| Problem::bad_request(format!("the field query: {error}")))
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
        Self {
            to,
            limit,
            ..Self::new(vec![Part::item(item)])
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
    /// Words.
    pub(crate) fn text(text: String) -> Self {
        Self {
            text: Some(text),
            ..Self::default()
        }
    }

    /// An item of the index.
    pub(crate) fn item(item: ItemId) -> Self {
        Self {
            item: Some(item),
            ..Self::default()
        }
    }

    fn query(&self, app: &App) -> Result<QueryPart> {
        let part = match (&self.text, self.item, &self.upload, &self.file) {
            (Some(text), None, None, None) if text.chars().count() <= LONGEST_TEXT => {
                QueryPart::text(text.as_str())
            }
            (Some(_), None, None, None) => {
                return Err(Problem::bad_request(format!(
                    "a text may have {LONGEST_TEXT} characters at most"
                )));
            }
            (None, Some(item), None, None) => QueryPart::item(item.to_string()),
            (None, None, Some(id), None) => {
                let upload = app.uploads.get(id)?;
                QueryPart::encoded(upload.name, upload.content)
            }
            (None, None, None, Some(_)) => {
                return Err(Problem::bad_request(
                    "a part names a file: send the query and the file as multipart/form-data",
                ));
            }
            _ => {
                return Err(Problem::bad_request(
                    "a part has one of text, item, upload and file",
                ));
            }
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
