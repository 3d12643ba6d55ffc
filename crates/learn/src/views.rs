//! Other views of a picture: cut out, mirrored and with other colours, so that heads learn what does not matter.

use std::collections::HashMap;
use std::path::PathBuf;

use rand::{Rng as _, SeedableRng as _};
use rand_chacha::ChaCha8Rng;
use sensorium_media::Picture;
use sensorium_model::Pool;

use crate::bank::{ContentKey, FeatureBank};
use crate::{LearnOptions, Progress, Result};

/// The least share of a picture that is cut out (Szegedy et al. 2015, arXiv:1409.4842, take less; captions tell of
/// more than one thing).
const LEAST_AREA: f64 = 0.4;

/// The shorter side of what is cut out, as a share of the longer.
const LEAST_SIDES: f64 = 0.75;

/// Cuts that are tried before the whole picture is taken: none fits into one that is much longer than wide.
const TRIES: usize = 10;

/// How far brightness, contrast and colour move.
const LEAST_FACTOR: f32 = 0.75;
const GREATEST_FACTOR: f32 = 1.25;

/// Encodes those views of `pictures` that `bank` does not have.
///
/// A picture that cannot be read any more goes without them.
pub(crate) fn fill(
    bank: &mut FeatureBank,
    pictures: Vec<(ContentKey, PathBuf)>,
    options: &LearnOptions,
    pool: &mut Pool,
    progress: &mut dyn FnMut(Progress),
) -> Result<()> {
    let (count, seed) = (options.views, options.seed);
    let pictures: HashMap<ContentKey, PathBuf> = pictures.into_iter().collect();
    let missing = pictures.into_iter().map(|(picture, path)| {
        let lacks = |number: &u16| bank.rows(&picture.view(*number, seed)).is_none();
        ((picture, (0..count).filter(lacks).collect::<Vec<u16>>()), path)
    });
    let missing: Vec<_> = missing.filter(|((_, numbers), _)| !numbers.is_empty()).collect();
    if missing.is_empty() {
        return Ok(());
    }
    progress(Progress::Viewing(missing.len()));
    let views = |(_, numbers): &(ContentKey, Vec<u16>), picture: Picture| {
        let numbers = numbers.clone().into_iter();
        numbers.map(move |number| view(&picture, number, seed))
    };
    let mut kept = Ok(());
    pool.views(missing, views, |(picture, numbers), file| {
        progress(Progress::Encoded);
        for (number, segment) in numbers
            .into_iter()
            .zip(file.into_iter().flat_map(|file| file.segments))
        {
            let row = (segment.segment, segment.encoding.features);
            if kept.is_ok() {
                kept = bank.insert(picture.view(number, seed), &[row]);
            }
        }
    })?;
    kept
}

/// The keys of the views of `picture`.
pub(crate) fn keys(picture: ContentKey, options: &LearnOptions) -> impl Iterator<Item = ContentKey> {
    let seed = options.seed;
    (0..options.views).map(move |number| picture.view(number, seed))
}

/// One of the views of `picture`: the same one for the same pixels, wherever they come from.
fn view(picture: &Picture, number: u16, seed: u64) -> Picture {
    let mut hasher = blake3::Hasher::new_derive_key("sensorium chance of a view");
    hasher.update(format!("{number} {seed} ").as_bytes());
    hasher.update(picture.rgb());
    let mut random = ChaCha8Rng::from_seed(*hasher.finalize().as_bytes());
    let cut = Cut::random(picture.width(), picture.height(), &mut random);
    let mut rgb = cut.pixels(picture, random.random());
    Colours::random(&mut random).apply(&mut rgb);
    Picture::new(cut.width, cut.height, rgb).unwrap_or_else(|| picture.clone())
}

/// A part of a picture, never empty.
#[derive(Debug, Clone, Copy)]
struct Cut {
    left: u32,
    top: u32,
    width: u32,
    height: u32,
}

impl Cut {
    fn random(width: u32, height: u32, random: &mut ChaCha8Rng) -> Self {
        for _ in 0..TRIES {
            let area = f64::from(width) * f64::from(height) * random.random_range(LEAST_AREA..=1.0);
            let sides: f64 = random.random_range(LEAST_SIDES..=1.0);
            let (short, long) = ((area * sides).sqrt(), (area / sides).sqrt());
            let (wide, high) = if random.random() {
                (long, short)
            } else {
                (short, long)
            };
            let (wide, high) = ((wide as u32).max(1), (high as u32).max(1));
            if wide <= width && high <= height {
                return Self {
                    left: random.random_range(0..=width - wide),
                    top: random.random_range(0..=height - high),
                    width: wide,
                    height: high,
                };
            }
        }
        Self {
            left: 0,
            top: 0,
            width,
            height,
        }
    }

    fn pixels(self, picture: &Picture, mirrored: bool) -> Vec<u8> {
        let (left, width) = (self.left as usize, self.width as usize);
        let rows = picture.rgb().chunks_exact(3 * picture.width() as usize);
        let rows = rows.skip(self.top as usize).take(self.height as usize);
        let mut rgb = Vec::with_capacity(3 * width * self.height as usize);
        for row in rows {
            let row = &row[3 * left..3 * (left + width)];
            if mirrored {
                rgb.extend(row.rchunks_exact(3).flatten());
            } else {
                rgb.extend(row);
            }
        }
        rgb
    }
}

/// Factors of brightness, of the distance to the mean brightness, and of that to grey.
struct Colours {
    brightness: f32,
    contrast: f32,
    colour: f32,
}

impl Colours {
    fn random(random: &mut ChaCha8Rng) -> Self {
        let mut factor = || random.random_range(LEAST_FACTOR..=GREATEST_FACTOR);
        Self {
            brightness: factor(),
            contrast: factor(),
            colour: factor(),
        }
    }

    fn apply(&self, rgb: &mut [u8]) {
        let (pixels, _) = rgb.as_chunks_mut::<3>();
        let sum: u64 = pixels.iter().map(|pixel| u64::from(grey(*pixel))).sum();
        let mean = self.brightness * (sum as f64 / pixels.len().max(1) as f64) as f32;
        for pixel in pixels {
            let grey = f32::from(grey(*pixel));
            *pixel = pixel.map(|value| {
                let coloured = grey + self.colour * (f32::from(value) - grey);
                // A conversion to `u8` ends at its bounds.
                (mean + self.contrast * (self.brightness * coloured - mean)).round() as u8
            });
        }
    }
}

/// The brightness of a pixel (ITU-R BT.601).
fn grey([red, green, blue]: [u8; 3]) -> u8 {
    ((299 * u32::from(red) + 587 * u32::from(green) + 114 * u32::from(blue)) / 1000) as u8
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    /// A picture in which each pixel tells where it is.
    fn picture(width: u32, height: u32) -> Picture {
        let places = (0..height).flat_map(|y| (0..width).map(move |x| [x as u8, y as u8, 128]));
        Picture::new(width, height, places.flatten().collect()).unwrap()
    }

    proptest! {
        #[test]
        fn a_view_is_never_empty_nor_larger_than_its_picture_and_always_the_same(
            width in 1..200u32, height in 1..200u32, number in 0..9u16, seed: u64
        ) {
            let picture = picture(width, height);
            let found = view(&picture, number, seed);
            prop_assert!((1..=width).contains(&found.width()) && (1..=height).contains(&found.height()));
            prop_assert_eq!(found, view(&picture, number, seed));
        }

        #[test]
        fn a_cut_shows_its_part_of_the_picture_mirrored_or_not(
            width in 1..200u32, height in 1..200u32, seed: u64, mirrored: bool
        ) {
            let cut = Cut::random(width, height, &mut ChaCha8Rng::seed_from_u64(seed));
            let rgb = cut.pixels(&picture(width, height), mirrored);
            prop_assert_eq!(rgb.len(), 3 * (cut.width * cut.height) as usize);
            let columns = rgb.chunks_exact(3).take(cut.width as usize).map(|pixel| u32::from(pixel[0]));
            let mut columns: Vec<u32> = columns.collect();
            if mirrored {
                columns.reverse();
            }
            prop_assert_eq!(columns, (cut.left..cut.left + cut.width).collect::<Vec<_>>());
            prop_assert_eq!(u32::from(rgb[1]), cut.top);
        }

        #[test]
        fn colours_that_stay_change_nothing(rgb in proptest::collection::vec(any::<[u8; 3]>(), 1..50)) {
            let mut changed = rgb.concat();
            Colours { brightness: 1.0, contrast: 1.0, colour: 1.0 }.apply(&mut changed);
            prop_assert_eq!(changed, rgb.concat());
        }
    }

    #[test]
    fn views_differ_by_number_and_by_seed() {
        let picture = picture(90, 60);
        let views = [(0, 0), (1, 0), (0, 1)].map(|(number, seed)| view(&picture, number, seed));
        assert!(views[0] != views[1] && views[0] != views[2] && views[1] != views[2]);
    }

    #[test]
    fn a_picture_much_longer_than_wide_is_seen_whole() {
        let found = view(&picture(200, 2), 0, 0);
        assert_eq!((found.width(), found.height()), (200, 2));
    }

    #[test]
    fn no_views_are_made_when_none_are_wanted() {
        let options = LearnOptions {
            views: 0,
            ..LearnOptions::default()
        };
        assert_eq!(keys(ContentKey::text("a picture"), &options).count(), 0);
    }
}
