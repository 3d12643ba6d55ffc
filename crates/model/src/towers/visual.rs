use std::collections::HashMap;
use std::sync::Arc;

use fast_image_resize::images::{Image, ImageRef};
use fast_image_resize::{FilterType, PixelType, ResizeAlg, ResizeOptions, Resizer};
use sensorium_media::{Picture, Sample};

use super::Tower;
use crate::graph::Graph;
use crate::manifest::{Filter, Fit, PicturePreprocess, TowerSpec};
use crate::{Error, Package, Result};

/// Pictures that go through the graph together: more gain nothing on a processor and take memory.
const BATCH: usize = 8;

/// Pictures to features.
pub(crate) struct VisualTower {
    graph: Graph,
    preprocess: PicturePreprocess,
    resizer: Resizer,
}

impl VisualTower {
    pub(crate) fn load(
        package: &Package,
        spec: &TowerSpec<PicturePreprocess>,
        threads: usize,
    ) -> Result<Self> {
        Ok(Self {
            graph: Graph::load(package, &spec.common, threads)?,
            preprocess: spec.preprocess.clone(),
            resizer: Resizer::new(),
        })
    }

    fn run(&mut self, pictures: &[&Picture]) -> Result<Vec<Vec<f32>>> {
        let side = self.preprocess.side as usize;
        let mut pixels = Vec::with_capacity(pictures.len() * 3 * side * side);
        for picture in pictures {
            let square = self.square(picture)?;
            self.append_planes(&square, &mut pixels);
        }
        let inputs = ort::inputs!["pixels" => self.graph.tensor(&[pictures.len(), 3, side, side], pixels)?];
        self.graph.kept(inputs, pictures.len())
    }

    /// The picture at `side` by `side` pixels, three bytes each.
    fn square(&mut self, picture: &Picture) -> Result<Vec<u8>> {
        let side = self.preprocess.side;
        let (width, height) = (f64::from(picture.width()), f64::from(picture.height()));
        let options = ResizeOptions::new()
            .resize_alg(ResizeAlg::Convolution(match self.preprocess.filter {
                Filter::Bilinear => FilterType::Bilinear,
                Filter::Bicubic => FilterType::CatmullRom,
                Filter::Lanczos => FilterType::Lanczos3,
            }))
            .use_alpha(false);
        match self.preprocess.fit {
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
        let side = self.preprocess.side as usize;
        let (width, height) = (width as usize, height as usize);
        let mean = self.preprocess.mean.map(|value| value.round() as u8);
        let mut square = mean.repeat(side * side);
        let (left, top) = ((side - width) / 2, (side - height) / 2);
        for (row, pixels) in inner.chunks_exact(width * 3).enumerate() {
            let start = ((top + row) * side + left) * 3;
            square[start..start + width * 3].copy_from_slice(pixels);
        }
        square
    }

    /// Appends the red, green and blue planes, shifted and scaled as the graph wants them.
    fn append_planes(&self, rgb: &[u8], pixels: &mut Vec<f32>) {
        let (colours, _) = rgb.as_chunks::<3>();
        for channel in 0..3 {
            let (mean, scale) = (
                self.preprocess.mean[channel],
                1.0 / self.preprocess.deviation[channel],
            );
            pixels.extend(
                colours
                    .iter()
                    .map(|colour| (f32::from(colour[channel]) - mean) * scale),
            );
        }
    }
}

/// A window of video has the mean of the features of its frames.
impl Tower for VisualTower {
    fn features(&mut self, samples: &[&Sample]) -> Result<Vec<Vec<f32>>> {
        let mut pictures = Distinct::default();
        let windows: Vec<Vec<usize>> = samples
            .iter()
            .map(|sample| match sample {
                Sample::Picture(picture) => vec![pictures.add(picture)],
                Sample::Frames(frames) => frames
                    .iter()
                    .map(|frame| pictures.add(Arc::as_ref(frame)))
                    .collect(),
                _ => Vec::new(),
            })
            .collect();
        let mut features = Vec::with_capacity(pictures.list.len());
        for batch in pictures.list.chunks(BATCH) {
            features.extend(self.run(batch)?);
        }
        Ok(windows.iter().map(|window| mean(window, &features)).collect())
    }
}

/// Pictures, each once: overlapping windows of a video share frames.
#[derive(Default)]
struct Distinct<'a> {
    list: Vec<&'a Picture>,
    places: HashMap<*const Picture, usize>,
}

impl<'a> Distinct<'a> {
    /// The place of `picture` in the list.
    fn add(&mut self, picture: &'a Picture) -> usize {
        *self.places.entry(picture).or_insert_with(|| {
            self.list.push(picture);
            self.list.len() - 1
        })
    }
}

fn mean(rows: &[usize], features: &[Vec<f32>]) -> Vec<f32> {
    let mut sum = vec![0.0; features.first().map_or(0, Vec::len)];
    for &row in rows {
        for (total, x) in sum.iter_mut().zip(&features[row]) {
            *total += x;
        }
    }
    let count = rows.len().max(1) as f32;
    sum.iter_mut().for_each(|total| *total /= count);
    sum
}
