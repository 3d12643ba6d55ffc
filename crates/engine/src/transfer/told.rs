//! A row as a table tells it: much of it may be left out.

use std::ffi::OsStr;
use std::os::unix::ffi::OsStrExt as _;
use std::path::{Component, Path, PathBuf};

use sensorium_media::WINDOWING_VERSION;
use sensorium_store::{Content, Generation, Stamp};
use sensorium_types::{Fields, ItemId, Modality, Segment, Space, Track, path_text};
use serde::{Deserialize, Serialize};

use super::rows::Row;
use crate::halves::halves;
use crate::{Error, Result};

/// What was read, or what is wrong with it, in words.
pub(super) type Read<T> = std::result::Result<T, String>;

/// A table that is read.
pub(super) struct Table<'a> {
    /// Where it is, absolute.
    path: PathBuf,
    /// The space of which its vectors have to be.
    space: &'a Space,
}

impl<'a> Table<'a> {
    /// # Errors
    /// [`Error::Path`] when the folder that a relative `path` begins in is gone.
    pub(super) fn new(path: &Path, space: &'a Space) -> Result<Self> {
        let absolute = std::path::absolute(path).map_err(|source| Error::path(path, source))?;
        Ok(Self {
            path: absolute,
            space,
        })
    }

    pub(super) fn dimension(&self) -> usize {
        self.space.dimension()
    }
}

/// All that may be said of a row beside its vector, by the names of columns, and of fields in JSON Lines.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
#[serde(default, expecting = "a JSON object")]
pub(super) struct Told {
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) path: Option<String>,
    /// The path itself, where it is not UTF-8.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) path_bytes: Option<Vec<u8>>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) record: Option<u64>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) item: Option<ItemId>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) modality: Option<Modality>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) track: Option<Track>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) start: Option<f64>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) end: Option<f64>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) text: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) fields: Option<Fields>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) facts: Option<Fields>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) format: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) bytes: Option<u64>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) space: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) windowing: Option<u32>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) file_hash: Option<ItemId>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) file_size: Option<u64>,
    /// In nanoseconds since 1970, as the next.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) file_modified: Option<i64>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) file_changed: Option<i64>,
}

impl Told {
    /// All that is to be told of `row`.
    pub(super) fn of(row: &Row) -> Self {
        let path = row.path.as_os_str();
        let stamp = row.file.map(|(_, stamp)| stamp);
        Self {
            path: Some(path_text(&row.path).into_owned()),
            path_bytes: path.to_str().is_none().then(|| path.as_bytes().to_vec()),
            record: row.record,
            item: row.item,
            modality: Some(row.modality),
            track: Some(row.segment.track),
            start: row.segment.span.map(|span| span.start),
            end: row.segment.span.map(|span| span.end),
            text: row.text.clone(),
            fields: Some(row.fields.clone()),
            facts: Some(row.facts.clone()),
            format: Some(row.format.clone()),
            bytes: Some(row.bytes),
            space: Some(row.generation.space.clone()),
            windowing: Some(row.generation.windowing),
            file_hash: row.file.map(|(content, _)| ItemId::from_hash(content)),
            file_size: stamp.map(|stamp| stamp.size),
            file_modified: stamp.map(|stamp| stamp.modified),
            file_changed: stamp.map(|stamp| stamp.changed),
        }
    }

    /// The row of `table` with this number, from 1 on, and this vector.
    pub(super) fn row(self, vector: &[f32], table: &Table<'_>, number: u64) -> Read<Row> {
        let (path, record) = self.place(table, number)?;
        let modality = match (self.modality, &self.text) {
            (Some(modality), _) => modality,
            (None, Some(_)) => Modality::Text,
            (None, None) => {
                return Err("has neither a text nor a modality (text, image, audio, video)".into());
            }
        };
        let track = self.track.unwrap_or(modality.tracks()[0]);
        Ok(Row {
            path,
            record,
            item: self.item,
            segment: segment(modality, track, self.start, self.end)?,
            modality,
            file: self.file(),
            format: self.format.unwrap_or_default(),
            bytes: self.bytes.unwrap_or_default(),
            facts: self.facts.unwrap_or_default(),
            fields: self.fields.unwrap_or_default(),
            text: self.text,
            generation: Generation {
                space: same_space(self.space.as_deref(), table.space)?,
                windowing: self.windowing.unwrap_or(WINDOWING_VERSION),
            },
            vector: checked(vector, table.space)?,
        })
    }

    /// The file and the record. A relative path begins at the table; what has no path is a record of the table itself.
    fn place(&self, table: &Table<'_>, number: u64) -> Read<(PathBuf, Option<u64>)> {
        let path = match (&self.path_bytes, &self.path) {
            (Some(bytes), _) => PathBuf::from(OsStr::from_bytes(bytes)),
            (None, Some(path)) => PathBuf::from(path),
            (None, None) => return Ok((table.path.clone(), self.record.or(Some(number)))),
        };
        let is_plain =
            |component: Component<'_>| matches!(component, Component::RootDir | Component::Normal(_));
        match path.components().all(is_plain) && path.file_name().is_some() {
            true => Ok((table.path.with_file_name(path), self.record)),
            false => Err("its path is empty, or leads up again".into()),
        }
    }

    /// By what the file is known to be unchanged, where all of that is told.
    fn file(&self) -> Option<(Content, Stamp)> {
        let stamp = Stamp {
            size: self.file_size?,
            modified: self.file_modified?,
            changed: self.file_changed?,
        };
        Some((*self.file_hash?.as_bytes(), stamp))
    }
}

fn segment(modality: Modality, track: Track, start: Option<f64>, end: Option<f64>) -> Read<Segment> {
    if !modality.tracks().contains(&track) {
        return Err(format!("{} has no track {}", modality.name(), track.name()));
    }
    match (start, end) {
        (None, None) => Ok(Segment::whole(track)),
        (Some(start), Some(end)) if start >= 0.0 && start < end && end.is_finite() => {
            Ok(Segment::window(track, start, end))
        }
        _ => Err("its start and end are no stretch of time".into()),
    }
}

/// `vector`, if it may be one of `space`.
fn checked(vector: &[f32], space: &Space) -> Read<Vec<half::f16>> {
    let dimension = space.dimension();
    if vector.len() != dimension {
        return Err(format!(
            "its vector has {} components, those of {space} have {dimension}: vectors of another model are of no common \
             space, so that nothing here could be compared with them; index the files themselves instead",
            vector.len()
        ));
    }
    match vector.iter().all(|component| component.is_finite()) {
        true => Ok(halves(vector)),
        false => Err("its vector has components that are no finite numbers".into()),
    }
}

/// `space`, if the row is of it.
fn same_space(named: Option<&str>, space: &Space) -> Read<String> {
    let ours = space.to_string();
    match named {
        Some(theirs) if theirs == ours => Ok(ours),
        Some(theirs) => Err(format!(
            "its vector is of {theirs}, the model gives {ours}, and vectors of different spaces cannot be compared: name the right \
             package with --model, or index the files themselves"
        )),
        None => Err(format!(
            "does not say of which space its vector is, and only those of {ours} can be compared here: if it is of that, say so \
             in a column 'space'"
        )),
    }
}
