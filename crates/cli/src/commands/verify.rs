//! `sensorium verify`

use serde_json::json;

use crate::args::{Common, Verify};
use crate::output::{Outcome, print, print_json, printable};

pub(crate) fn run(common: &Common, options: &Verify) -> anyhow::Result<Outcome> {
    let folder = super::index_folder(&options.index)?;
    let problems = sensorium_engine::verify(&folder)?;
    if common.json {
        print_json(&json!({"holds": problems.is_empty(), "problems": problems}))?;
    } else if problems.is_empty() {
        print(&format!("the index in {} holds together", folder.display()))?;
    } else {
        problems
            .iter()
            .try_for_each(|problem| print(&printable(problem)))?;
        print(&format!(
            "the index in {} is damaged: move it away and index again",
            folder.display()
        ))?;
    }
    Ok(if problems.is_empty() {
        Outcome::Done
    } else {
        Outcome::Failed
    })
}
