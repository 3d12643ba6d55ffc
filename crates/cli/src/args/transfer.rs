//! What can be typed behind `export`, `import` and `merge`.

use std::path::PathBuf;

use clap::Args;
use clap::builder::{PathBufValueParser, TypedValueParser as _};
use sensorium_types::Modality;

use super::IndexFolder;

#[derive(Debug, Args)]
#[command(after_help = "Examples:
  sensorium export --to all.parquet                            for pandas, Polars, DuckDB and others
  sensorium export --to photos.npy --modality image            a float32 matrix, and photos.jsonl with what its rows are
  sensorium export --to snow.parquet --where 'path ~ \"snow/*\"' only what fulfils a condition

One row for each segment of each file: item, path, record, modality, track, start, end, text, space, vector, fields and
facts as JSON, and by what the file is known to be unchanged. What the towers saw (features) is not in it. `import`
takes both back.")]
pub(crate) struct Export {
    /// The table, a .parquet file, or a .npy file for a matrix with a .jsonl file beside it
    #[arg(long, value_name = "FILE", value_parser = PathBufValueParser::new().try_map(table))]
    pub(crate) to: PathBuf,
    /// Only these: text, image, audio, video [default: all]
    #[arg(long, value_name = "MODALITY", value_delimiter = ',')]
    pub(crate) modality: Vec<Modality>,
    /// Only what fulfils a condition, as for `search`
    #[arg(long = "where", value_name = "CONDITION")]
    pub(crate) condition: Option<String>,
    #[command(flatten)]
    pub(crate) index: IndexFolder,
}

fn table(path: PathBuf) -> Result<PathBuf, &'static str> {
    let extension = path.extension().and_then(|extension| extension.to_str());
    match extension {
        Some("parquet" | "npy") => Ok(path),
        _ => Err("expected a file that ends in .parquet or .npy"),
    }
}

#[derive(Debug, Args)]
#[command(after_help = "Examples:
  sensorium import all.parquet --index copy      an index with the same answers
  sensorium import photos.npy                    a matrix, and what photos.jsonl says of its rows

Of a table that another program made, these columns are needed (of a matrix, these fields of each line beside it):
  vector             a list of numbers, for each row
  space              the name of the model's space, as `sensorium model list` tells it
  text               words that the vector is of; or else path and modality (image, audio, video)
Others are as `export` writes them. A path may begin at the table; a text without one is a record of the table.

The vectors have to be of the model's space: those of other models cannot be compared with them. What the index knows of a file
stays. The files themselves need not be there; those that are gone are dropped when a folder above them is indexed again.")]
pub(crate) struct Import {
    /// Tables: .parquet files, or .npy files with a .jsonl file beside each
    #[arg(value_name = "FILE", required = true)]
    pub(crate) tables: Vec<PathBuf>,
    #[command(flatten)]
    pub(crate) index: IndexFolder,
}

#[derive(Debug, Args)]
#[command(after_help = "Examples:
  sensorium merge ~/laptop-index                 into the default index
  sensorium merge a b --index both               makes an index of two

All have to be of one space. What the index knows of a path stays; merging again adds only what is new. It may be stopped at any
time, and goes on where it was.")]
pub(crate) struct Merge {
    /// Folders of the other indexes
    #[arg(value_name = "OTHER_INDEX", required = true)]
    pub(crate) others: Vec<PathBuf>,
    #[command(flatten)]
    pub(crate) index: IndexFolder,
}
