use std::io::{BufReader, Cursor, Read as _, Seek as _};

use image::codecs::jpeg::JpegDecoder;
use image::metadata::Orientation;
use image::{DynamicImage, ImageDecoder as _, RgbImage};
use turbojpeg::{Colorspace, DecompressHeader, Decompressor, Image, PixelFormat, ScalingFactor};

use super::jpeg_header::JpegHeader;
use super::reduce::reduce;
use super::{Refusal, check_pixels, raster, upright};
use crate::deadline::Deadline;
use crate::probe::Content;
use crate::{Cause, Limits, Picture};

/// A progressive JPEG may repeat its scans without end; real ones have about ten.
const MOST_SCANS: u32 = 64;

/// From the smallest; each costs about as much as its pixels.
const SCALES: [ScalingFactor; 4] = [
    ScalingFactor::ONE_EIGHTH,
    ScalingFactor::ONE_QUARTER,
    ScalingFactor::ONE_HALF,
    ScalingFactor::ONE,
];

/// Decodes at the smallest scale whose shorter side keeps `side` pixels.
pub(super) fn decode(content: Content, limits: &Limits, side: u32) -> Result<Picture, Cause> {
    let mut file = content.rewind()?;
    let header =
        JpegHeader::read(&mut BufReader::new(&mut file)).map_err(|detail| damaged(&detail.to_string()))?;
    check_pixels(header.width, header.height, limits)?;
    let size = file.metadata()?.len();
    let share = limits.reserve(cost(&header, size, side))?;
    file.rewind()?;
    let mut bytes = Vec::with_capacity(size as usize);
    // No more than was reserved, should the file have grown.
    file.take(size).read_to_end(&mut bytes)?;
    let deadline = Deadline::after(limits.picture_time);
    match decode_scaled(&bytes, &header, side) {
        Err(Refusal::Final(cause)) => Err(cause),
        // CMYK, or a slip that the stricter library does not forgive.
        Err(Refusal::Unsupported(cause)) => {
            drop(share);
            let _share = limits.reserve(fallback_cost(&header, size)).map_err(|_| cause)?;
            Ok(raster::decode_jpeg(&bytes, limits, side)?)
        }
        Ok(rgb) => {
            deadline.check()?;
            let rgb = reduce(DynamicImage::ImageRgb8(rgb), side)?;
            upright(rgb, orientation(&bytes))
        }
    }
}

/// About how many bytes of memory it takes: the file, for its pictures of several scans all coefficients, the
/// pixels, and these once more to reduce or turn them.
fn cost(header: &JpegHeader, file: u64, side: u32) -> u64 {
    let scale = scale(header.width.min(header.height), header.is_lossless, side);
    let scaled = |length: u32| scale.scale(length as usize) as u64;
    let coefficients = if header.is_buffered {
        header.coefficients() * 2
    } else {
        0
    };
    // The metadata is looked for in a copy of the file.
    2 * file + coefficients + scaled(header.width) * scaled(header.height) * 6
}

/// The same for the decoder of the crate `image`, which decodes at full size, up to four colours.
fn fallback_cost(header: &JpegHeader, file: u64) -> u64 {
    2 * file + header.coefficients() * 2 + u64::from(header.width) * u64::from(header.height) * 7
}

fn decode_scaled(bytes: &[u8], expected: &JpegHeader, side: u32) -> Result<RgbImage, Refusal> {
    let mut decompressor = Decompressor::new().map_err(refusal)?;
    decompressor.set_scan_limit(MOST_SCANS).map_err(refusal)?;
    let header = decompressor.read_header(bytes).map_err(refusal)?;
    let length = |length: usize| u32::try_from(length).unwrap_or(u32::MAX);
    if (length(header.width), length(header.height)) != (expected.width, expected.height) {
        return Err(Refusal::Final(damaged("it has two sizes")));
    }
    if matches!(header.colorspace, Colorspace::CMYK | Colorspace::YCCK) {
        return Err(Refusal::Unsupported(damaged("it has four colours")));
    }
    let scale = scale(expected.width.min(expected.height), header.is_lossless, side);
    decompressor.set_scaling_factor(scale).map_err(refusal)?;
    let scaled: DecompressHeader = header.scaled(scale);
    let mut image = Image {
        pixels: vec![0; scaled.width * scaled.height * 3],
        width: scaled.width,
        pitch: scaled.width * 3,
        height: scaled.height,
        format: PixelFormat::RGB,
    };
    decompressor
        .decompress(bytes, image.as_deref_mut())
        .map_err(refusal)?;
    RgbImage::from_raw(length(scaled.width), length(scaled.height), image.pixels)
        .ok_or_else(|| Refusal::Unsupported(damaged("its size is wrong")))
}

fn scale(shorter: u32, is_lossless: bool, side: u32) -> ScalingFactor {
    let fits = |scale: &ScalingFactor| scale.scale(shorter as usize) >= side as usize;
    if is_lossless {
        return ScalingFactor::ONE;
    }
    SCALES.into_iter().find(fits).unwrap_or(ScalingFactor::ONE)
}

/// Truncation is final: the other decoder would fill the rest with grey and say nothing.
fn refusal(error: turbojpeg::Error) -> Refusal {
    let detail = error.to_string();
    if detail.contains("Premature end") || detail.contains("scan") {
        return Refusal::Final(damaged(&detail));
    }
    tracing::debug!("{detail}; trying another decoder");
    Refusal::Unsupported(damaged(&detail))
}

fn damaged(detail: &str) -> Cause {
    Cause::Damaged {
        format: "JPEG".into(),
        detail: detail.to_owned(),
    }
}

fn orientation(bytes: &[u8]) -> Orientation {
    JpegDecoder::new(Cursor::new(bytes))
        .and_then(|mut decoder| decoder.orientation())
        .unwrap_or(Orientation::NoTransforms)
}
