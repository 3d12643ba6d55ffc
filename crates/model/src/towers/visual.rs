use std::collections::HashMap;
use std::sync::Arc;

use sensorium_media::{Picture, Sample};

use super::Tower;
use super::square::Squarer;
use crate::graph::Graph;
use crate::manifest::{PicturePreprocess, TowerSpec};
use crate::{Package, Result};

/// Pictures that go through the graph together: more gain nothing on a processor and take memory.
const BATCH: usize = 8;

/// Pictures to features.
pub(crate) struct VisualTower {
    graph: Graph,
    preprocess: PicturePreprocess,
    squarer: Squarer,
}

impl VisualTower {
    pub(crate) fn load(
        package: &Package,
        spec: &TowerSpec<PicturePreprocess>,
        threads: usize,
    ) -> Result<Self> {
        let preprocess = spec.preprocess.clone();
        Ok(Self {
            graph: Graph::load(package, &spec.common, threads)?,
            squarer: Squarer::new(
                preprocess.side,
                preprocess.fit,
                preprocess.filter,
                preprocess.mean,
            ),
            preprocess,
        })
    }

    fn run(&mut self, pictures: &[&Picture]) -> Result<Vec<Vec<f32>>> {
        let side = self.preprocess.side as usize;
        let mut pixels = Vec::with_capacity(pictures.len() * 3 * side * side);
        for picture in pictures {
            let square = self.squarer.square(picture)?;
            self.append_planes(&square, &mut pixels);
        }
        let inputs = ort::inputs!["pixels" => self.graph.tensor(&[pictures.len(), 3, side, side], pixels)?];
        self.graph.kept(inputs, pictures.len())
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
