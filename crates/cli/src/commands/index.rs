//! `sensorium index`

use sensorium_engine::{IndexOptions, Indexer, Progress, Report};

use super::watch;
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
        transcripts: (&options.words).into(),
        arrange_from: options.arrange_from,
    };
    if options.watch {
        return watch::run(common, options, &folder, package, settings);
    }
    let mut bars = Bars::new("indexing files");
    let mut show = |progress| bars.show(progress);
    let report = if options.paths.is_empty() {
        Indexer::open_existing(&folder)?.refresh(&package, &settings, &mut show)?
    } else {
        Indexer::open(&folder)?.run(&options.paths, &package, &settings, &mut show)?
    };
    bars.finish();
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

/// How far a run is, as a bar.
pub(super) struct Bars {
    /// What happens to what is counted.
    what: &'static str,
    bar: Option<output::Progress>,
}

impl Bars {
    pub(super) fn new(what: &'static str) -> Self {
        Self { what, bar: None }
    }

    pub(super) fn show(&mut self, progress: Progress) {
        match progress {
            Progress::Reencoding(items) => self.start("making vectors of kept features", items),
            Progress::Planned(files) => self.start(self.what, files),
            Progress::Arranging(vectors) => self.start("arranging vectors", vectors),
            Progress::Transcribing(files) => self.start("recognising words", files),
            Progress::Reencoded(done)
            | Progress::Done(done)
            | Progress::Arranged(done)
            | Progress::Transcribed(done) => {
                self.bar.iter_mut().for_each(|bar| bar.step(done));
            }
            Progress::Walking(files) => tracing::info!(files, "looking for files"),
        }
    }

    fn start(&mut self, what: &'static str, total: usize) {
        self.finish();
        if total > 0 {
            self.bar = Some(output::Progress::start(what, total));
        }
    }

    pub(super) fn finish(&mut self) {
        self.bar.take().into_iter().for_each(output::Progress::finish);
    }
}

pub(super) fn print_report(report: &Report) -> anyhow::Result<()> {
    report.refused.iter().for_each(say_refused);
    let counts = [
        (report.added, "added"),
        (report.updated, "updated"),
        (report.unchanged, "unchanged"),
        (report.dropped, "dropped"),
        (report.ignored, "ignored"),
        (report.transcribed.unwrap_or_default(), "searched for words"),
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
