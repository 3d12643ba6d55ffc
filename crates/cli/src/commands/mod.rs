//! One file a command.

pub(crate) mod completions;
pub(crate) mod config;
pub(crate) mod duplicates;
pub(crate) mod embed;
pub(crate) mod eval;
pub(crate) mod export;
pub(crate) mod import;
pub(crate) mod index;
pub(crate) mod learn;
pub(crate) mod merge;
pub(crate) mod model;
pub(crate) mod remove;
pub(crate) mod search;
pub(crate) mod serve;
pub(crate) mod status;
pub(crate) mod verify;
mod watch;

use std::path::{Path, PathBuf};
use std::sync::Arc;

use anyhow::Context as _;
use comfy_table::{Table, TableStyle};
use etcetera::BaseStrategy as _;
use sensorium_engine::Received;
use sensorium_model::Package;
use sensorium_types::path_text;

use crate::args::{Common, IndexFolder};
use crate::output::{Outcome, print, print_json, say};

/// The model package that the options or the surroundings name.
fn package(common: &Common) -> anyhow::Result<Arc<Package>> {
    let binary = std::env::current_exe().context("cannot tell where this binary is")?;
    Ok(Arc::new(Package::find(common.model.as_deref(), &binary)?))
}

/// The folder of the index that the options or the surroundings name.
fn index_folder(options: &IndexFolder) -> anyhow::Result<PathBuf> {
    if let Some(folder) = &options.folder {
        return Ok(folder.clone());
    }
    let strategy = etcetera::choose_base_strategy()
        .context("there is no home folder to keep the index in: name a folder with --index")?;
    Ok(strategy.data_dir().join("sensorium/index"))
}

/// A table without lines.
fn plain_table() -> Table {
    let mut table = Table::new();
    table.load_style(TableStyle::new());
    table
}

/// Tells what came into an index.
fn print_received(received: Received, json: bool) -> anyhow::Result<Outcome> {
    if json {
        print_json(&received)?;
    } else {
        print(&format!(
            "{} files added, {} known before",
            received.added, received.known
        ))?;
    }
    Ok(Outcome::Done)
}

/// Says that `files` files of the index in `folder` were left out, if there are any.
fn say_stale(files: usize, folder: &Path) {
    if files > 0 {
        let folder = path_text(folder);
        say(&format!(
            "{files} files were left out, since what is known of them is of an older state: bring them up to date with \
             `sensorium index --index {folder}`"
        ));
    }
}
