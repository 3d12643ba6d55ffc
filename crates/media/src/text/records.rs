//! What files of many items have in common.

use std::path::{Path, PathBuf};
use std::sync::Arc;

use sensorium_types::Fields;
use serde_json::Value;

use super::{passage::passages, piece};
use crate::deadline::Deadline;
use crate::{Cause, Error, Limits, Piece, Record};

/// The longest record, in bytes. Its values may take a hundred times as much memory.
pub(super) const LONGEST_RECORD: usize = 1 << 20;

/// Refuses a `record` that is too long to be parsed.
pub(super) fn check_length(record: &str) -> Result<(), Cause> {
    if record.len() > LONGEST_RECORD {
        return Err(too_long(format!("{} bytes", record.len())));
    }
    Ok(())
}

/// Why a record of that many bytes is refused.
pub(super) fn too_long(found: String) -> Cause {
    Cause::Limit {
        what: "it has",
        found,
        limit: format!("{LONGEST_RECORD} bytes"),
    }
}

/// What a record says.
pub(super) struct Content {
    /// What is encoded.
    pub(super) texts: Vec<String>,
    /// What stands beside it.
    pub(super) fields: Fields,
}

/// Makes pieces of records, or errors that name the record.
pub(super) struct Records {
    path: PathBuf,
    field_chars: usize,
}

impl Records {
    pub(super) fn new(path: &Path, limits: &Limits) -> Self {
        Self {
            path: path.to_owned(),
            field_chars: limits.field_chars,
        }
    }

    /// The pieces of record `number`, or why it has none.
    pub(super) fn pieces(
        &self,
        number: u64,
        content: Result<Content, Cause>,
        deadline: &Deadline,
    ) -> Vec<crate::Result<Piece>> {
        match content.and_then(|content| Ok((self.passages(&content, deadline)?, content.fields))) {
            // Not the record took too long, but the file.
            Err(cause @ Cause::TooSlow(_)) => vec![Err(Error::new(&self.path, cause))],
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

    fn passages(&self, content: &Content, deadline: &Deadline) -> Result<Vec<String>, Cause> {
        for text in &content.texts {
            self.check(text)?;
        }
        for value in content.fields.values() {
            match value {
                Value::String(text) => self.check(text)?,
                other => self.check(&other.to_string())?,
            }
        }
        let passages = passages(&content.texts.join("\n"), deadline)?;
        if passages.is_empty() {
            return Err(Cause::Nothing("no text in it"));
        }
        Ok(passages)
    }

    fn check(&self, field: &str) -> Result<(), Cause> {
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
pub(super) mod tests {
    use std::path::Path;

    use crate::text::{Format, pieces};
    use crate::{Limits, Sample};

    /// The number and the text of each record, or what is wrong with it.
    pub(in crate::text) fn read(format: Format, text: &str) -> Vec<Result<(u64, String), String>> {
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

    /// The fields of the first record, as JSON.
    pub(in crate::text) fn fields(format: Format, text: &str) -> String {
        let mut pieces = pieces(format, Path::new("a"), text.to_owned(), &Limits::default());
        let record = pieces.next().unwrap().unwrap().record.unwrap();
        serde_json::to_string(&*record.fields).unwrap()
    }
}
