//! One line of a pairs file: JSON to checked fields.

use std::io::{self, BufRead, Read};
use std::path::PathBuf;

use serde::{Deserialize, Deserializer};

/// Longest line of a pairs file, in bytes without its end; a longer one is refused.
pub const MAX_LINE_BYTES: usize = 1 << 20;

/// Reads lines of bounded length, numbered from 1.
pub(crate) struct Lines<R> {
    reader: R,
    number: usize,
}

impl<R: BufRead> Lines<R> {
    pub(crate) fn new(reader: R) -> Self {
        Self { reader, number: 0 }
    }

    /// The bytes of the next line, or why that line is refused; `None` at the end.
    fn read_line(&mut self) -> io::Result<Option<Result<Vec<u8>, String>>> {
        let mut line = Vec::new();
        let limit = MAX_LINE_BYTES as u64 + 1;
        if self.reader.by_ref().take(limit).read_until(b'\n', &mut line)? == 0 {
            return Ok(None);
        }
        self.number += 1;
        if line.len() > MAX_LINE_BYTES && !line.ends_with(b"\n") {
            self.reader.skip_until(b'\n')?;
            return Ok(Some(Err(format!("longer than {MAX_LINE_BYTES} bytes"))));
        }
        if self.number == 1 && line.starts_with(b"\xEF\xBB\xBF") {
            line.drain(..3);
        }
        Ok(Some(Ok(line)))
    }
}

/// The lines that are not blank, with their numbers.
impl<R: BufRead> Iterator for Lines<R> {
    type Item = io::Result<(usize, Result<Line, String>)>;

    fn next(&mut self) -> Option<Self::Item> {
        loop {
            let line = match self.read_line() {
                Ok(Some(Ok(line))) if line.trim_ascii().is_empty() => continue,
                Ok(Some(line)) => line,
                Ok(None) => return None,
                Err(error) => return Some(Err(error)),
            };
            return Some(Ok((self.number, line.and_then(|line| Line::parse(&line)))));
        }
    }
}

/// The fields of one line that mean something; others, `id` among them, are for people.
#[derive(Debug, Deserialize)]
#[serde(expecting = "a JSON object")]
pub(crate) struct Line {
    #[serde(default, deserialize_with = "string_or_number")]
    pub(crate) label: Option<String>,
    #[serde(default, deserialize_with = "one_or_many")]
    pub(crate) text: Option<Vec<String>>,
    pub(crate) image: Option<PathBuf>,
    pub(crate) audio: Option<PathBuf>,
    pub(crate) video: Option<PathBuf>,
}

impl Line {
    fn parse(json: &[u8]) -> Result<Self, String> {
        let line: Self = serde_json::from_slice(json).map_err(|error| describe(&error))?;
        line.check_filled()?;
        line.check_modalities()?;
        Ok(line)
    }

    fn files(&self) -> [(&'static str, &Option<PathBuf>); 3] {
        [
            ("image", &self.image),
            ("audio", &self.audio),
            ("video", &self.video),
        ]
    }

    fn check_filled(&self) -> Result<(), String> {
        let is_empty = |path: &Option<PathBuf>| path.as_ref().is_some_and(|path| path.as_os_str().is_empty());
        if self.label.as_deref().is_some_and(is_blank) {
            return Err("`label` is empty".to_owned());
        }
        if let Some((field, _)) = self.files().into_iter().find(|(_, path)| is_empty(path)) {
            return Err(format!("`{field}` is empty"));
        }
        match &self.text {
            Some(texts) if texts.is_empty() || texts.iter().any(|text| is_blank(text)) => {
                Err("`text` is empty or has an empty string".to_owned())
            }
            _ => Ok(()),
        }
    }

    fn check_modalities(&self) -> Result<(), String> {
        let files = self
            .files()
            .into_iter()
            .filter(|(_, path)| path.is_some())
            .count();
        match files + usize::from(self.text.is_some()) {
            0 => Err("has none of text, image, audio and video".to_owned()),
            1 if self.label.is_none() => {
                Err("has only one of text, image, audio and video, and no label".to_owned())
            }
            _ => Ok(()),
        }
    }
}

fn string_or_number<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Option<String>, D::Error> {
    #[derive(Deserialize)]
    #[serde(untagged, expecting = "expected `label` to be a string or a number")]
    enum Name {
        String(String),
        Number(serde_json::Number),
    }
    Ok(Option::deserialize(deserializer)?.map(|name| match name {
        Name::String(name) => name,
        Name::Number(number) => number.to_string(),
    }))
}

fn one_or_many<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Option<Vec<String>>, D::Error> {
    #[derive(Deserialize)]
    #[serde(untagged, expecting = "expected `text` to be a string or a list of strings")]
    enum Texts {
        One(String),
        Many(Vec<String>),
    }
    Ok(Option::deserialize(deserializer)?.map(|texts| match texts {
        Texts::One(text) => vec![text],
        Texts::Many(texts) => texts,
    }))
}

fn is_blank(text: &str) -> bool {
    text.trim().is_empty()
}

/// What `serde_json` says, without its line number, which is always 1 here and would mislead.
fn describe(error: &serde_json::Error) -> String {
    let message = error.to_string();
    let cause = message
        .rsplit_once(" at line ")
        .map_or(message.as_str(), |(cause, _)| cause);
    // It may quote a value in full.
    let cause: String = cause.chars().take(200).collect();
    format!("{cause} (column {})", error.column())
}

#[cfg(test)]
mod tests {
    use std::path::Path;

    use super::*;

    fn cause(json: &str) -> String {
        Line::parse(json.as_bytes()).unwrap_err()
    }

    #[test]
    fn text_may_be_one_string_or_several() {
        let one = Line::parse(br#"{"text": "a", "image": "1.jpg"}"#).unwrap();
        assert_eq!(one.text.unwrap(), ["a"]);
        assert_eq!(one.image.as_deref(), Some(Path::new("1.jpg")));
        let several = Line::parse(br#"{"text": ["a", "b"], "audio": "1.ogg"}"#).unwrap();
        assert_eq!(several.text.unwrap(), ["a", "b"]);
    }

    #[test]
    fn a_label_may_be_a_number_and_unknown_fields_are_ignored() {
        let line = Line::parse(br#"{"id": 7, "label": 3, "image": "a", "video": "b", "fps": [1]}"#).unwrap();
        assert_eq!(line.label.as_deref(), Some("3"));
    }

    #[test]
    fn null_is_as_good_as_absent() {
        let line = Line::parse(br#"{"label": null, "text": "a", "image": "1.jpg", "audio": null}"#).unwrap();
        assert_eq!((line.label, line.audio), (None, None));
    }

    #[test]
    fn a_lone_modality_needs_a_label() {
        assert!(Line::parse(br#"{"image": "1.jpg", "label": "dog"}"#).is_ok());
        assert!(cause(r#"{"image": "1.jpg"}"#).contains("only one of"));
        assert!(cause(r#"{"label": "dog"}"#).contains("none of"));
    }

    #[test]
    fn emptiness_is_refused_by_field() {
        assert_eq!(cause(r#"{"text": "a", "image": ""}"#), "`image` is empty");
        assert_eq!(
            cause(r#"{"text": "a", "image": "b", "label": " "}"#),
            "`label` is empty"
        );
        for text in [r#""""#, r#"" ""#, "[]", r#"["a", ""]"#] {
            let json = format!(r#"{{"text": {text}, "image": "b"}}"#);
            assert_eq!(cause(&json), "`text` is empty or has an empty string");
        }
    }

    #[test]
    fn what_is_not_a_pair_says_why_and_where() {
        assert_eq!(
            cause("3"),
            "invalid type: integer `3`, expected a JSON object (column 1)"
        );
        assert!(cause(r#"{"text": 5, "image": "b"}"#).contains("a string or a list of strings"));
        let truncated = cause(r#"{"text": "a"#);
        assert!(
            truncated.starts_with("EOF") && truncated.ends_with("(column 11)"),
            "{truncated}"
        );
        assert!(
            Line::parse(b"{\"text\": \"\xFF\"}")
                .unwrap_err()
                .contains("unicode")
        );
    }

    #[test]
    fn a_line_at_the_limit_is_read_and_one_beyond_is_passed_over() {
        let pair = r#"{"text": "a", "image": "b"}"#;
        let line = |length: usize| pair.to_owned() + &" ".repeat(length - pair.len()) + "\n";
        let text = line(MAX_LINE_BYTES) + &line(MAX_LINE_BYTES + 1) + &line(30);
        let lines: Vec<_> = Lines::new(text.as_bytes()).map(Result::unwrap).collect();
        let read: Vec<_> = lines
            .iter()
            .map(|(number, line)| (*number, line.is_ok()))
            .collect();
        assert_eq!(read, [(1, true), (2, false), (3, true)]);
    }
}
