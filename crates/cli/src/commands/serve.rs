//! `sensorium serve`, `sensorium mcp` and `sensorium key`

use std::path::PathBuf;

use anyhow::Context as _;
use etcetera::BaseStrategy as _;
use sensorium_server::{Access, Key, Server, Settings};
use serde_json::json;

use crate::args::{Allowed, CacheFolder, Common, IndexFolder, LimitArgs, Mcp, NewKey, Serve};
use crate::output::{Outcome, print, print_json, say};

pub(crate) fn run(common: &Common, options: &Serve) -> anyhow::Result<Outcome> {
    let package = super::package(common)?;
    let settings = settings(common, &options.index, &options.cache, &options.limits)?;
    let server = Server::new(&options.change(settings), &package)?;
    let address = format!("http://{}", server.address());
    if common.json {
        print_json(&json!({"address": address}))?;
    } else {
        say(&format!(
            "the page is at {address}, the interface at {address}/api/docs; end with Ctrl-C"
        ));
    }
    server.run()?;
    Ok(Outcome::Done)
}

pub(crate) fn mcp(common: &Common, options: &Mcp) -> anyhow::Result<Outcome> {
    let package = super::package(common)?;
    let settings = settings(common, &options.index, &options.cache, &options.limits)?;
    sensorium_server::serve_on_stdio(&settings, &package)?;
    Ok(Outcome::Done)
}

/// What is usual, for this index, these previews and limits.
fn settings(
    common: &Common,
    index: &IndexFolder,
    cache: &CacheFolder,
    limits: &LimitArgs,
) -> anyhow::Result<Settings> {
    let cache = cache.folder.clone().map_or_else(cache_folder, Ok)?;
    Ok(Settings {
        threads: common.threads(),
        limits: limits.into(),
        ..Settings::new(super::index_folder(index)?, cache)
    })
}

pub(crate) fn cache_folder() -> anyhow::Result<PathBuf> {
    let strategy = etcetera::choose_base_strategy()
        .context("there is no home folder to keep previews in: name a folder with --cache")?;
    Ok(strategy.cache_dir().join("sensorium"))
}

pub(crate) fn key(common: &Common, options: &NewKey) -> anyhow::Result<Outcome> {
    let access = match options.access {
        Allowed::Read => Access::Read,
        Allowed::Write => Access::Write,
    };
    let (key, hash) = Key::generate(access)?;
    if common.json {
        print_json(&json!({"key": key, "hash": hash.to_string()}))?;
    } else {
        print(&format!("{key}\n{hash}"))?;
        say(
            "the first line is the key, for clients; it is not kept anywhere. The second is its hash, for `sensorium serve --key`",
        );
    }
    Ok(Outcome::Done)
}
