//! Sessions of the page, where keys are needed.

use std::sync::Arc;

use axum::extract::State;
use axum::http::{HeaderMap, StatusCode, header};
use axum::response::{IntoResponse as _, Response};
use serde::Deserialize;
use utoipa::ToSchema;

use super::extract::Json;
use crate::problem::{Problems, Result};
use crate::state::App;

/// A key.
#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct Shown {
    key: String,
}

/// Begin a session of a browser, which then shows a cookie instead of the key.
#[utoipa::path(post, path = "/session", tag = "session", request_body = Shown, security(()),
    responses((status = 204, description = "It began"), Problems))]
pub(crate) async fn begin(State(app): State<Arc<App>>, Json(shown): Json<Shown>) -> Result<Response> {
    let cookie = app.auth.begin_session(&shown.key)?;
    Ok((StatusCode::NO_CONTENT, [(header::SET_COOKIE, cookie)]).into_response())
}

/// End the session.
#[utoipa::path(delete, path = "/session", tag = "session", security(()),
    responses((status = 204, description = "It ended"), Problems))]
pub(crate) async fn end(State(app): State<Arc<App>>, headers: HeaderMap) -> Result<Response> {
    let cookie = app.auth.end_session(&headers)?;
    Ok((StatusCode::NO_CONTENT, [(header::SET_COOKIE, cookie)]).into_response())
}
