//! Pictures that helper programs decode: they give a PNG, which is then read like any other.

use std::ffi::OsString;
use std::fs;
use std::path::Path;

use image::ImageFormat;

use super::raster;
use crate::document::absolute;
use crate::process::{Bounds, FFMPEG, HEIF_CONVERT, Process, RSVG_CONVERT, ffmpeg_url};
use crate::{Cause, Limits, Picture};

/// Width and height of the box that a drawing is drawn into, in pixels. Towers look at about 260.
const DRAWING_SIDE: &str = "1024";

/// Draws an SVG. rsvg-convert reads no other file and no address.
pub(super) fn svg(path: &Path, limits: &Limits) -> Result<Picture, Cause> {
    let mut args: Vec<OsString> = ["--width", DRAWING_SIDE, "--height", DRAWING_SIDE]
        .map(Into::into)
        .into();
    args.extend(["--keep-aspect-ratio", "--background-color", "white"].map(Into::into));
    args.push(absolute(path)?.into());
    let process = Process::start(RSVG_CONVERT, args, bounds(limits), |_| {})?;
    png_of(process, "SVG", limits)
}

/// Decodes the first picture of an AVIF.
pub(super) fn avif(path: &Path, limits: &Limits) -> Result<Picture, Cause> {
    by_ffmpeg(path, "AVIF", "mov,mp4,m4a,3gp,3g2,mj2", limits)
}

/// Decodes a TIFF of an unusual kind.
pub(super) fn tiff(path: &Path, limits: &Limits) -> Result<Picture, Cause> {
    by_ffmpeg(path, "TIFF", "tiff_pipe", limits)
}

/// Decodes the first picture that one of ffmpeg's `demuxers` finds.
fn by_ffmpeg(path: &Path, format: &str, demuxers: &str, limits: &Limits) -> Result<Picture, Cause> {
    let mut args: Vec<OsString> = ["-nostdin", "-v", "error", "-threads", "2"]
        .map(Into::into)
        .into();
    args.extend(["-protocol_whitelist", "file,pipe", "-format_whitelist", demuxers].map(Into::into));
    args.extend(["-i".into(), ffmpeg_url(path)]);
    args.extend(["-frames:v", "1", "-f", "image2pipe", "-c:v", "png", "pipe:1"].map(Into::into));
    let process = Process::start(FFMPEG, args, bounds(limits), |_| {})?;
    png_of(process, format, limits)
}

/// Decodes the first picture of a HEIC. heif-convert turns it upright.
pub(super) fn heic(path: &Path, limits: &Limits) -> Result<Picture, Cause> {
    let folder = tempfile::tempdir()?;
    let output = folder.path().join("picture.png");
    let args = [absolute(path)?.into(), output.clone().into()];
    let process = Process::start(HEIF_CONVERT, args, bounds(limits), |_| {})?;
    process.finish().map_err(|failure| failure.into_cause("HEIC"))?;
    // A file of several pictures gives several numbered ones.
    let first = [output, folder.path().join("picture-1.png")]
        .into_iter()
        .find(|path| path.exists())
        .ok_or(Cause::Nothing("no picture in it"))?;
    if fs::metadata(&first)?.len() > most_bytes(limits) {
        return Err(too_large(limits));
    }
    raster::decode_upright(&fs::read(first)?, ImageFormat::Png, limits)
}

fn bounds(limits: &Limits) -> Bounds {
    Bounds {
        time: limits.picture_time,
        memory: limits.process_bytes,
    }
}

/// The picture in the PNG that `process` writes.
fn png_of(process: Process, format: &str, limits: &Limits) -> Result<Picture, Cause> {
    let png = process
        .output(most_bytes(limits))
        .map_err(|failure| failure.into_cause(format))?
        .ok_or_else(|| too_large(limits))?;
    if png.is_empty() {
        return Err(Cause::Nothing("no picture in it"));
    }
    raster::decode_upright(&png, ImageFormat::Png, limits)
}

/// A PNG is hardly ever larger than its pixels.
fn most_bytes(limits: &Limits) -> u64 {
    limits.pixels.saturating_mul(4)
}

fn too_large(limits: &Limits) -> Cause {
    Cause::Limit {
        what: "the decoded picture has",
        found: format!("more than {} bytes", most_bytes(limits)),
        limit: format!("{} pixels", limits.pixels),
    }
}
