//! Sounds of any length, window by window.

use sensorium_types::Span;
use tokenizers::Tokenizer;

use super::decode::Decoder;
use super::phrases::{self, Phrase};
use super::whisper::{WINDOW, Whisper};
use super::{SAMPLE_RATE, SpeechPackage, silence};
use crate::{Error, Result};

/// The last of a sound is listened to when it has at least so many samples: a fifth of a second.
const LEAST: usize = SAMPLE_RATE / 5;

/// Something that was said.
#[derive(Debug, Clone, PartialEq)]
pub struct SpokenLine {
    /// When, in seconds from the beginning of the sound.
    pub span: Span,
    /// The words, as one would write them; never empty.
    pub text: String,
}

/// Hears words in sounds. It computes on the calling thread, and keeps no more than a window of 30 seconds.
///
/// The same sound gives the same lines, in whatever pieces it comes.
pub struct Listener {
    whisper: Whisper,
    decoder: Decoder,
    first_time: u32,
    tokenizer: Tokenizer,
    /// What was not listened to yet, less than a window.
    samples: Vec<f32>,
    /// How many samples of the sound came before these.
    before: u64,
}

impl Listener {
    /// Samples a second of the sounds that it takes.
    pub const SAMPLE_RATE: u32 = SAMPLE_RATE as u32;

    /// Loads the graphs of `package`.
    ///
    /// # Errors
    /// When a file cannot be read, was changed, or ONNX Runtime refuses it.
    pub fn load(package: &SpeechPackage) -> Result<Self> {
        let spec = package.whisper();
        let tokenizer = package.read(&spec.tokenizer)?;
        let tokenizer = Tokenizer::from_bytes(tokenizer)
            .map_err(|problem| package.invalid(&spec.tokenizer, problem.to_string()))?;
        Ok(Self {
            whisper: Whisper::load(package)?,
            decoder: Decoder::new(&spec.tokens),
            first_time: spec.tokens.first_time,
            tokenizer,
            samples: Vec::new(),
            before: 0,
        })
    }

    /// Begins another sound; what was left of one that was not finished is forgotten.
    pub fn begin(&mut self) {
        self.samples.clear();
        self.before = 0;
    }

    /// Takes the next `samples` of the sound, mono at [`SAMPLE_RATE`](Self::SAMPLE_RATE), about -1 to 1, and gives the lines that
    /// are certain by then, in order.
    ///
    /// # Errors
    /// When a graph fails; the sound cannot go on then.
    pub fn push(&mut self, mut samples: &[f32]) -> Result<Vec<SpokenLine>> {
        let mut lines = Vec::new();
        while !samples.is_empty() {
            let room = WINDOW - self.samples.len();
            let (piece, rest) = samples.split_at(room.min(samples.len()));
            self.samples.extend(piece.iter().map(|&sample| bounded(sample)));
            samples = rest;
            if self.samples.len() == WINDOW {
                lines.extend(self.listen()?);
            }
        }
        Ok(lines)
    }

    /// Ends the sound and gives the lines that were left. The next one may begin.
    ///
    /// # Errors
    /// When a graph fails.
    pub fn finish(&mut self) -> Result<Vec<SpokenLine>> {
        let mut lines = Vec::new();
        while self.samples.len() >= LEAST {
            lines.extend(self.listen()?);
        }
        self.begin();
        Ok(lines)
    }

    /// Skips silence at the beginning of what is kept; where there is none, listens to it all and moves on. Something is always used up.
    fn listen(&mut self) -> Result<Vec<SpokenLine>> {
        let silent = silence::leading(&self.samples);
        if silent > 0 {
            self.drop(silent);
            return Ok(Vec::new());
        }
        let heard = self.whisper.hear(&self.samples)?;
        let said = self.decoder.decode(&mut self.whisper, &heard)?;
        let seconds = self.samples.len() as f64 / SAMPLE_RATE as f64;
        let cut = phrases::cut(&said, self.first_time, seconds);
        let mut lines = Vec::new();
        for phrase in cut.phrases {
            lines.extend(self.line(phrase)?);
        }
        self.drop((cut.next * SAMPLE_RATE as f64) as usize);
        Ok(lines)
    }

    /// `phrase` in words, and in the time of the sound, where it has some.
    fn line(&self, phrase: Phrase) -> Result<Option<SpokenLine>> {
        let text = self
            .tokenizer
            .decode(&phrase.words, true)
            .map_err(|problem| Error::Prepare(problem.to_string()))?;
        if !has_words(&text) {
            return Ok(None);
        }
        let before = self.before as f64 / SAMPLE_RATE as f64;
        Ok(Some(SpokenLine {
            span: Span {
                start: before + phrase.start,
                end: before + phrase.end,
            },
            text: text.trim().to_owned(),
        }))
    }

    fn drop(&mut self, samples: usize) {
        let dropped = self.samples.drain(..samples.min(self.samples.len())).len();
        self.before += dropped as u64;
    }
}

/// Whether `text` has a letter or a digit, and none stretched as in "Aaaah", which is how cries and howls are written.
fn has_words(text: &str) -> bool {
    let letters: Vec<char> = text
        .to_lowercase()
        .chars()
        .filter(|sign| !sign.is_whitespace())
        .collect();
    let stretched = letters
        .windows(4)
        .any(|run| run[0].is_alphabetic() && run.iter().all(|&letter| letter == run[0]));
    letters.iter().any(|letter| letter.is_alphanumeric()) && !stretched
}

/// Samples that are no numbers, or far too loud, would spoil a whole window.
fn bounded(sample: f32) -> f32 {
    if sample.is_nan() {
        0.0
    } else {
        sample.clamp(-1.0, 1.0)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn cries_and_signs_are_no_words() {
        assert!(has_words(" Yes.") && has_words(" 1000 bees, still less") && has_words("Où?"));
        assert!(!has_words(" ...") && !has_words("") && !has_words(" AHHHHH!") && !has_words("Aaaah"));
    }
}
