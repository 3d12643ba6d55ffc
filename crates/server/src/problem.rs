//! Errors as clients see them: problem details (RFC 9457).

use axum::Json;
use axum::extract::multipart::{MultipartError, MultipartRejection};
use axum::extract::rejection::{JsonRejection, PathRejection, QueryRejection};
use axum::http::{HeaderValue, StatusCode, header};
use axum::response::{IntoResponse, Response};
use sensorium_engine::Error as Engine;
use serde::Serialize;
use utoipa::{IntoResponses, ToSchema};

/// What went wrong, as `application/problem+json`.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, ToSchema)]
pub(crate) struct Problem {
    /// Always `about:blank`: the status says what kind it is.
    #[serde(rename = "type")]
    kind: &'static str,
    /// The status in words.
    title: String,
    /// The status of the answer.
    status: u16,
    /// What is wrong, and what to do.
    detail: String,
    #[serde(skip)]
    retry_after: Option<u32>,
}

/// The errors that any request may end with, for the document of the interface.
#[derive(IntoResponses)]
#[expect(dead_code, reason = "it describes answers, which are made of `Problem`")]
pub(crate) enum Problems {
    /// Something is wrong with the request; `detail` says what.
    #[response(status = "4XX", content_type = "application/problem+json")]
    Client(Problem),
    /// There is more to do than can be done now: try again after `Retry-After` seconds.
    #[response(status = 503, content_type = "application/problem+json", headers(("Retry-After" = u32, description = "Seconds")))]
    Busy(Problem),
}

/// What a handler gives.
pub(crate) type Result<T> = std::result::Result<T, Problem>;

impl Problem {
    pub(crate) fn new(status: StatusCode, detail: impl Into<String>) -> Self {
        Self {
            kind: "about:blank",
            title: status.canonical_reason().unwrap_or("Error").to_owned(),
            status: status.as_u16(),
            detail: detail.into(),
            retry_after: None,
        }
    }

    pub(crate) fn bad_request(detail: impl Into<String>) -> Self {
        Self::new(StatusCode::BAD_REQUEST, detail)
    }

    pub(crate) fn not_found(what: impl std::fmt::Display) -> Self {
        Self::new(StatusCode::NOT_FOUND, format!("{what} is not there"))
    }

    /// What is wrong, and what to do.
    pub(crate) fn detail(&self) -> &str {
        &self.detail
    }

    /// There is more to do than can be done now.
    pub(crate) fn busy() -> Self {
        Self {
            retry_after: Some(1),
            ..Self::new(
                StatusCode::SERVICE_UNAVAILABLE,
                "there is more to do than can be done now: try again",
            )
        }
    }

    /// An error that is not the client's: it is told in the log.
    pub(crate) fn internal(error: impl std::fmt::Display) -> Self {
        tracing::error!(%error, "a request failed");
        Self::new(
            StatusCode::INTERNAL_SERVER_ERROR,
            "the server failed to answer: its log says why",
        )
    }
}

impl IntoResponse for Problem {
    fn into_response(self) -> Response {
        let status = StatusCode::from_u16(self.status).unwrap_or(StatusCode::INTERNAL_SERVER_ERROR);
        let retry = self.retry_after.map(HeaderValue::from);
        let mut response = (status, Json(self)).into_response();
        let headers = response.headers_mut();
        headers.insert(
            header::CONTENT_TYPE,
            HeaderValue::from_static("application/problem+json"),
        );
        if let Some(retry) = retry {
            headers.insert(header::RETRY_AFTER, retry);
        }
        response
    }
}

impl From<Engine> for Problem {
    fn from(error: Engine) -> Self {
        match error {
            Engine::BadQuery(_) | Engine::Condition(_) | Engine::NoReranker(_) => {
                Self::bad_request(error.to_string())
            }
            Engine::NoItem(_) | Engine::SeveralItems(_) => {
                Self::new(StatusCode::NOT_FOUND, error.to_string())
            }
            // Not with the path of the upload, which is the server's own.
            Engine::Query(error) => Self::new(StatusCode::UNSUPPORTED_MEDIA_TYPE, error.cause.to_string()),
            Engine::Path { .. } => Self::bad_request(error.to_string()),
            error => Self::internal(error),
        }
    }
}

impl From<sensorium_store::Error> for Problem {
    fn from(error: sensorium_store::Error) -> Self {
        Self::internal(error)
    }
}

impl From<JsonRejection> for Problem {
    fn from(rejection: JsonRejection) -> Self {
        Self::new(rejection.status(), rejection.body_text())
    }
}

impl From<QueryRejection> for Problem {
    fn from(rejection: QueryRejection) -> Self {
        Self::new(rejection.status(), rejection.body_text())
    }
}

impl From<MultipartRejection> for Problem {
    fn from(rejection: MultipartRejection) -> Self {
        Self::new(rejection.status(), rejection.body_text())
    }
}

impl From<MultipartError> for Problem {
    fn from(error: MultipartError) -> Self {
        Self::new(error.status(), error.body_text())
    }
}

impl From<PathRejection> for Problem {
    fn from(rejection: PathRejection) -> Self {
        Self::new(rejection.status(), rejection.body_text())
    }
}
