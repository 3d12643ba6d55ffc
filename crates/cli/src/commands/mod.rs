//! One file a command.

pub(crate) mod embed;
pub(crate) mod eval;
pub(crate) mod model;

use std::sync::Arc;

use anyhow::Context as _;
use sensorium_model::Package;

use crate::args::Common;

/// The model package that the options or the surroundings name.
fn package(common: &Common) -> anyhow::Result<Arc<Package>> {
    let binary = std::env::current_exe().context("cannot tell where this binary is")?;
    Ok(Arc::new(Package::find(common.model.as_deref(), &binary)?))
}
