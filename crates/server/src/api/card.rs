//! The recall card, as `sensorium eval --out` wrote it.

use std::path::PathBuf;
use std::sync::Arc;

use axum::Json;
use axum::extract::State;
use axum::http::header;
use axum::response::{IntoResponse as _, Response};
use serde::Serialize;
use utoipa::ToSchema;

use super::extract::Path;
use crate::problem::{Problem, Problems, Result};
use crate::state::App;

/// Bytes of a card or a plot.
const MOST_BYTES: u64 = 8 << 20;

/// A recall card.
#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct Card {
    /// As `sensorium eval --json` prints it.
    #[serde(flatten)]
    #[schema(value_type = Object)]
    card: serde_json::Map<String, serde_json::Value>,
    /// Names of plots, to be had at `/card/{plot}`.
    plots: Vec<String>,
}

/// How well the model finds what belongs together.
#[utoipa::path(get, path = "/card", tag = "status",
    responses((status = 200, body = Card), Problems))]
pub(crate) async fn card(State(app): State<Arc<App>>) -> Result<Json<Card>> {
    let folder = folder(&app)?;
    let json = read(folder.join("recall.json")).await?;
    let card = serde_json::from_slice(&json).map_err(Problem::internal)?;
    Ok(Json(Card {
        card,
        plots: plots(folder).await?,
    }))
}

/// A plot of the card.
#[utoipa::path(get, path = "/card/{plot}", tag = "status", params(("plot" = String, Path, description = "The name of the plot")),
    responses((status = 200, description = "The plot", content_type = "image/svg+xml"),
        Problems))]
pub(crate) async fn plot(State(app): State<Arc<App>>, Path(plot): Path<String>) -> Result<Response> {
    let folder = folder(&app)?;
    // Only what is in the folder has a name.
    if !plots(folder.clone()).await?.contains(&plot) {
        return Err(Problem::not_found("the plot"));
    }
    let headers = [
        (header::CONTENT_TYPE, "image/svg+xml"),
        (
            header::CONTENT_SECURITY_POLICY,
            "default-src 'none'; style-src 'unsafe-inline'; sandbox",
        ),
    ];
    Ok((headers, read(folder.join(plot)).await?).into_response())
}

fn folder(app: &App) -> Result<PathBuf> {
    let none = || {
        Problem::not_found(
            "a recall card (start the server with --card DIR, which `sensorium eval --out DIR` writes)",
        )
    };
    app.card.clone().ok_or_else(none)
}

async fn plots(folder: PathBuf) -> Result<Vec<String>> {
    let mut entries = tokio::fs::read_dir(&folder).await.map_err(Problem::internal)?;
    let mut plots = Vec::new();
    while let Some(entry) = entries.next_entry().await.map_err(Problem::internal)? {
        let name = entry.file_name().to_string_lossy().into_owned();
        plots.extend(name.ends_with(".svg").then_some(name));
    }
    plots.sort();
    Ok(plots)
}

async fn read(path: PathBuf) -> Result<Vec<u8>> {
    let about = tokio::fs::symlink_metadata(&path)
        .await
        .map_err(|_| Problem::not_found("the recall card"))?;
    if !about.is_file() || about.len() > MOST_BYTES {
        return Err(Problem::internal(format!(
            "{} is no part of a recall card",
            path.display()
        )));
    }
    tokio::fs::read(path).await.map_err(Problem::internal)
}
