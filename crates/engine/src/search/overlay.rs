//! A heat map over a picture.

use std::io::Cursor;
use std::path::Path;

use image::imageops::FilterType;
use image::{GrayImage, ImageFormat, Luma, RgbImage};
use sensorium_media::Limits;
use sensorium_types::HeatMap;

/// Pixels of the longer side of what is made.
const SIDE: u32 = 480;

/// The colour of what was looked at most.
const HOT: [f32; 3] = [255.0, 64.0, 0.0];

/// How much of the picture stays where nothing was looked at, and how much of the colour is laid where most was.
const COLD_LIGHT: f32 = 0.45;
const HOT_SHARE: f32 = 0.55;

/// The picture at `path` with `map` over it, as PNG; `None` when it cannot be read any more.
pub(super) fn overlay(path: &Path, limits: &Limits, map: &HeatMap) -> Option<Vec<u8>> {
    let photo = sensorium_media::small_picture(path, limits, SIDE)
        .ok()?
        .into_image()?;
    let mut png = Cursor::new(Vec::new());
    blend(photo, map)?.write_to(&mut png, ImageFormat::Png).ok()?;
    Some(png.into_inner())
}

/// Darkens what was not looked at and colours what was.
fn blend(mut photo: RgbImage, map: &HeatMap) -> Option<RgbImage> {
    let largest = map.weights.iter().copied().fold(f32::MIN_POSITIVE, f32::max);
    let levels = map.weights.iter().map(|weight| (weight / largest * 255.0) as u8);
    let heat = GrayImage::from_raw(map.columns as u32, map.rows as u32, levels.collect())?;
    let heat = image::imageops::resize(&heat, photo.width(), photo.height(), FilterType::CatmullRom);
    for (pixel, Luma([level])) in photo.pixels_mut().zip(heat.pixels()) {
        let heat = f32::from(*level) / 255.0;
        let light = COLD_LIGHT + (1.0 - COLD_LIGHT) * heat;
        let share = HOT_SHARE * heat * heat;
        for (value, hot) in pixel.0.iter_mut().zip(HOT) {
            *value = (f32::from(*value) * light * (1.0 - share) + hot * share) as u8;
        }
    }
    Some(photo)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_was_looked_at_is_bright_and_the_rest_dark() {
        let map = HeatMap {
            rows: 1,
            columns: 2,
            weights: vec![1.0, 0.0],
            png: None,
        };
        let blended = blend(RgbImage::from_pixel(40, 20, image::Rgb([200; 3])), &map).unwrap();
        let (hot, cold) = (blended.get_pixel(2, 10).0, blended.get_pixel(37, 10).0);
        assert!(hot[0] > 200 && hot[2] < 120, "{hot:?}");
        assert!(cold.iter().all(|value| *value < 120), "{cold:?}");
    }

    #[test]
    fn a_picture_that_is_gone_has_no_overlay() {
        let map = HeatMap {
            rows: 1,
            columns: 1,
            weights: vec![1.0],
            png: None,
        };
        assert!(overlay(Path::new("/nowhere.png"), &Limits::default(), &map).is_none());
    }
}
