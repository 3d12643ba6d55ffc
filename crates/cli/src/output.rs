//! What all commands print, and how.

use std::io::{self, IsTerminal as _, Write as _};
use std::time::{Duration, Instant};

use indicatif::{ProgressBar, ProgressStyle};
use sensorium_engine::Refused;
use serde::Serialize;

/// How a command ended that did not fail.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Outcome {
    /// All is well.
    Done,
    /// The answer is no, and it was printed.
    Failed,
    /// Done, but some inputs were refused, and they were listed.
    Refused,
}

/// Says on standard error that an input was refused.
pub(crate) fn say_refused(refused: &Refused) {
    say(&format!("refused {}: {}", refused.path, refused.cause));
}

/// Writes `line` to standard error, with control characters made harmless: names of files are foreign.
pub(crate) fn say(line: &str) {
    // When even standard error is gone there is nobody left to tell.
    let _ = writeln!(io::stderr(), "{}", printable(line));
}

/// `text` without control characters other than line breaks.
pub(crate) fn printable(text: &str) -> String {
    text.chars()
        .map(|c| {
            if c.is_control() && c != '\n' {
                '\u{fffd}'
            } else {
                c
            }
        })
        .collect()
}

/// Prints `document` on standard output, as one JSON document.
pub(crate) fn print_json(document: &impl Serialize) -> anyhow::Result<()> {
    let mut out = io::BufWriter::new(io::stdout().lock());
    serde_json::to_writer(&mut out, document).map_err(io::Error::from)?;
    writeln!(out)?;
    out.flush()?;
    Ok(())
}

/// Prints `text` and a line break on standard output.
pub(crate) fn print(text: &impl std::fmt::Display) -> anyhow::Result<()> {
    let mut out = io::stdout().lock();
    writeln!(out, "{text}")?;
    Ok(out.flush()?)
}

/// How far a long job is: a bar with rate and time left on a terminal, now and then a line otherwise.
pub(crate) struct Progress {
    bar: ProgressBar,
    what: &'static str,
    total: u64,
    started: Instant,
    said: Instant,
}

impl Progress {
    const QUIET: Duration = Duration::from_secs(10);

    /// Starts to count `total` things that `what` happens to, as in "encoding files".
    pub(crate) fn start(what: &'static str, total: usize) -> Self {
        let bar = if io::stderr().is_terminal() {
            let template = "{msg} {wide_bar} {pos}/{len} ({per_sec}, {eta} left)";
            let style = ProgressStyle::with_template(template);
            ProgressBar::new(total as u64)
                .with_message(what)
                .with_style(style.unwrap_or_else(|_| ProgressStyle::default_bar()))
        } else {
            ProgressBar::hidden()
        };
        Self {
            bar,
            what,
            total: total as u64,
            started: Instant::now(),
            said: Instant::now(),
        }
    }

    /// So many more are done.
    pub(crate) fn step(&mut self, done: usize) {
        self.bar.inc(done as u64);
        if self.bar.is_hidden() && self.said.elapsed() >= Self::QUIET {
            self.said = Instant::now();
            let done = self.bar.position();
            let rate = done as f64 / self.started.elapsed().as_secs_f64();
            let left = self.total.saturating_sub(done) as f64 / rate;
            // Before the first is done nobody can tell.
            let told = match done {
                0 => String::new(),
                _ => format!(", {rate:.1} a second, {left:.0} s left"),
            };
            say(&format!("{}: {done} of {}{told}", self.what, self.total));
        }
    }

    /// Says a line above the bar.
    pub(crate) fn say(&self, line: &str) {
        if self.bar.is_hidden() {
            say(line);
        } else {
            self.bar.println(printable(line));
        }
    }

    /// Takes the bar away.
    pub(crate) fn finish(self) {
        self.bar.finish_and_clear();
    }
}
