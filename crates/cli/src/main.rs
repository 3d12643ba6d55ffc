//! The `sensorium` command: parses arguments, calls the libraries, prints.

mod args;
mod commands;
mod output;

use std::io::IsTerminal as _;
use std::process::ExitCode;

use clap::Parser as _;
use tracing_subscriber::EnvFilter;

use crate::args::{Arguments, Command, ModelCommand};
use crate::output::Outcome;

fn main() -> ExitCode {
    let arguments = Arguments::parse();
    start_logging(arguments.common.verbose);
    let common = &arguments.common;
    let result = match &arguments.command {
        Command::Embed(options) => commands::embed::run(common, options),
        Command::Eval(options) => commands::eval::run(common, options),
        Command::Model(ModelCommand::List) => commands::model::list(common),
        Command::Model(ModelCommand::Verify) => commands::model::verify(common),
    };
    match result {
        Ok(Outcome::Done) => ExitCode::SUCCESS,
        Ok(Outcome::Failed) => ExitCode::from(1),
        Ok(Outcome::Refused) => ExitCode::from(3),
        Err(error) if is_broken_pipe(&error) => ExitCode::SUCCESS,
        Err(error) => {
            output::say(&format!("sensorium: {error:#}"));
            ExitCode::from(1)
        }
    }
}

/// Logs go to standard error; `$RUST_LOG` overrides the level.
fn start_logging(verbose: u8) {
    let level = match verbose {
        0 => "warn",
        1 => "info,ort=warn",
        _ => "debug",
    };
    let filter = EnvFilter::try_from_default_env().unwrap_or_else(|_| EnvFilter::new(level));
    tracing_subscriber::fmt()
        .with_env_filter(filter)
        .with_writer(std::io::stderr)
        .with_ansi(std::io::stderr().is_terminal())
        .init();
}

/// Whether the reader of our output went away, as `head` does: that is no failure.
fn is_broken_pipe(error: &anyhow::Error) -> bool {
    error.chain().any(|cause| {
        cause
            .downcast_ref::<std::io::Error>()
            .is_some_and(|error| error.kind() == std::io::ErrorKind::BrokenPipe)
    })
}
