use std::sync::Arc;

use image::RgbImage;
use sensorium_types::{Fields, Segment};

/// A decoded picture: 8-bit sRGB, row by row from the top left, upright, without transparency.
#[derive(Clone, PartialEq, Eq)]
pub struct Picture {
    width: u32,
    height: u32,
    rgb: Vec<u8>,
}

impl Picture {
    /// Wraps `rgb`, three bytes a pixel; `None` when a side is zero or the length does not fit.
    pub fn new(width: u32, height: u32, rgb: Vec<u8>) -> Option<Self> {
        let bytes = (width as usize).checked_mul(height as usize)?.checked_mul(3)?;
        (bytes > 0 && rgb.len() == bytes).then_some(Self { width, height, rgb })
    }

    /// Width in pixels, at least 1.
    pub fn width(&self) -> u32 {
        self.width
    }

    /// Height in pixels, at least 1.
    pub fn height(&self) -> u32 {
        self.height
    }

    /// The pixels, three bytes each.
    pub fn rgb(&self) -> &[u8] {
        &self.rgb
    }

    /// The same as an image; `None` never, since its length fits.
    pub fn into_image(self) -> Option<RgbImage> {
        RgbImage::from_raw(self.width, self.height, self.rgb)
    }
}

impl std::fmt::Debug for Picture {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "Picture({}x{})", self.width, self.height)
    }
}

/// What a tower takes in.
#[derive(Debug, Clone, PartialEq)]
pub enum Sample {
    /// A passage of text; never empty, never only white space.
    Text(String),
    /// A whole picture.
    Picture(Picture),
    /// The frames of one window of a video, in order of time; never empty. Overlapping windows share frames.
    Frames(Vec<Arc<Picture>>),
    /// The samples of one window of a sound: mono, finite, about -1 to 1; never empty.
    Sound(Vec<f32>),
}

impl Sample {
    /// About how much memory it takes; frames that windows share count in each.
    pub fn bytes(&self) -> usize {
        match self {
            Self::Text(text) => text.len(),
            Self::Picture(picture) => picture.rgb.len(),
            Self::Frames(frames) => frames.iter().map(|frame| frame.rgb.len()).sum(),
            Self::Sound(samples) => size_of_val(&samples[..]),
        }
    }
}

/// A record of a file that holds many items (JSONL, CSV, TSV).
#[derive(Debug, Clone, PartialEq)]
pub struct Record {
    /// Its place in the file, counted from 1.
    pub number: u64,
    /// What it says beside its text; all pieces of a record share it.
    pub fields: Arc<Fields>,
}

/// One segment of a file with the samples to encode.
#[derive(Debug, Clone, PartialEq)]
pub struct Piece {
    /// The record it comes from, for files that hold many items.
    pub record: Option<Record>,
    /// Track and time.
    pub segment: Segment,
    /// The samples.
    pub sample: Sample,
}
