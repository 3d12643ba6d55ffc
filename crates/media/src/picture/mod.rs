//! Still pictures.

mod external;
mod facts;
mod jpeg;
mod jpeg_header;
mod raster;
mod reduce;
mod svgz;
mod webp;

use std::path::Path;

use file_format::FileFormat;
use image::metadata::Orientation;
use image::{DynamicImage, ImageFormat, RgbImage};

pub(crate) use self::facts::facts;
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
    let side = target.picture_side;
    let inside =
        |content: Content, image_format| Ok(raster::decode(content.rewind()?, image_format, limits, side)?);
    let decoded = match format {
        PictureFormat::Jpeg => jpeg::decode(content, limits, side),
        PictureFormat::Png => inside(content, ImageFormat::Png),
        PictureFormat::Webp => inside(content, ImageFormat::WebP),
        PictureFormat::Gif => inside(content, ImageFormat::Gif),
        PictureFormat::Bmp => inside(content, ImageFormat::Bmp),
        PictureFormat::Tiff => content.rewind().and_then(|file| {
            match raster::decode(file, ImageFormat::Tiff, limits, side) {
                // Of the many kinds of TIFF, ffmpeg knows more.
                Err(Refusal::Unsupported(_)) => external::tiff(path, limits, side),
                other => Ok(other?),
            }
        }),
        PictureFormat::Svg => external::svg(path, limits, side),
        PictureFormat::PackedSvg => content
            .rewind()
            .and_then(|file| svgz::check_unpacked(file, limits))
            .and_then(|()| external::svg(path, limits, side)),
        PictureFormat::Heic => external::heic(path, limits, side),
        PictureFormat::Avif => external::avif(path, limits, side),
    };
    decoded.map_err(|cause| Error::new(path, cause))
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
