//! The interface for programs, `/api/v1`.

pub(crate) mod card;
pub(crate) mod embed;
pub(crate) mod extract;
pub(crate) mod item;
pub(crate) mod items;
pub(crate) mod jobs;
pub(crate) mod lines;
pub(crate) mod map;
pub(crate) mod media;
pub(crate) mod search;
pub(crate) mod session;
pub(crate) mod status;
pub(crate) mod stream;
pub(crate) mod uploads;

use std::sync::Arc;

use axum::Router;
use axum::extract::DefaultBodyLimit;
use axum::middleware::{from_fn, from_fn_with_state};
use utoipa::openapi::security::{HttpAuthScheme, HttpBuilder, SecurityScheme};
use utoipa::{Modify, OpenApi};
use utoipa_axum::router::OpenApiRouter;
use utoipa_axum::routes;

use crate::auth::{check_access, check_write};
use crate::problem::Problem;
use crate::state::App;

/// Largest body that is no upload, in bytes.
pub(crate) const BODY_BYTES: usize = 1 << 20;

#[derive(OpenApi)]
#[openapi(
    info(
        title = "Sensorium",
        description = "Finds any medium with any other: text, pictures, sounds and videos in one embedding space.\n\n\
            Errors are problem details (RFC 9457). `503` says when to try again. Where the server needs keys, send \
            `Authorization: Bearer KEY`.",
        license(name = "MIT OR Apache-2.0")
    ),
    // Responses that many operations share do not bring it.
    components(schemas(Problem)),
    modifiers(&Keys),
    security((), ("key" = []))
)]
struct Document;

struct Keys;

impl Modify for Keys {
    fn modify(&self, document: &mut utoipa::openapi::OpenApi) {
        let components = document.components.get_or_insert_default();
        let bearer = HttpBuilder::new().scheme(HttpAuthScheme::Bearer).build();
        components.add_security_scheme("key", SecurityScheme::Http(bearer));
    }
}

/// All routes, and the document that describes them.
pub(crate) fn router(app: &Arc<App>) -> (Router<Arc<App>>, utoipa::openapi::OpenApi) {
    let reading = OpenApiRouter::new()
        .routes(routes!(status::status))
        .routes(routes!(items::items))
        .routes(routes!(item::item))
        .routes(routes!(item::segments))
        .routes(routes!(item::similar))
        .routes(routes!(lines::lines))
        .routes(routes!(media::media))
        .routes(routes!(media::thumbnail))
        .routes(routes!(media::waveform))
        .routes(routes!(media::preview))
        .routes(routes!(embed::embed))
        .routes(routes!(map::map))
        .routes(routes!(card::card))
        .routes(routes!(card::plot))
        .routes(routes!(jobs::list))
        .routes(routes!(jobs::job))
        .routes(routes!(jobs::events))
        .layer(DefaultBodyLimit::max(BODY_BYTES));
    // What brings files has a limit of its own.
    let uploading = OpenApiRouter::new()
        .routes(routes!(search::search_simply, search::search))
        .routes(routes!(uploads::upload))
        .layer(DefaultBodyLimit::disable());
    let writing = OpenApiRouter::new()
        .routes(routes!(jobs::add))
        .routes(routes!(jobs::cancel))
        .routes(routes!(items::remove))
        .layer(DefaultBodyLimit::max(BODY_BYTES))
        .layer(from_fn(check_write));
    let open = OpenApiRouter::new()
        .routes(routes!(session::begin, session::end))
        .layer(DefaultBodyLimit::max(BODY_BYTES));
    let guarded = reading
        .merge(uploading)
        .merge(writing)
        .layer(from_fn_with_state(Arc::clone(app), check_access));
    OpenApiRouter::with_openapi(Document::openapi())
        .nest("/api/v1", guarded.merge(open))
        .split_for_parts()
}
