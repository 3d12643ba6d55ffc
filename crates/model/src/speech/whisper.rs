//! The two graphs: one hears a window, the other says token after token of it.

use std::borrow::Cow;

use ort::session::{Session, SessionInputValue};
use ort::value::{DynValue, Tensor};

use super::SpeechPackage;
use super::package::WhisperSpec;
use crate::{Error, Result, Runtime};

/// Samples of a window.
pub(super) const WINDOW: usize = 30 * super::SAMPLE_RATE;

/// Whisper, loaded. It computes on the calling thread.
pub(super) struct Whisper {
    spec: WhisperSpec,
    encoder: Session,
    decoder: Session,
}

/// What the encoder made of a window, as named inputs of the decoder.
pub(super) struct Heard(Vec<(String, DynValue)>);

/// A text while it is said.
pub(super) struct Telling<'a> {
    whisper: &'a mut Whisper,
    heard: &'a Heard,
    /// Keys and values of what was said so far, as named inputs of the decoder.
    said: Vec<(String, DynValue)>,
}

impl Whisper {
    pub(super) fn load(package: &SpeechPackage) -> Result<Self> {
        let spec = package.whisper().clone();
        let runtime = Runtime::load()?;
        let session = |name: &str| runtime.session(name, &package.read(name)?, 1);
        Ok(Self {
            encoder: session(&spec.encoder)?,
            decoder: session(&spec.decoder)?,
            spec,
        })
    }

    /// Listens to `samples`, at most [`WINDOW`] of them; the rest is silence.
    pub(super) fn hear(&mut self, samples: &[f32]) -> Result<Heard> {
        let failed = failure(&self.spec.encoder);
        let mut waveform = samples[..samples.len().min(WINDOW)].to_vec();
        waveform.resize(WINDOW, 0.0);
        let waveform = Tensor::from_array(([1, WINDOW], waveform)).map_err(&failed)?;
        let mut outputs = self
            .encoder
            .run(ort::inputs!["waveform" => waveform])
            .map_err(&failed)?;
        let mut heard = Vec::new();
        for name in names(self.spec.layers, "") {
            let value = outputs
                .remove(&name)
                .ok_or_else(|| missing(&self.spec.encoder, &name))?;
            heard.push((name, value));
        }
        Ok(Heard(heard))
    }

    /// Begins to tell what was `heard`.
    pub(super) fn tell<'a>(&'a mut self, heard: &'a Heard) -> Result<Telling<'a>> {
        let shape = [self.spec.heads, 0, self.spec.head];
        let nothing = |name| {
            let value =
                Tensor::<f32>::from_array((shape, Vec::new())).map_err(failure(&self.spec.decoder))?;
            Ok((name, value.into_dyn()))
        };
        let said = names(self.spec.layers, "said_")
            .map(nothing)
            .collect::<Result<_>>()?;
        Ok(Telling {
            whisper: self,
            heard,
            said,
        })
    }
}

impl Telling<'_> {
    /// Says `token` and gives the logits of all that may follow.
    pub(super) fn say(&mut self, token: u32) -> Result<Vec<f32>> {
        let spec = &self.whisper.spec;
        let failed = failure(&spec.decoder);
        let token = Tensor::from_array(([1], vec![i64::from(token)])).map_err(&failed)?;
        let known = self.heard.0.iter().chain(&self.said);
        let mut inputs: Vec<(Cow<'_, str>, SessionInputValue<'_>)> = known
            .map(|(name, value)| (Cow::from(name.as_str()), value.into()))
            .collect();
        inputs.push(("token".into(), token.into()));
        let mut outputs = self.whisper.decoder.run(inputs).map_err(&failed)?;

        let logits = outputs
            .remove("logits")
            .ok_or_else(|| missing(&spec.decoder, "logits"))?;
        let (shape, logits) = logits.try_extract_tensor::<f32>().map_err(&failed)?;
        if logits.len() != spec.vocabulary {
            return Err(Error::Shape {
                graph: spec.decoder.clone(),
                expected: format!("logits [{}]", spec.vocabulary),
                found: format!("{shape}"),
            });
        }
        let logits = logits.to_vec();
        let mut said = Vec::with_capacity(self.said.len());
        for (old, new) in names(spec.layers, "said_").zip(names(spec.layers, "new_")) {
            let value = outputs.remove(&new).ok_or_else(|| missing(&spec.decoder, &new))?;
            said.push((old, value));
        }
        self.said = said;
        Ok(logits)
    }
}

/// The names of keys and values of each layer.
fn names(layers: usize, prefix: &str) -> impl Iterator<Item = String> {
    (0..layers).flat_map(move |layer| [format!("{prefix}keys.{layer}"), format!("{prefix}values.{layer}")])
}

fn failure(graph: &str) -> impl Fn(ort::Error) -> Error {
    move |source| Error::Inference {
        graph: graph.to_owned(),
        source,
    }
}

fn missing(graph: &str, output: &str) -> Error {
    Error::Shape {
        graph: graph.to_owned(),
        expected: output.to_owned(),
        found: "no such output".into(),
    }
}
