//! One item.

use std::sync::Arc;

use axum::extract::State;
use sensorium_store::{Catalog, SegmentKey, StoredItem};
use sensorium_types::{Fields, Segment};
use serde::{Deserialize, Serialize};
use utoipa::{IntoParams, ToSchema};

use super::extract::{Path, Query, cursor, item_id, limit, modalities};
use super::items::Item;
use super::search::{Found, Search, answer};
use crate::about::{lines_of, stored};
use crate::problem::{Problems, Result};
use crate::state::App;

const USUAL: usize = 100;
const MOST: usize = 1000;

/// An item and what records say of it.
#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct Whole {
    #[serde(flatten)]
    item: Item,
    /// The fields of its record, at the first place.
    #[schema(value_type = Object)]
    fields: Fields,
    /// How many lines of words are said and to be read in it.
    lines_total: usize,
}

/// What is known of an item.
#[utoipa::path(get, path = "/items/{id}", tag = "items", params(("id" = sensorium_types::ItemId, Path, description = "The id of the item")),
    responses((status = 200, body = Whole), Problems))]
pub(crate) async fn item(State(app): State<Arc<App>>, Path(id): Path<String>) -> Result<axum::Json<Whole>> {
    let id = item_id(&id)?;
    app.readers
        .read(move |catalog| Whole::of(stored(catalog, id)?, catalog).map(axum::Json))
        .await
}

impl Whole {
    pub(crate) fn of(item: StoredItem, catalog: &dyn Catalog) -> Result<Self> {
        let first = item.locations.first();
        let fields = first.map(|location| location.fields.clone()).unwrap_or_default();
        Ok(Self {
            lines_total: lines_of(&item, catalog)?.len(),
            item: Item::of(item, catalog)?,
            fields,
        })
    }
}

/// A part of an item that has a vector of its own.
#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct Passage {
    #[serde(flatten)]
    segment: Segment,
    /// The passage, of a text.
    #[serde(skip_serializing_if = "Option::is_none")]
    text: Option<String>,
}

/// A page of them.
#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct Segments {
    segments: Vec<Passage>,
    /// The cursor of the next page; null when this is the last.
    next: Option<String>,
}

#[derive(Debug, Deserialize, IntoParams)]
#[into_params(parameter_in = Query)]
pub(crate) struct Page {
    /// How many are wanted.
    #[param(minimum = 1, maximum = 1000)]
    limit: Option<usize>,
    /// `next` of an earlier page.
    #[param(pattern = "^[0-9]{1,18}$")]
    cursor: Option<String>,
}

/// The parts of an item that have vectors, in their order.
#[utoipa::path(get, path = "/items/{id}/segments", tag = "items",
    params(("id" = sensorium_types::ItemId, Path, description = "The id of the item"), Page),
    responses((status = 200, body = Segments), Problems))]
pub(crate) async fn segments(
    State(app): State<Arc<App>>,
    Path(id): Path<String>,
    Query(page): Query<Page>,
) -> Result<axum::Json<Segments>> {
    let id = item_id(&id)?;
    let limit = limit(page.limit, USUAL, MOST)?;
    let after = cursor(page.cursor.as_deref())?.map(SegmentKey);
    app.readers
        .read(move |catalog| {
            let item = stored(catalog, id)?;
            let found = catalog.segments_of(item.key, after, limit)?;
            let next = (found.len() == limit).then(|| found.last().map(|segment| segment.key.0.to_string()));
            let segments = found.into_iter().map(|segment| Passage {
                segment: segment.segment,
                text: segment.text,
            });
            Ok(axum::Json(Segments {
                segments: segments.collect(),
                next: next.flatten(),
            }))
        })
        .await
}

#[derive(Debug, Deserialize, IntoParams)]
#[into_params(parameter_in = Query)]
pub(crate) struct Alike {
    /// Modalities, as in `image,video`; all when nothing is said.
    to: Option<String>,
    /// How many answers are wanted.
    #[param(minimum = 1, maximum = 200)]
    limit: Option<usize>,
}

/// What is like an item.
#[utoipa::path(get, path = "/items/{id}/similar", tag = "items",
    params(("id" = sensorium_types::ItemId, Path, description = "The id of the item"), Alike),
    responses((status = 200, body = Found), Problems))]
pub(crate) async fn similar(
    State(app): State<Arc<App>>,
    Path(id): Path<String>,
    Query(alike): Query<Alike>,
) -> Result<axum::Json<Found>> {
    let search = Search::like(item_id(&id)?, modalities(alike.to.as_deref())?, alike.limit);
    answer(&app, search).await
}
