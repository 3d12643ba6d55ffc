//! What a file is, by its content.

use std::fs::{File, OpenOptions};
use std::io::{BufReader, Read as _, Seek as _};
use std::os::unix::fs::{FileTypeExt as _, OpenOptionsExt as _};
use std::path::Path;

use file_format::{FileFormat, Kind as Family};
use sensorium_types::Fields;

use crate::picture::{self, PictureFormat};
use crate::{Cause, Error, Limits, Result};

/// How much of a file is looked at.
const HEAD: u64 = 64 << 10;

/// What a file holds.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Kind {
    /// A still picture.
    Picture(PictureFormat),
    /// A PDF document.
    Pdf,
    /// Text in one of many formats.
    Text,
    /// Sound or video: which of them, ffprobe has to tell. With the name of the format, as far as known.
    Container(String),
}

/// An opened file whose kind is known.
pub(crate) struct Content {
    pub(crate) kind: Kind,
    file: File,
    size: u64,
    head: Vec<u8>,
}

impl Content {
    /// The file, at its beginning.
    pub(crate) fn rewind(mut self) -> std::result::Result<File, Cause> {
        self.file.rewind()?;
        Ok(self.file)
    }

    /// The facts of the picture that it is.
    pub(crate) fn picture_facts(&mut self) -> Fields {
        match self.file.rewind() {
            Ok(()) => picture::facts(BufReader::new(&self.file)),
            Err(_) => Fields::new(),
        }
    }

    /// The whole file, of which `limits` allow `limit` bytes.
    pub(crate) fn read(mut self, limit: u64) -> std::result::Result<Vec<u8>, Cause> {
        check_size(self.size, limit)?;
        let mut bytes = std::mem::take(&mut self.head);
        bytes.reserve(
            usize::try_from(self.size)
                .unwrap_or(0)
                .saturating_sub(bytes.len()),
        );
        // The file may grow meanwhile.
        let rest = limit.saturating_add(1).saturating_sub(bytes.len() as u64);
        self.file.take(rest).read_to_end(&mut bytes)?;
        check_size(bytes.len() as u64, limit)?;
        Ok(bytes)
    }
}

fn check_size(bytes: u64, limit: u64) -> std::result::Result<(), Cause> {
    if bytes > limit {
        return Err(Cause::Limit {
            what: "it has",
            found: format!("{bytes} bytes"),
            limit: format!("{limit} bytes"),
        });
    }
    Ok(())
}

/// Opens the file at `path`, without blocking, and tells its kind.
pub(crate) fn probe(path: &Path, limits: &Limits) -> Result<Content> {
    let failed = |cause| Error::new(path, cause);
    let (file, size) = open_regular(path).map_err(failed)?;
    let mut head = Vec::new();
    (&file)
        .take(HEAD)
        .read_to_end(&mut head)
        .map_err(|error| failed(error.into()))?;
    if head.is_empty() {
        return Err(failed(Cause::Empty));
    }
    let kind = kind_of(&head, path).map_err(failed)?;
    let limit = match kind {
        Kind::Text | Kind::Pdf => limits.text_bytes,
        Kind::Picture(_) | Kind::Container(_) => limits.file_bytes,
    };
    check_size(size, limit).map_err(failed)?;
    Ok(Content {
        kind,
        file,
        size,
        head,
    })
}

/// Opens only what has an end: a FIFO or a device could block or deliver forever.
fn open_regular(path: &Path) -> std::result::Result<(File, u64), Cause> {
    // Asked first because opening alone has effects on some devices.
    check_regular(&std::fs::metadata(path)?)?;
    let nonblocking = rustix::fs::OFlags::NONBLOCK.bits();
    let file = OpenOptions::new()
        .read(true)
        .custom_flags(nonblocking.cast_signed())
        .open(path)?;
    // Asked again because the name may stand for something else by now.
    let metadata = file.metadata()?;
    check_regular(&metadata)?;
    Ok((file, metadata.len()))
}

fn check_regular(metadata: &std::fs::Metadata) -> std::result::Result<(), Cause> {
    let kind = metadata.file_type();
    if kind.is_file() {
        return Ok(());
    }
    Err(Cause::NotAFile(if kind.is_dir() {
        "a folder"
    } else if kind.is_fifo() {
        "a FIFO"
    } else if kind.is_socket() {
        "a socket"
    } else {
        "a device"
    }))
}

fn kind_of(head: &[u8], path: &Path) -> std::result::Result<Kind, Cause> {
    let named = Named::by(path);
    if is_text(head, named) {
        return match named {
            _ if is_svg(head) => Ok(Kind::Picture(PictureFormat::Svg)),
            Named::Media(what) => Err(Cause::Misnamed {
                named: what,
                found: "text".into(),
            }),
            _ => Ok(Kind::Text),
        };
    }
    let format = FileFormat::from_bytes(head);
    if let Some(picture) = PictureFormat::of(format, path) {
        return Ok(Kind::Picture(picture));
    }
    if format == FileFormat::PortableDocumentFormat {
        return Ok(Kind::Pdf);
    }
    if is_container(format) {
        let name = format.short_name().unwrap_or(format.name());
        return Ok(Kind::Container(name.to_owned()));
    }
    match named {
        // Raw streams without a signature, such as MP3 without tags: ffprobe will tell.
        Named::Media(what @ ("a sound" | "a video")) if is_unrecognised(format) => {
            Ok(Kind::Container(what.to_owned()))
        }
        Named::Media(what) => Err(Cause::Misnamed {
            named: what,
            found: if is_unrecognised(format) {
                "data of no known kind".into()
            } else {
                format.name().into()
            },
        }),
        _ => Err(Cause::Unknown(if is_unrecognised(format) {
            "unrecognised data".into()
        } else {
            format.name().into()
        })),
    }
}

/// Whether ffprobe has to look inside.
fn is_container(format: FileFormat) -> bool {
    use FileFormat as F;
    match format {
        // Sound, video, or both.
        F::Mpeg4Part14
        | F::OggMultiplexedMedia
        | F::AdvancedSystemsFormat
        | F::ExtensibleBinaryMetaLanguage
        | F::Realmedia
        // Tags before an MP3, most often.
        | F::Id3v2 => true,
        // Notes for an instrument, not a sound.
        F::MusicalInstrumentDigitalInterface => false,
        _ => matches!(format.kind(), Family::Audio | Family::Video),
    }
}

fn is_unrecognised(format: FileFormat) -> bool {
    matches!(format, FileFormat::ArbitraryBinaryData | FileFormat::PlainText)
}

/// What the extension of a name promises.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Named {
    Media(&'static str),
    Text,
    Other,
}

impl Named {
    fn by(path: &Path) -> Self {
        let extension = path.extension().and_then(|extension| extension.to_str());
        match extension.unwrap_or_default().to_ascii_lowercase().as_str() {
            "jpg" | "jpeg" | "png" | "gif" | "webp" | "bmp" | "tif" | "tiff" | "heic" | "heif" | "avif"
            | "svg" | "svgz" => Self::Media("a picture"),
            "pdf" => Self::Media("a document"),
            "wav" | "flac" | "mp3" | "ogg" | "oga" | "opus" | "m4a" | "aac" | "aif" | "aiff" | "wma"
            | "amr" | "mka" => Self::Media("a sound"),
            "mp4" | "m4v" | "mov" | "mkv" | "webm" | "avi" | "mpg" | "mpeg" | "ogv" | "wmv" | "flv"
            | "3gp" | "m2ts" | "mts" => Self::Media("a video"),
            "txt" | "text" | "md" | "markdown" | "htm" | "html" | "xhtml" | "srt" | "vtt" | "jsonl"
            | "ndjson" | "csv" | "tsv" | "log" | "rst" | "tex" => Self::Text,
            _ => Self::Other,
        }
    }
}

/// Whether `head` begins a text: UTF-8, UTF-16 with a mark, or, under a name for texts, any 8-bit encoding.
fn is_text(head: &[u8], named: Named) -> bool {
    if head.starts_with(b"\xff\xfe") || head.starts_with(b"\xfe\xff") {
        // MP3 frames may begin with FF FE; text in UTF-16 decodes without a fault.
        let (_, _, faults) = encoding_rs::UTF_16LE.decode(&head[..head.len() & !1]);
        return named == Named::Text || (named == Named::Other && !faults);
    }
    let printable = !head
        .iter()
        .any(|byte| byte.is_ascii_control() && !b"\t\n\r\x0c\x1b".contains(byte));
    let utf8 = match std::str::from_utf8(head) {
        Ok(_) => true,
        // The head may end within a character.
        Err(error) => error.error_len().is_none(),
    };
    printable && !head.starts_with(b"%PDF-") && (utf8 || named == Named::Text)
}

/// Whether a text is a drawing: its first element is `svg`.
fn is_svg(head: &[u8]) -> bool {
    let text = String::from_utf8_lossy(&head[..head.len().min(4096)]);
    let mut rest = text.trim_start_matches('\u{feff}').trim_start();
    // Past the declaration, the document type and comments, none of which is an element.
    while rest.starts_with("<?") || rest.starts_with("<!") {
        let end = match rest.strip_prefix("<!--") {
            Some(comment) => comment.find("-->").map(|at| at + "<!---->".len()),
            None if rest.contains('[') && rest.find('[') < rest.find('>') => {
                rest.find("]>").map(|at| at + "]>".len())
            }
            None => rest.find('>').map(|at| at + 1),
        };
        match end.and_then(|end| rest.get(end..)) {
            Some(after) => rest = after.trim_start(),
            // A document type that fills the head: leave it to the decoder, with its limits.
            None => return text.contains("svg"),
        }
    }
    let name = rest
        .strip_prefix('<')
        .and_then(|tag| tag.split([' ', '\t', '\r', '\n', '/', '>']).next());
    // A prefix may stand before the name, `<svg:svg>`.
    name.is_some_and(|name| name.rsplit(':').next() == Some("svg"))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn kind(head: &[u8], name: &str) -> std::result::Result<Kind, String> {
        kind_of(head, Path::new(name)).map_err(|cause| cause.to_string())
    }

    #[test]
    fn the_content_decides_and_not_the_name() {
        let jpeg = b"\xff\xd8\xff\xe0\0\x10JFIF\0";
        assert_eq!(kind(jpeg, "a.txt"), Ok(Kind::Picture(PictureFormat::Jpeg)));
        assert_eq!(kind(b"plain words", "a"), Ok(Kind::Text));
        assert_eq!(kind(b"%PDF-1.7\n1 0 obj", "a.txt"), Ok(Kind::Pdf));
        assert!(matches!(
            kind(b"RIFF\x24\0\0\0WAVEfmt ", "a.jpg"),
            Ok(Kind::Container(_))
        ));
    }

    #[test]
    fn text_under_the_name_of_a_medium_is_refused() {
        for (name, what) in [
            ("a.mp4", "video"),
            ("a.SVG", "picture"),
            ("a.svgz", "picture"),
            ("a.pdf", "document"),
        ] {
            let refused = kind(b"only words", name).unwrap_err();
            assert_eq!(refused, format!("is named like a {what} but holds text"));
        }
        assert!(kind(b"<html><svg/></html>", "a.svg").is_err());
    }

    #[test]
    fn unknown_kinds_are_told_from_broken_media() {
        let zip = b"PK\x03\x04\x14\0\0\0\x08\0";
        assert!(
            kind(zip, "a.zip")
                .unwrap_err()
                .contains("is of a kind that is not searched")
        );
        assert!(
            kind(zip, "a.jpg")
                .unwrap_err()
                .contains("is named like a picture but holds")
        );
        for name in ["a.jpg", "a.svg", "a.pdf"] {
            let refused = kind(b"\0\x01\x02\x03", name).unwrap_err();
            assert!(refused.contains("no known kind"), "{name}: {refused}");
        }
        assert!(
            kind(b"\0\x01\x02\x03", "a.bin")
                .unwrap_err()
                .contains("unrecognised")
        );
    }

    #[test]
    fn drawings_are_told_from_other_texts() {
        let svg = Ok(Kind::Picture(PictureFormat::Svg));
        assert_eq!(kind(b"<svg xmlns='http://www.w3.org/2000/svg'/>", "a"), svg);
        let long = b"<?xml version='1.0'?>\n<!-- <b> --><!DOCTYPE svg [ <!ENTITY a 'b'> ]>\n<svg/>";
        assert_eq!(kind(long, "a.txt"), svg);
        assert_eq!(
            kind(b"<ns0:svg xmlns:ns0='http://www.w3.org/2000/svg'/>", "a.svg"),
            svg
        );
        assert_eq!(kind(b"<svg>", "a.png"), svg);
        assert_eq!(kind(b"<html><svg/></html>", "a.html"), Ok(Kind::Text));
        assert_eq!(kind(b"<svgs/>", "a.xml"), Ok(Kind::Text));
        let gzip = b"\x1f\x8b\x08\0\0\0\0\0";
        let packed = Ok(Kind::Picture(PictureFormat::PackedSvg));
        assert_eq!(kind(gzip, "a.svgz"), packed);
        assert_eq!(kind(gzip, "a.svg"), packed);
        assert!(kind(gzip, "a.gz").unwrap_err().contains("not searched"));
    }

    #[test]
    fn texts_in_other_encodings_are_texts() {
        assert_eq!(kind(b"\xff\xfeh\0i\0", "a"), Ok(Kind::Text));
        assert_eq!(kind(b"caf\xe9 noir", "a.srt"), Ok(Kind::Text));
        assert!(kind(b"caf\xe9 noir", "a.bin").is_err());
    }
}
