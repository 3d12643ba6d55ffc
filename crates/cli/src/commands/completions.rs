//! `sensorium completions`

use clap::CommandFactory as _;

use crate::args::{Arguments, Completions};
use crate::output::{Outcome, print};

pub(crate) fn run(options: &Completions) -> anyhow::Result<Outcome> {
    let mut script = Vec::new();
    clap_complete::generate(options.shell, &mut Arguments::command(), "sensorium", &mut script);
    print(&String::from_utf8(script)?.trim_end())?;
    Ok(Outcome::Done)
}
