//! What is told of an item beside what it is found by.

use std::fs::File;
use std::os::unix::fs::{MetadataExt as _, OpenOptionsExt as _};
use std::path::{Path, PathBuf};

use axum::http::StatusCode;
use sensorium_store::{Catalog, StoredItem};
use sensorium_types::{Fields, ItemId, Location, Modality};
use serde::Serialize;
use utoipa::ToSchema;

use crate::problem::{Problem, Result};

/// Kinds of files that browsers show or play as they are, by the name of their format.
const SHOWN: [&str; 7] = ["JPEG", "PNG", "WebP", "GIF", "BMP", "SVG", "AVIF"];
const PLAYED: [&str; 9] = [
    "MPEG-4 Part 14",
    "WebM",
    "MPEG-1/2 Audio Layer 3",
    "MP3",
    "Waveform Audio",
    "WAV",
    "Free Lossless Audio Codec",
    "Ogg",
    "Opus",
];

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
        let is_known = |known: &[&str]| known.iter().any(|known| item.format.starts_with(known));
        Self {
            name: name.unwrap_or_default(),
            format: item.format.clone(),
            bytes: item.bytes,
            width: number("width").and_then(serde_json::Value::as_u64),
            height: number("height").and_then(serde_json::Value::as_u64),
            duration: number("duration").and_then(serde_json::Value::as_f64),
            playable: match item.modality {
                Modality::Text => true,
                Modality::Image => is_known(&SHOWN),
                Modality::Audio | Modality::Video => is_known(&PLAYED),
            },
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

/// The file of `item`, which is still the one that was indexed, where it is.
///
/// Nothing else is ever opened: paths come from the catalogue, links are not followed, and a file that changed since it was
/// indexed may hold anything.
pub(crate) fn file(item: &StoredItem) -> Result<(PathBuf, File)> {
    let files = item
        .locations
        .iter()
        .filter_map(|location| Some((location.path.clone(), unchanged(location)?)));
    let mut files = files;
    files.next().ok_or_else(|| {
        Problem::new(
            StatusCode::NOT_FOUND,
            "the file is gone or changed since it was indexed: index it again",
        )
    })
}

fn unchanged(location: &Location) -> Option<File> {
    let file = File::options()
        .read(true)
        .custom_flags(
            (rustix::fs::OFlags::NOFOLLOW | rustix::fs::OFlags::NONBLOCK)
                .bits()
                .cast_signed(),
        )
        .open(&location.path)
        .ok()?;
    let about = file.metadata().ok()?;
    let modified = about
        .mtime()
        .saturating_mul(1_000_000_000)
        .saturating_add(about.mtime_nsec());
    // 0 where the file has to be looked at again.
    (about.is_file() && modified == location.modified).then_some(file)
}
