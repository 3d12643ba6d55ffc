//! `sensorium remove`

use sensorium_engine::Indexer;
use serde_json::json;

use crate::args::{Common, Remove};
use crate::output::{Outcome, print, print_json, say};

pub(crate) fn run(common: &Common, options: &Remove) -> anyhow::Result<Outcome> {
    let mut indexer = Indexer::open_existing(&super::index_folder(&options.index)?)?;
    let removed = indexer.remove(&options.paths)?;
    if common.json {
        print_json(&json!({"removed": removed}))?;
    } else {
        print(&format!("{removed} files forgotten"))?;
    }
    if removed == 0 {
        say("nothing at or below these paths is in the index");
    }
    Ok(if removed == 0 {
        Outcome::Failed
    } else {
        Outcome::Done
    })
}
