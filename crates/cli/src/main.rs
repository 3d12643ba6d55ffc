//! The `sensorium` command: parses arguments, calls the libraries, prints.

mod args;
mod commands;
mod config;
mod output;
mod terminal;

use std::io::IsTerminal as _;
use std::process::ExitCode;

use clap::parser::ValueSource;
use clap::{ArgMatches, CommandFactory as _, FromArgMatches as _};
use sensorium_model::Runtime;
use tracing_subscriber::EnvFilter;

use crate::args::{Arguments, Command, LogFormat, ModelCommand};
use crate::config::ConfigFile;
use crate::output::Outcome;

fn main() -> ExitCode {
    keep_offline();
    let command = Arguments::command();
    let file = match ConfigFile::find(&command, std::env::args_os()) {
        Ok(file) => file,
        Err(error) => {
            output::say(&format!("sensorium: {}", told(&error)));
            return ExitCode::from(2);
        }
    };
    // The matches tell in which order the parts of a query were given.
    let matches = file.apply(command).try_get_matches().unwrap_or_else(|error| {
        if let Some(note) = file.blamed(&error) {
            output::say(&note);
        }
        error.exit()
    });
    let arguments = Arguments::from_arg_matches(&matches).unwrap_or_else(|error| error.exit());
    start_logging(arguments.common.verbose, arguments.common.log_format);
    if let Some(threads) = arguments.common.threads {
        use_cores(threads.get());
    }
    match run(&arguments, &matches, &file) {
        Ok(Outcome::Done) => ExitCode::SUCCESS,
        Ok(Outcome::Failed) => ExitCode::from(1),
        Ok(Outcome::Refused) => ExitCode::from(3),
        Err(error) if is_broken_pipe(&error) => ExitCode::SUCCESS,
        Err(error) => {
            output::say(&format!("sensorium: {}", told(&error)));
            ExitCode::from(1)
        }
    }
}

/// Keeps ONNX Runtime from sending telemetry, which it would start when it is loaded.
#[allow(
    unsafe_code,
    reason = "the library has no other switch, and a process can only tell it through its environment"
)]
fn keep_offline() {
    // SAFETY: this is the first thing that `main` does, so no other thread can be reading the environment.
    unsafe { std::env::set_var(Runtime::NO_TELEMETRY, "1") };
}

fn run(arguments: &Arguments, matches: &ArgMatches, file: &ConfigFile) -> anyhow::Result<Outcome> {
    let common = &arguments.common;
    match &arguments.command {
        Command::Index(options) => {
            let migrate = matches.value_source("model") == Some(ValueSource::CommandLine);
            commands::index::run(common, options, migrate)
        }
        Command::Search(options) => {
            let matches = matches.subcommand_matches("search").unwrap_or(matches);
            commands::search::run(common, options, matches)
        }
        Command::Status(options) => commands::status::run(common, options),
        Command::Duplicates(options) => commands::duplicates::run(common, options),
        Command::Remove(options) => commands::remove::run(common, options),
        Command::Export(options) => commands::export::run(common, options),
        Command::Import(options) => commands::import::run(common, options),
        Command::Merge(options) => commands::merge::run(common, options),
        Command::Verify(options) => commands::verify::run(common, options),
        Command::Embed(options) => commands::embed::run(common, options),
        Command::Eval(options) => commands::eval::run(common, options),
        Command::Learn(options) => commands::learn::run(common, options),
        Command::Serve(options) => commands::serve::run(common, options),
        Command::Mcp(options) => commands::serve::mcp(common, options),
        Command::Key(options) => commands::serve::key(common, options),
        Command::Config => commands::config::run(common, file, &Arguments::command()),
        Command::Model(ModelCommand::List) => commands::model::list(common),
        Command::Model(ModelCommand::Verify) => commands::model::verify(common),
        Command::Completions(options) => commands::completions::run(options),
    }
}

/// Logs go to standard error; `$RUST_LOG` overrides the level.
fn start_logging(verbose: u8, format: LogFormat) {
    let level = match verbose {
        0 => "warn",
        1 => "info,ort=warn",
        _ => "debug",
    };
    let filter = EnvFilter::try_from_default_env().unwrap_or_else(|_| EnvFilter::new(level));
    let logs = tracing_subscriber::fmt()
        .with_env_filter(filter)
        .with_writer(std::io::stderr);
    match format {
        LogFormat::Text => logs.with_ansi(std::io::stderr().is_terminal()).init(),
        LogFormat::Json => logs.json().flatten_event(true).with_ansi(false).init(),
    }
}

/// What compares vectors and resamples figures takes all cores, unless it is told otherwise before it starts.
fn use_cores(threads: usize) {
    let pool = rayon::ThreadPoolBuilder::new().num_threads(threads);
    if let Err(error) = pool.build_global() {
        tracing::warn!(%error, "more cores are used than were asked for");
    }
}

/// The error with its causes, as far as it does not tell them itself.
fn told(error: &anyhow::Error) -> String {
    error.chain().skip(1).fold(error.to_string(), |told, cause| {
        let cause = cause.to_string();
        if told.contains(&cause) {
            told
        } else {
            format!("{told}: {cause}")
        }
    })
}

/// Whether the reader of our output went away, as `head` does: that is no failure.
fn is_broken_pipe(error: &anyhow::Error) -> bool {
    error.chain().any(|cause| {
        cause
            .downcast_ref::<std::io::Error>()
            .is_some_and(|error| error.kind() == std::io::ErrorKind::BrokenPipe)
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn comparing_vectors_takes_as_many_cores_as_were_asked_for() {
        use_cores(3);
        assert_eq!(rayon::current_num_threads(), 3);
    }
}
