//! The whole collection at a glance.

use std::sync::Arc;

use axum::Json;
use axum::extract::State;
use sensorium_store::Catalog;
use sensorium_types::Modality;
use serde::{Deserialize, Serialize};
use utoipa::{IntoParams, ToSchema};

use super::extract::{Query, limit};
use super::status::overview;
use crate::map::{Point, project};
use crate::problem::{Problems, Result};
use crate::state::App;

const USUAL: usize = 5000;
const MOST: usize = 20_000;

/// Items as points.
#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct Map {
    points: Vec<Point>,
    /// How many items there are in all; when there are more than points, these are evenly spread over them.
    total: u64,
}

#[derive(Debug, Deserialize, IntoParams)]
#[into_params(parameter_in = Query)]
pub(crate) struct Size {
    /// How many points are wanted at most.
    #[param(minimum = 1, maximum = 20000)]
    limit: Option<usize>,
}

/// Items on a plane, like ones near each other as far as a plane allows.
#[utoipa::path(get, path = "/map", tag = "items", params(Size),
    responses((status = 200, body = Map), Problems))]
pub(crate) async fn map(State(app): State<Arc<App>>, Query(size): Query<Size>) -> Result<Json<Map>> {
    let limit = limit(size.limit, USUAL, MOST)?;
    let space = app.space.clone();
    let total = overview(&app).await?.count(&Modality::ALL);
    let read = move |catalog: &dyn Catalog| {
        let points = project(catalog, &space, limit, total)?;
        Ok(Json(Map { points, total }))
    };
    app.readers.read(read).await
}
