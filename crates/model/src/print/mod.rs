//! Printed words in pictures.
//!
//! A detector says where there is print (differentiable binarisation, Liao et al. 2020, arXiv:1911.08947), a recogniser what it
//! says (PP-OCR, Du et al. 2020, arXiv:2009.09941): each line is cut out, turned upright and read from left to right.

mod ctc;
mod cutout;
mod detector;
mod order;
mod package;
mod planes;
mod recogniser;
mod rectangle;
mod regions;

use sensorium_media::Picture;

use self::cutout::Pyramid;
use self::detector::Detector;
pub use self::package::PrintPackage;
use self::recogniser::{Read, Recogniser};
use self::rectangle::Rectangle;
use crate::{Result, Runtime};

/// The only input of both graphs, as PaddlePaddle names it.
const INPUT: &str = "x";

/// The only output of both graphs.
const OUTPUT: &str = "fetch_name_0";

/// What is read with less confidence may stand upside down: nonsense often has .5 to .8, most lines that are upright more.
const DOUBTFUL: f32 = 0.9;

/// A line of print in a picture.
#[derive(Debug, Clone, PartialEq)]
pub struct PrintedLine {
    /// What it says; never empty, never only white space.
    pub text: String,
    /// How sure that is, 0 to 1: the mean probability of its characters.
    pub confidence: f32,
    /// The corners of the rectangle around it, as shares of the picture's width and height: as it is read, from the top
    /// left clockwise. They may lie a little outside the picture.
    pub corners: [[f32; 2]; 4],
}

/// Reads printed words in pictures. It computes on the calling thread, and what it finds in a picture does not depend on
/// what it read before.
pub struct Reader {
    detector: Detector,
    recogniser: Recogniser,
    least_confidence: f32,
}

impl Reader {
    /// How large pictures should be decoded for it, see [`Target::picture_side`](sensorium_media::Target::picture_side): small
    /// print is read from pixels that the detector, which looks at fewer, does not need.
    pub const PICTURE_SIDE: u32 = 960;

    /// Loads the graphs of `package`.
    ///
    /// # Errors
    /// When a file of it cannot be read, was changed, or ONNX Runtime refuses it.
    pub fn load(package: &PrintPackage) -> Result<Self> {
        let runtime = Runtime::load()?;
        Ok(Self {
            detector: Detector::load(package, runtime)?,
            recogniser: Recogniser::load(package, runtime)?,
            least_confidence: package.recogniser().least_confidence,
        })
    }

    /// The lines of print in `picture`, in reading order.
    ///
    /// # Errors
    /// When a graph fails, or does not give what its package promises.
    pub fn read(&mut self, picture: &Picture) -> Result<Vec<PrintedLine>> {
        let mut lines = self.detector.detect(picture)?;
        order::sort(&mut lines);
        let mut pyramid = Pyramid::new(picture);
        let mut reads = self.recogniser.read(&mut pyramid, &lines)?;
        self.read_turned(&mut pyramid, &mut lines, &mut reads)?;
        let (width, height) = (picture.width() as f32, picture.height() as f32);
        let share = |[x, y]: [f32; 2]| [x / width, y / height];
        let sure = lines.iter().zip(reads).filter(|(_, read)| self.is_sure(read));
        Ok(sure
            .map(|(line, read)| PrintedLine {
                text: read.text,
                confidence: read.confidence,
                corners: line.corners().map(share),
            })
            .collect())
    }

    fn is_sure(&self, read: &Read) -> bool {
        read.confidence >= self.least_confidence && !read.text.trim().is_empty()
    }

    /// Reads again, upside down, what is doubtful; keeps what makes more sense so.
    fn read_turned(
        &mut self,
        pyramid: &mut Pyramid<'_>,
        lines: &mut [Rectangle],
        reads: &mut [Read],
    ) -> Result<()> {
        let unsure: Vec<usize> = (0..lines.len())
            .filter(|&line| reads[line].confidence < DOUBTFUL)
            .collect();
        let turned: Vec<Rectangle> = unsure.iter().map(|&line| lines[line].turned()).collect();
        let others = self.recogniser.read(pyramid, &turned)?;
        for ((line, turned), other) in unsure.into_iter().zip(turned).zip(others) {
            if other.confidence > reads[line].confidence {
                (lines[line], reads[line]) = (turned, other);
            }
        }
        Ok(())
    }
}
