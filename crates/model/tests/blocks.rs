//! A package with one more block, with weights.

#![allow(clippy::unwrap_used, reason = "clippy knows tests, but not their helpers")]

use std::collections::BTreeMap;
use std::fs;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use safetensors::tensor::{Dtype, TensorView};
use sensorium_media::{Picture, Sample};
use sensorium_model::manifest::{HubsSpec, Manifest};
use sensorium_model::{Encoder, Package, Scorer, file_hash};
use sensorium_types::{Direction, Embedding, Segment, Track};
use tempfile::TempDir;

/// A last block, whose name comes before those of the others in the alphabet, with other heads.
const BLOCK: &str = r#"
[[blocks]]
name = "best-label"
dimension = 384
"#;
const HEADS: &str = r#"
[towers.text.heads.best-label]
kind = "identity"
[towers.visual.heads.best-label]
kind = "concepts"
file = "visual-concepts.safetensors"
activation = "softmax"
temperature = 1.0
top = 1
[towers.audio.heads.best-label]
kind = "concepts"
file = "audio-concepts.safetensors"
activation = "sigmoid"
temperature = 1.0
top = 1
norm_epsilon = 1e-05
"#;
const WEIGHTS: &str = "weights = { \"text.image\" = 0.25, \"image.image\" = 0.0 }\n";

fn base() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("../../models/base")
}

/// The package of the checkout with the last block; `weights` are the last block's.
fn one_more_block(weights: &str) -> (TempDir, Arc<Package>) {
    changed(|_, manifest| {
        manifest.replace("[towers.text]", &format!("{BLOCK}{weights}[towers.text]")) + HEADS
    })
}

/// The package of the checkout without hubs, with what `change` makes of its manifest; it may write files into the folder.
fn changed(change: impl Fn(&Path, &str) -> String) -> (TempDir, Arc<Package>) {
    let folder = tempfile::tempdir().unwrap();
    for entry in fs::read_dir(base().canonicalize().unwrap()).unwrap() {
        let entry = entry.unwrap();
        std::os::unix::fs::symlink(entry.path(), folder.path().join(entry.file_name())).unwrap();
    }
    let manifest = fs::read_to_string(base().join("model.toml")).unwrap();
    let mut manifest: Manifest = toml::from_str(&manifest).unwrap();
    manifest.hubs = None;
    let manifest = change(folder.path(), &toml::to_string(&manifest).unwrap());
    let path = folder.path().join("model.toml");
    fs::remove_file(&path).unwrap();
    fs::write(path, manifest).unwrap();
    let package = Package::open(folder.path()).unwrap();
    (folder, Arc::new(package))
}

/// The package of the checkout without hubs.
fn plain() -> (TempDir, Arc<Package>) {
    changed(|_, manifest| manifest.to_owned())
}

fn samples() -> [Sample; 3] {
    let pixels = (0..300 * 200).flat_map(|pixel: u32| [(pixel % 256) as u8, 90, (pixel / 300) as u8]);
    let waves = (0..5 * 16_000).map(|at| (at as f32 * 0.17).sin() * 0.5);
    [
        Sample::Text("a hen".into()),
        Sample::Picture(Picture::new(300, 200, pixels.collect()).unwrap()),
        Sample::Sound(waves.collect()),
    ]
}

fn embeddings(package: &Arc<Package>) -> Vec<Embedding> {
    let encodings = Encoder::new(Arc::clone(package), 1).encode(&samples()).unwrap();
    encodings.into_iter().map(|encoding| encoding.embedding).collect()
}

fn dot(a: &[f32], b: &[f32]) -> f32 {
    a.iter().zip(b).map(|(a, b)| a * b).sum()
}

/// Components of the blocks of the checkout's package, and of the last one.
fn sizes() -> (usize, usize) {
    (plain().1.space().dimension(), 384)
}

#[test]
fn every_block_is_of_unit_length_in_the_order_of_the_manifest() {
    let (_folder, package) = one_more_block("");
    let (base_size, last_size) = sizes();
    assert_eq!(package.space().dimension(), base_size + last_size);
    let names: Vec<_> = package.space().blocks.iter().map(|block| &block.name).collect();
    assert_eq!(
        (names[0].as_str(), names[names.len() - 1].as_str()),
        ("concepts", "best-label")
    );
    let (_plain_folder, plain) = plain();
    let single = embeddings(&plain);
    let double = embeddings(&package);
    for (single, double) in single.iter().zip(&double) {
        let mut rest = double.as_slice();
        for block in &package.space().blocks {
            let (own, after) = rest.split_at(block.dimension);
            let length = dot(own, own);
            assert!((length - 1.0).abs() < 1e-4, "{}", block.name);
            rest = after;
        }
        let first = &double.as_slice()[..base_size];
        let length = dot(single.as_slice(), single.as_slice());
        assert!(
            dot(first, single.as_slice()) > 0.999_99 * length,
            "the first blocks are those of the base"
        );
    }
    let is_another = |embedding: &Embedding| {
        let (first, last) = (
            &embedding.as_slice()[..last_size],
            &embedding.as_slice()[base_size..],
        );
        dot(first, last) < 0.999
    };
    assert!(!is_another(&double[0]) && is_another(&double[1]) && is_another(&double[2]));
}

#[test]
fn weights_multiply_their_block_of_the_query_and_nothing_else() {
    let ((_plain_folder, plain), (_folder, weighted)) = (one_more_block(""), one_more_block(WEIGHTS));
    assert_eq!(plain.space(), weighted.space(), "weights need no new index");
    let (text, picture) = {
        let mut embeddings = embeddings(&weighted).into_iter();
        (embeddings.next().unwrap(), embeddings.next().unwrap())
    };
    assert_eq!(embeddings(&plain)[..2], [text.clone(), picture.clone()]);

    let [by_text, by_picture] = [Track::Text, Track::Visual].map(Segment::whole);
    let query = |direction: &str, part: (&Segment, &Embedding)| {
        let direction: Direction = direction.parse().unwrap();
        Scorer::new(&weighted).query(direction, [part]).tracks()[0]
            .1
            .clone()
    };
    let (base_size, last_size) = sizes();
    let base_blocks = |pair: &str| -> Vec<(usize, f32)> {
        let blocks = &weighted.manifest().blocks;
        let of_base = blocks[..blocks.len() - 1].iter();
        of_base
            .map(|block| (block.dimension, block.weights.get(pair).copied().unwrap_or(1.0)))
            .collect()
    };
    let assert_weights = |direction: &str, part: (&Segment, &Embedding), weight: f32| {
        let (found, of) = (query(direction, part), part.1);
        let blocks = base_blocks(&direction.replace(':', ".")).into_iter();
        let expected = of.weighted(blocks.chain([(last_size, weight)]));
        for (found, expected) in found.as_slice().iter().zip(expected.as_slice()) {
            assert!((found - expected).abs() < 1e-5);
        }
        assert_eq!(found.as_slice().len(), base_size + last_size);
    };
    assert_weights("text:image", (&by_text, &text), 0.25);
    assert_weights("text:video", (&by_text, &text), 1.0);
    assert_weights("image:image", (&by_picture, &picture), 0.0);
    assert_weights("image:text", (&by_picture, &picture), 1.0);

    let scorer = Scorer::new(&weighted);
    let query = scorer.query("text:image".parse().unwrap(), [(&by_text, &text)]);
    let found = scorer.compare(&query, [(&by_picture, &picture)]).unwrap();
    let (text, picture) = (text.as_slice(), picture.as_slice());
    let mut expected = 0.25 * dot(&text[base_size..], &picture[base_size..]);
    let mut start = 0;
    for (size, weight) in base_blocks("text.image") {
        expected += weight * dot(&text[start..start + size], &picture[start..start + size]);
        start += size;
    }
    assert!(
        (found.similarity - expected).abs() < 1e-5,
        "{} {expected}",
        found.similarity
    );
}

/// The package of the checkout with the hubs of this bank for text->image instead of its own.
fn with_hubs(bank: &[Embedding], share: f32) -> (TempDir, Arc<Package>) {
    let values: Vec<u8> = bank
        .iter()
        .flat_map(|query| query.as_slice())
        .flat_map(|x| x.to_le_bytes())
        .collect();
    let shape = vec![bank.len(), bank[0].as_slice().len()];
    let tensor = TensorView::new(Dtype::F32, shape, &values).unwrap();
    let bytes = safetensors::serialize([("text.image", tensor)], None).unwrap();
    changed(|folder, manifest| {
        fs::write(folder.join("bank.safetensors"), &bytes).unwrap();
        let mut manifest: Manifest = toml::from_str(manifest).unwrap();
        manifest.hubs = Some(HubsSpec {
            file: "bank.safetensors".into(),
            nearest: 2,
            shares: BTreeMap::from([("text.image".to_owned(), share)]),
        });
        manifest
            .files
            .insert("bank.safetensors".into(), file_hash(&bytes));
        toml::to_string(&manifest).unwrap()
    })
}

#[test]
fn a_query_subtracts_its_share_of_how_near_an_item_is_to_other_queries() {
    let (_plain_folder, plain) = plain();
    let blocks = plain.manifest().dimension_of_blocks();
    let texts = ["a red ball", "the sea", "two dogs"].map(|text| Sample::Text(text.into()));
    let bank: Vec<Embedding> = Encoder::new(Arc::clone(&plain), 1)
        .encode(&texts)
        .unwrap()
        .into_iter()
        // As of a time before the last block.
        .map(|encoding| Embedding::from_vec(encoding.embedding.as_slice()[..384].to_vec()))
        .collect();
    let (_folder, package) = with_hubs(&bank, 0.5);
    assert_eq!(package.space().dimension(), blocks + 1);
    let space = |bank: &[Embedding], share| with_hubs(bank, share).1.space().clone();
    assert_eq!(&space(&bank, 0.25), package.space(), "shares are the query's");
    assert_ne!(&space(&bank[1..], 0.5), package.space(), "banks are the item's");

    let (before, after) = (embeddings(&plain), embeddings(&package));
    let (text, picture) = (&after[0], &after[1]);
    assert_eq!(picture.as_slice()[..blocks], *before[1].as_slice());
    assert_eq!(text.as_slice()[blocks], 0.0, "a text is not what is found");

    let weights = &plain.manifest().blocks[0].weights;
    let weight = weights.get("text.image").copied().unwrap_or(1.0);
    let mut near: Vec<f32> = bank.iter().map(|query| weight * query.dot(&before[1])).collect();
    near.sort_by(|a, b| b.total_cmp(a));
    let nearness = (near[0] + near[1]) / 2.0;
    assert!((picture.as_slice()[blocks] - nearness).abs() < 1e-5);

    let [by_text, by_picture] = [Track::Text, Track::Visual].map(Segment::whole);
    let similarity = |package: &Package, direction: &str, pair: &[Embedding]| {
        let scorer = Scorer::new(package);
        let query = scorer.query(direction.parse().unwrap(), [(&by_text, &pair[0])]);
        scorer
            .compare(&query, [(&by_picture, &pair[1])])
            .unwrap()
            .similarity
    };
    let difference =
        |direction: &str| similarity(&package, direction, &after) - similarity(&plain, direction, &before);
    assert!((difference("text:image") + 0.5 * nearness).abs() < 1e-5);
    assert!(
        difference("text:video").abs() < 1e-6,
        "other directions stay as they are"
    );
}
