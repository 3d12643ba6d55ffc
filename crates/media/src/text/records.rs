//! Files of many items: JSON Lines, CSV and TSV.

use std::path::{Path, PathBuf};

use serde_json::Value;

use super::{passage::passages, piece};
use crate::media::Pieces;
use crate::{Cause, Error, Limits, Piece, Result};

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

/// Whether a text that begins so holds a JSON object a line: its first two lines are such.
pub(super) fn is_json_lines(start: &str) -> bool {
    let mut lines = start.lines().filter(|line| !line.trim().is_empty());
    let is_object = |line: &str| serde_json::from_str::<serde_json::Map<String, Value>>(line).is_ok();
    lines.next().is_some_and(is_object) && lines.next().is_none_or(is_object)
}

/// The records of a JSON Lines file; record N is line N.
///
/// The text of a record is its field `text` (a string or a list of them), otherwise all its strings.
pub(super) fn json_lines(path: &Path, text: String, limits: &Limits) -> Pieces {
    let records = Records::new(path, limits);
    let lines: Vec<String> = text.lines().map(str::to_owned).collect();
    let numbered = (1..).zip(lines).filter(|(_, line)| !line.trim().is_empty());
    Box::new(numbered.flat_map(move |(number, line)| records.pieces(number, fields_of_json(&line))))
}

fn fields_of_json(line: &str) -> std::result::Result<Vec<String>, Cause> {
    let damaged = |detail: String| Cause::Damaged {
        format: "JSON".into(),
        detail,
    };
    let value: Value = serde_json::from_str(line).map_err(|error| damaged(error.to_string()))?;
    let Value::Object(object) = value else {
        return Err(damaged("the line is not an object".into()));
    };
    let strings = |value: &Value| -> Vec<String> {
        match value {
            Value::String(text) => vec![text.clone()],
            Value::Array(values) => values
                .iter()
                .filter_map(Value::as_str)
                .map(str::to_owned)
                .collect(),
            _ => Vec::new(),
        }
    };
    Ok(match object.get("text") {
        Some(text) => strings(text),
        None => object.values().flat_map(strings).collect(),
    })
}

/// The rows of a table whose first row names the columns; record 1 is the row after it.
///
/// The text of a row is in the first of [`TEXT_COLUMNS`] that the table has, otherwise in all columns.
pub(super) fn table(path: &Path, text: String, delimiter: u8, limits: &Limits) -> Pieces {
    let mut reader = csv::ReaderBuilder::new()
        .delimiter(delimiter)
        .from_reader(std::io::Cursor::new(text));
    let column = match reader.headers() {
        Ok(headers) => text_column(headers),
        Err(error) => return super::refused(path, damaged_row(&error)),
    };
    let records = Records::new(path, limits);
    let rows = (1..).zip(reader.into_records());
    Box::new(rows.flat_map(move |(number, row)| {
        let fields = row.map_err(|error| damaged_row(&error)).map(|row| match column {
            Some(column) => row.get(column).map(str::to_owned).into_iter().collect(),
            None => row.iter().map(str::to_owned).collect(),
        });
        records.pieces(number, fields)
    }))
}

fn text_column(headers: &csv::StringRecord) -> Option<usize> {
    TEXT_COLUMNS.iter().find_map(|name| {
        headers
            .iter()
            .position(|header| header.trim().eq_ignore_ascii_case(name))
    })
}

fn damaged_row(error: &csv::Error) -> Cause {
    Cause::Damaged {
        format: "table".into(),
        detail: error.to_string(),
    }
}

/// Makes pieces of records, or errors that name the record.
struct Records {
    path: PathBuf,
    field_chars: usize,
}

impl Records {
    fn new(path: &Path, limits: &Limits) -> Self {
        Self {
            path: path.to_owned(),
            field_chars: limits.field_chars,
        }
    }

    fn pieces(&self, number: u64, fields: std::result::Result<Vec<String>, Cause>) -> Vec<Result<Piece>> {
        match fields.and_then(|fields| self.passages(&fields)) {
            Err(cause) => vec![Err(Error::in_record(&self.path, number, cause))],
            Ok(passages) => {
                let pieces = passages
                    .into_iter()
                    .map(|passage| Ok(piece(Some(number), passage)));
                pieces.collect()
            }
        }
    }

    fn passages(&self, fields: &[String]) -> std::result::Result<Vec<String>, Cause> {
        for field in fields {
            let chars = field.chars().count();
            if chars > self.field_chars {
                return Err(Cause::Limit {
                    what: "a field has",
                    found: format!("{chars} characters"),
                    limit: self.field_chars.to_string(),
                });
            }
        }
        let passages = passages(&fields.join("\n"));
        if passages.is_empty() {
            return Err(Cause::Nothing("no text in it"));
        }
        Ok(passages)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::Sample;
    use crate::text::{Format, pieces};

    fn read(format: Format, text: &str) -> Vec<std::result::Result<(u64, String), String>> {
        pieces(format, Path::new("a"), text.to_owned(), &Limits::default())
            .map(|piece| match piece {
                Err(error) => Err(error.to_string()),
                Ok(piece) => match piece.sample {
                    Sample::Text(text) => Ok((piece.record.unwrap(), text)),
                    other => panic!("{other:?}"),
                },
            })
            .collect()
    }

    #[test]
    fn a_bad_record_is_named_and_the_others_are_read() {
        let long = "x".repeat(10_000);
        let lines = format!(
            "{{\"text\": [\"a hen\", \"a bird\"], \"id\": \"7\"}}\n\n{{\"text\": \"{long}\"}}\n{{broken\n\
             {{\"title\": \"Barn\", \"body\": \"red\", \"n\": 3}}\n[1]\n{{\"text\": \"\"}}\n"
        );
        let read = read(Format::JsonLines, &lines);
        assert_eq!(read[0], Ok((1, "a hen\na bird".into())));
        let limit = "a#3: a field has 10000 characters, more than the limit of 8192";
        assert_eq!(read[1], Err(limit.into()));
        assert!(
            read[2]
                .as_ref()
                .unwrap_err()
                .starts_with("a#4: cannot be decoded as JSON")
        );
        assert_eq!(read[3], Ok((5, "Barn\nred".into())));
        assert!(read[4].as_ref().unwrap_err().contains("not an object"));
        assert_eq!(read[5], Err("a#7: has no text in it".into()));
    }

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
    fn a_table_without_a_text_column_gives_all() {
        assert_eq!(
            read(Format::Tsv, "animal\tcolour\nhen\tbrown\n"),
            [Ok((1, "hen\nbrown".into()))]
        );
    }
}
