//! Text formats: what is written in them, cut into passages.

mod html;
mod json_lines;
mod markdown;
mod parts;
mod passage;
mod records;
mod subtitles;
mod table;

use std::path::Path;

use sensorium_types::{Segment, Track};

use self::passage::passages;
use crate::deadline::Deadline;
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
        // A record may speak of any other format.
        if json_lines::is_json_lines(start) {
            return Self::JsonLines;
        }
        if subtitles::is_webvtt(start) {
            return Self::WebVtt;
        }
        if subtitles::is_subrip(start) {
            return Self::SubRip;
        }
        if html::is_html(start) {
            return Self::Html;
        }
        match extension.as_str() {
            "md" | "markdown" => Self::Markdown,
            "csv" => Self::Csv,
            "tsv" => Self::Tsv,
            "jsonl" | "ndjson" => Self::JsonLines,
            "htm" | "html" | "xhtml" => Self::Html,
            "vtt" => Self::WebVtt,
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
    let deadline = Deadline::after(limits.picture_time);
    let decoded = match format {
        Format::Plain => whole(&text, &deadline),
        Format::Markdown => markdown::plain(&text, &deadline).and_then(|text| whole(&text, &deadline)),
        Format::Html => html::plain(&text, &deadline).and_then(|text| whole(&text, &deadline)),
        Format::SubRip | Format::WebVtt => subtitles::pieces(path, &text, format.name(), deadline),
        Format::JsonLines => Ok(json_lines::pieces(path, text, limits, deadline)),
        Format::Csv => table::pieces(path, text, b',', limits, deadline),
        Format::Tsv => table::pieces(path, text, b'\t', limits, deadline),
    };
    let mut pieces = match decoded {
        Ok(pieces) => pieces.peekable(),
        Err(cause) => return refused(path, cause),
    };
    if pieces.peek().is_none() {
        return refused(path, Cause::Nothing("no text in it"));
    }
    Box::new(pieces)
}

fn refused(path: &Path, cause: Cause) -> Pieces {
    Box::new(std::iter::once(Err(Error::new(path, cause))))
}

/// The passages of a text that is one item.
fn whole(text: &str, deadline: &Deadline) -> Result<Pieces, Cause> {
    let passages = passages(text, deadline)?;
    Ok(Box::new(
        passages.into_iter().map(|passage| Ok(piece(None, passage))),
    ))
}

fn piece(record: Option<Record>, passage: String) -> Piece {
    Piece {
        record,
        segment: Segment::whole(Track::Text),
        sample: Sample::Text(passage),
    }
}

/// Adds `gap` to `text` unless it is there: gaps upon gaps take no room.
fn end_with(text: &mut String, gap: &str) {
    if !text.ends_with(gap) {
        text.push_str(gap);
    }
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

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
        assert_eq!(detect("a.html", "<p>Hi"), Format::Html);
        assert_eq!(detect("a.vtt", "WEBVTT"), Format::WebVtt);
    }

    #[test]
    fn a_text_about_a_format_is_not_in_it() {
        let detect = |name: &str, text: &str| Format::detect(Path::new(name), text);
        let record = "{\"text\": \"the <html> tag\"}\n{\"text\": \"b\"}\n";
        assert_eq!(detect("a.jsonl", record), Format::JsonLines);
        assert_eq!(detect("a.md", "The `<html>` tag"), Format::Markdown);
        assert_eq!(detect("a.txt", "On <html> and <!doctype html>"), Format::Plain);
        for prose in [
            "WEBVTT is a format.",
            "WEBVTT",
            "WEBVTTs\n\n00:01.000 --> 00:02.000\nHi",
        ] {
            assert_eq!(detect("a.txt", prose), Format::Plain, "{prose}");
        }
    }

    #[test]
    fn every_format_ends_at_the_deadline() {
        let limits = Limits {
            picture_time: Duration::ZERO,
            ..Limits::default()
        };
        for (format, text) in [
            (Format::Plain, "a hen"),
            (Format::Markdown, "# a hen"),
            (Format::Html, "<p>a hen"),
            (Format::SubRip, "1\n00:00:01,000 --> 00:00:02,000\na hen\n"),
            (Format::WebVtt, "WEBVTT\n\n00:01.000 --> 00:02.000\na hen\n"),
            (Format::JsonLines, "{\"text\": \"a hen\"}\n"),
            (Format::Csv, "text\na hen\n"),
            (Format::Tsv, "text\na hen\n"),
        ] {
            let mut pieces = pieces(format, Path::new("a"), text.into(), &limits);
            let error = pieces.next().unwrap().unwrap_err();
            assert_eq!(
                error.to_string(),
                "a: took longer than the limit of 0 s to decode",
                "{format:?}"
            );
        }
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
