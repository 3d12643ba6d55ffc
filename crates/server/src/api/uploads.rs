//! Files to ask for.

use std::sync::Arc;

use axum::extract::{FromRequest as _, Multipart, Request, State};
use axum::http::{HeaderMap, StatusCode, header};
use axum::response::{IntoResponse as _, Response};
use sensorium_types::Modality;
use serde::Serialize;
use utoipa::ToSchema;

use crate::problem::{Problem, Problems, Result};
use crate::state::App;
use crate::uploads::{KEPT, Upload};

/// An upload that a search may name.
#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct Uploaded {
    /// By which a part of a query names it.
    upload: String,
    /// What it is, by its content.
    modality: Modality,
    /// What it was called.
    name: String,
    /// How many segments it has.
    segments: usize,
    /// Seconds after its last use for which it is kept.
    expires_in: u64,
}

/// A form with a file.
#[derive(ToSchema)]
#[expect(dead_code, reason = "it describes the form, which is read as a stream")]
pub(crate) struct Form {
    /// A picture, a sound, a video or a text.
    #[schema(value_type = String, format = Binary)]
    file: Vec<u8>,
}

/// Whether what `headers` announce is a form.
pub(super) fn is_form(headers: &HeaderMap) -> bool {
    headers
        .get(header::CONTENT_TYPE)
        .and_then(|value| value.to_str().ok())
        .is_some_and(|value| value.starts_with("multipart/form-data"))
}

/// Upload a picture, a sound, a video or a text to search with; only its vectors are kept, for an hour.
#[utoipa::path(post, path = "/uploads", tag = "search",
    request_body(content = Form, content_type = "multipart/form-data"),
    responses((status = 201, body = Uploaded), Problems))]
pub(crate) async fn upload(State(app): State<Arc<App>>, request: Request) -> Result<Response> {
    let (id, upload) = match is_form(request.headers()) {
        true => file_of(&app, Multipart::from_request(request, &app).await?).await?,
        false => {
            app.uploads
                .take("upload", request.into_body().into_data_stream())
                .await?
        }
    };
    let uploaded = Uploaded {
        upload: id,
        modality: upload.content.modality(),
        segments: upload.content.segments(),
        name: upload.name,
        expires_in: KEPT.as_secs(),
    };
    Ok((StatusCode::CREATED, axum::Json(uploaded)).into_response())
}

/// Takes the file of `form`.
async fn file_of(app: &App, mut form: Multipart) -> Result<(String, Upload)> {
    while let Some(field) = form.next_field().await? {
        if field.name() == Some("file") {
            let name = field.file_name().unwrap_or("upload").to_owned();
            return app.uploads.take(&name, field).await;
        }
    }
    Err(Problem::bad_request("the form has no field called \"file\""))
}
