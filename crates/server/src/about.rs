//! What is told of an item beside what it is found by.

use std::fs::File;
use std::path::{Path, PathBuf};

use axum::http::StatusCode;
use sensorium_engine::open_unchanged;
use sensorium_store::{Catalog, StoredItem, Transcript};
use sensorium_types::{Fields, ItemId, Line, Modality, Segment, Track};
use serde::Serialize;
use utoipa::ToSchema;

use crate::problem::{Problem, Result};

/// What browsers know as kinds of files, by the names of their formats; others have none.
const MEDIA_TYPES: [(&str, &str); 22] = [
    ("JPEG", "image/jpeg"),
    ("PNG", "image/png"),
    ("WebP", "image/webp"),
    ("GIF", "image/gif"),
    ("BMP", "image/bmp"),
    ("SVG", "image/svg+xml"),
    ("AVIF", "image/avif"),
    ("M4A", "audio/mp4"),
    ("ID3", "audio/mpeg"),
    ("MP3", "audio/mpeg"),
    ("WAV", "audio/wav"),
    ("FLAC", "audio/flac"),
    ("Vorbis", "audio/ogg"),
    ("Opus", "audio/ogg"),
    ("AAC", "audio/aac"),
    ("MP4", "video/mp4"),
    ("M4V", "video/mp4"),
    ("MOV", "video/mp4"),
    ("WebM", "video/webm"),
    ("EBML", "video/webm"),
    ("Theora", "video/ogg"),
    ("PDF", "application/pdf"),
];

/// By what a browser knows what to do with the file of `item`, where it can do anything. Texts are only ever shown as such.
pub(crate) fn media_type(item: &StoredItem) -> Option<&'static str> {
    let known = MEDIA_TYPES.iter().find(|(format, _)| *format == item.format);
    let known = known.map(|(_, media_type)| *media_type);
    match item.modality {
        Modality::Text => Some(known.unwrap_or("text/plain; charset=utf-8")),
        _ => known,
    }
}

/// What a file is and says of itself.
#[derive(Debug, Clone, Serialize, ToSchema)]
pub(crate) struct Media {
    /// The last part of its path.
    name: String,
    /// As in "JPEG".
    format: String,
    /// Its size.
    bytes: u64,
    /// In pixels, of a picture or a video.
    #[serde(skip_serializing_if = "Option::is_none")]
    width: Option<u64>,
    /// In pixels, of a picture or a video.
    #[serde(skip_serializing_if = "Option::is_none")]
    height: Option<u64>,
    /// In seconds, of a sound or a video.
    #[serde(skip_serializing_if = "Option::is_none")]
    duration: Option<f64>,
    /// Whether most browsers show or play it as it is; else there is `preview`.
    playable: bool,
    /// What a camera, a player or an author wrote into it.
    #[schema(value_type = Object)]
    facts: Fields,
}

impl Media {
    pub(crate) fn of(item: &StoredItem) -> Self {
        let path = item.locations.first().map(|location| location.path.as_path());
        let name = path
            .and_then(Path::file_name)
            .map(|name| name.to_string_lossy().into_owned());
        let number = |name: &str| item.facts.get(name);
        Self {
            name: name.unwrap_or_default(),
            format: item.format.clone(),
            bytes: item.bytes,
            width: number("width").and_then(serde_json::Value::as_u64),
            height: number("height").and_then(serde_json::Value::as_u64),
            duration: number("duration").and_then(serde_json::Value::as_f64),
            playable: media_type(item).is_some(),
            facts: item.facts.clone(),
        }
    }
}

/// The item called `id`.
pub(crate) fn stored(catalog: &dyn Catalog, id: ItemId) -> Result<StoredItem> {
    let none = || Problem::not_found(id);
    let key = catalog.find(&id)?.ok_or_else(none)?;
    catalog.items(&[key])?.pop().ok_or_else(none)
}

/// The first `most` passages of the text `item`, with blank lines between.
pub(crate) fn text_of(item: &StoredItem, catalog: &dyn Catalog, most: usize) -> Result<String> {
    let passages = catalog.segments_of(item.key, None, most)?.into_iter();
    let passages: Vec<String> = passages.filter_map(|passage| passage.text).collect();
    Ok(passages.join("\n\n"))
}

/// What is said in `item`, then what is to be read in it, each in the order of time.
pub(crate) fn lines_of(item: &StoredItem, catalog: &dyn Catalog) -> Result<Vec<Line>> {
    let mut transcripts = catalog.transcripts(item.key)?;
    transcripts.sort_by_key(|transcript| transcript.track != Track::Audio);
    let lines = transcripts
        .into_iter()
        .flat_map(|Transcript { track, lines, .. }| {
            lines.into_iter().map(move |(span, text)| Line {
                segment: Segment { track, span },
                text,
            })
        });
    Ok(lines.collect())
}

/// The file of `item` that is still the one that was indexed, and where it is. Nothing else is ever opened.
pub(crate) fn file(item: &StoredItem) -> Result<(PathBuf, File)> {
    let mut files = item
        .locations
        .iter()
        .filter_map(|location| Some((location.path.clone(), open_unchanged(location)?)));
    files.next().ok_or_else(|| {
        Problem::new(
            StatusCode::NOT_FOUND,
            "the file is gone or changed since it was indexed: index it again",
        )
    })
}
