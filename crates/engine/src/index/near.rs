//! Graphs of nearest neighbours, brought up to date at the end of a run.

use std::path::Path;
use std::sync::atomic::{AtomicBool, Ordering};
use std::thread;

use crossbeam_channel::unbounded;
use sensorium_store::{Adding, Catalog, GraphIndex, Look, catch_up};

use super::Progress;
use crate::Result;

/// Brings what is kept of nearest neighbours in `space` up to date, where there are `large` many vectors and enough of them changed,
/// or what is kept is damaged, as far as `look` goes.
///
/// # Errors
/// When the catalogue cannot be read or the graphs cannot be written. Searches do without them, then.
pub(super) fn keep(
    folder: &Path,
    catalog: &dyn Catalog,
    space: &str,
    large: usize,
    look: Look,
    cancelled: &AtomicBool,
    progress: &mut dyn FnMut(Progress),
) -> Result<()> {
    if !GraphIndex::may_be_stale(folder, catalog, space, large, look)? {
        return Ok(());
    }
    let mut index = GraphIndex::open(folder, catalog, space, large);
    catch_up(&mut index, catalog, space)?;
    if !index.is_stale() {
        return Ok(());
    }
    let witnesses = index.witnesses(catalog)?;
    let (sender, steps) = unbounded();
    let step = move |adding: Adding| {
        // Who listens stays until it is done.
        let _ = sender.send(adding);
        !cancelled.load(Ordering::Relaxed)
    };
    thread::scope(|scope| {
        let keeping = scope.spawn(move || index.keep(folder, space, witnesses, &step));
        for (place, Adding { added, of }) in steps.into_iter().enumerate() {
            if place == 0 {
                progress(Progress::Arranging(of));
            }
            progress(Progress::Arranged(added));
        }
        let kept = keeping
            .join()
            .unwrap_or_else(|panic| std::panic::resume_unwind(panic));
        Ok(kept.map(drop)?)
    })
}
