//! Indexing.

use std::convert::Infallible;
use std::sync::Arc;

use axum::extract::State;
use axum::http::StatusCode;
use axum::response::sse::{Event, KeepAlive, Sse};
use futures_util::Stream;
use futures_util::stream::unfold;
use serde::Serialize;
use utoipa::ToSchema;

use super::extract::{Json, Path};
use super::items::Paths;
use crate::jobs::Job;
use crate::problem::{Problem, Problems, Result};
use crate::state::App;

/// Jobs.
#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct List {
    jobs: Vec<Job>,
}

/// Bring the index up to date with files and folders, or, without any, with all files that it knows.
#[utoipa::path(post, path = "/jobs", tag = "indexing", request_body = Paths,
    responses((status = 202, body = Job), Problems))]
pub(crate) async fn add(
    State(app): State<Arc<App>>,
    Json(paths): Json<Paths>,
) -> Result<(StatusCode, axum::Json<Job>)> {
    let paths = paths.absolute()?;
    for path in &paths {
        let about = tokio::fs::metadata(path).await;
        about.map_err(|error| Problem::bad_request(format!("{}: {error}", path.display())))?;
    }
    Ok((StatusCode::ACCEPTED, axum::Json(app.jobs.add(paths)?)))
}

/// All jobs since the server was started, the last first.
#[utoipa::path(get, path = "/jobs", tag = "indexing",
    responses((status = 200, body = List), Problems))]
pub(crate) async fn list(State(app): State<Arc<App>>) -> Result<axum::Json<List>> {
    Ok(axum::Json(List {
        jobs: app.jobs.list()?,
    }))
}

/// A job.
#[utoipa::path(get, path = "/jobs/{id}", tag = "indexing", params(("id" = String, Path, description = "The id of the job")),
    responses((status = 200, body = Job), Problems))]
pub(crate) async fn job(State(app): State<Arc<App>>, Path(id): Path<String>) -> Result<axum::Json<Job>> {
    let job = app.jobs.follow(&id)?;
    let job = job.borrow().clone();
    Ok(axum::Json(job))
}

/// Cancel a job: it ends after the files at hand, and what was done stays.
#[utoipa::path(delete, path = "/jobs/{id}", tag = "indexing", params(("id" = String, Path, description = "The id of the job")),
    responses((status = 200, body = Job), Problems))]
pub(crate) async fn cancel(State(app): State<Arc<App>>, Path(id): Path<String>) -> Result<axum::Json<Job>> {
    Ok(axum::Json(app.jobs.cancel(&id)?))
}

/// An event.
#[derive(ToSchema)]
#[expect(dead_code, reason = "it describes the stream, which is written as one")]
pub(crate) struct JobEvent {
    /// Always `job`.
    event: String,
    /// The job, as JSON.
    #[schema(content_media_type = "application/json")]
    data: String,
}

/// The job at each change, until it is over, as server-sent events called `job`.
#[utoipa::path(get, path = "/jobs/{id}/events", tag = "indexing", params(("id" = String, Path, description = "The id of the job")),
    responses((status = 200, description = "The events", content_type = "text/event-stream", body = JobEvent),
        Problems))]
pub(crate) async fn events(
    State(app): State<Arc<App>>,
    Path(id): Path<String>,
) -> Result<Sse<impl Stream<Item = std::result::Result<Event, Infallible>>>> {
    let mut job = app.jobs.follow(&id)?;
    job.mark_changed();
    let events = unfold(Some(job), |job| async {
        let mut job = job?;
        job.changed().await.ok()?;
        let now = job.borrow_and_update().clone();
        let event = Event::default().event("job").json_data(&now).unwrap_or_default();
        Some((Ok(event), (!now.is_over()).then_some(job)))
    });
    Ok(Sse::new(events).keep_alive(KeepAlive::default()))
}
