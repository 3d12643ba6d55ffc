//! What lines of print say.

use ort::session::Session;

pub(super) use super::ctc::Read;
use super::ctc::decode;
use super::cutout::Pyramid;
use super::package::{PrintPackage, RecogniserSpec};
use super::rectangle::Rectangle;
use super::{INPUT, OUTPUT};
use crate::{Error, Result, Runtime};

/// The longest line, in pixels at the height of the recogniser; longer ones are squeezed.
pub(super) const WIDEST: u32 = 4096;

/// Widths are multiples of this, so that lines of about the same length are read together.
const STEP: usize = 64;

/// Pixels of width that are read together, those of all lines added up.
const BATCH: usize = 2048;

/// Reads lines.
pub(super) struct Recogniser {
    spec: RecogniserSpec,
    characters: Vec<String>,
    session: Session,
}

impl Recogniser {
    pub(super) fn load(package: &PrintPackage, runtime: Runtime) -> Result<Self> {
        let spec = package.recogniser().clone();
        let characters =
            String::from_utf8(package.read(&spec.characters)?).map_err(|error| Error::Invalid {
                path: package.path(&spec.characters),
                problem: error.to_string(),
            })?;
        let bytes = package.read(&spec.graph)?;
        Ok(Self {
            session: runtime.session(&spec.graph, &bytes, 1)?,
            characters: characters.lines().map(str::to_owned).collect(),
            spec,
        })
    }

    /// What each of `lines` says. A line is only read beside lines of its own width, so that it does not depend on them.
    pub(super) fn read(&mut self, pyramid: &mut Pyramid<'_>, lines: &[Rectangle]) -> Result<Vec<Read>> {
        let widths: Vec<usize> = lines.iter().map(|line| self.width(line)).collect();
        let padded = |&line: &usize| {
            widths[line]
                .next_multiple_of(STEP)
                .max(self.spec.narrowest as usize)
        };
        let mut order: Vec<usize> = (0..lines.len()).collect();
        order.sort_by_key(padded);
        let groups: Vec<(usize, Vec<usize>)> = order
            .chunk_by(|a, b| padded(a) == padded(b))
            .flat_map(|same| {
                let width = padded(&same[0]);
                same.chunks((BATCH / width).max(1))
                    .map(move |group| (width, group.to_vec()))
            })
            .collect();
        let mut reads = vec![None; lines.len()];
        for (stride, group) in groups {
            let height = self.spec.height as usize;
            let mut planes = vec![0.0; group.len() * 3 * height * stride];
            for (&line, planes) in group.iter().zip(planes.chunks_exact_mut(3 * height * stride)) {
                let size = (widths[line], height);
                pyramid.cut(&lines[line], size, &self.spec.colours, planes, stride)?;
            }
            for (line, read) in group.iter().zip(self.run(planes, group.len(), stride)?) {
                reads[*line] = Some(read);
            }
        }
        Ok(reads.into_iter().flatten().collect())
    }

    /// How many pixels wide `line` is at the height of the recogniser.
    fn width(&self, line: &Rectangle) -> usize {
        let width = (line.length / line.height * self.spec.height as f32).ceil();
        width.clamp(1.0, WIDEST as f32) as usize
    }

    fn run(&mut self, planes: Vec<f32>, count: usize, width: usize) -> Result<Vec<Read>> {
        let failed = |source| Error::Inference {
            graph: self.spec.graph.clone(),
            source,
        };
        let classes = self.characters.len() + 1;
        let shape = [count, 3, self.spec.height as usize, width];
        let input = ort::value::Tensor::from_array((shape, planes)).map_err(failed)?;
        let outputs = self.session.run(ort::inputs![INPUT => input]).map_err(failed)?;
        let wrong = |found: String| Error::Shape {
            graph: self.spec.graph.clone(),
            expected: format!("{OUTPUT} [{count}, steps, {classes}]"),
            found,
        };
        let output = outputs
            .get(OUTPUT)
            .ok_or_else(|| wrong("no such output".into()))?;
        let (shape, values) = output.try_extract_tensor::<f32>().map_err(failed)?;
        match shape[..] {
            [batch, steps, found] if batch == count as i64 && steps > 0 && found == classes as i64 => {
                let line = steps as usize * classes;
                Ok(values
                    .chunks_exact(line)
                    .map(|steps| decode(steps, &self.characters))
                    .collect())
            }
            _ => Err(wrong(format!("{shape}"))),
        }
    }
}
