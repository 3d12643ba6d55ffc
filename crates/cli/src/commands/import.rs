//! `sensorium import`

use sensorium_engine::{Indexer, Received};

use super::index::Bars;
use crate::args::{Common, Import};
use crate::output::Outcome;

pub(crate) fn run(common: &Common, options: &Import) -> anyhow::Result<Outcome> {
    let package = super::package(common)?;
    let mut indexer = Indexer::open(&super::index_folder(&options.index)?)?;
    let mut bars = Bars::new("reading rows");
    let mut all = Received::default();
    for table in &options.tables {
        all += indexer.import(table, &package, &mut |progress| bars.show(progress))?;
        bars.finish();
    }
    super::print_received(all, common.json)
}
