use std::io::Cursor;

use image::codecs::jpeg::JpegDecoder;
use image::metadata::Orientation;
use image::{ImageDecoder as _, ImageFormat, RgbImage};
use turbojpeg::{Colorspace, DecompressHeader, Decompressor, Image, PixelFormat, ScalingFactor};

use super::{Refusal, check_pixels, raster, upright};
use crate::{Cause, Limits, Picture};

/// A progressive JPEG may repeat its scans without end; real ones have about ten.
const MOST_SCANS: u32 = 200;

/// From the smallest; each costs about as much as its pixels.
const SCALES: [ScalingFactor; 4] = [
    ScalingFactor::ONE_EIGHTH,
    ScalingFactor::ONE_QUARTER,
    ScalingFactor::ONE_HALF,
    ScalingFactor::ONE,
];

/// Decodes at the smallest scale whose shorter side keeps `side` pixels.
pub(super) fn decode(bytes: &[u8], limits: &Limits, side: u32) -> Result<Picture, Cause> {
    match decode_scaled(bytes, limits, side) {
        Err(Refusal::Final(cause)) => Err(cause),
        // CMYK, or a slip that the stricter library does not forgive.
        Err(Refusal::Unsupported(_)) => Ok(raster::decode(bytes, ImageFormat::Jpeg, limits)?),
        Ok(rgb) => upright(rgb, orientation(bytes)),
    }
}

fn decode_scaled(bytes: &[u8], limits: &Limits, side: u32) -> Result<RgbImage, Refusal> {
    let mut decompressor = Decompressor::new().map_err(refusal)?;
    decompressor.set_scan_limit(MOST_SCANS).map_err(refusal)?;
    let header = decompressor.read_header(bytes).map_err(refusal)?;
    let length = |length: usize| u32::try_from(length).unwrap_or(u32::MAX);
    check_pixels(length(header.width), length(header.height), limits)?;
    if matches!(header.colorspace, Colorspace::CMYK | Colorspace::YCCK) {
        return Err(Refusal::Unsupported(damaged("it has four colours")));
    }
    let scale = scale(&header, side as usize);
    decompressor.set_scaling_factor(scale).map_err(refusal)?;
    let scaled = header.scaled(scale);
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

fn scale(header: &DecompressHeader, side: usize) -> ScalingFactor {
    let shorter = header.width.min(header.height);
    let fits = |scale: &ScalingFactor| scale.scale(shorter) >= side;
    if header.is_lossless {
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
