//! `sensorium config`

use clap::Command;
use serde_json::{Map, json};

use super::plain_table;
use crate::args::{Common, IndexFolder};
use crate::config::{ConfigFile, Setting};
use crate::output::{Outcome, print, print_json, printable};

/// Shows the settings of `command`, as it was before the file was applied to it.
pub(crate) fn run(common: &Common, file: &ConfigFile, command: &Command) -> anyhow::Result<Outcome> {
    let mut settings = file.settings(command);
    for setting in settings.iter_mut().filter(|setting| setting.values.is_empty()) {
        setting.values.extend(usual(common, &setting.name));
    }
    let path = file.path.as_ref().map(|path| path.display().to_string());
    let there = file.path.as_ref().is_some_and(|path| path.exists());
    if common.json {
        let settings: Map<_, _> = settings.into_iter().map(entry).collect();
        print_json(&json!({"file": path, "found": there, "settings": settings}))?;
        return Ok(Outcome::Done);
    }
    let told = match (&path, there) {
        (Some(path), true) => path.clone(),
        (Some(path), false) => format!("{path} (not there)"),
        (None, _) => "none".to_owned(),
    };
    print(&format!("file: {}\n", printable(&told)))?;
    let mut table = plain_table();
    table.set_header(["setting", "value", "from", "variable"]);
    for setting in settings {
        let value = printable(&setting.values.join(", "));
        table.add_row([&setting.name, &value, setting.from.name(), &setting.variable]);
    }
    print(&table)?;
    Ok(Outcome::Done)
}

fn entry(setting: Setting) -> (String, serde_json::Value) {
    let value = json!({
        "values": setting.values,
        "from": setting.from.name(),
        "variable": setting.variable,
        "commands": setting.commands,
    });
    (setting.name, value)
}

/// What is used for the setting `name`, where that depends on the machine.
fn usual(common: &Common, name: &str) -> Option<String> {
    match name {
        "index" => {
            let folder = super::index_folder(&IndexFolder { folder: None }).ok()?;
            Some(folder.display().to_string())
        }
        "cache" => Some(super::serve::cache_folder().ok()?.display().to_string()),
        "model" => Some(super::package(common).ok()?.folder().display().to_string()),
        "threads" => Some(common.threads().to_string()),
        _ => None,
    }
}
