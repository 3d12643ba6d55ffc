//! The banks of queries by which hubs are known, see [`Hubs`](sensorium_model::Hubs).

use std::collections::{BTreeMap, BTreeSet};
use std::path::Path;

use candle_core::{Device, Tensor};
use half::f16;
use rand::SeedableRng as _;
use rand::seq::{IndexedRandom as _, SliceRandom as _};
use rand_chacha::ChaCha8Rng;
use safetensors::tensor::Dtype;
use sensorium_model::manifest::{HubsSpec, Manifest, modalities};
use sensorium_model::{Package, file_hash};
use sensorium_types::{Direction, Embedding, Modality};

use crate::export::{GOLDEN, RawTensor, read, serialize, with_embeddings, write};
use crate::learn::Embedder;
use crate::train::Source;
use crate::{Error, Result};

const FILE: &str = "hubs.safetensors";

/// Queries of a bank at most.
const MOST: usize = 600;

/// Fewer queries than these say nothing.
const FEWEST: usize = 50;

/// How many of the nearest count.
const NEAREST: usize = 10;

/// For each direction its queries: half floats and their shape.
pub(crate) type Banks = BTreeMap<Direction, RawTensor>;

/// Banks for those of `directions` for which `sources` have enough items to train on.
pub(crate) fn banks(
    directions: &BTreeSet<Direction>,
    sources: &[Source],
    embedder: &Embedder<'_>,
    seed: u64,
) -> Result<Banks> {
    let mut banks = Banks::new();
    // Within a modality the bank has what belongs to the class of what is asked.
    let wanted = directions
        .iter()
        .filter(|direction| direction.from != Modality::Video && direction.from != direction.to);
    for &direction in wanted {
        let (from, to) = (direction.from.tracks()[0], direction.to.tracks());
        let mut random = ChaCha8Rng::seed_from_u64(seed);
        let mut rows: Vec<_> = sources
            .iter()
            .flat_map(|source| &source.train)
            .filter(|example| to.iter().any(|track| example.rows.contains_key(track)))
            .filter_map(|example| example.rows.get(&from)?.choose(&mut random).copied())
            .collect();
        rows.shuffle(&mut random);
        rows.truncate(MOST);
        let mut queries = Vec::new();
        for row in &rows {
            queries.extend(embedder.embed(row)?);
        }
        if queries.len() >= FEWEST {
            banks.insert(direction, tensor(direction, &queries));
        }
    }
    Ok(banks)
}

fn tensor(direction: Direction, queries: &[Embedding]) -> RawTensor {
    let values = queries.iter().flat_map(|query| query.as_slice());
    let bytes: Vec<u8> = values.flat_map(|x| f16::from_f32(*x).to_le_bytes()).collect();
    let columns = queries.first().map_or(0, |query| query.as_slice().len());
    (
        modalities(direction),
        Dtype::F16,
        vec![queries.len(), columns],
        bytes,
    )
}

/// The banks that `package` has.
pub(crate) fn banks_of(package: &Package) -> Result<Banks> {
    let Some(spec) = &package.manifest().hubs else {
        return Ok(Banks::new());
    };
    let bytes = package.read(&spec.file)?;
    let tensors = read(&spec.file, &bytes)?;
    let named = Direction::all().filter_map(|direction| {
        let name = modalities(direction);
        let tensor = tensors.tensor(&name).ok()?;
        let raw = (
            name,
            tensor.dtype(),
            tensor.shape().to_vec(),
            tensor.data().to_vec(),
        );
        Some((direction, raw))
    });
    Ok(named.collect())
}

/// Puts `banks`, each with its share, in the place of those that the package in `folder` has; `manifest` is its new
/// manifest, not written yet.
pub(crate) fn put(
    folder: &Path,
    manifest: &mut Manifest,
    banks: &Banks,
    shares: &BTreeMap<Direction, f32>,
) -> Result<()> {
    if let Some(old) = manifest.hubs.take() {
        manifest.files.remove(&old.file);
        let path = folder.join(old.file);
        std::fs::remove_file(&path).map_err(Error::file(&path))?;
    }
    let mut used: Vec<(&Direction, &RawTensor)> = banks
        .iter()
        .filter(|(direction, _)| shares.contains_key(direction))
        .collect();
    // As the manifest has them, which says the order of the components.
    used.sort_by(|(_, (a, ..)), (_, (b, ..))| a.cmp(b));
    if !used.is_empty() {
        let bytes = serialize(used.iter().map(|(_, bank)| *bank))?;
        manifest.files.insert(FILE.to_owned(), file_hash(&bytes));
        write(folder, FILE, &bytes)?;
        manifest.hubs = Some(HubsSpec {
            file: FILE.to_owned(),
            nearest: NEAREST,
            shares: used
                .iter()
                .map(|(direction, _)| (modalities(**direction), shares[*direction]))
                .collect(),
        });
    }
    let golden = golden(folder, manifest, &used)?;
    manifest.files.insert(GOLDEN.to_owned(), file_hash(&golden));
    write(folder, GOLDEN, &golden)
}

/// The golden vectors in `folder` with the block of the hubs behind the others: computed by the library that trains, from
/// which the one that encodes is independent.
fn golden(folder: &Path, manifest: &Manifest, banks: &[(&Direction, &RawTensor)]) -> Result<Vec<u8>> {
    let path = folder.join(GOLDEN);
    let bytes = std::fs::read(&path).map_err(Error::file(&path))?;
    let banks = banks
        .iter()
        .map(|(direction, bank)| Ok((**direction, weighted(manifest, **direction, bank)?)))
        .collect::<Result<Vec<_>>>()?;
    with_embeddings(&bytes, |input, embedding| {
        let track = input.split('.').next();
        embedding.truncate(manifest.dimension_of_blocks());
        let components = banks.iter().map(|(direction, bank)| {
            let mut targets = direction.to.tracks().iter();
            match targets.any(|target| Some(target.name()) == track) {
                true => nearness(bank, embedding),
                false => Ok(0.0),
            }
        });
        let components = components.collect::<Result<Vec<f32>>>()?;
        embedding.extend(components);
        Ok(())
    })
}

/// The queries of a bank, `[queries, dimension]`, multiplied with the weights of their blocks.
fn weighted(manifest: &Manifest, direction: Direction, (_, _, shape, bytes): &RawTensor) -> Result<Tensor> {
    let (halves, _) = bytes.as_chunks::<2>();
    let values: Vec<f32> = halves
        .iter()
        .map(|bytes| f16::from_le_bytes(*bytes).to_f32())
        .collect();
    let weights = manifest.blocks.iter().flat_map(|block| {
        let weight = block.weights.get(&modalities(direction)).copied();
        std::iter::repeat_n(weight.unwrap_or(1.0), block.dimension)
    });
    let columns = shape.last().copied().unwrap_or(0);
    let weights: Vec<f32> = weights.take(columns).collect();
    let queries = Tensor::from_vec(values, shape.as_slice(), &Device::Cpu)?;
    Ok(queries.broadcast_mul(&Tensor::from_vec(weights, (1, columns), &Device::Cpu)?)?)
}

/// The mean inner product of `embedding` with the nearest of `bank`.
fn nearness(bank: &Tensor, embedding: &[f32]) -> Result<f32> {
    let (queries, columns) = bank.dims2()?;
    let embedding = Tensor::from_slice(&embedding[..columns], (columns, 1), &Device::Cpu)?;
    let products = bank.matmul(&embedding)?.flatten_all()?;
    let (sorted, _) = products.sort_last_dim(false)?;
    Ok(sorted
        .narrow(0, 0, NEAREST.min(queries))?
        .mean_all()?
        .to_scalar()?)
}
