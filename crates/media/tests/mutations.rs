//! Files that are almost good: whatever is changed in them, they give a picture, a text or an error.

#![allow(clippy::unwrap_used, reason = "clippy knows tests, but not their helpers")]

use std::fs;
use std::io::Cursor;
use std::sync::LazyLock;

use image::{DynamicImage, ImageFormat, RgbaImage};
use proptest::prelude::*;
use sensorium_media::{Limits, Target, open};

/// A small picture in each format that is decoded within the process, with the format's extension.
static PICTURES: LazyLock<Vec<(&str, Vec<u8>)>> = LazyLock::new(|| {
    let image = RgbaImage::from_fn(48, 32, |x, y| {
        image::Rgba([(x * 5) as u8, (y * 7) as u8, (x * y) as u8, 255 - x as u8])
    });
    let image = DynamicImage::ImageRgba8(image);
    [
        ("png", ImageFormat::Png),
        ("jpg", ImageFormat::Jpeg),
        ("gif", ImageFormat::Gif),
        ("bmp", ImageFormat::Bmp),
        ("webp", ImageFormat::WebP),
        ("tiff", ImageFormat::Tiff),
    ]
    .map(|(extension, format)| {
        let mut bytes = Cursor::new(Vec::new());
        let flat = DynamicImage::ImageRgb8(image.to_rgb8());
        flat.write_to(&mut bytes, format).unwrap();
        (extension, bytes.into_inner())
    })
    .into()
});

proptest! {
    #![proptest_config(ProptestConfig::with_cases(600))]

    #[test]
    fn a_picture_with_changed_bytes_never_panics(
        which in 0usize..6,
        changes in prop::collection::vec((any::<prop::sample::Index>(), any::<u8>()), 0..8),
        keep in 0.2f64..1.0,
    ) {
        let (extension, good) = &PICTURES[which];
        let mut bytes = good.clone();
        for (place, value) in changes {
            let place = place.index(bytes.len());
            bytes[place] = value;
        }
        bytes.truncate((bytes.len() as f64 * keep) as usize);
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join(format!("a.{extension}"));
        fs::write(&path, bytes).unwrap();
        let limits = Limits { pixels: 1 << 22, ..Limits::default() };
        if let Ok(media) = open(&path, &limits, &Target::default()) {
            for piece in media {
                drop(piece);
            }
        }
    }
}
