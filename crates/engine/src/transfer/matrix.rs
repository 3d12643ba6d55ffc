//! Rows as a matrix for NumPy, and JSON Lines beside it.

use std::io::{self, BufWriter, Write as _};
use std::path::{Path, PathBuf};

use atomic_write_file::AtomicWriteFile;
use npyz::WriterBuilder as _;

use super::rows::Row;
use super::unwritable;
use crate::Result;
use crate::halves::floats;

/// Writes the `rows` rows that `feed` gives, of `dimension` float32 each, to `path`; what they are goes beside it, into a file that ends in
/// `.jsonl`. Returns both.
pub(super) fn write(
    path: &Path,
    rows: usize,
    dimension: usize,
    feed: impl FnOnce(&mut dyn FnMut(&Row) -> Result<()>) -> Result<()>,
) -> Result<Vec<PathBuf>> {
    let of_matrix = |error: io::Error| unwritable(path, &error);
    let lines_path = path.with_extension("jsonl");
    let of_lines = |error: io::Error| unwritable(&lines_path, &error);
    let mut lines = BufWriter::new(AtomicWriteFile::open(&lines_path).map_err(of_lines)?);
    let mut file = BufWriter::new(AtomicWriteFile::open(path).map_err(of_matrix)?);
    let mut matrix = npyz::WriteOptions::new()
        .default_dtype()
        .shape(&[rows as u64, dimension as u64])
        .writer(&mut file)
        .begin_nd()
        .map_err(of_matrix)?;
    feed(&mut |row| {
        matrix.extend(floats(&row.vector)).map_err(of_matrix)?;
        let written = serde_json::to_writer(&mut lines, &row.line()).map_err(io::Error::from);
        written.and_then(|()| lines.write_all(b"\n")).map_err(of_lines)
    })?;
    matrix.finish().map_err(of_matrix)?;
    commit(lines).map_err(of_lines)?;
    commit(file).map_err(of_matrix)?;
    Ok(vec![path.to_owned(), lines_path])
}

fn commit(file: BufWriter<AtomicWriteFile>) -> io::Result<()> {
    file.into_inner()
        .map_err(io::IntoInnerError::into_error)?
        .commit()
}
