//! Files of many items: JSON Lines, CSV and TSV.

use std::path::{Path, PathBuf};
use std::sync::Arc;

use sensorium_types::Fields;
use serde_json::Value;

use super::{passage::passages, piece};
use crate::media::Pieces;
use crate::{Cause, Error, Limits, Piece, Record, Result};

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

fn fields_of_json(line: &str) -> std::result::Result<Content, Cause> {
    let damaged = |detail: String| Cause::Damaged {
        format: "JSON".into(),
        detail,
    };
    let value: Value = serde_json::from_str(line).map_err(|error| damaged(error.to_string()))?;
    let Value::Object(mut object) = value else {
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
    let texts = match object.remove("text") {
        Some(text) => strings(&text),
        None => object.values().flat_map(strings).collect(),
    };
    Ok(Content {
        texts,
        fields: object.into_iter().collect(),
    })
}

/// The rows of a table whose first row names the columns; record 1 is the row after it.
///
/// The text of a row is in the first of [`TEXT_COLUMNS`] that the table has, otherwise in all columns.
pub(super) fn table(path: &Path, text: String, delimiter: u8, limits: &Limits) -> Pieces {
    let mut reader = csv::ReaderBuilder::new()
        .delimiter(delimiter)
        .from_reader(std::io::Cursor::new(text));
    let headers = match reader.headers() {
        Ok(headers) => headers.clone(),
        Err(error) => return super::refused(path, damaged_row(&error)),
    };
    let column = text_column(&headers);
    let records = Records::new(path, limits);
    let rows = (1..).zip(reader.into_records());
    Box::new(rows.flat_map(move |(number, row)| {
        let content = row.map_err(|error| damaged_row(&error)).map(|row| Content {
            texts: match column {
                Some(column) => row.get(column).map(str::to_owned).into_iter().collect(),
                None => row.iter().map(str::to_owned).collect(),
            },
            fields: named(&headers, &row, column),
        });
        records.pieces(number, content)
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

/// What a record says.
struct Content {
    /// What is encoded.
    texts: Vec<String>,
    /// What stands beside it.
    fields: Fields,
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

    fn pieces(&self, number: u64, content: std::result::Result<Content, Cause>) -> Vec<Result<Piece>> {
        match content.and_then(|content| Ok((self.passages(&content)?, content.fields))) {
            Err(cause) => vec![Err(Error::in_record(&self.path, number, cause))],
            Ok((passages, fields)) => {
                let record = Record {
                    number,
                    fields: Arc::new(fields),
                };
                let pieces = passages
                    .into_iter()
                    .map(|passage| Ok(piece(Some(record.clone()), passage)));
                pieces.collect()
            }
        }
    }

    fn passages(&self, content: &Content) -> std::result::Result<Vec<String>, Cause> {
        for text in &content.texts {
            self.check(text)?;
        }
        for value in content.fields.values() {
            match value {
                Value::String(text) => self.check(text)?,
                other => self.check(&other.to_string())?,
            }
        }
        let passages = passages(&content.texts.join("\n"));
        if passages.is_empty() {
            return Err(Cause::Nothing("no text in it"));
        }
        Ok(passages)
    }

    fn check(&self, field: &str) -> std::result::Result<(), Cause> {
        let chars = field.chars().count();
        if chars > self.field_chars {
            return Err(Cause::Limit {
                what: "a field has",
                found: format!("{chars} characters"),
                limit: self.field_chars.to_string(),
            });
        }
        Ok(())
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
                    Sample::Text(text) => Ok((piece.record.unwrap().number, text)),
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
    fn a_record_keeps_what_stands_beside_its_text() {
        let fields = |format, text: &str| {
            let mut pieces = pieces(format, Path::new("a"), text.to_owned(), &Limits::default());
            let record = pieces.next().unwrap().unwrap().record.unwrap();
            serde_json::to_string(&*record.fields).unwrap()
        };
        let line = "{\"text\": \"a hen\", \"year\": 2024, \"tags\": [\"red\"]}\n";
        assert_eq!(fields(Format::JsonLines, line), r#"{"tags":["red"],"year":2024}"#);
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
}
