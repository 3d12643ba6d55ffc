//! `sensorium status`

use std::fmt::Display;

use indicatif::{BinaryBytes, HumanCount};
use sensorium_engine::Status;
use sensorium_types::Track;

use super::plain_table;
use crate::args::{self, Common};
use crate::output::{Outcome, print, print_json, printable};

/// How many refused files are listed; all are in the JSON.
const LISTED: usize = 20;

pub(crate) fn run(common: &Common, options: &args::Status) -> anyhow::Result<Outcome> {
    let status = sensorium_engine::status(&super::index_folder(&options.index)?)?;
    if common.json {
        print_json(&status)?;
    } else {
        print_status(&status)?;
    }
    Ok(Outcome::Done)
}

fn print_status(status: &Status) -> anyhow::Result<()> {
    let mut table = plain_table();
    table.add_row(["index", &printable(&status.index.display().to_string())]);
    for (space, items) in &status.spaces {
        table.add_row(["space", &format!("{space}, {} items", HumanCount(*items))]);
    }
    table.add_row(["items", &counts(&status.items)]);
    table.add_row(["segments", &counts(&status.segments)]);
    if !status.transcripts.is_empty() {
        let told = [(Track::Audio, "heard"), (Track::Visual, "read")];
        let told =
            told.map(|(track, how)| (how, status.transcripts.get(&track).copied().unwrap_or_default()));
        table.add_row(["words", &counts(told.iter().map(|(how, count)| (how, count)))]);
    }
    table.add_row([
        "files",
        &format!(
            "{} indexed, {} refused, {} ignored",
            HumanCount(status.files.indexed),
            HumanCount(status.files.refused),
            HumanCount(status.files.ignored)
        ),
    ]);
    let bytes = status.bytes;
    table.add_row([
        "size",
        &format!(
            "{} on disk, of which vectors {}, features {}",
            BinaryBytes(bytes.total),
            BinaryBytes(bytes.vectors),
            BinaryBytes(bytes.features)
        ),
    ]);
    print(&table)?;
    if !status.refused.is_empty() {
        print(&"\nrefused")?;
    }
    for refused in status.refused.iter().take(LISTED) {
        print(&printable(&format!("  {}: {}", refused.path, refused.cause)))?;
    }
    match status.refused.len().saturating_sub(LISTED) {
        0 => Ok(()),
        more => print(&format!("  and {more} more: see `sensorium status --json`")),
    }
}

fn counts<'a, K: Display + 'a>(counts: impl IntoIterator<Item = (&'a K, &'a u64)>) -> String {
    let told: Vec<String> = counts
        .into_iter()
        .map(|(what, count)| format!("{what} {}", HumanCount(*count)))
        .collect();
    if told.is_empty() {
        "none".into()
    } else {
        told.join(", ")
    }
}
