//! Rows as a matrix for NumPy, and JSON Lines beside it.

use std::fs::File;
use std::io::{self, BufRead, BufReader, BufWriter, Read as _, Write as _};
use std::path::{Path, PathBuf};

use atomic_write_file::AtomicWriteFile;
use half::f16;
use npyz::{NpyFile, WriterBuilder as _};
use sensorium_types::path_text;

use super::read::Sink;
use super::rows::Row;
use super::told::Told;
use super::{bad, unwritable};
use crate::halves::floats;
use crate::{Error, Result};

/// Longest header of a matrix, and longest line beside it, in bytes.
const MOST_HEADER: u32 = 1 << 16;
const MOST_LINE: u64 = 1 << 24;

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
        let written = serde_json::to_writer(&mut lines, &Told::of(row)).map_err(io::Error::from);
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

/// Gives `sink` each row of the matrix at `path`, of `dimension` components, with what the JSON Lines beside it tell of it.
///
/// # Errors
/// [`Error::Path`] and [`Error::Table`] when they cannot be read; those of `sink`.
pub(super) fn read(path: &Path, dimension: usize, sink: Sink<'_>) -> Result<()> {
    let open = |path: &Path| File::open(path).map_err(|source| Error::path(path, source));
    let damaged = |error: io::Error| bad(path, format!("is no matrix of NumPy, or damaged: {error}"));
    let mut rows = Rows::new(open(path)?).map_err(damaged)?;
    let wide = rows.wide(dimension).map_err(|wrong| bad(path, wrong))?;
    let lines_path = path.with_extension("jsonl");
    let mut lines = BufReader::new(open(&lines_path)?);
    let mut vector = Vec::with_capacity(wide);
    for number in 1..=rows.count {
        vector.clear();
        for component in rows.components.by_ref().take(wide) {
            vector.push(component.map_err(damaged)?);
        }
        let line = next_line(&mut lines).map_err(|error| Error::path(&lines_path, error))?;
        let told = match line {
            None => {
                return Err(bad(
                    &lines_path,
                    format!("ends before line {number}: the matrix has {} rows", rows.count),
                ));
            }
            Some(line) => serde_json::from_slice::<Told>(&line)
                .map_err(|error| format!("line {number} of {}: {error}", path_text(&lines_path))),
        };
        sink(told.map(|told| (told, vector.as_slice())))?;
    }
    let rest = next_line(&mut lines).map_err(|error| Error::path(&lines_path, error))?;
    match rest.is_some_and(|line| !line.trim_ascii().is_empty()) {
        true => Err(bad(
            &lines_path,
            format!("has more lines than the matrix has rows ({})", rows.count),
        )),
        false => Ok(()),
    }
}

/// The components of a matrix, row by row.
struct Rows {
    count: u64,
    shape: Vec<u64>,
    components: Components,
}

type Components = Box<dyn Iterator<Item = io::Result<f32>>>;

impl Rows {
    fn new(file: File) -> io::Result<Self> {
        let mut reader = BufReader::new(file);
        // The reader of headers makes room for whatever length they claim.
        let length = match reader.fill_buf()? {
            [_, _, _, _, _, _, version, _, a, b, c, d, ..] if *version > 1 => {
                u32::from_le_bytes([*a, *b, *c, *d])
            }
            _ => 0,
        };
        if length > MOST_HEADER {
            return Err(io::Error::other("its header is longer than any"));
        }
        let matrix = NpyFile::new(reader)?;
        if matrix.order() != npyz::Order::C {
            return Err(io::Error::other(
                "it is kept column by column: save numpy.ascontiguousarray of it",
            ));
        }
        let shape = matrix.shape().to_vec();
        let kind = matrix.dtype().descr();
        let kind = kind.trim_matches('\'');
        let count = shape.first().copied().unwrap_or_default();
        let components = match kind.trim_start_matches(['<', '>', '=']) {
            "f4" => components::<f32>(matrix, |value| value),
            "f8" => components::<f64>(matrix, |value| value as f32),
            "f2" => components::<f16>(matrix, f16::to_f32),
            _ => Err(io::Error::other(format!(
                "its numbers are of {kind}: expected float32"
            ))),
        };
        Ok(Self {
            count,
            shape,
            components: components?,
        })
    }

    /// How long its rows are, which has to be `dimension`.
    fn wide(&self, dimension: usize) -> std::result::Result<usize, String> {
        match *self.shape {
            [_, wide] if wide == dimension as u64 => Ok(dimension),
            _ => Err(format!(
                "is of shape {:?} where (rows, {dimension}) is expected: vectors of another model cannot be compared with \
                 those of this one",
                self.shape
            )),
        }
    }
}

/// The numbers of `matrix`, which are of `T`.
fn components<T: npyz::Deserialize<TypeReader: 'static> + 'static>(
    matrix: NpyFile<BufReader<File>>,
    float: fn(T) -> f32,
) -> io::Result<Components> {
    let numbers = matrix
        .data::<T>()
        .map_err(|error| io::Error::other(error.to_string()))?;
    Ok(Box::new(numbers.map(move |number| number.map(float))))
}

/// The next line, with its end; nothing behind the last.
fn next_line(reader: &mut impl BufRead) -> io::Result<Option<Vec<u8>>> {
    let mut line = Vec::new();
    reader.by_ref().take(MOST_LINE).read_until(b'\n', &mut line)?;
    match line.len() as u64 {
        0 => Ok(None),
        MOST_LINE if !line.ends_with(b"\n") => Err(io::Error::other("a line is longer than 16 MiB")),
        _ => Ok(Some(line)),
    }
}
