//! What is said in a sound.

use sensorium_model::{Listener, SpokenLine};
use sensorium_types::Span;

/// Seconds of sound that are decoded at a time.
pub(super) const PIECE: f64 = 30.0;

/// A sound as it comes.
pub(super) struct Heard<'a> {
    ears: &'a mut Listener,
    /// Samples that were heard.
    known: usize,
    lines: Vec<(Option<Span>, String)>,
}

impl<'a> Heard<'a> {
    pub(super) fn begin(ears: &'a mut Listener) -> Self {
        ears.begin();
        Self {
            ears,
            known: 0,
            lines: Vec::new(),
        }
    }

    /// Hears the `samples` that begin at `start` seconds. The last ones of a file may reach back into those before.
    pub(super) fn hear(&mut self, start: f64, samples: &[f32]) -> sensorium_model::Result<()> {
        let start = (start * f64::from(Listener::SAMPLE_RATE)).round() as usize;
        let known = self.known.saturating_sub(start);
        let fresh = samples.get(known..).unwrap_or_default();
        self.known = self.known.max(start + samples.len());
        let lines = self.ears.push(fresh)?;
        self.keep(lines);
        Ok(())
    }

    fn keep(&mut self, lines: Vec<SpokenLine>) {
        let lines = lines.into_iter();
        self.lines.extend(lines.map(|line| (Some(line.span), line.text)));
    }

    /// All that was said.
    pub(super) fn end(mut self) -> sensorium_model::Result<Vec<(Option<Span>, String)>> {
        let last = self.ears.finish()?;
        self.keep(last);
        Ok(self.lines)
    }
}
