//! Files as answers: whole or in ranges.

use std::fs::File;
use std::io::SeekFrom;

use axum::body::Body;
use axum::http::{HeaderMap, HeaderValue, StatusCode, header};
use axum::response::{IntoResponse as _, Response};
use tokio::io::{AsyncReadExt as _, AsyncSeekExt as _};
use tokio_util::io::ReaderStream;

use crate::problem::{Problem, Result};

/// What is read at once, in bytes.
const CHUNK: usize = 64 << 10;

/// How long a client may keep what is named by its content, in seconds.
const KEPT: u32 = 24 * 3600;

/// What is sent, and how it is named.
pub(super) struct Served {
    pub(super) file: File,
    pub(super) media_type: &'static str,
    /// Changes with the content.
    pub(super) tag: String,
}

/// `served`, or the range of it that `headers` ask for, or that it did not change.
pub(super) async fn serve(served: Served, headers: &HeaderMap) -> Result<Response> {
    let Served {
        file,
        media_type,
        tag,
    } = served;
    let length = file.metadata().map_err(Problem::internal)?.len();
    let tag = format!("\"{tag}\"");
    let asked = |name| {
        headers
            .get(name)
            .and_then(|value: &HeaderValue| value.to_str().ok())
    };
    let mut response = match asked(header::IF_NONE_MATCH) == Some(&tag) {
        true => StatusCode::NOT_MODIFIED.into_response(),
        false => {
            // A range of what is no more is of no use.
            let is_same = asked(header::IF_RANGE).is_none_or(|known| known == tag);
            let range = asked(header::RANGE).filter(|_| is_same);
            body(file, length, range).await?
        }
    };
    let about = response.headers_mut();
    about.insert(header::ACCEPT_RANGES, HeaderValue::from_static("bytes"));
    about.insert(header::CONTENT_TYPE, HeaderValue::from_static(media_type));
    let cache = format!("private, max-age={KEPT}");
    for (name, value) in [(header::ETAG, tag), (header::CACHE_CONTROL, cache)] {
        about.insert(name, HeaderValue::from_str(&value).map_err(Problem::internal)?);
    }
    // Pictures may be documents with scripts; opened by themselves, they can do nothing.
    about.insert(
        header::CONTENT_SECURITY_POLICY,
        HeaderValue::from_static("default-src 'none'; style-src 'unsafe-inline'; sandbox"),
    );
    Ok(response)
}

async fn body(file: File, length: u64, range: Option<&str>) -> Result<Response> {
    let mut file = tokio::fs::File::from_std(file);
    let asked = range.and_then(|range| http_range_header::parse_range_header(range).ok());
    let ranges = asked.map(|asked| asked.validate(length)).transpose();
    let Ok(ranges) = ranges else {
        let headers = [(header::CONTENT_RANGE, format!("bytes */{length}"))];
        let problem = Problem::new(StatusCode::RANGE_NOT_SATISFIABLE, "the file has no such range");
        return Ok((headers, problem).into_response());
    };
    // Instead of several ranges, the whole file is sent.
    let Some([range]) = ranges.as_deref() else {
        let headers = [(header::CONTENT_LENGTH, length.to_string())];
        let body = Body::from_stream(ReaderStream::with_capacity(file, CHUNK));
        return Ok((headers, body).into_response());
    };
    let (start, end) = (*range.start(), *range.end());
    file.seek(SeekFrom::Start(start))
        .await
        .map_err(Problem::internal)?;
    let wanted = end - start + 1;
    let headers = [
        (header::CONTENT_RANGE, format!("bytes {start}-{end}/{length}")),
        (header::CONTENT_LENGTH, wanted.to_string()),
    ];
    let body = Body::from_stream(ReaderStream::with_capacity(file.take(wanted), CHUNK));
    Ok((StatusCode::PARTIAL_CONTENT, headers, body).into_response())
}
