//! `sensorium merge`

use sensorium_engine::{Indexer, Received};

use super::index::Bars;
use crate::args::{Common, Merge};
use crate::output::Outcome;

pub(crate) fn run(common: &Common, options: &Merge) -> anyhow::Result<Outcome> {
    let mut indexer = Indexer::open(&super::index_folder(&options.index)?)?;
    let mut bars = Bars::new("merging files");
    let mut all = Received::default();
    for other in &options.others {
        let received = indexer.merge(other, &mut |progress| bars.show(progress))?;
        bars.finish();
        super::say_stale(received.stale, other);
        all += received;
    }
    super::print_received(all, common.json)
}
