use std::collections::BTreeMap;
use std::path::Path;

use sensorium_types::Fields;
use serde::Deserialize;

use super::DEMUXERS;
use crate::facts::{put_number, put_text};
use crate::ffmpeg::{FFPROBE, safe_input};
use crate::process::{Bounds, Process};
use crate::{Cause, Limits};

/// What ffprobe says of a file is never longer, unless the file was made to be.
const LONGEST_REPORT: u64 = 4 << 20;

/// Tags beyond these are left out, and those with longer names.
const MOST_FACTS: usize = 40;
const LONGEST_NAME: usize = 32;

/// Tags that say how a file was made, not what it is.
const TECHNICAL: [&str; 8] = [
    "encoder",
    "major_brand",
    "minor_version",
    "compatible_brands",
    "handler_name",
    "vendor_id",
    "duration",
    "tsrc",
];

/// The streams of a file that are used.
#[derive(Debug, Default)]
pub(crate) struct Streams {
    /// How long the container says that it is, in seconds.
    pub(super) seconds: Option<f64>,
    /// The first video stream that is not a picture of the cover.
    pub(crate) video: Option<VideoStream>,
    /// The index of the first audio stream.
    pub(crate) audio: Option<u32>,
    /// What the container says, by name.
    pub(super) facts: Fields,
    /// How much memory was enough to look at the file, in bytes.
    pub(super) memory: u64,
}

/// A stream of frames.
#[derive(Debug)]
pub(crate) struct VideoStream {
    /// Its place in the file.
    pub(crate) index: u32,
    /// Width times height.
    pub(super) pixels: u64,
}

#[derive(Deserialize)]
struct Report {
    #[serde(default)]
    streams: Vec<Stream>,
    #[serde(default)]
    format: Container,
}

#[derive(Deserialize)]
struct Stream {
    index: u32,
    #[serde(default)]
    codec_type: String,
    #[serde(default)]
    width: u32,
    #[serde(default)]
    height: u32,
    #[serde(default)]
    disposition: Disposition,
    #[serde(default)]
    tags: Tags,
}

/// What people and programs wrote.
type Tags = BTreeMap<String, String>;

#[derive(Deserialize, Default)]
struct Disposition {
    #[serde(default)]
    attached_pic: u8,
}

#[derive(Deserialize, Default)]
struct Container {
    duration: Option<String>,
    #[serde(default)]
    tags: Tags,
}

/// Asks ffprobe for the streams of the file at `path`, which is of `format`.
pub(super) fn probe(path: &Path, format: &str, limits: &Limits) -> Result<Streams, Cause> {
    let entries = "stream=index,codec_type,width,height:stream_disposition=attached_pic:stream_tags:\
        format=duration:format_tags";
    let damaged = |detail: String| Cause::Damaged {
        format: format.to_owned(),
        detail,
    };
    let ffprobe = |bounds: Bounds| {
        let args = ["-v", "error", "-of", "json", "-show_entries", entries].map(Into::into);
        let report = Process::start(
            FFPROBE,
            args.into_iter().chain(safe_input(path, DEMUXERS)),
            bounds,
            |_| {},
        )?
        .output(LONGEST_REPORT)
        .map_err(|failure| failure.into_cause(format))?;
        Ok((report, bounds.memory))
    };
    let (report, memory) = limits.run(ffprobe)?;
    let report = report.ok_or_else(|| damaged("it has too many streams".into()))?;
    let report: Report =
        serde_json::from_slice(&report).map_err(|error| damaged(format!("ffprobe: {error}")))?;
    Ok(Streams {
        memory,
        ..streams(report, limits)?
    })
}

fn streams(report: Report, limits: &Limits) -> Result<Streams, Cause> {
    let mut streams = Streams {
        seconds: report
            .format
            .duration
            .and_then(|seconds| seconds.parse().ok())
            .filter(|seconds: &f64| seconds.is_finite() && *seconds > 0.0),
        ..Streams::default()
    };
    let facts = &mut streams.facts;
    if let Some(seconds) = streams.seconds {
        put_number(facts, "duration", seconds);
    }
    put_tags(facts, report.format.tags);
    for stream in report.streams {
        match stream.codec_type.as_str() {
            "video" if stream.disposition.attached_pic == 0 && streams.video.is_none() => {
                check_frame(&stream, limits)?;
                put_number(&mut streams.facts, "width", stream.width.into());
                put_number(&mut streams.facts, "height", stream.height.into());
                streams.video = Some(VideoStream {
                    index: stream.index,
                    pixels: u64::from(stream.width) * u64::from(stream.height),
                });
            }
            "audio" if streams.audio.is_none() => streams.audio = Some(stream.index),
            _ => {}
        }
        if stream.disposition.attached_pic == 0 {
            put_tags(&mut streams.facts, stream.tags);
        }
    }
    Ok(streams)
}

/// Keeps tags whose names are words, those of the container before those of its streams.
fn put_tags(facts: &mut Fields, tags: Tags) {
    for (name, value) in tags {
        let name = match name.to_lowercase().as_str() {
            "creation_time" => "taken".to_owned(),
            "com.apple.quicktime.model" => "camera".to_owned(),
            name => name.to_owned(),
        };
        let is_word =
            name.len() <= LONGEST_NAME && name.chars().all(|c| c.is_ascii_alphanumeric() || c == '_');
        let is_told = TECHNICAL.contains(&name.as_str()) || facts.contains_key(&name);
        if is_word && !is_told && facts.len() < MOST_FACTS {
            put_text(facts, &name, Some(value));
        }
    }
}

fn check_frame(stream: &Stream, limits: &Limits) -> Result<(), Cause> {
    if u64::from(stream.width) * u64::from(stream.height) > limits.pixels {
        return Err(Cause::Limit {
            what: "a frame has",
            found: format!("{} x {} pixels", stream.width, stream.height),
            limit: format!("{} pixels", limits.pixels),
        });
    }
    Ok(())
}
