use sensorium_media::Sample;
use tokenizers::{Tokenizer, TruncationParams};

use super::Tower;
use crate::graph::Graph;
use crate::manifest::{TextPreprocess, TowerSpec};
use crate::{Error, Package, Result};

/// Tokens, padding included, that go through the graph together: enough to use the core, few enough that the
/// graph's memory stays small.
const BATCH_TOKENS: usize = 512;

/// What the graph is run for.
#[derive(Debug, Clone, Copy)]
enum Wanted {
    Kept,
    Tokens,
}

/// Passages of text to features.
pub(crate) struct TextTower {
    tokenizer: Tokenizer,
    graph: Graph,
}

impl TextTower {
    pub(crate) fn load(package: &Package, spec: &TowerSpec<TextPreprocess>, threads: usize) -> Result<Self> {
        let bytes = package.read(&spec.preprocess.tokenizer)?;
        let tokenizer = tokenizer(&bytes, spec.preprocess.max_tokens).map_err(|error| Error::Invalid {
            path: package.folder().join(&spec.preprocess.tokenizer),
            problem: error.to_string(),
        })?;
        Ok(Self {
            tokenizer,
            graph: Graph::load(package, &spec.common, threads)?,
        })
    }

    fn token_ids(&self, text: &str) -> Result<Vec<i64>> {
        let encoding = self
            .tokenizer
            .encode_fast(text, true)
            .map_err(|error| Error::Prepare(error.to_string()))?;
        Ok(encoding.get_ids().iter().map(|&id| i64::from(id)).collect())
    }

    fn run(&mut self, rows: &[&[i64]], wanted: Wanted) -> Result<Vec<Vec<f32>>> {
        let longest = longest(rows);
        let padded = |value: fn(i64) -> i64| -> Vec<i64> {
            rows.iter()
                .flat_map(|row| {
                    let padding = std::iter::repeat_n(0, longest - row.len());
                    row.iter().map(move |&id| value(id)).chain(padding)
                })
                .collect()
        };
        let shape = [rows.len(), longest];
        let inputs = ort::inputs![
            "input_ids" => self.graph.tensor(&shape, padded(|id| id))?,
            "attention_mask" => self.graph.tensor(&shape, padded(|_| 1))?,
        ];
        match wanted {
            Wanted::Kept => self.graph.kept(inputs, rows.len()),
            Wanted::Tokens => {
                let mut tokens = self.graph.tokens(inputs, rows.len(), longest)?;
                for (tokens, row) in tokens.iter_mut().zip(rows) {
                    tokens.truncate(tokens.len() / longest.max(1) * row.len());
                }
                Ok(tokens)
            }
        }
    }

    fn encode(&mut self, samples: &[&Sample], wanted: Wanted) -> Result<Vec<Vec<f32>>> {
        let tokens = samples
            .iter()
            .filter_map(|sample| match sample {
                Sample::Text(text) => Some(self.token_ids(text)),
                _ => None,
            })
            .collect::<Result<Vec<_>>>()?;
        // Texts of similar length together, so that little is padded.
        let mut order: Vec<usize> = (0..tokens.len()).collect();
        order.sort_by_key(|&index| tokens[index].len());

        let mut features = vec![Vec::new(); tokens.len()];
        let mut rest = order.as_slice();
        while !rest.is_empty() {
            let fits = |count: &usize| count * tokens[rest[count - 1]].len() <= BATCH_TOKENS;
            let count = (2..=rest.len()).take_while(fits).last().unwrap_or(1);
            let (batch, after) = rest.split_at(count);
            rest = after;
            let rows: Vec<&[i64]> = batch.iter().map(|&index| tokens[index].as_slice()).collect();
            for (&index, row) in batch.iter().zip(self.run(&rows, wanted)?) {
                features[index] = row;
            }
        }
        Ok(features)
    }
}

impl Tower for TextTower {
    fn features(&mut self, samples: &[&Sample]) -> Result<Vec<Vec<f32>>> {
        self.encode(samples, Wanted::Kept)
    }

    fn tokens(&mut self, samples: &[&Sample]) -> Result<Vec<Vec<f32>>> {
        self.encode(samples, Wanted::Tokens)
    }
}

fn longest(rows: &[&[i64]]) -> usize {
    rows.iter().map(|row| row.len()).max().unwrap_or(0)
}

/// The tokenizer in `json`, cutting at `max_tokens` and not padding, whatever the file says.
fn tokenizer(json: &[u8], max_tokens: usize) -> tokenizers::Result<Tokenizer> {
    let mut tokenizer = Tokenizer::from_bytes(json)?;
    tokenizer.with_padding(None);
    tokenizer.with_truncation(Some(TruncationParams {
        max_length: max_tokens,
        ..TruncationParams::default()
    }))?;
    Ok(tokenizer)
}
