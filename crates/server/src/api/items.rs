//! What is in the index, in pages.

use std::path::PathBuf;
use std::sync::Arc;

use axum::extract::State;
use jiff::Timestamp;
use sensorium_engine::{Indexer, parse_condition};
use sensorium_store::{Catalog, Comparison, Condition, ItemKey, Literal, Relation, StoredItem};
use sensorium_types::{ItemId, Modality};
use serde::{Deserialize, Serialize};
use utoipa::{IntoParams, ToSchema};

use super::extract::{Json, Query, cursor, limit, modalities};
use super::status::overview;
use crate::about::Media;
use crate::problem::{Problem, Problems, Result};
use crate::state::App;

const USUAL: usize = 100;
const MOST: usize = 500;

/// Characters of the first passage of a text that a list shows.
const EXCERPT: usize = 400;

/// An item of the index.
#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct Item {
    /// Its name.
    item: ItemId,
    /// Where it is found, the first place.
    path: String,
    /// All places where it is found.
    locations: Vec<String>,
    modality: Modality,
    media: Media,
    /// The beginning of a text.
    #[serde(skip_serializing_if = "Option::is_none")]
    text: Option<String>,
    /// When its file was last modified.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(value_type = Option<String>, format = DateTime)]
    modified: Option<Timestamp>,
}

impl Item {
    pub(crate) fn of(item: StoredItem, catalog: &dyn Catalog) -> Result<Self> {
        let first = item.locations.first();
        let modified = first
            .map(|location| location.modified)
            .filter(|modified| *modified > 0);
        let text = match item.modality {
            Modality::Text => catalog
                .segments_of(item.key, None, 1)?
                .pop()
                .and_then(|segment| segment.text),
            _ => None,
        };
        Ok(Self {
            path: first.map(ToString::to_string).unwrap_or_default(),
            locations: item.locations.iter().map(ToString::to_string).collect(),
            modified: modified.and_then(|modified| Timestamp::from_nanosecond(modified.into()).ok()),
            text: text.map(|text| text.chars().take(EXCERPT).collect()),
            media: Media::of(&item),
            item: item.id,
            modality: item.modality,
        })
    }
}

/// A page of items.
#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct Items {
    items: Vec<Item>,
    /// How many there are in all.
    total: u64,
    /// The cursor of the next page; null when this is the last.
    next: Option<String>,
}

#[derive(Debug, Deserialize, IntoParams)]
#[into_params(parameter_in = Query)]
pub(crate) struct Which {
    /// As in `image,video`; all when nothing is said.
    modality: Option<String>,
    /// What items have to fulfil, as in `taken >= 2024`.
    #[serde(rename = "where")]
    condition: Option<String>,
    /// How many are wanted.
    #[param(minimum = 1, maximum = 500)]
    limit: Option<usize>,
    /// `next` of an earlier page.
    #[param(pattern = "^[0-9]{1,18}$")]
    cursor: Option<String>,
}

/// List items, the last indexed first.
#[utoipa::path(get, path = "/items", tag = "items", params(Which),
    responses((status = 200, body = Items), Problems))]
pub(crate) async fn items(
    State(app): State<Arc<App>>,
    Query(which): Query<Which>,
) -> Result<axum::Json<Items>> {
    let modalities = modalities(which.modality.as_deref())?;
    let limit = limit(which.limit, USUAL, MOST)?;
    let before = cursor(which.cursor.as_deref())?.map(ItemKey);
    let condition = which.condition.as_deref().filter(|text| !text.trim().is_empty());
    let condition = condition
        .map(parse_condition)
        .transpose()
        .map_err(sensorium_engine::Error::from)?;
    let all = overview(&app).await?.count(&modalities);
    let list = move |catalog: &dyn Catalog| {
        let (keys, total) = match condition {
            Some(condition) => filtered(catalog, condition, &modalities, before, limit)?,
            None => (catalog.list(&modalities, before, limit)?, all),
        };
        let next = (keys.len() == limit).then(|| keys.last().map(|key| key.0.to_string()));
        let stored = catalog.items(&keys)?.into_iter();
        Ok(axum::Json(Items {
            items: stored
                .map(|item| Item::of(item, catalog))
                .collect::<Result<_>>()?,
            total,
            next: next.flatten(),
        }))
    };
    app.readers.read(list).await
}

fn filtered(
    catalog: &dyn Catalog,
    condition: Condition,
    modalities: &[Modality],
    before: Option<ItemKey>,
    limit: usize,
) -> Result<(Vec<ItemKey>, u64)> {
    let of_modality = modalities.iter().copied().map(is_of).collect();
    let found = catalog.matching(&Condition::And(vec![Condition::Or(of_modality), condition]))?;
    let page = found
        .iter()
        .rev()
        .filter(|key| before.is_none_or(|before| **key < before));
    Ok((page.take(limit).copied().collect(), found.len() as u64))
}

fn is_of(modality: Modality) -> Condition {
    Condition::Is(Comparison {
        field: "modality".to_owned(),
        relation: Relation::Equal,
        literal: Literal::Text(modality.name().to_owned()),
    })
}

/// Paths.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct Paths {
    /// Absolute paths of files or folders.
    pub(crate) paths: Vec<PathText>,
}

/// A path.
#[derive(Debug, Deserialize, ToSchema)]
#[schema(value_type = String, example = "/home/me/Pictures")]
pub(crate) struct PathText(PathBuf);

impl Paths {
    /// The paths, which must be absolute.
    pub(crate) fn absolute(self) -> Result<Vec<PathBuf>> {
        let paths = self
            .paths
            .into_iter()
            .map(|PathText(path)| match path.is_absolute() {
                true => Ok(path),
                false => Err(Problem::bad_request(format!(
                    "{} is no absolute path",
                    path.display()
                ))),
            });
        paths.collect()
    }
}

/// What was removed.
#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct Removed {
    /// How many files were forgotten.
    removed: usize,
}

/// Forget the files at and below paths; the files themselves stay.
#[utoipa::path(post, path = "/remove", tag = "indexing", request_body = Paths,
    responses((status = 200, body = Removed), Problems))]
pub(crate) async fn remove(
    State(app): State<Arc<App>>,
    Json(paths): Json<Paths>,
) -> Result<axum::Json<Removed>> {
    let paths = paths.absolute()?;
    let index = app.index.clone();
    let removed = tokio::task::spawn_blocking(move || Indexer::open_existing(&index)?.remove(&paths))
        .await
        .map_err(Problem::internal)?;
    match removed {
        Ok(removed) => Ok(axum::Json(Removed { removed })),
        Err(sensorium_engine::Error::Store(sensorium_store::Error::Busy { .. })) => Err(Problem::busy()),
        Err(error) => Err(error.into()),
    }
}
