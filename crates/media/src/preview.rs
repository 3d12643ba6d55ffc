//! What people look at before they open a file: small pictures, waveforms, and copies that a browser plays.

use std::ffi::OsString;
use std::io::Cursor;
use std::path::Path;

use image::ExtendedColorType;
use image::codecs::jpeg::JpegEncoder;
use image::imageops::FilterType;

use crate::av::{self, Streams};
use crate::ffmpeg::{FFMPEG, shrink};
use crate::probe::{Kind, probe};
use crate::process::Process;
use crate::{Cause, Error, Limits, Picture, Result, Sample, Target};

/// How well small pictures are kept, of 100.
const QUALITY: u8 = 82;

/// A waveform has this many steps a second before it is drawn.
const STEPS: u32 = 50;

/// Samples a second of which a waveform is made.
const RATE: u32 = 8000;

/// The longer side of a copy for a browser, in pixels.
const COPY_SIDE: u32 = 1280;

/// A small picture of the file at `path`, as JPEG: a picture as it is, a video as it is at `seconds`. Neither side is longer
/// than `side` pixels.
///
/// # Errors
/// When the file is neither, or cannot be decoded.
pub fn thumbnail(path: &Path, limits: &Limits, side: u32, seconds: f64) -> Result<Vec<u8>> {
    let failed = |cause| Error::new(path, cause);
    let picture = match probe(path, limits)?.kind {
        Kind::Picture(_) => still(path, limits, side)?,
        Kind::Container(format) => frame(path, &format, limits, side, seconds)?,
        _ => return Err(failed(Cause::Nothing("nothing to see"))),
    };
    let small = shrunk(picture, side).map_err(failed)?;
    jpeg(&small).map_err(failed)
}

/// The picture at `path`, neither side longer than `side` pixels.
///
/// # Errors
/// When the file is no picture, or cannot be decoded.
pub fn small_picture(path: &Path, limits: &Limits, side: u32) -> Result<Picture> {
    shrunk(still(path, limits, side)?, side).map_err(|cause| Error::new(path, cause))
}

fn still(path: &Path, limits: &Limits, side: u32) -> Result<Picture> {
    let target = Target {
        picture_side: side,
        ..Target::default()
    };
    let nothing = || Error::new(path, Cause::Nothing("no pixels"));
    match crate::open(path, limits, &target)?
        .next()
        .ok_or_else(nothing)??
        .sample
    {
        Sample::Picture(picture) => Ok(picture),
        _ => Err(nothing()),
    }
}

/// What a video shows at `seconds`, or where it ends before, at its beginning.
fn frame(path: &Path, format: &str, limits: &Limits, side: u32, seconds: f64) -> Result<Picture> {
    let (source, streams) = av::source(path, format, limits, true)?;
    let nothing = || Error::new(path, Cause::Nothing("nothing to see"));
    let video = streams.video.ok_or_else(nothing)?.index;
    let at = |seconds: f64| -> std::result::Result<Option<Picture>, Cause> {
        let mut args = source.input_from("error", seconds);
        args.extend(["-map".into(), format!("0:{video}").into()]);
        let scale = shrink(side, 4 * u64::from(side) * u64::from(side));
        args.extend(["-an", "-sn", "-dn", "-frames:v", "1", "-vf"].map(Into::into));
        args.push(format!("{scale},format=rgb24").into());
        args.extend(["-f", "image2pipe", "-c:v", "ppm", "pipe:1"].map(Into::into));
        let most = 16 * u64::from(side) * u64::from(side) + 1024;
        let ppm = Process::start(FFMPEG, args, source.bounds(), |_| {})?
            .output(most)
            .map_err(|failure| source.failed(failure))?;
        Ok(ppm.and_then(|ppm| from_ppm(&ppm)))
    };
    let shown = at(seconds.max(0.0)).map_err(|cause| source.error(cause))?;
    let shown = match shown {
        None if seconds > 0.0 => at(0.0).map_err(|cause| source.error(cause))?,
        shown => shown,
    };
    shown.ok_or_else(nothing)
}

/// Reads `P6 640 480 255` and the pixels behind it.
fn from_ppm(bytes: &[u8]) -> Option<Picture> {
    let head = bytes.get(..64.min(bytes.len()))?;
    let mut fields = head.split(|byte| byte.is_ascii_whitespace());
    let mut length = 0;
    let mut next = || {
        let field = std::str::from_utf8(fields.next()?).ok()?;
        length += field.len() + 1;
        Some(field)
    };
    if next()? != "P6" {
        return None;
    }
    let width = next()?.parse().ok()?;
    let height = next()?.parse().ok()?;
    if next()? != "255" {
        return None;
    }
    Picture::new(width, height, bytes.get(length..)?.to_vec())
}

/// `picture`, neither side longer than `side` pixels.
fn shrunk(picture: Picture, side: u32) -> std::result::Result<Picture, Cause> {
    let (width, height) = (picture.width(), picture.height());
    let scale = f64::from(side) / f64::from(width.max(height));
    if scale >= 1.0 {
        return Ok(picture);
    }
    let sized = |length: u32| ((f64::from(length) * scale).round() as u32).max(1);
    let (width, height, rgb) = (sized(width), sized(height), picture.into_image());
    let small = rgb.map(|rgb| image::imageops::resize(&rgb, width, height, FilterType::Triangle));
    small
        .and_then(|small| Picture::new(width, height, small.into_raw()))
        .ok_or(Cause::Nothing("no pixels"))
}

fn jpeg(picture: &Picture) -> std::result::Result<Vec<u8>, Cause> {
    let mut bytes = Cursor::new(Vec::new());
    let (width, height) = (picture.width(), picture.height());
    JpegEncoder::new_with_quality(&mut bytes, QUALITY)
        .encode(picture.rgb(), width, height, ExtendedColorType::Rgb8)
        .map_err(|error| Cause::Damaged {
            format: "JPEG".into(),
            detail: error.to_string(),
        })?;
    Ok(bytes.into_inner())
}

/// How loud a sound is over time.
#[derive(Debug, Clone, PartialEq)]
pub struct Waveform {
    /// How long it lasts, in seconds.
    pub seconds: f64,
    /// The largest amplitude of each of as many equally long steps as were asked for, or of fewer when it is short; 0 to 1.
    pub peaks: Vec<f32>,
}

/// The waveform of the sound, or of the sound of the video, at `path`, in at most `steps` steps.
///
/// # Errors
/// When the file has no sound, or cannot be decoded.
pub fn waveform(path: &Path, limits: &Limits, steps: usize) -> Result<Waveform> {
    let Kind::Container(format) = probe(path, limits)?.kind else {
        return Err(Error::new(path, Cause::Nothing("nothing to hear")));
    };
    let (source, streams) = av::source(path, &format, limits, false)?;
    let audio = streams
        .audio
        .ok_or_else(|| source.error(Cause::Nothing("nothing to hear")))?;
    let fine =
        av::peaks(&source, audio, RATE, (RATE / STEPS) as usize).map_err(|cause| source.error(cause))?;
    let seconds = fine.len() as f64 / f64::from(STEPS);
    let width = fine.len().div_ceil(steps.max(1)).max(1);
    let loudest = |step: &[f32]| step.iter().copied().fold(0.0, f32::max).min(1.0);
    Ok(Waveform {
        seconds,
        peaks: fine.chunks(width).map(loudest).collect(),
    })
}

/// Writes a copy of the file at `path` that browsers show or play to `copy`, and returns its media type: JPEG for a picture, MP4
/// with H.264 for a video, MP3 for a sound.
///
/// # Errors
/// When the file is a text, or cannot be decoded, or the copy cannot be written.
pub fn playable_copy(path: &Path, limits: &Limits, copy: &Path) -> Result<&'static str> {
    let failed = |cause| Error::new(path, cause);
    let format = match probe(path, limits)?.kind {
        Kind::Picture(_) => {
            let small = shrunk(still(path, limits, COPY_SIDE)?, 2 * COPY_SIDE);
            let bytes = small.and_then(|small| jpeg(&small)).map_err(failed)?;
            std::fs::write(copy, bytes).map_err(|error| failed(Cause::Read(error)))?;
            return Ok("image/jpeg");
        }
        Kind::Container(format) => format,
        _ => return Err(failed(Cause::Nothing("nothing to play"))),
    };
    let (source, streams) = av::source(path, &format, limits, true)?;
    let mut args = source.input("error");
    let kind = match streams.video {
        Some(_) => {
            args.extend(video_copy(&streams));
            "video/mp4"
        }
        None => {
            args.extend(
                [
                    "-vn",
                    "-sn",
                    "-dn",
                    "-c:a",
                    "libmp3lame",
                    "-q:a",
                    "4",
                    "-f",
                    "mp3",
                ]
                .map(Into::into),
            );
            "audio/mpeg"
        }
    };
    args.push("-y".into());
    let mut url = OsString::from("file:");
    url.push(copy);
    args.push(url);
    let process = Process::start(FFMPEG, args, source.encoding_bounds(), |_| {});
    process
        .and_then(|process| process.finish().map_err(|failure| source.failed(failure)))
        .map_err(|cause| source.error(cause))?;
    Ok(kind)
}

fn video_copy(streams: &Streams) -> Vec<OsString> {
    let mut args: Vec<OsString> = Vec::new();
    let video = streams.video.as_ref().map(|video| video.index);
    for stream in [video, streams.audio].into_iter().flatten() {
        args.extend(["-map".into(), format!("0:{stream}").into()]);
    }
    // Both sides even, as H.264 with this format of pixels wants.
    let scale = format!(
        "scale=w='2*trunc(iw*min(1,{COPY_SIDE}/max(iw,ih))/2)':h='2*trunc(ih*min(1,{COPY_SIDE}/max(iw,ih))/2)'"
    );
    args.extend(["-sn", "-dn", "-vf"].map(Into::into));
    args.push(scale.into());
    let codecs = [
        "-c:v",
        "libx264",
        "-preset",
        "veryfast",
        "-crf",
        "25",
        "-pix_fmt",
        "yuv420p",
        "-c:a",
        "aac",
        "-b:a",
        "128k",
        "-ac",
        "2",
        "-movflags",
        "+faststart",
        "-f",
        "mp4",
    ];
    args.extend(codecs.map(Into::into));
    args
}
