//! Words that are spoken: a [`Listener`] runs Whisper (Radford et al. 2022, arXiv:2212.04356) over sounds of any length.
//!
//! A sound is heard in windows of 30 seconds. What is said in one comes with marks of time; the next window begins where the
//! last whole phrase ended, so that no word is cut.

mod decode;
mod listener;
mod package;
mod phrases;
mod rules;
mod silence;
mod whisper;

pub use listener::{Listener, SpokenLine};
pub use package::SpeechPackage;

/// Samples a second of what Whisper listens to.
const SAMPLE_RATE: usize = 16_000;
