//! Lines cut out of pictures, upright.

use fast_image_resize::images::{Image, ImageRef};
use fast_image_resize::{FilterType, PixelType, ResizeAlg, ResizeOptions, Resizer};
use sensorium_media::Picture;

use super::planes::Colours;
use super::rectangle::Rectangle;
use crate::{Error, Result};

/// A picture and what is left of it when it is halved again and again, made when it is needed: so that small lines come
/// from all of its pixels, and large ones without noise and at no more cost.
pub(super) struct Pyramid<'a> {
    whole: &'a Picture,
    halves: Vec<Picture>,
}

impl<'a> Pyramid<'a> {
    pub(super) fn new(whole: &'a Picture) -> Self {
        Self {
            whole,
            halves: Vec::new(),
        }
    }

    /// Writes `line`, upright at `width` by `height` pixels, to the left of `planes`, which are `stride` pixels wide.
    pub(super) fn cut(
        &mut self,
        line: &Rectangle,
        (width, height): (usize, usize),
        colours: &Colours,
        planes: &mut [f32],
        stride: usize,
    ) -> Result<()> {
        let whole = self.whole;
        let picture = self.level(line.height / height as f32)?;
        let scale = [
            picture.width() as f32 / whole.width() as f32,
            picture.height() as f32 / whole.height() as f32,
        ];
        let [start, end, _, bottom] = line.corners();
        let step = |to: [f32; 2], count: usize| [0, 1].map(|axis| (to[axis] - start[axis]) / count as f32);
        let (along, down) = (step(end, width), step(bottom, height));
        for row in 0..height {
            for column in 0..width {
                let (right, below) = (column as f32 + 0.5, row as f32 + 0.5);
                let place =
                    [0, 1].map(|axis| (start[axis] + along[axis] * right + down[axis] * below) * scale[axis]);
                colours.put(planes, row * stride + column, colour(picture, place));
            }
        }
        Ok(())
    }

    /// The smallest of which a pixel is no larger than `pixels` of the whole picture.
    fn level(&mut self, pixels: f32) -> Result<&Picture> {
        let wanted = pixels.max(1.0).log2() as usize;
        while self.halves.len() < wanted {
            let last = self.halves.last().unwrap_or(self.whole);
            let half = scaled(last, last.width().div_ceil(2), last.height().div_ceil(2))?;
            self.halves.push(half);
        }
        Ok(match wanted {
            0 => self.whole,
            level => &self.halves[level - 1],
        })
    }
}

/// `picture` at another size.
pub(super) fn scaled(picture: &Picture, width: u32, height: u32) -> Result<Picture> {
    let failed = |problem: String| Error::Prepare(problem);
    let source = ImageRef::new(picture.width(), picture.height(), picture.rgb(), PixelType::U8x3)
        .map_err(|error| failed(error.to_string()))?;
    let mut scaled = Image::new(width, height, PixelType::U8x3);
    let options = ResizeOptions::new()
        .resize_alg(ResizeAlg::Convolution(FilterType::Bilinear))
        .use_alpha(false);
    Resizer::new()
        .resize(&source, &mut scaled, &options)
        .map_err(|error| failed(error.to_string()))?;
    Picture::new(width, height, scaled.into_vec()).ok_or_else(|| failed("a picture without pixels".into()))
}

/// The colour at `place`, 0 to 255, between the four nearest pixels; beyond the edge that of the edge.
fn colour(picture: &Picture, place: [f32; 2]) -> [f32; 3] {
    let (width, height) = (picture.width() as usize, picture.height() as usize);
    let (left, x) = between(place[0], width);
    let (top, y) = between(place[1], height);
    let right = (left + 1).min(width - 1);
    let bottom = (top + 1).min(height - 1);
    let rgb = picture.rgb();
    let pixel = |column: usize, row: usize| &rgb[(row * width + column) * 3..][..3];
    let (a, b, c, d) = (
        pixel(left, top),
        pixel(right, top),
        pixel(left, bottom),
        pixel(right, bottom),
    );
    [0, 1, 2].map(|channel| {
        let mix = |from: &[u8], to: &[u8]| {
            let (from, to) = (f32::from(from[channel]), f32::from(to[channel]));
            from + (to - from) * x
        };
        let (above, below) = (mix(a, b), mix(c, d));
        above + (below - above) * y
    })
}

/// The pixel of `count` whose middle lies before `place`, and how far beyond its middle that is, 0 to 1.
fn between(place: f32, count: usize) -> (usize, f32) {
    let place = (place - 0.5).clamp(0.0, (count - 1) as f32);
    (place as usize, place.fract())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn colours() -> Colours {
        toml::from_str("mean = [0, 0, 0]\ndeviation = [1, 1, 1]").unwrap()
    }

    /// Red is the column, green the row.
    fn grid(width: u32, height: u32) -> Picture {
        let pixels = (0..width * height).flat_map(|at| [(at % width) as u8, (at / width) as u8, 0]);
        Picture::new(width, height, pixels.collect()).unwrap()
    }

    fn cut(picture: &Picture, line: &Rectangle, size: (usize, usize)) -> Vec<f32> {
        let mut planes = vec![-1.0; 3 * size.0 * size.1];
        Pyramid::new(picture)
            .cut(line, size, &colours(), &mut planes, size.0)
            .unwrap();
        planes
    }

    fn line(along: [f32; 2]) -> Rectangle {
        Rectangle {
            centre: [6.0, 5.0],
            along,
            length: 4.0,
            height: 2.0,
        }
    }

    #[test]
    fn a_line_is_cut_out_pixel_by_pixel_with_blue_first() {
        let planes = cut(&grid(12, 10), &line([1.0, 0.0]), (4, 2));
        assert_eq!(planes[..8], [0.0; 8]);
        assert_eq!(planes[8..16], [4.0, 4.0, 4.0, 4.0, 5.0, 5.0, 5.0, 5.0]);
        assert_eq!(planes[16..], [4.0, 5.0, 6.0, 7.0, 4.0, 5.0, 6.0, 7.0]);
    }

    #[test]
    fn a_line_that_is_read_downwards_is_turned_upright() {
        let planes = cut(&grid(12, 10), &line([0.0, 1.0]), (4, 2));
        assert_eq!(planes[8..16], [3.0, 4.0, 5.0, 6.0, 3.0, 4.0, 5.0, 6.0]);
        assert_eq!(planes[16..], [6.0, 6.0, 6.0, 6.0, 5.0, 5.0, 5.0, 5.0]);
    }

    #[test]
    fn beyond_the_edge_is_the_edge_and_large_lines_come_from_a_smaller_picture() {
        let far = Rectangle {
            centre: [-50.0, 500.0],
            ..line([1.0, 0.0])
        };
        assert!(
            cut(&grid(12, 10), &far, (4, 2))[16..]
                .iter()
                .all(|&red| red == 0.0)
        );
        let whole = Rectangle {
            centre: [100.0, 50.0],
            along: [1.0, 0.0],
            length: 200.0,
            height: 100.0,
        };
        let planes = cut(&grid(200, 100), &whole, (8, 4));
        for (column, red) in planes[64..72].iter().enumerate() {
            assert!((red - (column as f32 * 25.0 + 12.0)).abs() < 3.0, "{red}");
        }
        assert_eq!(cut(&grid(1, 1), &whole, (8, 4)), [0.0; 96]);
    }
}
