//! Hard negatives: the items that are most like one, and are not of its class.

use rayon::prelude::*;
use sensorium_types::{Embedding, Track};

use crate::Result;
use crate::examples::Example;
use crate::learn::Embedder;

/// So many of the nearest are drawn from.
const NEAREST: usize = 30;

/// The nearest are looked for among so many, so that no more embeddings are in memory.
const AMONG: usize = 4096;

/// For each example the positions of those nearest to it.
pub(crate) type Near = Vec<Vec<usize>>;

/// For each example the positions of those nearest to it, of other classes.
pub(crate) fn nearest(examples: &[Example], embedder: &Embedder<'_>) -> Result<Near> {
    let mut all = Vec::with_capacity(examples.len());
    for block in examples.chunks(AMONG) {
        let first = all.len();
        let embeddings = block
            .iter()
            .map(|example| embedding(example, embedder))
            .collect::<Result<Vec<_>>>()?;
        let near = |(one, embedding): (usize, &Option<Embedding>)| {
            let Some(embedding) = embedding else {
                return Vec::new();
            };
            let others = embeddings.iter().enumerate();
            let mut others: Vec<(f32, usize)> = others
                .filter(|&(other, _)| block[other].class != block[one].class)
                .filter_map(|(other, of_other)| Some((of_other.as_ref()?.dot(embedding), first + other)))
                .collect();
            others.sort_unstable_by(|a, b| b.0.total_cmp(&a.0).then(a.1.cmp(&b.1)));
            others.truncate(NEAREST);
            others.into_iter().map(|(_, other)| other).collect()
        };
        all.par_extend(embeddings.par_iter().enumerate().map(near));
    }
    Ok(all)
}

/// By what the neighbours of an example are found: its sound, or else its picture.
fn embedding(example: &Example, embedder: &Embedder<'_>) -> Result<Option<Embedding>> {
    let rows = [Track::Audio, Track::Visual].map(|track| example.rows.get(&track)?.first());
    let row = rows.into_iter().flatten().next();
    Ok(row.map(|row| embedder.embed(row)).transpose()?.flatten())
}
