//! `sensorium index --watch`

use std::path::Path;
use std::sync::Arc;
use std::thread;
use std::time::Duration;

use anyhow::Context as _;
use sensorium_engine::{IndexOptions, Report, Stopper, WatchNotice, WatchOptions, Watcher};
use sensorium_model::Package;
use sensorium_types::path_text;
use signal_hook::consts::{SIGINT, SIGTERM};
use signal_hook::iterator::Signals;
use signal_hook::low_level::emulate_default_handler;

use super::index::{Bars, print_report};
use crate::args::{Common, Index};
use crate::output::{Outcome, print_json, say};

pub(super) fn run(
    common: &Common,
    options: &Index,
    folder: &Path,
    package: Arc<Package>,
    index: IndexOptions,
) -> anyhow::Result<Outcome> {
    let settings = WatchOptions {
        index,
        poll: options.poll.map(Duration::from_secs),
    };
    let mut watcher = Watcher::new(folder, &options.paths, package, settings)?;
    let stopper = watcher.stopper();
    stop_on_signals(stopper.clone())?;
    let mut bars = Bars::new("indexing files");
    let mut printed = Ok(());
    watcher.run(&mut |notice| {
        if let WatchNotice::Progress(progress) = notice {
            return bars.show(progress);
        }
        bars.finish();
        let told = tell(notice, common.json);
        if told.is_err() {
            // Nobody reads on.
            stopper.stop();
            printed = told;
        }
    })?;
    bars.finish();
    printed?;
    Ok(Outcome::Done)
}

fn tell(notice: WatchNotice<'_>, json: bool) -> anyhow::Result<()> {
    match notice {
        WatchNotice::Progress(_) => {}
        WatchNotice::Round(report) => return print_round(&report, json),
        WatchNotice::Watching(roots) => {
            let roots: Vec<_> = roots.iter().map(|root| path_text(root)).collect();
            say(&format!("watching {}; end with Ctrl-C", roots.join(", ")));
        }
        WatchNotice::Away(path) => say(&format!(
            "{} is away: what the index has of it stays until it is back",
            path_text(path)
        )),
        WatchNotice::Back(path) => say(&format!("{} is back", path_text(path))),
        WatchNotice::Waiting(error) => say(&format!("{error}; it is tried again until then")),
        WatchNotice::Polling(cause, every) => say(&format!(
            "{cause}: all files are looked at every {} s, too",
            every.as_secs()
        )),
    }
    Ok(())
}

fn print_round(report: &Report, json: bool) -> anyhow::Result<()> {
    if json {
        print_json(report)
    } else {
        print_report(report)
    }
}

/// The first signal ends in order, a second one at once, which loses nothing that was committed.
fn stop_on_signals(stopper: Stopper) -> anyhow::Result<()> {
    let mut signals = Signals::new([SIGINT, SIGTERM]).context("cannot be told of signals")?;
    let wait = move || {
        let mut signals = signals.forever();
        if signals.next().is_some() {
            say("ending after the files at hand; once more ends at once");
            stopper.stop();
        }
        if let Some(signal) = signals.next() {
            // It does not return.
            let _ = emulate_default_handler(signal);
        }
    };
    thread::Builder::new().name("signals".into()).spawn(wait)?;
    Ok(())
}
