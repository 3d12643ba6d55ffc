use std::cell::Cell;
use std::io::{self, BufReader, Cursor, Read, Seek, SeekFrom};

use image::metadata::Orientation;
use image::{DynamicImage, ImageBuffer, ImageDecoder, ImageError, ImageFormat, ImageReader, Pixel, RgbImage};

use super::reduce::{reduce, reduced};
use super::{Refusal, check_pixels, upright, webp};
use crate::deadline::Deadline;
use crate::{Cause, Limits, Picture};

/// What a decoder may allocate before the size of the picture is known, for tables and metadata.
const HEAD_BYTES: u64 = 16 << 20;

/// Decodes a picture of `format`: the first frame where there are several.
pub(super) fn decode(
    source: impl Read + Seek,
    format: ImageFormat,
    limits: &Limits,
    side: u32,
) -> Result<Picture, Refusal> {
    let (image, orientation) = read(source, format, limits, side)?;
    Ok(upright(image, orientation)?)
}

/// The same, taking the picture as upright whatever its metadata says.
pub(super) fn decode_upright(
    source: impl Read + Seek,
    format: ImageFormat,
    limits: &Limits,
    side: u32,
) -> Result<Picture, Refusal> {
    let (image, _) = read(source, format, limits, side)?;
    Ok(upright(image, Orientation::NoTransforms)?)
}

/// Decodes a JPEG, for which the memory is reserved already.
pub(super) fn decode_jpeg(bytes: &[u8], limits: &Limits, side: u32) -> Result<Picture, Refusal> {
    let deadline = Cell::new(Deadline::after(limits.picture_time));
    let decoder = open(Cursor::new(bytes), ImageFormat::Jpeg, limits, &deadline)?;
    let (image, orientation) = pixels(decoder, ImageFormat::Jpeg, side, &deadline)?;
    Ok(upright(image, orientation)?)
}

fn read(
    source: impl Read + Seek,
    format: ImageFormat,
    limits: &Limits,
    side: u32,
) -> Result<(RgbImage, Orientation), Refusal> {
    let deadline = Cell::new(Deadline::after(limits.picture_time));
    let mut source = Timed {
        source,
        deadline: &deadline,
    };
    // What cannot be read now, the decoder will complain of.
    if format == ImageFormat::WebP && matches!(webp::frames_fit(&mut source), Ok(false)) {
        return Err(Refusal::Final(Cause::Damaged {
            format: "WEBP".into(),
            detail: "a frame is larger than the picture".into(),
        }));
    }
    source.rewind().map_err(Cause::from)?;
    let decoder = open(source, format, limits, &deadline)?;
    let _share = limits.reserve(cost(&decoder, format, side))?;
    // The wait for memory does not count.
    deadline.set(Deadline::after(limits.picture_time));
    pixels(decoder, format, side, &deadline)
}

/// Reads the head of a picture and refuses one that is too large.
fn open<'a>(
    source: impl Read + Seek + 'a,
    format: ImageFormat,
    limits: &Limits,
    deadline: &Cell<Deadline>,
) -> Result<impl ImageDecoder + 'a, Refusal> {
    let mut reader = ImageReader::with_format(BufReader::new(source), format);
    reader.limits(allowing(HEAD_BYTES));
    let decoder = reader
        .into_decoder()
        .map_err(|error| refusal(error, format, deadline))?;
    let (width, height) = decoder.dimensions();
    check_pixels(width, height, limits)?;
    Ok(decoder)
}

/// The pixels, over white and no more than needed, and how they are to be turned.
fn pixels(
    mut decoder: impl ImageDecoder,
    format: ImageFormat,
    side: u32,
    deadline: &Cell<Deadline>,
) -> Result<(RgbImage, Orientation), Refusal> {
    let failed = |error| refusal(error, format, deadline);
    decoder
        .set_limits(allowing(scratch(&decoder, format)))
        .map_err(failed)?;
    let orientation = decoder.orientation().unwrap_or(Orientation::NoTransforms);
    let mut image = DynamicImage::from_decoder(decoder).map_err(failed)?;
    // Some decoders have read all that they need long before they are done.
    deadline.get().check()?;
    lay_over_white(&mut image);
    let image = reduce(image, side)?;
    deadline.get().check()?;
    Ok((image, orientation))
}

fn allowing(bytes: u64) -> image::Limits {
    let mut allowed = image::Limits::default();
    allowed.max_alloc = Some(bytes);
    allowed
}

fn refusal(error: ImageError, format: ImageFormat, deadline: &Cell<Deadline>) -> Refusal {
    if let Err(cause) = deadline.get().check() {
        return Refusal::Final(cause);
    }
    let cause = Cause::Damaged {
        format: format!("{format:?}").to_uppercase(),
        detail: error.to_string(),
    };
    match error {
        ImageError::Unsupported(_) => Refusal::Unsupported(cause),
        _ => Refusal::Final(cause),
    }
}

/// About how many bytes of memory it takes to decode and reduce the picture.
fn cost(decoder: &impl ImageDecoder, format: ImageFormat, side: u32) -> u64 {
    let (width, height) = decoder.dimensions();
    let (small_width, small_height) = reduced(width, height, side);
    let bytes_per_pixel = u64::from(decoder.color_type().bytes_per_pixel());
    // Scaling goes through a picture of the new width and the old height.
    let scaling = u64::from(small_width) * u64::from(height) * bytes_per_pixel;
    let copies = u64::from(small_width) * u64::from(small_height) * 6;
    decoder.total_bytes() + scratch(decoder, format).max(scaling + copies)
}

/// What the decoder of `format` needs besides the pixels that it gives.
fn scratch(decoder: &impl ImageDecoder, format: ImageFormat) -> u64 {
    let given = decoder.total_bytes();
    let (width, height) = decoder.dimensions();
    match format {
        // The first frame, which may be smaller than the picture.
        ImageFormat::Gif => given,
        // Planes, the frame and the canvas of a moving one.
        ImageFormat::WebP => u64::from(width) * u64::from(height) * 10,
        // The pixels before conversion, perhaps of four colours, and one strip, which may be all.
        ImageFormat::Tiff => given * 7 / 3 + HEAD_BYTES,
        _ => 0,
    }
}

/// Lays the colours over white, in place; what the picture then says of transparency means nothing.
fn lay_over_white(image: &mut DynamicImage) {
    fn blend<P: Pixel>(
        image: &mut ImageBuffer<P, Vec<P::Subpixel>>,
        blend: impl Fn(P::Subpixel, P::Subpixel) -> P::Subpixel,
    ) {
        for pixel in image.pixels_mut() {
            if let Some((alpha, colours)) = pixel.channels_mut().split_last_mut() {
                for colour in colours {
                    *colour = blend(*colour, *alpha);
                }
            }
        }
    }
    // At most 255 and 65535.
    let bytes = |colour: u8, alpha: u8| {
        let (colour, alpha) = (u32::from(colour), u32::from(alpha));
        ((colour * alpha + 255 * (255 - alpha) + 127) / 255) as u8
    };
    let words = |colour: u16, alpha: u16| {
        let (colour, alpha) = (u64::from(colour), u64::from(alpha));
        ((colour * alpha + 65535 * (65535 - alpha) + 32767) / 65535) as u16
    };
    match image {
        DynamicImage::ImageLumaA8(image) => blend(image, bytes),
        DynamicImage::ImageRgba8(image) => blend(image, bytes),
        DynamicImage::ImageLumaA16(image) => blend(image, words),
        DynamicImage::ImageRgba16(image) => blend(image, words),
        DynamicImage::ImageRgba32F(image) => blend(image, |colour, alpha| colour * alpha + 1.0 - alpha),
        _ => {}
    }
}

/// A source that fails when the time is over.
struct Timed<'a, R> {
    source: R,
    deadline: &'a Cell<Deadline>,
}

impl<R: Read> Read for Timed<'_, R> {
    fn read(&mut self, bytes: &mut [u8]) -> io::Result<usize> {
        if self.deadline.get().check().is_err() {
            return Err(io::ErrorKind::TimedOut.into());
        }
        self.source.read(bytes)
    }
}

impl<R: Seek> Seek for Timed<'_, R> {
    fn seek(&mut self, place: SeekFrom) -> io::Result<u64> {
        self.source.seek(place)
    }
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use image::{LumaA, Rgba, RgbaImage};

    use super::*;

    #[test]
    fn transparency_shows_white() {
        let mut image = RgbaImage::new(3, 1);
        image.put_pixel(0, 0, Rgba([200, 100, 0, 255]));
        image.put_pixel(1, 0, Rgba([200, 100, 0, 0]));
        image.put_pixel(2, 0, Rgba([0, 0, 0, 128]));
        let mut image = DynamicImage::ImageRgba8(image);
        lay_over_white(&mut image);
        let rgb = image.into_rgb8();
        assert_eq!(rgb.into_raw(), [200, 100, 0, 255, 255, 255, 127, 127, 127]);
        let grey = ImageBuffer::from_pixel(1, 1, LumaA([0u16, 0x8000]));
        let mut image = DynamicImage::ImageLumaA16(grey);
        lay_over_white(&mut image);
        assert_eq!(image.into_rgb8().into_raw(), [127, 127, 127]);
    }

    fn png(width: u32, height: u32) -> Vec<u8> {
        let mut bytes = Cursor::new(Vec::new());
        let image = DynamicImage::ImageLumaA16(ImageBuffer::from_pixel(width, height, LumaA([9, 0xffff])));
        image.write_to(&mut bytes, ImageFormat::Png).unwrap();
        bytes.into_inner()
    }

    fn cause(limits: &Limits) -> String {
        let bytes = png(2000, 2000);
        let Err(refusal) = decode(Cursor::new(bytes), ImageFormat::Png, limits, 260) else {
            panic!("it was decoded")
        };
        Cause::from(refusal).to_string()
    }

    #[test]
    fn a_picture_that_needs_more_memory_than_there_is_is_refused_before_it_is_decoded() {
        let limits = Limits {
            memory: crate::Memory::new(15_000_000),
            ..Limits::default()
        };
        assert!(
            cause(&limits).starts_with("decoding it takes 2"),
            "{}",
            cause(&limits)
        );
    }

    #[test]
    fn the_decoder_is_stopped_when_the_time_is_over() {
        let limits = Limits {
            picture_time: Duration::ZERO,
            ..Limits::default()
        };
        assert!(
            cause(&limits).starts_with("took longer than"),
            "{}",
            cause(&limits)
        );
    }
}
