//! Files to ask for.

use std::sync::Arc;

use axum::extract::multipart::Field;
use axum::extract::{FromRequest as _, Multipart, Request, State};
use axum::http::{StatusCode, header};
use axum::response::{IntoResponse as _, Response};
use sensorium_types::Modality;
use serde::Serialize;
use utoipa::ToSchema;

use crate::problem::{Problem, Problems, Result};
use crate::state::App;
use crate::uploads::KEPT;

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

/// The form that `request` brings; `None` when it brings something else.
pub(super) async fn form(
    app: &Arc<App>,
    request: Request,
) -> std::result::Result<Result<Multipart>, Request> {
    let is_form = request
        .headers()
        .get(header::CONTENT_TYPE)
        .and_then(|value| value.to_str().ok())
        .is_some_and(|value| value.starts_with("multipart/form-data"));
    match is_form {
        true => Ok(Multipart::from_request(request, app)
            .await
            .map_err(|error| Problem::new(error.status(), error.body_text()))),
        false => Err(request),
    }
}

/// The next field of `form`.
pub(super) async fn next_field(form: &mut Multipart) -> Result<Option<Field<'_>>> {
    form.next_field()
        .await
        .map_err(|error| Problem::new(error.status(), error.body_text()))
}

/// Upload a picture, a sound, a video or a text to search with; only its vectors are kept, for an hour.
#[utoipa::path(post, path = "/uploads", tag = "search",
    request_body(content = Form, content_type = "multipart/form-data"),
    responses((status = 201, body = Uploaded), Problems))]
pub(crate) async fn upload(State(app): State<Arc<App>>, request: Request) -> Result<Response> {
    let (id, upload) = match form(&app, request).await {
        Ok(form) => {
            let mut form = form?;
            loop {
                let field = next_field(&mut form).await?;
                let field =
                    field.ok_or_else(|| Problem::bad_request("the form has no field called \"file\""))?;
                if field.name() == Some("file") {
                    let name = field.file_name().unwrap_or("upload").to_owned();
                    break app.uploads.take(&name, field).await?;
                }
            }
        }
        Err(request) => {
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
