//! Golden vectors: inputs whose embeddings are known from the original implementations.

use std::sync::Arc;

use safetensors::tensor::{Dtype, SafeTensors};
use sensorium_media::{Picture, Sample};
use sensorium_types::{Embedding, Track, dot};

use crate::head::floats;
use crate::{Encoder, Error, Package, Result};

/// The file in a package: `TRACK.N.input` (text: bytes; visual: u8 `[height, width, 3]`; audio: i16
/// `[samples]`) and `TRACK.N.embedding` (f32 `[dimension]`) for N from 0.
const FILE: &str = "golden.safetensors";

/// A package that embeds any golden input with a lower cosine is refused.
pub const GOLDEN_COSINE: f32 = 0.999;

/// How close an embedding came to the golden one.
#[derive(Debug, Clone, PartialEq)]
pub struct GoldenCheck {
    /// Which input, as in `visual.0`.
    pub name: String,
    /// Cosine between the two embeddings in the block in which they differ most; 1 when they agree.
    pub cosine: f32,
}

impl GoldenCheck {
    /// Whether it is close enough.
    pub fn holds(&self) -> bool {
        self.cosine >= GOLDEN_COSINE
    }
}

/// Reads every file of `package`, checking the hashes, and replays its golden inputs.
///
/// # Errors
/// When a file is missing or changed, or a tower fails. A low cosine is not an error here: see
/// [`GoldenCheck::holds`].
pub fn verify(package: &Arc<Package>, threads: usize) -> Result<Vec<GoldenCheck>> {
    for name in package.manifest().files.keys() {
        package.read(name)?;
    }
    let (names, samples, expected) = read(package)?;
    let encodings = Encoder::new(Arc::clone(package), threads).encode(&samples)?;
    let found = encodings.into_iter().map(|encoding| encoding.embedding);
    let blocks: Vec<usize> = package
        .space()
        .blocks
        .iter()
        .map(|block| block.dimension)
        .collect();
    Ok(names
        .into_iter()
        .zip(found.zip(expected))
        .map(|(name, (found, expected))| GoldenCheck {
            name,
            cosine: least_cosine(&found, &expected, &blocks),
        })
        .collect())
}

/// The golden inputs of `package`, each with its name, as in `visual.0`.
///
/// # Errors
/// When the file is missing, changed or malformed.
pub fn golden_inputs(package: &Package) -> Result<Vec<(String, Sample)>> {
    let (names, samples, _) = read(package)?;
    Ok(names.into_iter().zip(samples).collect())
}

type Golden = (Vec<String>, Vec<Sample>, Vec<Embedding>);

fn read(package: &Package) -> Result<Golden> {
    let bytes = package.read(FILE)?;
    let invalid = |problem: String| Error::Invalid {
        path: package.folder().join(FILE),
        problem,
    };
    let tensors = SafeTensors::deserialize(&bytes).map_err(|error| invalid(error.to_string()))?;
    let mut golden = Golden::default();
    for track in Track::ALL {
        if package.manifest().towers.common(track).is_none() {
            continue;
        }
        let mut count = 0;
        while let Ok(input) = tensors.tensor(&format!("{track}.{count}.input")) {
            let name = format!("{track}.{count}");
            let sample = sample(track, input.dtype(), input.shape(), input.data())
                .ok_or_else(|| invalid(format!("'{name}.input' is not what a {track} tower takes")))?;
            let (_, expected) = floats(&tensors, &format!("{name}.embedding")).map_err(invalid)?;
            golden.0.push(name);
            golden.1.push(sample);
            golden.2.push(Embedding::from_vec(expected));
            count += 1;
        }
        if count == 0 {
            return Err(invalid(format!("there is no input for the {track} tower")));
        }
    }
    Ok(golden)
}

fn sample(track: Track, dtype: Dtype, shape: &[usize], data: &[u8]) -> Option<Sample> {
    match (track, dtype, shape) {
        (Track::Text, Dtype::U8, [_]) => Some(Sample::Text(String::from_utf8(data.to_vec()).ok()?)),
        (Track::Visual, Dtype::U8, &[height, width, 3]) => {
            let (width, height) = (u32::try_from(width).ok()?, u32::try_from(height).ok()?);
            Some(Sample::Picture(Picture::new(width, height, data.to_vec())?))
        }
        (Track::Audio, Dtype::I16, &[samples]) if samples > 0 => {
            let (values, _) = data.as_chunks::<2>();
            let scaled = values
                .iter()
                .map(|&bytes| f32::from(i16::from_le_bytes(bytes)) / 32768.0);
            Some(Sample::Sound(scaled.collect()))
        }
        _ => None,
    }
}

/// The least cosine of the parts of `blocks` components each, so that a good block does not hide a bad one.
fn least_cosine(a: &Embedding, b: &Embedding, blocks: &[usize]) -> f32 {
    let (mut a, mut b) = (a.as_slice(), b.as_slice());
    if a.len() != b.len() || a.len() != blocks.iter().sum::<usize>() {
        return 0.0;
    }
    let mut least = f32::INFINITY;
    for &dimension in blocks {
        least = least.min(cosine(&a[..dimension], &b[..dimension]));
        (a, b) = (&a[dimension..], &b[dimension..]);
    }
    least
}

/// Two vectors of zeros agree: a head that a block does not need gives nothing else.
fn cosine(a: &[f32], b: &[f32]) -> f32 {
    let (a_square, b_square) = (dot(a, a), dot(b, b));
    match (a_square > 0.0, b_square > 0.0) {
        (true, true) => dot(a, b) / (a_square.sqrt() * b_square.sqrt()),
        (false, false) => 1.0,
        _ => 0.0,
    }
}
