//! Still pictures.

mod external;
mod jpeg;
mod raster;
mod svgz;

use std::path::Path;

use fast_image_resize::images::{Image, ImageRef};
use fast_image_resize::{FilterType, PixelType, ResizeAlg, ResizeOptions, Resizer};
use file_format::FileFormat;
use image::metadata::Orientation;
use image::{DynamicImage, ImageFormat, RgbImage};

use crate::probe::Content;
use crate::{Cause, Error, Limits, Picture, Result, Target};

/// The formats that are decoded.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum PictureFormat {
    Jpeg,
    Png,
    Webp,
    Gif,
    Bmp,
    Tiff,
    Svg,
    /// SVG, compressed by gzip.
    PackedSvg,
    Heic,
    Avif,
}

impl PictureFormat {
    /// The picture format that `format` stands for. A compressed SVG shows only in the name in `path`.
    pub(crate) fn of(format: FileFormat, path: &Path) -> Option<Self> {
        use FileFormat as F;
        Some(match format {
            F::JointPhotographicExpertsGroup => Self::Jpeg,
            F::PortableNetworkGraphics | F::AnimatedPortableNetworkGraphics => Self::Png,
            F::Webp => Self::Webp,
            F::GraphicsInterchangeFormat => Self::Gif,
            F::WindowsBitmap => Self::Bmp,
            F::TagImageFileFormat => Self::Tiff,
            F::HighEfficiencyImageCoding
            | F::HighEfficiencyImageCodingSequence
            | F::HighEfficiencyImageFileFormat
            | F::HighEfficiencyImageFileFormatSequence => Self::Heic,
            F::Av1ImageFileFormat | F::Av1ImageFileFormatSequence => Self::Avif,
            F::ScalableVectorGraphics => Self::Svg,
            F::Gzip if svgz::is_named(path) => Self::PackedSvg,
            _ => return None,
        })
    }

    /// Its usual name.
    pub(crate) fn name(self) -> &'static str {
        match self {
            Self::Jpeg => "JPEG",
            Self::Png => "PNG",
            Self::Webp => "WebP",
            Self::Gif => "GIF",
            Self::Bmp => "BMP",
            Self::Tiff => "TIFF",
            Self::Svg | Self::PackedSvg => "SVG",
            Self::Heic => "HEIC",
            Self::Avif => "AVIF",
        }
    }
}

/// Decodes the picture: upright, over white, and no larger than a few times what `target` needs.
pub(crate) fn decode(
    path: &Path,
    content: Content,
    format: PictureFormat,
    limits: &Limits,
    target: &Target,
) -> Result<Picture> {
    let inside = |content: Content, image_format| {
        let bytes = content.read(limits.file_bytes)?;
        Ok(raster::decode(&bytes, image_format, limits)?)
    };
    let decoded = match format {
        PictureFormat::Jpeg => content
            .read(limits.file_bytes)
            .and_then(|bytes| jpeg::decode(&bytes, limits, target.picture_side)),
        PictureFormat::Png => inside(content, ImageFormat::Png),
        PictureFormat::Webp => inside(content, ImageFormat::WebP),
        PictureFormat::Gif => inside(content, ImageFormat::Gif),
        PictureFormat::Bmp => inside(content, ImageFormat::Bmp),
        PictureFormat::Tiff => {
            content.read(limits.file_bytes).and_then(|bytes| {
                match raster::decode(&bytes, ImageFormat::Tiff, limits) {
                    // Of the many kinds of TIFF, ffmpeg knows more.
                    Err(Refusal::Unsupported(_)) => external::tiff(path, limits),
                    other => Ok(other?),
                }
            })
        }
        PictureFormat::Svg => external::svg(path, limits),
        PictureFormat::PackedSvg => content
            .rewind()
            .and_then(|file| svgz::check_unpacked(file, limits))
            .and_then(|()| external::svg(path, limits)),
        PictureFormat::Heic => external::heic(path, limits),
        PictureFormat::Avif => external::avif(path, limits),
    };
    decoded
        .and_then(|picture| reduce(picture, target.picture_side))
        .map_err(|cause| Error::new(path, cause))
}

/// Why a decoder gave no picture.
enum Refusal {
    /// No other would.
    Final(Cause),
    /// It does not know this kind of the format; another may.
    Unsupported(Cause),
}

impl From<Refusal> for Cause {
    fn from(refusal: Refusal) -> Self {
        match refusal {
            Refusal::Final(cause) | Refusal::Unsupported(cause) => cause,
        }
    }
}

impl From<Cause> for Refusal {
    fn from(cause: Cause) -> Self {
        Self::Final(cause)
    }
}

/// Refuses a picture of more pixels than `limits` allow.
fn check_pixels(width: u32, height: u32, limits: &Limits) -> std::result::Result<(), Cause> {
    let pixels = u64::from(width) * u64::from(height);
    if pixels > limits.pixels {
        return Err(Cause::Limit {
            what: "the picture has",
            found: format!("{width} x {height} pixels"),
            limit: format!("{} pixels", limits.pixels),
        });
    }
    Ok(())
}

/// `rgb`, turned upright.
fn upright(rgb: RgbImage, orientation: Orientation) -> std::result::Result<Picture, Cause> {
    let mut image = DynamicImage::ImageRgb8(rgb);
    image.apply_orientation(orientation);
    let rgb = image.into_rgb8();
    let (width, height) = rgb.dimensions();
    Picture::new(width, height, rgb.into_raw()).ok_or(Cause::Nothing("no pixels"))
}

/// Scales a picture that is far larger than needed down to twice the `side`, so that little memory is held
/// while it waits for the model.
fn reduce(picture: Picture, side: u32) -> std::result::Result<Picture, Cause> {
    let shorter = picture.width().min(picture.height());
    if shorter < side.saturating_mul(4) {
        return Ok(picture);
    }
    let scale = f64::from(side * 2) / f64::from(shorter);
    let scaled = |length: u32| (f64::from(length) * scale).round() as u32;
    let (width, height) = (scaled(picture.width()), scaled(picture.height()));
    let failed = |error: &dyn std::fmt::Display| Cause::Damaged {
        format: "picture".into(),
        detail: error.to_string(),
    };
    let source = ImageRef::new(picture.width(), picture.height(), picture.rgb(), PixelType::U8x3)
        .map_err(|error| failed(&error))?;
    let mut target = Image::new(width, height, PixelType::U8x3);
    let options = ResizeOptions::new()
        .resize_alg(ResizeAlg::Convolution(FilterType::Hamming))
        .use_alpha(false);
    Resizer::new()
        .resize(&source, &mut target, &options)
        .map_err(|error| failed(&error))?;
    Picture::new(width, height, target.into_vec()).ok_or(Cause::Nothing("no pixels"))
}
