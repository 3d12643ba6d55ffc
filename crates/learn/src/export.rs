//! A package on top of another, with one more block.

use std::collections::{BTreeMap, HashMap};
use std::fs;
use std::path::Path;
use std::sync::Arc;

use candle_core::{DType, Device, Tensor, Var};
use safetensors::SafeTensors;
use safetensors::tensor::{Dtype, TensorView};
use sensorium_model::manifest::{BlockSpec, HeadSpec, Manifest, RerankerSpec, modalities};
use sensorium_model::{Encoder, Package, file_hash, golden_inputs};
use sensorium_types::{Direction, Track};

use crate::attention::Attention;
use crate::perceptron::Perceptron;
use crate::reranker;
use crate::train::HeadsInTraining;
use crate::{Error, Result};

/// The file of a package with inputs and what they give.
pub(crate) const GOLDEN: &str = "golden.safetensors";
const MANIFEST: &str = "model.toml";

/// Writes into `folder` a package like `package` with one more block of this name, made by `heads`. The block has the
/// weight 0 in all directions, and hubs are not known yet.
pub(crate) fn write_candidate(
    package: &Arc<Package>,
    folder: &Path,
    block: &str,
    dimension: usize,
    heads: &HeadsInTraining,
    threads: usize,
) -> Result<Manifest> {
    let mut manifest = package.manifest().clone();
    if let Some(hubs) = manifest.hubs.take() {
        manifest.files.remove(&hubs.file);
    }
    copy(
        package,
        folder,
        manifest.files.keys().filter(|name| *name != GOLDEN),
    )?;
    let none = Direction::all().map(|direction| (modalities(direction), 0.0));
    manifest.blocks.push(BlockSpec {
        name: block.to_owned(),
        dimension,
        weights: none.collect(),
    });
    let mut rounded = HashMap::new();
    for track in Track::ALL {
        let Some(tower) = manifest.towers.common_mut(track) else {
            continue;
        };
        let silent;
        let head = match heads.get(&track) {
            Some(head) => head,
            None => {
                silent = Perceptron::silent(tower.features, dimension)?;
                &silent
            }
        };
        let file = format!("{track}-{block}.safetensors");
        let bytes = tensor_file(&head.variables())?;
        tower
            .heads
            .insert(block.to_owned(), HeadSpec::Mlp { file: file.clone() });
        manifest.files.insert(file.clone(), file_hash(&bytes));
        write(folder, &file, &bytes)?;
        rounded.insert(track, head.rounded()?);
    }
    let golden = golden(package, &rounded, threads)?;
    manifest.files.insert(GOLDEN.to_owned(), file_hash(&golden));
    write(folder, GOLDEN, &golden)?;
    write_manifest(folder, &manifest)?;
    Ok(manifest)
}

/// Writes into `folder` a package like `package` with this reranker instead of its own, which ranks nowhere yet.
pub(crate) fn write_reranker(
    package: &Package,
    folder: &Path,
    network: &Attention,
    dimension: usize,
) -> Result<Manifest> {
    let mut manifest = package.manifest().clone();
    for file in manifest.reranker.iter().flat_map(|old| old.projections.values()) {
        manifest.files.remove(file);
    }
    copy(package, folder, manifest.files.keys())?;
    let mut projections = BTreeMap::new();
    for (track, file) in reranker::files(network) {
        let bytes = tensor_file(&network.variables(track))?;
        manifest.files.insert(file.clone(), file_hash(&bytes));
        write(folder, &file, &bytes)?;
        projections.insert(track, file);
    }
    manifest.reranker = Some(RerankerSpec {
        dimension,
        sharpness: network.sharpness()?,
        projections,
        weights: BTreeMap::new(),
        known: BTreeMap::new(),
        calibration: BTreeMap::new(),
    });
    write_manifest(folder, &manifest)?;
    Ok(manifest)
}

/// Makes `folder` anew, with these files of `package`.
fn copy<'n>(package: &Package, folder: &Path, names: impl Iterator<Item = &'n String>) -> Result<()> {
    if folder.exists() {
        fs::remove_dir_all(folder).map_err(Error::file(folder))?;
    }
    fs::create_dir_all(folder).map_err(Error::file(folder))?;
    for name in names {
        write(folder, name, &package.read(name)?)?;
    }
    Ok(())
}

/// Writes `model.toml`.
pub(crate) fn write_manifest(folder: &Path, manifest: &Manifest) -> Result<()> {
    let text = toml::to_string(manifest)
        .map_err(|error| Error::Options(format!("the manifest cannot be written: {error}")))?;
    let text = format!("# Written by `sensorium learn`.\n{text}");
    write(folder, MANIFEST, text.as_bytes())
}

/// Writes a file of the package in `folder`, durably.
pub(crate) fn write(folder: &Path, name: &str, bytes: &[u8]) -> Result<()> {
    let path = folder.join(name);
    let write = || {
        let mut file = fs::File::create(&path)?;
        std::io::Write::write_all(&mut file, bytes)?;
        file.sync_all()
    };
    write().map_err(Error::file(&path))
}

/// Tensors by name, as half floats.
fn tensor_file(variables: &[(&'static str, &Var)]) -> Result<Vec<u8>> {
    let mut tensors = Vec::new();
    for (name, variable) in variables {
        let values = variable
            .to_dtype(DType::F16)?
            .flatten_all()?
            .to_vec1::<half::f16>()?;
        let bytes: Vec<u8> = values.iter().flat_map(|value| value.to_le_bytes()).collect();
        tensors.push(((*name).to_owned(), Dtype::F16, variable.dims().to_vec(), bytes));
    }
    serialize(&tensors)
}

/// Name, type, shape and bytes.
pub(crate) type RawTensor = (String, Dtype, Vec<usize>, Vec<u8>);

/// The tensors of the file called `name`.
pub(crate) fn read<'b>(name: &str, bytes: &'b [u8]) -> Result<SafeTensors<'b>> {
    SafeTensors::deserialize(bytes).map_err(|error| Error::Options(format!("{name}: {error}")))
}

/// A file of `tensors`.
pub(crate) fn serialize<'t>(tensors: impl IntoIterator<Item = &'t RawTensor>) -> Result<Vec<u8>> {
    let failed =
        |error: safetensors::SafeTensorError| Error::Options(format!("a tensor cannot be written: {error}"));
    let views = tensors
        .into_iter()
        .map(|(name, dtype, shape, bytes)| Ok((name, TensorView::new(*dtype, shape.clone(), bytes)?)))
        .collect::<std::result::Result<Vec<_>, _>>()
        .map_err(failed)?;
    safetensors::serialize(views, None).map_err(failed)
}

/// The golden vectors of `package` with the new block behind the others: computed by the library that trains, from which
/// the one that encodes is independent.
fn golden(package: &Arc<Package>, heads: &HashMap<Track, Perceptron>, threads: usize) -> Result<Vec<u8>> {
    let (names, samples): (Vec<_>, Vec<_>) = golden_inputs(package)?.into_iter().unzip();
    let encodings = Encoder::new(Arc::clone(package), threads).encode(&samples)?;
    let features: HashMap<String, Vec<f32>> = names
        .into_iter()
        .zip(encodings.into_iter().map(|encoding| encoding.features))
        .collect();
    let before = package.manifest().dimension_of_blocks();
    with_embeddings(&package.read(GOLDEN)?, |input, embedding| {
        let track = input.split('.').next().and_then(|track| track.parse().ok());
        let head = track.and_then(|track: Track| heads.get(&track));
        if let (Some(features), Some(head)) = (features.get(input), head) {
            let pooled = &features[..head.features()];
            let features = Tensor::from_slice(pooled, (1, pooled.len()), &Device::Cpu)?;
            embedding.truncate(before);
            embedding.extend(head.forward(&features, None)?.flatten_all()?.to_vec1::<f32>()?);
        }
        Ok(())
    })
}

/// The golden vectors in `bytes`, with each embedding as `change` leaves it. It is told the name of the input, as in
/// `visual.0`.
pub(crate) fn with_embeddings(
    bytes: &[u8],
    mut change: impl FnMut(&str, &mut Vec<f32>) -> Result<()>,
) -> Result<Vec<u8>> {
    let mut changed = Vec::new();
    for (name, tensor) in read(GOLDEN, bytes)?.tensors() {
        let (mut shape, mut data) = (tensor.shape().to_vec(), tensor.data().to_vec());
        if let Some(input) = name.strip_suffix(".embedding") {
            let (singles, _) = data.as_chunks::<4>();
            let mut embedding = singles.iter().map(|bytes| f32::from_le_bytes(*bytes)).collect();
            change(input, &mut embedding)?;
            shape = vec![embedding.len()];
            data = embedding.iter().flat_map(|value| value.to_le_bytes()).collect();
        }
        changed.push((name, tensor.dtype(), shape, data));
    }
    serialize(&changed)
}
