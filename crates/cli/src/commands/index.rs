//! `sensorium index`

use sensorium_engine::{IndexOptions, Indexer, Progress, Report};

use crate::args::{Common, Index};
use crate::output::{self, Outcome, print, print_json, printable, say_refused};

/// `migrate`: the package was named on the command line, so that an index of another space is brought into its own.
pub(crate) fn run(common: &Common, options: &Index, migrate: bool) -> anyhow::Result<Outcome> {
    let package = super::package(common)?;
    let folder = super::index_folder(&options.index)?;
    let settings = IndexOptions {
        limits: (&options.limits).into(),
        threads: common.threads(),
        features: !options.no_features,
        migrate,
    };
    let mut bar = None;
    let mut show = |progress| match progress {
        Progress::Reencoding(items) => {
            bar = Some(output::Progress::start("making vectors of kept features", items));
        }
        Progress::Reencoded(items) => bar.iter_mut().for_each(|bar| bar.step(items)),
        Progress::Walking(files) => tracing::info!(files, "looking for files"),
        Progress::Planned(files) => {
            bar.take().into_iter().for_each(output::Progress::finish);
            if files > 0 {
                bar = Some(output::Progress::start("indexing files", files));
            }
        }
        Progress::Done(files) => bar.iter_mut().for_each(|bar| bar.step(files)),
    };
    let report = if options.paths.is_empty() {
        Indexer::open_existing(&folder)?.refresh(&package, &settings, &mut show)?
    } else {
        Indexer::open(&folder)?.run(&options.paths, &package, &settings, &mut show)?
    };
    bar.into_iter().for_each(output::Progress::finish);
    if common.json {
        print_json(&report)?;
    } else {
        print_report(&report)?;
    }
    Ok(if report.refused.is_empty() {
        Outcome::Done
    } else {
        Outcome::Refused
    })
}

fn print_report(report: &Report) -> anyhow::Result<()> {
    report.refused.iter().for_each(say_refused);
    let counts = [
        (report.added, "added"),
        (report.updated, "updated"),
        (report.unchanged, "unchanged"),
        (report.dropped, "dropped"),
        (report.ignored, "ignored"),
        (report.refused.len(), "refused"),
    ];
    let told: Vec<String> = counts
        .iter()
        .filter(|(count, _)| *count > 0)
        .map(|(count, what)| format!("{count} {what}"))
        .collect();
    if told.is_empty() {
        return print(&"nothing to index there");
    }
    print(&printable(&told.join(", ")))
}
