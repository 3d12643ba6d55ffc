//! Pictures that helper programs decode: they give a PNG, which is then read like any other.

use std::ffi::OsString;
use std::fs::File;
use std::io::Cursor;
use std::path::Path;
use std::time::Duration;

use image::ImageFormat;

use super::raster;
use super::reduce::MOST_SQUARES;
use crate::document::absolute;
use crate::ffmpeg::{FFMPEG, decoding, shrink};
use crate::process::{Bounds, HEIF_CONVERT, Process, Program, RSVG_CONVERT};
use crate::{Cause, Limits, Picture};

/// Width and height of the box that a drawing is drawn into, in pixels. Towers look at about 260.
const DRAWING_SIDE: &str = "1024";

/// A PNG that comes through a pipe is never larger: the picture in it is small already.
const MOST_BYTES: u64 = 64 << 20;

/// A drawing of fewer bytes has no photo in it.
const PLAIN_DRAWING: u64 = 256 << 10;

/// Draws an SVG. rsvg-convert reads no other file and no address.
pub(super) fn svg(path: &Path, limits: &Limits, side: u32) -> Result<Picture, Cause> {
    let mut args: Vec<OsString> = ["--width", DRAWING_SIDE, "--height", DRAWING_SIDE]
        .map(Into::into)
        .into();
    args.extend(["--keep-aspect-ratio", "--background-color", "white"].map(Into::into));
    args.push(absolute(path)?.into());
    let draw = |bounds| png_of(RSVG_CONVERT, &args, "SVG", bounds);
    // Where memory is short, photos are left out without an error.
    let png = if std::fs::metadata(path)?.len() < PLAIN_DRAWING {
        limits.run(draw)?
    } else {
        limits.run_alone(Duration::ZERO, draw)?
    };
    picture_in(png, limits, side)
}

/// Decodes the first picture of an AVIF.
pub(super) fn avif(path: &Path, limits: &Limits, side: u32) -> Result<Picture, Cause> {
    by_ffmpeg(path, "AVIF", "mov,mp4,m4a,3gp,3g2,mj2", limits, side)
}

/// Decodes a TIFF of an unusual kind.
pub(super) fn tiff(path: &Path, limits: &Limits, side: u32) -> Result<Picture, Cause> {
    by_ffmpeg(path, "TIFF", "tiff_pipe", limits, side)
}

/// Decodes the first picture that one of ffmpeg's `demuxers` finds.
fn by_ffmpeg(
    path: &Path,
    format: &str,
    demuxers: &str,
    limits: &Limits,
    side: u32,
) -> Result<Picture, Cause> {
    // An option of the decoder, before its input.
    let mut args: Vec<OsString> = vec!["-max_pixels".into(), limits.pixels.to_string().into()];
    args.extend(decoding(path, demuxers, "error"));
    let most_pixels = u64::from(MOST_SQUARES) * u64::from(side) * u64::from(side);
    args.extend(["-vf".into(), shrink(side.saturating_mul(2), most_pixels).into()]);
    args.extend(["-frames:v", "1", "-f", "image2pipe", "-c:v", "png", "pipe:1"].map(Into::into));
    let png = limits.run(|bounds| png_of(FFMPEG, &args, format, bounds))?;
    picture_in(png, limits, side)
}

/// The PNG that `program` writes.
fn png_of(program: Program, args: &[OsString], format: &str, bounds: Bounds) -> Result<Vec<u8>, Cause> {
    Process::start(program, args.iter().cloned(), bounds, |_| {})?
        .output(MOST_BYTES)
        .map_err(|failure| failure.into_cause(format))?
        .ok_or_else(|| Cause::Limit {
            what: "the decoded picture has",
            found: format!("more than {MOST_BYTES} bytes"),
            limit: format!("{MOST_BYTES} bytes"),
        })
}

fn picture_in(png: Vec<u8>, limits: &Limits, side: u32) -> Result<Picture, Cause> {
    if png.is_empty() {
        return Err(Cause::Nothing("no picture in it"));
    }
    Ok(raster::decode_upright(
        Cursor::new(png),
        ImageFormat::Png,
        limits,
        side,
    )?)
}

/// Decodes the first picture of a HEIC. heif-convert turns it upright.
pub(super) fn heic(path: &Path, limits: &Limits, side: u32) -> Result<Picture, Cause> {
    let folder = tempfile::tempdir()?;
    let output = folder.path().join("picture.png");
    let source = absolute(path)?;
    limits.run(|bounds| {
        let args = [source.clone().into(), output.clone().into()];
        let process = Process::start(HEIF_CONVERT, args, bounds, |_| {})?;
        process.finish().map_err(|failure| failure.into_cause("HEIC"))
    })?;
    // A file of several pictures gives several numbered ones.
    let first = [output, folder.path().join("picture-1.png")]
        .into_iter()
        .find(|path| path.exists())
        .ok_or(Cause::Nothing("no picture in it"))?;
    Ok(raster::decode_upright(
        File::open(first)?,
        ImageFormat::Png,
        limits,
        side,
    )?)
}
