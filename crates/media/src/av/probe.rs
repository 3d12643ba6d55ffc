use std::path::Path;

use serde::Deserialize;

use super::safe_input;
use crate::process::{Bounds, FFPROBE, Process};
use crate::{Cause, Limits};

/// What ffprobe says of a file is never longer, unless the file was made to be.
const LONGEST_REPORT: u64 = 4 << 20;

/// The streams of a file that are used.
#[derive(Debug, Default)]
pub(super) struct Streams {
    /// How long the container says that it is, in seconds.
    pub(super) seconds: Option<f64>,
    /// The index of the first video stream that is not a picture of the cover.
    pub(super) video: Option<u32>,
    /// The index of the first audio stream.
    pub(super) audio: Option<u32>,
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
}

#[derive(Deserialize, Default)]
struct Disposition {
    #[serde(default)]
    attached_pic: u8,
}

#[derive(Deserialize, Default)]
struct Container {
    duration: Option<String>,
}

/// Asks ffprobe for the streams of the file at `path`, which is of `format`.
pub(super) fn probe(path: &Path, format: &str, limits: &Limits) -> Result<Streams, Cause> {
    let entries = "stream=index,codec_type,width,height:stream_disposition=attached_pic:format=duration";
    let args = ["-v", "error", "-of", "json", "-show_entries", entries].map(Into::into);
    let args = args.into_iter().chain(safe_input(path));
    let bounds = Bounds {
        time: limits.picture_time,
        memory: limits.process_bytes,
    };
    let damaged = |detail: String| Cause::Damaged {
        format: format.to_owned(),
        detail,
    };
    let report = Process::start(FFPROBE, args, bounds, |_| {})?
        .output(LONGEST_REPORT)
        .map_err(|failure| failure.into_cause(format))?
        .ok_or_else(|| damaged("it has too many streams".into()))?;
    let report: Report =
        serde_json::from_slice(&report).map_err(|error| damaged(format!("ffprobe: {error}")))?;
    streams(report, limits)
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
    for stream in report.streams {
        match stream.codec_type.as_str() {
            "video" if stream.disposition.attached_pic == 0 && streams.video.is_none() => {
                check_frame(&stream, limits)?;
                streams.video = Some(stream.index);
            }
            "audio" if streams.audio.is_none() => streams.audio = Some(stream.index),
            _ => {}
        }
    }
    Ok(streams)
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
