//! What there is.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use axum::extract::State;
use axum::{Extension, Json};
use sensorium_engine::{Bytes, FileCounts, Refused};
use sensorium_store::{Catalog, FileState};
use sensorium_types::{Modality, Track, path_text};
use serde::Serialize;
use utoipa::ToSchema;

use crate::auth::Access;
use crate::problem::{Problem, Problems, Result};
use crate::state::App;

/// Refusals that are listed.
const MOST_REFUSED: usize = 100;

/// Folders that are listed.
const MOST_FOLDERS: usize = 200;

/// What a server is and has.
#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct Status {
    /// Always `sensorium`.
    name: &'static str,
    version: &'static str,
    /// The space of the model.
    space: String,
    /// What the client may do.
    access: Access,
    /// Whether `rerank` can be asked for.
    reranker: bool,
    #[serde(flatten)]
    overview: Arc<Overview>,
}

/// What the index holds.
#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct Overview {
    #[serde(skip)]
    sequence: u64,
    /// How many items there are, by modality.
    #[schema(value_type = BTreeMap<String, u64>)]
    items: BTreeMap<Modality, u64>,
    /// How many segments they have, by track.
    #[schema(value_type = BTreeMap<String, u64>)]
    segments: BTreeMap<Track, u64>,
    /// At how many places they are found.
    locations: u64,
    files: FileCounts,
    bytes: Bytes,
    /// What could not be read, the first of it.
    refused: Vec<Refused>,
    /// How much could not be read.
    refused_total: usize,
    /// The folders that hold the files.
    folders: Vec<String>,
}

/// What the server is and has.
#[utoipa::path(get, path = "/status", tag = "status",
    responses((status = 200, body = Status), Problems))]
pub(crate) async fn status(
    State(app): State<Arc<App>>,
    Extension(access): Extension<Access>,
) -> Result<Json<Status>> {
    Ok(Json(Status::of(&app, access).await?))
}

impl Status {
    /// As a client sees it that may do what `access` says.
    pub(crate) async fn of(app: &App, access: Access) -> Result<Self> {
        Ok(Self {
            name: "sensorium",
            version: env!("CARGO_PKG_VERSION"),
            space: app.space.clone(),
            access,
            reranker: app.reranker,
            overview: overview(app).await?,
        })
    }
}

/// What the index holds by now; it is only counted again when it changed.
pub(super) async fn overview(app: &App) -> Result<Arc<Overview>> {
    let known = app.overview.lock().map_err(Problem::internal)?.clone();
    let index = app.index.clone();
    let overview = app
        .readers
        .read(move |catalog| {
            let sequence = catalog.sequence()?;
            match known.filter(|known| known.sequence == sequence) {
                Some(known) => Ok(known),
                None => Ok(Arc::new(Overview::of(catalog, &index, sequence)?)),
            }
        })
        .await?;
    app.metrics.items.set(overview.count(&Modality::ALL));
    *app.overview.lock().map_err(Problem::internal)? = Some(Arc::clone(&overview));
    Ok(overview)
}

impl Overview {
    /// How many items of `modalities` there are.
    pub(super) fn count(&self, modalities: &[Modality]) -> u64 {
        let counted = modalities.iter().filter_map(|modality| self.items.get(modality));
        counted.sum()
    }

    fn of(catalog: &dyn Catalog, index: &Path, sequence: u64) -> Result<Self> {
        let status = sensorium_engine::status(index)?;
        let files = catalog.files(Path::new("/"))?.into_iter();
        let held = files.filter(|file| file.state == FileState::Indexed);
        let folders = held.filter_map(|file| file.path.parent().map(Path::to_owned));
        Ok(Self {
            sequence,
            items: status.items,
            segments: status.segments,
            locations: status.locations,
            files: status.files,
            bytes: status.bytes,
            refused_total: status.refused.len(),
            refused: status.refused.into_iter().take(MOST_REFUSED).collect(),
            folders: listed(folders.collect()),
        })
    }
}

/// The folders, those of the highest levels as long as there is room.
fn listed(mut folders: Vec<PathBuf>) -> Vec<String> {
    folders.sort();
    folders.dedup();
    folders.sort_by_key(|folder| folder.components().count());
    folders.truncate(MOST_FOLDERS);
    folders.sort();
    folders
        .iter()
        .map(|folder| path_text(folder).into_owned())
        .collect()
}
