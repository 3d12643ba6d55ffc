//! A package with one more block, with weights.

#![allow(clippy::unwrap_used, reason = "clippy knows tests, but not their helpers")]

use std::fs;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use sensorium_media::{Picture, Sample};
use sensorium_model::{Encoder, Package, Scorer};
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
    let folder = tempfile::tempdir().unwrap();
    for entry in fs::read_dir(base().canonicalize().unwrap()).unwrap() {
        let entry = entry.unwrap();
        std::os::unix::fs::symlink(entry.path(), folder.path().join(entry.file_name())).unwrap();
    }
    let manifest = fs::read_to_string(base().join("model.toml")).unwrap();
    let manifest = manifest.replace("[towers.text]", &format!("{BLOCK}{weights}[towers.text]"));
    let manifest = manifest + HEADS;
    let path = folder.path().join("model.toml");
    fs::remove_file(&path).unwrap();
    fs::write(path, manifest).unwrap();
    let package = Package::open(folder.path()).unwrap();
    (folder, Arc::new(package))
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
    (Package::open(&base()).unwrap().space().dimension(), 384)
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
    let single = embeddings(&Arc::new(Package::open(&base()).unwrap()));
    let double = embeddings(&package);
    for (single, double) in single.iter().zip(&double) {
        let mut rest = double.as_slice();
        for block in &package.space().blocks {
            let (own, after) = rest.split_at(block.dimension);
            assert!((dot(own, own) - 1.0).abs() < 1e-4, "{}", block.name);
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
