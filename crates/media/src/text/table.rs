//! CSV and TSV: a record is a row of a table.

use std::io::{self, Cursor, Read};
use std::path::Path;

use sensorium_types::Fields;

use super::records::{Content, LONGEST_RECORD, Records, too_long};
use crate::deadline::Deadline;
use crate::media::Pieces;
use crate::{Cause, Error, Limits};

/// Columns that hold the text of a row, the first that is there.
const TEXT_COLUMNS: [&str; 8] = [
    "text",
    "caption",
    "description",
    "sentence",
    "content",
    "body",
    "title",
    "name",
];

/// The rows of a table whose first row names the columns; record 1 is the row after it.
///
/// The text of a row is in the first of [`TEXT_COLUMNS`] that the table has, otherwise in all columns.
pub(super) fn pieces(
    path: &Path,
    text: String,
    delimiter: u8,
    limits: &Limits,
    deadline: Deadline,
) -> Result<Pieces, Cause> {
    let mut rows = csv::ReaderBuilder::new()
        .delimiter(delimiter)
        .from_reader(Metered::new(text));
    let headers = rows.headers().map_err(|error| damaged(&error))?.clone();
    let column = text_column(&headers);
    let records = Records::new(path, limits);
    let mut numbers = 1..;
    let path = path.to_owned();
    let steps = deadline.steps(move |deadline| {
        rows.get_mut().left = LONGEST_RECORD;
        let mut row = csv::StringRecord::new();
        let content = match rows.read_record(&mut row) {
            Ok(false) => return None,
            Ok(true) => Ok(content(&headers, &row, column)),
            // Where the next row begins is not known.
            Err(error) if error.is_io_error() => return Some(vec![Err(Error::new(&path, damaged(&error)))]),
            Err(error) => Err(damaged(&error)),
        };
        let content = deadline.check().and(content);
        Some(records.pieces(numbers.next()?, content, deadline))
    });
    Ok(Box::new(steps.flatten()))
}

fn content(headers: &csv::StringRecord, row: &csv::StringRecord, column: Option<usize>) -> Content {
    Content {
        texts: match column {
            Some(column) => row.get(column).map(str::to_owned).into_iter().collect(),
            None => row.iter().map(str::to_owned).collect(),
        },
        fields: named(headers, row, column),
    }
}

fn text_column(headers: &csv::StringRecord) -> Option<usize> {
    TEXT_COLUMNS.iter().find_map(|name| {
        headers
            .iter()
            .position(|header| header.trim().eq_ignore_ascii_case(name))
    })
}

fn damaged(error: &csv::Error) -> Cause {
    if error.is_io_error() {
        return too_long(format!("more than {LONGEST_RECORD} bytes"));
    }
    Cause::Damaged {
        format: "table".into(),
        detail: error.to_string(),
    }
}

/// The cells of `row` other than that in the text `column`, by the names of their columns.
fn named(headers: &csv::StringRecord, row: &csv::StringRecord, column: Option<usize>) -> Fields {
    let cells = headers.iter().zip(row).enumerate();
    let others = cells.filter(|(place, (name, cell))| {
        Some(*place) != column && !name.trim().is_empty() && !cell.trim().is_empty()
    });
    others
        .map(|(_, (name, cell))| (name.trim().to_owned(), cell.into()))
        .collect()
}

/// A text that fails to be read where a record is too long, before its cells fill the memory.
struct Metered {
    text: Cursor<String>,
    /// How many bytes may be read before the record ends.
    left: usize,
}

impl Metered {
    fn new(text: String) -> Self {
        Self {
            text: Cursor::new(text),
            left: LONGEST_RECORD,
        }
    }
}

impl Read for Metered {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        let room = buffer.len().min(self.left);
        let read = self.text.read(&mut buffer[..room])?;
        self.left -= read;
        let ended = self.text.position() >= self.text.get_ref().len() as u64;
        if read == 0 && !ended {
            return Err(io::Error::from(io::ErrorKind::FileTooLarge));
        }
        Ok(read)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::text::Format;
    use crate::text::records::tests::{fields, read};

    #[test]
    fn a_table_gives_its_text_column() {
        let csv = "id,Caption,n\n1,\"a hen, brown\",3\n2,a barn\n3,a cow,4\n";
        let read = read(Format::Csv, csv);
        assert_eq!(read[0], Ok((1, "a hen, brown".into())));
        assert!(
            read[1]
                .as_ref()
                .unwrap_err()
                .starts_with("a#2: cannot be decoded as table")
        );
        assert_eq!(read[2], Ok((3, "a cow".into())));
    }

    #[test]
    fn a_row_keeps_what_stands_beside_its_text() {
        assert_eq!(
            fields(Format::Csv, "id,caption,place,\n7,a hen,barn,x\n"),
            r#"{"id":"7","place":"barn"}"#
        );
    }

    #[test]
    fn a_table_without_a_text_column_gives_all() {
        assert_eq!(
            read(Format::Tsv, "animal\tcolour\nhen\tbrown\n"),
            [Ok((1, "hen\nbrown".into()))]
        );
    }

    #[test]
    fn a_row_of_many_cells_is_refused_before_they_fill_the_memory() {
        let limit = "a: it has more than 1048576 bytes, more than the limit of 1048576 bytes";
        let wide = ",".repeat(2 * LONGEST_RECORD);
        assert_eq!(read(Format::Csv, &wide), [Err(limit.into())]);
        let long = format!("text\na hen\n\"{}\"\n", "x".repeat(2 * LONGEST_RECORD));
        let read = read(Format::Csv, &long);
        assert_eq!(read[..2], [Ok((1, "a hen".into())), Err(limit.into())]);
    }

    #[test]
    fn a_table_may_be_longer_than_a_row() {
        let table = format!("text\n{}", "a hen\n".repeat(LONGEST_RECORD / 3));
        assert_eq!(read(Format::Csv, &table).len(), LONGEST_RECORD / 3);
    }
}
