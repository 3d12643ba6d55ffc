use fast_image_resize::{FilterType, ResizeAlg, ResizeOptions, Resizer};
use image::{DynamicImage, RgbImage};

use crate::Cause;

/// A picture that is waiting for the model has at most so many times `side` by `side` pixels.
pub(super) const MOST_SQUARES: u32 = 128;

/// Width and height of the picture that [`reduce`] makes of a larger one.
pub(super) fn reduced(width: u32, height: u32, side: u32) -> (u32, u32) {
    let (shorter, side) = (f64::from(width.min(height)), f64::from(side));
    let by_side = if shorter < side * 4.0 {
        1.0
    } else {
        side * 2.0 / shorter
    };
    let most = f64::from(MOST_SQUARES) * side * side;
    let by_area = (most / (f64::from(width) * f64::from(height))).sqrt();
    let scaled = |length: u32| {
        (f64::from(length) * by_side.min(by_area).min(1.0))
            .round()
            .max(1.0) as u32
    };
    (scaled(width), scaled(height))
}

/// Scales a picture that is far larger than needed down to twice the `side`, so that little memory is held
/// while it waits for the model; from its own kind of pixels, so that none is needed for a copy.
pub(super) fn reduce(image: DynamicImage, side: u32) -> Result<RgbImage, Cause> {
    let (width, height) = reduced(image.width(), image.height(), side);
    if (width, height) == (image.width(), image.height()) {
        return Ok(image.into_rgb8());
    }
    let mut small = DynamicImage::new(width, height, image.color());
    let options = ResizeOptions::new()
        .resize_alg(ResizeAlg::Convolution(FilterType::Hamming))
        .use_alpha(false);
    Resizer::new()
        .resize(&image, &mut small, &options)
        .map_err(|error| Cause::Damaged {
            format: "picture".into(),
            detail: error.to_string(),
        })?;
    Ok(small.into_rgb8())
}

#[cfg(test)]
mod tests {
    use image::ColorType;

    use super::*;

    #[test]
    fn large_pictures_are_reduced_and_long_ones_too() {
        assert_eq!(reduced(1000, 1039, 260), (1000, 1039));
        assert_eq!(reduced(4000, 3000, 260), (693, 520));
        let (width, height) = reduced(1000, 128_000, 260);
        assert!(width >= 200 && u64::from(width) * u64::from(height) < 9_000_000);
        assert_eq!(reduced(1, 100_000_000, 260).0, 1);
    }

    #[test]
    fn every_kind_of_pixel_is_reduced_to_the_same_colours() {
        for colour in [
            ColorType::L8,
            ColorType::La8,
            ColorType::Rgb8,
            ColorType::Rgba8,
            ColorType::L16,
            ColorType::La16,
            ColorType::Rgb16,
            ColorType::Rgba16,
            ColorType::Rgb32F,
            ColorType::Rgba32F,
        ] {
            let image = DynamicImage::new(80, 40, colour);
            let small = reduce(image, 10).unwrap();
            assert_eq!(small.dimensions(), (40, 20), "{colour:?}");
            assert!(small.into_raw().iter().all(|&value| value == 0), "{colour:?}");
        }
    }
}
