//! Bytes to samples: probes and decodes pictures, sound, video and text.
//!
//! [`open`] looks at the content of a file (never at its name) and gives a [`Media`]: a lazy stream of
//! [`Piece`]s, each one segment with the samples that a model encodes. Every file is taken to be hostile:
//! sizes, time and memory are bounded by [`Limits`], and what goes wrong is an [`Error`] that names the
//! file and the cause.

mod av;
mod contain;
mod deadline;
mod document;
mod error;
mod facts;
mod ffmpeg;
mod limits;
mod media;
mod memory;
mod picture;
mod preview;
mod probe;
mod process;
mod sample;
mod text;

pub use contain::contained;
pub use error::{Cause, Error, Result};
pub use limits::{Limits, Target, WINDOWING_VERSION, Windowing};
pub use media::{Media, check, open};
pub use memory::{Memory, Share};
pub use preview::{Waveform, playable_copy, small_picture, thumbnail, waveform};
pub use sample::{Picture, Piece, Record, Sample};
