//! Where there is print.

use ort::session::Session;
use sensorium_media::Picture;

use super::cutout::scaled;
use super::package::{DetectorSpec, PrintPackage};
use super::rectangle::Rectangle;
use super::regions::{Map, regions};
use super::{INPUT, OUTPUT};
use crate::{Error, Result, Runtime};

/// Sides of what the graph looks at are multiples of this.
const STEP: u32 = 32;

/// What is longer stands on a ground that is no longer: print that fills a strip from edge to edge is not seen.
const MOST_RATIO: u32 = 8;

/// Small pictures are enlarged by so much at most: the graph sees no print of a few pixels, but no more is gained.
const MOST_ENLARGED: f64 = 3.0;

/// Finds lines of print.
pub(super) struct Detector {
    spec: DetectorSpec,
    session: Session,
}

impl Detector {
    pub(super) fn load(package: &PrintPackage, runtime: Runtime) -> Result<Self> {
        let spec = package.detector().clone();
        let bytes = package.read(&spec.graph)?;
        Ok(Self {
            session: runtime.session(&spec.graph, &bytes, 1)?,
            spec,
        })
    }

    /// The rectangles around the lines of print in `picture`, in no order.
    pub(super) fn detect(&mut self, picture: &Picture) -> Result<Vec<Rectangle>> {
        let layout = Layout::of(picture.width(), picture.height(), self.spec.longer_side);
        let planes = self.planes(picture, &layout)?;
        let [width, height] = layout.ground.map(|side| side as usize);
        let failed = |source| Error::Inference {
            graph: self.spec.graph.clone(),
            source,
        };
        let input = ort::value::Tensor::from_array(([1, 3, height, width], planes)).map_err(failed)?;
        let outputs = self.session.run(ort::inputs![INPUT => input]).map_err(failed)?;
        let wrong = |found: String| Error::Shape {
            graph: self.spec.graph.clone(),
            expected: format!("{OUTPUT} [1, 1, {height}, {width}]"),
            found,
        };
        let output = outputs
            .get(OUTPUT)
            .ok_or_else(|| wrong("no such output".into()))?;
        let (shape, values) = output.try_extract_tensor::<f32>().map_err(failed)?;
        if values.len() != width * height {
            return Err(wrong(format!("{shape}")));
        }
        let map = Map {
            width,
            height,
            values,
        };
        let lines = regions(&map, &self.spec);
        let scale = [
            layout.scaled[0] as f32 / picture.width() as f32,
            layout.scaled[1] as f32 / picture.height() as f32,
        ];
        let offset = layout.offset.map(|side| side as f32);
        Ok(lines.iter().map(|line| line.unscaled(scale, offset)).collect())
    }

    /// `picture` on its ground of black, as the graph wants it.
    fn planes(&self, picture: &Picture, layout: &Layout) -> Result<Vec<f32>> {
        let [width, height] = layout.ground.map(|side| side as usize);
        let colours = &self.spec.colours;
        let mut planes = vec![0.0; 3 * width * height];
        if layout.scaled != layout.ground {
            (0..width * height).for_each(|at| colours.put(&mut planes, at, [0.0; 3]));
        }
        let small = scaled(picture, layout.scaled[0], layout.scaled[1])?;
        let [left, top] = layout.offset.map(|side| side as usize);
        let (pixels, _) = small.rgb().as_chunks::<3>();
        for (row, pixels) in pixels.chunks(small.width() as usize).enumerate() {
            let start = (top + row) * width + left;
            for (column, pixel) in pixels.iter().enumerate() {
                colours.put(&mut planes, start + column, pixel.map(f32::from));
            }
        }
        Ok(planes)
    }
}

/// How a picture is laid before the graph; sides are width and height, in pixels.
#[derive(Debug, PartialEq)]
struct Layout {
    scaled: [u32; 2],
    ground: [u32; 2],
    /// From the ground's corner to that of the picture.
    offset: [u32; 2],
}

impl Layout {
    fn of(width: u32, height: u32, longer_side: [u32; 2]) -> Self {
        let [least, most] = longer_side.map(|side| f64::from(side) / f64::from(width.max(height)));
        let scale = least.clamp(1.0, MOST_ENLARGED).min(most);
        let scaled = [width, height].map(|side| ((f64::from(side) * scale).round() as u32).max(1));
        let ground = scaled.map(|side| side.max(scaled[0].max(scaled[1]) / MOST_RATIO));
        let even = ground.map(|side| ((side + STEP / 2) / STEP * STEP).max(STEP));
        // A picture that fills its ground is stretched with it, by a few pixels.
        let scaled = [0, 1].map(|axis| {
            if scaled[axis] == ground[axis] {
                even[axis]
            } else {
                scaled[axis]
            }
        });
        Self {
            scaled,
            ground: even,
            offset: [0, 1].map(|axis| (even[axis] - scaled[axis]) / 2),
        }
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn pictures_keep_their_size_within_limits_and_strips_stand_on_a_ground() {
        let scaled = |width, height| Layout::of(width, height, [640, 960]).scaled;
        assert_eq!(scaled(640, 480), [640, 480]);
        assert_eq!(scaled(800, 480), [800, 480]);
        assert_eq!(scaled(4000, 3000), [960, 736]);
        assert_eq!(scaled(320, 160), [640, 320]);
        assert_eq!(scaled(10, 10), [32, 32]);
        let strip = Layout {
            scaled: [960, 20],
            ground: [960, 128],
            offset: [0, 54],
        };
        assert_eq!(Layout::of(960, 20, [640, 960]), strip);
    }

    proptest! {
        #[test]
        fn every_picture_fits_its_ground(width in 1..200_000_u32, height in 1..200_000_u32) {
            let layout = Layout::of(width, height, [640, 960]);
            for axis in [0, 1] {
                prop_assert!(layout.ground[axis].is_multiple_of(STEP) && (STEP..=960).contains(&layout.ground[axis]));
                prop_assert!(layout.scaled[axis] > 0);
                prop_assert!(layout.scaled[axis] + layout.offset[axis] <= layout.ground[axis]);
            }
        }
    }
}
