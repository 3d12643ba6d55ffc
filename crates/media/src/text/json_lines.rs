//! JSON Lines: a record is a JSON object on a line.

use std::path::Path;

use serde::de::IgnoredAny;
use serde_json::Value;

use super::records::{Content, Records, check_length};
use crate::deadline::Deadline;
use crate::media::Pieces;
use crate::{Cause, Limits};

/// Whether a text that begins so holds a JSON object a line: its first two lines are such.
pub(super) fn is_json_lines(start: &str) -> bool {
    let mut lines = start.lines().filter(|line| !line.trim().is_empty());
    let is_object =
        |line: &str| line.trim_start().starts_with('{') && serde_json::from_str::<IgnoredAny>(line).is_ok();
    lines.next().is_some_and(is_object) && lines.next().is_none_or(is_object)
}

/// The records of a JSON Lines file; record N is line N.
///
/// The text of a record is its field `text` (a string or a list of them), otherwise all its strings.
pub(super) fn pieces(path: &Path, text: String, limits: &Limits, deadline: Deadline) -> Pieces {
    let records = Records::new(path, limits);
    let mut lines = numbered_lines(text);
    let steps = deadline.steps(move |deadline| {
        let (number, line) = lines.find(|(_, line)| !line.is_empty())?;
        let content = deadline.check().and_then(|()| content(&line));
        Some(records.pieces(number, content, deadline))
    });
    Box::new(steps.flatten())
}

/// The lines of `text`, none of them copied before its turn.
fn numbered_lines(text: String) -> impl Iterator<Item = (u64, String)> + Send {
    let mut start = 0;
    let lines = std::iter::from_fn(move || {
        let line = text[start..].split_inclusive('\n').next()?;
        start += line.len();
        Some(line.trim().to_owned())
    });
    (1..).zip(lines)
}

fn content(line: &str) -> Result<Content, Cause> {
    let damaged = |detail: String| Cause::Damaged {
        format: "JSON".into(),
        detail,
    };
    check_length(line)?;
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

#[cfg(test)]
mod tests {
    use crate::text::Format;
    use crate::text::records::LONGEST_RECORD;
    use crate::text::records::tests::{fields, read};

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
    fn a_record_of_many_values_is_refused_before_they_fill_the_memory() {
        let lines = format!(
            "{{\"text\": \"a hen\", \"n\": [{}0]}}\n",
            "[],".repeat(LONGEST_RECORD / 3)
        );
        let limit = "a#1: it has 1048602 bytes, more than the limit of 1048576 bytes";
        assert_eq!(read(Format::JsonLines, &lines), [Err(limit.into())]);
    }

    #[test]
    fn a_record_keeps_what_stands_beside_its_text() {
        let line = "{\"text\": \"a hen\", \"year\": 2024, \"tags\": [\"red\"]}\n";
        assert_eq!(fields(Format::JsonLines, line), r#"{"tags":["red"],"year":2024}"#);
    }
}
