use std::io::Cursor;

use image::metadata::Orientation;
use image::{DynamicImage, ImageDecoder as _, ImageError, ImageFormat, ImageReader, RgbImage};

use super::{Refusal, check_pixels, upright};
use crate::{Cause, Limits, Picture};

/// What a decoder may allocate for each pixel that is allowed.
const BYTES_PER_PIXEL: u64 = 4;

/// Decodes a picture of `format`: the first frame where there are several.
pub(super) fn decode(bytes: &[u8], format: ImageFormat, limits: &Limits) -> Result<Picture, Refusal> {
    let (image, orientation) = read(bytes, format, limits)?;
    Ok(upright(over_white(image), orientation)?)
}

/// The same, taking the picture as upright whatever its metadata says.
pub(super) fn decode_upright(bytes: &[u8], format: ImageFormat, limits: &Limits) -> Result<Picture, Cause> {
    let (image, _) = read(bytes, format, limits)?;
    upright(over_white(image), Orientation::NoTransforms)
}

fn read(bytes: &[u8], format: ImageFormat, limits: &Limits) -> Result<(DynamicImage, Orientation), Refusal> {
    let failed = |error: ImageError| {
        let cause = Cause::Damaged {
            format: format!("{format:?}").to_uppercase(),
            detail: error.to_string(),
        };
        match error {
            ImageError::Unsupported(_) => Refusal::Unsupported(cause),
            _ => Refusal::Final(cause),
        }
    };
    let mut reader = ImageReader::with_format(Cursor::new(bytes), format);
    let mut allowed = image::Limits::default();
    allowed.max_alloc = Some(limits.pixels.saturating_mul(BYTES_PER_PIXEL));
    reader.limits(allowed);
    let mut decoder = reader.into_decoder().map_err(failed)?;
    let (width, height) = decoder.dimensions();
    check_pixels(width, height, limits)?;
    let orientation = decoder.orientation().unwrap_or(Orientation::NoTransforms);
    let image = DynamicImage::from_decoder(decoder).map_err(failed)?;
    Ok((image, orientation))
}

/// Lays a picture over white, without a second copy of a large one.
fn over_white(image: DynamicImage) -> RgbImage {
    if !image.color().has_alpha() {
        return image.into_rgb8();
    }
    let (width, height) = (image.width(), image.height());
    let mut bytes = image.into_rgba8().into_raw();
    let pixels = bytes.len() / 4;
    for pixel in 0..pixels {
        let alpha = u32::from(bytes[pixel * 4 + 3]);
        for channel in 0..3 {
            let colour = u32::from(bytes[pixel * 4 + channel]);
            // At most 255, and written to a place that was read already.
            bytes[pixel * 3 + channel] = ((colour * alpha + 255 * (255 - alpha) + 127) / 255) as u8;
        }
    }
    bytes.truncate(pixels * 3);
    RgbImage::from_raw(width, height, bytes).unwrap_or_default()
}

#[cfg(test)]
mod tests {
    use image::{Rgba, RgbaImage};

    use super::*;

    #[test]
    fn transparency_shows_white() {
        let mut image = RgbaImage::new(3, 1);
        image.put_pixel(0, 0, Rgba([200, 100, 0, 255]));
        image.put_pixel(1, 0, Rgba([200, 100, 0, 0]));
        image.put_pixel(2, 0, Rgba([0, 0, 0, 128]));
        let rgb = over_white(DynamicImage::ImageRgba8(image));
        assert_eq!(rgb.into_raw(), [200, 100, 0, 255, 255, 255, 127, 127, 127]);
    }
}
