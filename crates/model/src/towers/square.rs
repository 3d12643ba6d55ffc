//! Pictures to squares, as packages describe them.

use fast_image_resize::images::{Image, ImageRef};
use fast_image_resize::{FilterType, PixelType, ResizeAlg, ResizeOptions, Resizer};
use sensorium_media::Picture;

use crate::manifest::{Filter, Fit};
use crate::{Error, Result};

/// Scales pictures to squares.
pub(crate) struct Squarer {
    side: u32,
    fit: Fit,
    filter: Filter,
    /// What is beside a picture that does not fill its square.
    ground: [u8; 3],
    resizer: Resizer,
}

impl Squarer {
    /// For squares of `side` pixels; `mean` is the colour, 0 to 255, beside a picture that does not fill them.
    pub(crate) fn new(side: u32, fit: Fit, filter: Filter, mean: [f32; 3]) -> Self {
        Self {
            side,
            fit,
            filter,
            ground: mean.map(|value| value.round() as u8),
            resizer: Resizer::new(),
        }
    }

    /// The picture at `side` by `side` pixels, three bytes each.
    pub(crate) fn square(&mut self, picture: &Picture) -> Result<Vec<u8>> {
        let side = self.side;
        let (width, height) = (f64::from(picture.width()), f64::from(picture.height()));
        let options = ResizeOptions::new()
            .resize_alg(ResizeAlg::Convolution(match self.filter {
                Filter::Bilinear => FilterType::Bilinear,
                Filter::Bicubic => FilterType::CatmullRom,
                Filter::Lanczos => FilterType::Lanczos3,
            }))
            .use_alpha(false);
        match self.fit {
            Fit::Squash => self.scale(picture, side, side, &options),
            Fit::Cover => {
                let shorter = width.min(height);
                let (left, top) = ((width - shorter) / 2.0, (height - shorter) / 2.0);
                self.scale(picture, side, side, &options.crop(left, top, shorter, shorter))
            }
            Fit::Pad => {
                let scale = f64::from(side) / width.max(height);
                let fitted = |length: f64| ((length * scale).round() as u32).clamp(1, side);
                let (inner_width, inner_height) = (fitted(width), fitted(height));
                let inner = self.scale(picture, inner_width, inner_height, &options)?;
                Ok(self.pad(&inner, inner_width, inner_height))
            }
        }
    }

    fn scale(
        &mut self,
        picture: &Picture,
        width: u32,
        height: u32,
        options: &ResizeOptions,
    ) -> Result<Vec<u8>> {
        let source = ImageRef::new(picture.width(), picture.height(), picture.rgb(), PixelType::U8x3)
            .map_err(|error| Error::Prepare(error.to_string()))?;
        let mut scaled = Image::new(width, height, PixelType::U8x3);
        self.resizer
            .resize(&source, &mut scaled, options)
            .map_err(|error| Error::Prepare(error.to_string()))?;
        Ok(scaled.into_vec())
    }

    /// `inner` in the middle of a square of the mean colour.
    fn pad(&self, inner: &[u8], width: u32, height: u32) -> Vec<u8> {
        let side = self.side as usize;
        let (width, height) = (width as usize, height as usize);
        let mut square = self.ground.repeat(side * side);
        let (left, top) = ((side - width) / 2, (side - height) / 2);
        for (row, pixels) in inner.chunks_exact(width * 3).enumerate() {
            let start = ((top + row) * side + left) * 3;
            square[start..start + width * 3].copy_from_slice(pixels);
        }
        square
    }
}
