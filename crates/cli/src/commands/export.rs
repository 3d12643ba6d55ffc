//! `sensorium export`

use sensorium_engine::{ExportOptions, export};
use sensorium_types::path_text;

use super::index::Bars;
use crate::args::{Common, Export};
use crate::output::{Outcome, print, print_json, printable};

pub(crate) fn run(common: &Common, options: &Export) -> anyhow::Result<Outcome> {
    let folder = super::index_folder(&options.index)?;
    let wanted = ExportOptions {
        modalities: options.modality.clone(),
        condition: options.condition.clone(),
    };
    let mut bars = Bars::new("writing rows");
    let exported = export(&folder, &options.to, &wanted, &mut |progress| bars.show(progress))?;
    bars.finish();
    super::say_stale(exported.stale, &folder);
    if common.json {
        print_json(&exported)?;
    } else {
        let files: Vec<_> = exported.files.iter().map(|file| path_text(file)).collect();
        print(&printable(&format!(
            "{} rows in {}",
            exported.rows,
            files.join(" and ")
        )))?;
    }
    Ok(Outcome::Done)
}
