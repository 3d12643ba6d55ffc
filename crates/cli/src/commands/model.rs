//! `sensorium model list` and `sensorium model verify`

use sensorium_model::{GOLDEN_COSINE, GoldenCheck, Package};
use sensorium_types::Track;
use serde_json::{Value, json};

use super::plain_table;
use crate::args::Common;
use crate::output::{Outcome, print, print_json};

pub(crate) fn list(common: &Common) -> anyhow::Result<Outcome> {
    let package = super::package(common)?;
    if common.json {
        print_json(&describe(&package))?;
    } else {
        print_package(&package)?;
    }
    Ok(Outcome::Done)
}

pub(crate) fn verify(common: &Common) -> anyhow::Result<Outcome> {
    let package = super::package(common)?;
    let checks = sensorium_model::verify(&package, common.threads())?;
    let holds = checks.iter().all(GoldenCheck::holds);
    if common.json {
        print_json(&json!({
            "space": package.space().to_string(),
            "files": package.manifest().files.len(),
            "golden": checks
                .iter()
                .map(|check| json!({"name": check.name, "cosine": check.cosine, "holds": check.holds()}))
                .collect::<Vec<_>>(),
            "holds": holds,
        }))?;
    } else {
        print_checks(&package, &checks)?;
    }
    Ok(if holds { Outcome::Done } else { Outcome::Failed })
}

fn print_checks(package: &Package, checks: &[GoldenCheck]) -> anyhow::Result<()> {
    let mut table = plain_table();
    table.set_header(["golden input", "cosine", ""]);
    for check in checks {
        let verdict = if check.holds() { "ok" } else { "FAILS" };
        table.add_row([
            check.name.clone(),
            format!("{:.6}", check.cosine),
            verdict.to_owned(),
        ]);
    }
    print(&table)?;
    let failed = checks.iter().filter(|check| !check.holds()).count();
    print(&if failed == 0 {
        format!(
            "{}: {} files have the right hashes, {} golden inputs reach a cosine of {GOLDEN_COSINE}",
            package.space(),
            package.manifest().files.len(),
            checks.len()
        )
    } else {
        format!(
            "{}: {failed} of {} golden inputs stay below a cosine of {GOLDEN_COSINE}; do not use this package",
            package.space(),
            checks.len()
        )
    })
}

fn print_package(package: &Package) -> anyhow::Result<()> {
    let manifest = package.manifest();
    print(&format!(
        "{} {} ({})\n{}\n",
        manifest.name, manifest.version, manifest.license, manifest.description
    ))?;
    let mut facts = plain_table();
    facts.add_row(["folder", &package.folder().display().to_string()]);
    facts.add_row(["space", &package.space().to_string()]);
    let blocks = manifest.blocks.iter();
    let blocks: Vec<_> = blocks
        .map(|block| format!("{} ({})", block.name, block.dimension))
        .collect();
    facts.add_row(["blocks", &blocks.join(", ")]);
    facts.add_row(["size", &format!("{:.1} MB", bytes(package) as f64 / 1e6)]);
    print(&facts)?;

    let mut towers = plain_table();
    towers.set_header(["tower", "features", "licence", "origin"]);
    for track in Track::ALL {
        if let Some(tower) = manifest.towers.common(track) {
            towers.add_row([
                track.to_string(),
                tower.features.to_string(),
                tower.license.clone(),
                tower.origin.clone(),
            ]);
        }
    }
    print(&format!("\n{towers}"))
}

fn describe(package: &Package) -> Value {
    let manifest = package.manifest();
    let towers: serde_json::Map<String, Value> = Track::ALL
        .into_iter()
        .filter_map(|track| Some((track, manifest.towers.common(track)?)))
        .map(|(track, tower)| {
            let facts = json!({
                "graph": tower.graph,
                "features": tower.features,
                "license": tower.license,
                "origin": tower.origin,
            });
            (track.to_string(), facts)
        })
        .collect();
    json!({
        "name": manifest.name,
        "version": manifest.version,
        "license": manifest.license,
        "description": manifest.description,
        "folder": sensorium_types::path_text(package.folder()),
        "space": package.space().to_string(),
        "blocks": package.space().blocks,
        "bytes": bytes(package),
        "towers": towers,
        "files": manifest.files,
    })
}

/// The size of the files that the package lists; those that are missing count nothing.
fn bytes(package: &Package) -> u64 {
    let files = package.manifest().files.keys();
    files
        .filter_map(|name| package.folder().join(name).metadata().ok())
        .map(|metadata| metadata.len())
        .sum()
}
