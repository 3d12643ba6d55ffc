//! Text formats: what is written in them, cut into passages.

mod html;
mod markdown;
mod passage;
mod records;
mod subtitles;

use std::path::Path;

use sensorium_types::{Segment, Track};

use self::passage::passages;
use crate::media::Pieces;
use crate::{Cause, Error, Limits, Piece, Record, Sample};

/// The text formats that are told apart.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Format {
    Plain,
    Markdown,
    Html,
    SubRip,
    WebVtt,
    JsonLines,
    Csv,
    Tsv,
}

impl Format {
    /// The format of `text`. The name in `path` tells only what the content cannot.
    pub(crate) fn detect(path: &Path, text: &str) -> Self {
        let start = text.trim_start();
        let extension = path.extension().and_then(|extension| extension.to_str());
        let extension = extension.unwrap_or_default().to_ascii_lowercase();
        if start.starts_with("WEBVTT") {
            return Self::WebVtt;
        }
        if subtitles::is_subrip(start) {
            return Self::SubRip;
        }
        if html::is_html(start) {
            return Self::Html;
        }
        if records::is_json_lines(start) {
            return Self::JsonLines;
        }
        match extension.as_str() {
            "md" | "markdown" => Self::Markdown,
            "csv" => Self::Csv,
            "tsv" => Self::Tsv,
            "jsonl" | "ndjson" => Self::JsonLines,
            "htm" | "html" => Self::Html,
            _ => Self::Plain,
        }
    }

    /// Its usual name.
    pub(crate) fn name(self) -> &'static str {
        match self {
            Self::Plain => "plain text",
            Self::Markdown => "Markdown",
            Self::Html => "HTML",
            Self::SubRip => "SubRip",
            Self::WebVtt => "WebVTT",
            Self::JsonLines => "JSON Lines",
            Self::Csv => "CSV",
            Self::Tsv => "TSV",
        }
    }
}

/// The passages of `text`. Where there is none, the only element is an error.
pub(crate) fn pieces(format: Format, path: &Path, text: String, limits: &Limits) -> Pieces {
    if text.trim().is_empty() {
        return refused(path, Cause::Nothing("no text in it"));
    }
    let mut pieces = match format {
        Format::Plain => whole(&text),
        Format::Markdown => whole(&markdown::plain(&text)),
        Format::Html => match html::plain(&text) {
            Ok(text) => whole(&text),
            Err(cause) => return refused(path, cause),
        },
        Format::SubRip | Format::WebVtt => match subtitles::pieces(&text, format.name()) {
            Ok(pieces) => Box::new(pieces),
            Err(cause) => return refused(path, cause),
        },
        Format::JsonLines => records::json_lines(path, text, limits),
        Format::Csv => records::table(path, text, b',', limits),
        Format::Tsv => records::table(path, text, b'\t', limits),
    }
    .peekable();
    if pieces.peek().is_none() {
        return refused(path, Cause::Nothing("no text in it"));
    }
    Box::new(pieces)
}

fn refused(path: &Path, cause: Cause) -> Pieces {
    Box::new(std::iter::once(Err(Error::new(path, cause))))
}

/// The passages of a text that is one item.
fn whole(text: &str) -> Pieces {
    Box::new(passages(text).into_iter().map(|passage| Ok(piece(None, passage))))
}

fn piece(record: Option<Record>, passage: String) -> Piece {
    Piece {
        record,
        segment: Segment::whole(Track::Text),
        sample: Sample::Text(passage),
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;
    use crate::text::passage::LONGEST;

    pub(super) fn texts(format: Format, text: &str) -> Vec<String> {
        pieces(format, Path::new("a"), text.to_owned(), &Limits::default())
            .map(|piece| match piece.unwrap().sample {
                Sample::Text(text) => text,
                other => panic!("{other:?}"),
            })
            .collect()
    }

    #[test]
    fn content_tells_the_format_and_the_name_helps_out() {
        let detect = |name: &str, text: &str| Format::detect(Path::new(name), text);
        assert_eq!(
            detect("a.txt", "WEBVTT\n\n00:01.000 --> 00:02.000\nHi"),
            Format::WebVtt
        );
        assert_eq!(
            detect("a.txt", "1\n00:00:01,000 --> 00:00:02,000\nHi"),
            Format::SubRip
        );
        assert_eq!(detect("a.txt", "<!DOCTYPE html><p>Hi"), Format::Html);
        assert_eq!(
            detect("a", "{\"text\": \"a\"}\n{\"text\": \"b\"}\n"),
            Format::JsonLines
        );
        assert_eq!(detect("a.md", "# Hi"), Format::Markdown);
        assert_eq!(detect("a", "# Hi"), Format::Plain);
        assert_eq!(detect("a.CSV", "text\nHi"), Format::Csv);
    }

    #[test]
    fn a_file_without_text_says_so() {
        for format in [
            Format::Plain,
            Format::Markdown,
            Format::Html,
            Format::JsonLines,
            Format::Csv,
        ] {
            let mut pieces = pieces(format, Path::new("a"), " \n\t".into(), &Limits::default());
            let error = pieces.next().unwrap().unwrap_err();
            assert_eq!(error.to_string(), "a: has no text in it");
            assert!(pieces.next().is_none());
        }
    }

    proptest! {
        #[test]
        fn no_text_panics_or_gives_an_empty_or_endless_passage(text in "[\\PC\n\t<>{}\"#,:-]{0,400}") {
            for format in [
                Format::Plain, Format::Markdown, Format::Html, Format::SubRip,
                Format::WebVtt, Format::JsonLines, Format::Csv, Format::Tsv,
            ] {
                for piece in pieces(format, Path::new("a"), text.clone(), &Limits::default()).flatten() {
                    let Sample::Text(passage) = piece.sample else { panic!("not a text") };
                    prop_assert!(!passage.trim().is_empty());
                    prop_assert!(passage.chars().count() <= LONGEST);
                }
            }
        }
    }
}
