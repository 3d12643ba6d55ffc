//! Files of items, and what is made of them to be looked at.

use std::fs::File;
use std::sync::Arc;

use axum::extract::State;
use axum::http::{HeaderMap, StatusCode, header};
use axum::response::{IntoResponse as _, Response};
use sensorium_store::StoredItem;
use sensorium_types::Modality;
use serde::{Deserialize, Serialize};
use utoipa::{IntoParams, ToSchema};

use super::extract::{Path, Query, item_id};
use super::stream::{Served, serve};
use crate::about::{file, media_type, stored, text_of};
use crate::previews::{Made, Preview};
use crate::problem::{Problem, Problems, Result};
use crate::state::App;

/// Seconds after which a client may ask again whether a copy is made.
const MAKING: &str = "1";

/// Passages of a record that are shown as its text.
const MOST_PASSAGES: usize = 10_000;

/// The file of an item, as it is; of a record, its text.
#[utoipa::path(get, path = "/items/{id}/media", tag = "media", params(("id" = sensorium_types::ItemId, Path, description = "The id of the item")),
    responses((status = 200, description = "The file", content_type = "*/*"),
        (status = 206, description = "The range that was asked for", content_type = "*/*"),
        (status = 304, description = "It did not change"),
        Problems))]
pub(crate) async fn media(
    State(app): State<Arc<App>>,
    Path(id): Path<String>,
    headers: HeaderMap,
) -> Result<Response> {
    let id = item_id(&id)?;
    let (item, text) = app
        .readers
        .read(move |catalog| {
            let item = stored(catalog, id)?;
            let is_record = item.locations.first().is_some_and(|first| first.record.is_some());
            let text = is_record
                .then(|| text_of(&item, catalog, MOST_PASSAGES))
                .transpose()?;
            Ok((item, text))
        })
        .await?;
    if let Some(text) = text {
        return Ok(([(header::CONTENT_TYPE, "text/plain; charset=utf-8")], text).into_response());
    }
    let media_type = media_type(&item).unwrap_or("application/octet-stream");
    let (_, file) = opened(item).await?;
    let tag = id.to_string();
    serve(
        Served {
            file,
            media_type,
            tag,
        },
        &headers,
    )
    .await
}

/// The file of `item` and its path.
async fn opened(item: StoredItem) -> Result<(std::path::PathBuf, File)> {
    tokio::task::spawn_blocking(move || file(&item))
        .await
        .map_err(Problem::internal)?
}

#[derive(Debug, Deserialize, IntoParams)]
#[into_params(parameter_in = Query)]
pub(crate) struct Small {
    /// Pixels of the longer side at most; rounded up to 160, 320, 640 or 1280.
    #[serde(default = "usual_size")]
    #[param(minimum = 1, default = 320)]
    size: u32,
    /// When, in seconds, of a video.
    #[serde(default)]
    #[param(minimum = 0.0)]
    at: f64,
}

fn usual_size() -> u32 {
    320
}

/// A small picture of a picture, or of a video at some time.
#[utoipa::path(get, path = "/items/{id}/thumbnail", tag = "media",
    params(("id" = sensorium_types::ItemId, Path, description = "The id of the item"), Small),
    responses((status = 200, description = "The picture", content_type = "image/jpeg"),
        (status = 206, description = "The range that was asked for", content_type = "image/jpeg"),
        (status = 304, description = "It did not change"),
        Problems))]
pub(crate) async fn thumbnail(
    State(app): State<Arc<App>>,
    Path(id): Path<String>,
    Query(small): Query<Small>,
    headers: HeaderMap,
) -> Result<Response> {
    let preview = Preview::thumbnail(small.size, small.at);
    made(&app, &id, preview, &headers).await
}

#[derive(Debug, Deserialize, IntoParams)]
#[into_params(parameter_in = Query)]
pub(crate) struct Wide {
    /// How many steps are drawn; rounded up to 200, 800 or 2000.
    #[serde(default = "usual_width")]
    #[param(minimum = 1, default = 800)]
    width: usize,
}

fn usual_width() -> usize {
    800
}

/// The waveform of a sound, or of the sound of a video, as a white drawing.
#[utoipa::path(get, path = "/items/{id}/waveform", tag = "media",
    params(("id" = sensorium_types::ItemId, Path, description = "The id of the item"), Wide),
    responses((status = 200, description = "The drawing", content_type = "image/svg+xml"),
        (status = 206, description = "The range that was asked for", content_type = "image/svg+xml"),
        (status = 304, description = "It did not change"),
        Problems))]
pub(crate) async fn waveform(
    State(app): State<Arc<App>>,
    Path(id): Path<String>,
    Query(wide): Query<Wide>,
    headers: HeaderMap,
) -> Result<Response> {
    made(&app, &id, Preview::waveform(wide.width), &headers).await
}

/// What is told while a copy is being made.
#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct Making {
    /// Always `making`.
    status: &'static str,
}

/// A copy that browsers show or play, made on demand: JPEG, MP4 or MP3.
#[utoipa::path(get, path = "/items/{id}/preview", tag = "media", params(("id" = sensorium_types::ItemId, Path, description = "The id of the item")),
    responses((status = 200, description = "The copy", content_type = "*/*"),
        (status = 202, body = Making, description = "It is being made: ask again after a while"),
        (status = 206, description = "The range that was asked for", content_type = "*/*"),
        (status = 304, description = "It did not change"),
        Problems))]
pub(crate) async fn preview(
    State(app): State<Arc<App>>,
    Path(id): Path<String>,
    headers: HeaderMap,
) -> Result<Response> {
    made(&app, &id, Preview::Copy, &headers).await
}

async fn made(app: &App, id: &str, preview: Preview, headers: &HeaderMap) -> Result<Response> {
    let id = item_id(id)?;
    let item = app.readers.read(move |catalog| stored(catalog, id)).await?;
    let media_type = match (preview, item.modality) {
        (Preview::Waveform { .. }, _) => "image/svg+xml",
        (Preview::Thumbnail { .. }, _) | (Preview::Copy, Modality::Image) => "image/jpeg",
        (Preview::Copy, Modality::Video) => "video/mp4",
        (Preview::Copy, _) => "audio/mpeg",
    };
    match preview_of(app, item, preview).await? {
        Made::Making => {
            let making = axum::Json(Making { status: "making" });
            Ok((StatusCode::ACCEPTED, [(header::RETRY_AFTER, MAKING)], making).into_response())
        }
        Made::Ready(path) => {
            let name = path.file_name().map(|name| name.to_string_lossy().into_owned());
            let file = File::open(&path).map_err(Problem::internal)?;
            let tag = name.unwrap_or_default();
            serve(
                Served {
                    file,
                    media_type,
                    tag,
                },
                headers,
            )
            .await
        }
    }
}

/// The preview of `item`, or that it is being made.
pub(crate) async fn preview_of(app: &App, item: StoredItem, preview: Preview) -> Result<Made> {
    if item.modality == Modality::Text {
        return Err(Problem::new(StatusCode::NOT_FOUND, "a text has no preview"));
    }
    let id = item.id;
    // Also of what is cached nothing is shown whose file is gone.
    let (path, _) = opened(item).await?;
    app.previews.get(id, path, preview).await
}
