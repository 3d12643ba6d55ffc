//! A model package on disk: found, read, checked, and named by its space.

use std::collections::BTreeMap;
use std::fs;
use std::io::Read as _;
use std::path::{Path, PathBuf};

use sensorium_media::{Target, Windowing};
use sensorium_types::{Block, Space, Track};
use serde::Serialize;
use serde::de::DeserializeOwned;
use serde_json::json;
use sha2::{Digest as _, Sha256};

use crate::manifest::{HeadSpec, Manifest, ShortWindows, TowerCommon};
use crate::{Error, Result};

/// No file of a package may be larger, so that a wrong folder cannot fill the memory.
const LARGEST_FILE: u64 = 2 << 30;

/// What a package says of itself.
pub(crate) const MANIFEST: &str = "model.toml";

/// A model package whose `model.toml` was read and found consistent.
///
/// Its other files are read, and their hashes checked, when something needs them.
#[derive(Debug, Clone)]
pub struct Package {
    folder: PathBuf,
    manifest: Manifest,
    space: Space,
}

impl Package {
    /// Opens the package in `folder`.
    ///
    /// # Errors
    /// [`Error::Read`] and [`Error::Invalid`] when `model.toml` is missing or contradicts itself.
    pub fn open(folder: &Path) -> Result<Self> {
        let manifest: Manifest = read_manifest(folder, Manifest::check)?;
        let space = space(&manifest);
        Ok(Self {
            folder: folder.to_owned(),
            manifest,
            space,
        })
    }

    /// Opens the package `named`, or else the first that exists: `../share/sensorium/models/base` beside the
    /// folder of `binary`, or `models/base` in a folder above it.
    ///
    /// # Errors
    /// [`Error::NoPackage`] names every place that was looked at; otherwise as [`Package::open`].
    pub fn find(named: Option<&Path>, binary: &Path) -> Result<Self> {
        if let Some(folder) = named {
            return Self::open(folder);
        }
        let places = places(binary);
        match places.iter().find(|folder| folder.join(MANIFEST).exists()) {
            Some(folder) => Self::open(folder),
            None => Err(Error::NoPackage(places)),
        }
    }

    /// The folder.
    pub fn folder(&self) -> &Path {
        &self.folder
    }

    /// The content of `model.toml`.
    pub fn manifest(&self) -> &Manifest {
        &self.manifest
    }

    /// The space that its embeddings are in.
    pub fn space(&self) -> &Space {
        &self.space
    }

    /// What the decoders should give its towers. Tracks without a tower are not asked for.
    pub fn target(&self) -> Target {
        let mut target = Target::default();
        let towers = &self.manifest.towers;
        target.visual_track = towers.visual.is_some();
        target.audio_track = towers.audio.is_some();
        if let Some(tower) = &towers.visual {
            target.picture_side = tower.preprocess.side;
            target.frame_rate = tower.preprocess.video.frame_rate;
            let video = &tower.preprocess.video;
            target.video_windows = windowings(video.window, video.hop, video.short);
        }
        if let Some(tower) = &towers.audio {
            target.sample_rate = tower.preprocess.sample_rate;
            let sound = &tower.preprocess;
            target.sound_windows = windowings(sound.window, sound.hop, sound.short);
        }
        target
    }

    /// Reads `name` and checks it against the hash in `model.toml`.
    ///
    /// # Errors
    /// [`Error::Read`], [`Error::Hash`], or [`Error::Invalid`] for a file that `model.toml` does not list.
    pub fn read(&self, name: &str) -> Result<Vec<u8>> {
        read_listed(&self.folder, &self.manifest.files, name)
    }
}

/// Reads `model.toml` in `folder`; `check` says what the types cannot.
pub(crate) fn read_manifest<M: DeserializeOwned>(
    folder: &Path,
    check: impl Fn(&M) -> std::result::Result<(), String>,
) -> Result<M> {
    let path = folder.join(MANIFEST);
    let text = fs::read_to_string(&path).map_err(|source| Error::Read {
        path: path.clone(),
        source,
    })?;
    let manifest = toml::from_str(&text).map_err(|error| error.to_string());
    let manifest = manifest.and_then(|manifest| check(&manifest).map(|()| manifest));
    manifest.map_err(|problem| Error::Invalid { path, problem })
}

/// Reads `name` in `folder` and checks it against its hash in `files`, as `model.toml` lists it.
pub(crate) fn read_listed(folder: &Path, files: &BTreeMap<String, String>, name: &str) -> Result<Vec<u8>> {
    let path = folder.join(name);
    let expected = files.get(name).ok_or_else(|| Error::Invalid {
        path: folder.join(MANIFEST),
        problem: format!("[files] does not list '{name}'"),
    })?;
    let bytes = read_bounded(&path).map_err(|source| Error::Read {
        path: path.clone(),
        source,
    })?;
    let found = file_hash(&bytes);
    if found != expected.to_lowercase() {
        return Err(Error::Hash {
            path,
            expected: expected.clone(),
            found,
        });
    }
    Ok(bytes)
}

fn windowings(seconds: f64, hop: f64, short: Option<ShortWindows>) -> Vec<Windowing> {
    let short = short.map(|short| Windowing {
        seconds: short.window,
        hop: short.hop,
    });
    std::iter::once(Windowing { seconds, hop }).chain(short).collect()
}

fn read_bounded(path: &Path) -> std::io::Result<Vec<u8>> {
    let file = fs::File::open(path)?;
    let size = file.metadata()?.len();
    if size > LARGEST_FILE {
        return Err(std::io::Error::other(format!(
            "it has {size} bytes, more than {LARGEST_FILE}"
        )));
    }
    let mut bytes = Vec::with_capacity(usize::try_from(size).unwrap_or(0));
    file.take(LARGEST_FILE).read_to_end(&mut bytes)?;
    Ok(bytes)
}

/// Where a package is looked for when none is named, given the path of the running binary.
pub(crate) fn places(binary: &Path) -> Vec<PathBuf> {
    let folder = binary.parent().unwrap_or(Path::new("/"));
    let installed = folder
        .parent()
        .map(|prefix| prefix.join("share/sensorium/models/base"));
    let checkouts = folder.ancestors().map(|above| above.join("models/base"));
    installed.into_iter().chain(checkouts).collect()
}

/// The space of `manifest`: its name and a hash over all that changes vectors.
///
/// Half of the hash is over the towers and half over the heads, so that the name of a space tells whether features
/// that were kept are those of another, see [`Space::shares_towers`].
fn space(manifest: &Manifest) -> Space {
    let blocks = manifest.all_blocks();
    let (mut towers, mut heads) = (BTreeMap::new(), BTreeMap::new());
    for (track, common, preprocess) in parts(manifest) {
        let hash = |name: &str| manifest.files.get(name);
        let tokenizer = preprocess
            .get("tokenizer")
            .and_then(|name| name.as_str())
            .map(hash);
        towers.insert(track, json!([preprocess, hash(&common.graph), tokenizer]));
        let files: Vec<_> = common
            .heads
            .values()
            .filter_map(HeadSpec::file)
            .map(hash)
            .collect();
        heads.insert(track, json!([common.heads, files]));
    }
    let short = |recipe: serde_json::Value| {
        let mut hash = file_hash(recipe.to_string().as_bytes());
        hash.truncate(Space::HALF);
        hash
    };
    Space {
        model: manifest.name.clone(),
        hash: short(json!(towers)) + &short(what_heads_make(manifest, &blocks, &heads)),
        blocks,
    }
}

/// All that changes what becomes of features. Hubs are found with weights, which without them are the query's alone.
fn what_heads_make(
    manifest: &Manifest,
    blocks: &[Block],
    heads: &BTreeMap<Track, serde_json::Value>,
) -> serde_json::Value {
    let Some(hubs) = &manifest.hubs else {
        return json!([blocks, heads]);
    };
    let directions: Vec<&String> = hubs.shares.keys().collect();
    let weights: Vec<_> = manifest
        .blocks
        .iter()
        .flat_map(|block| directions.iter().map(|name| block.weights.get(*name)))
        .collect();
    let file = manifest.files.get(&hubs.file);
    json!([blocks, heads, hubs.nearest, directions, weights, file])
}

/// The towers that there are, each with its preprocessing.
fn parts(manifest: &Manifest) -> impl Iterator<Item = (Track, &TowerCommon, serde_json::Value)> {
    let towers = &manifest.towers;
    let text = towers
        .text
        .as_ref()
        .map(|tower| (Track::Text, &tower.common, as_json(&tower.preprocess)));
    let visual = towers
        .visual
        .as_ref()
        .map(|tower| (Track::Visual, &tower.common, as_json(&tower.preprocess)));
    let audio = towers
        .audio
        .as_ref()
        .map(|tower| (Track::Audio, &tower.common, as_json(&tower.preprocess)));
    text.into_iter().chain(visual).chain(audio)
}

fn as_json(preprocess: &impl Serialize) -> serde_json::Value {
    // Structs of numbers and strings cannot fail.
    serde_json::to_value(preprocess).unwrap_or_default()
}

/// The SHA-256 of `bytes` in hexadecimal, as `model.toml` has it of each file.
pub fn file_hash(bytes: &[u8]) -> String {
    let hash = Sha256::digest(bytes);
    hash.iter().map(|byte| format!("{byte:02x}")).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    const MANIFEST: &str = r#"
        format = 1
        name = "tiny"
        version = "0.1.0"
        license = "MIT"
        description = "A package for tests"
        [[blocks]]
        name = "concepts"
        dimension = 4
        [towers.text]
        graph = "text.onnx"
        features = 4
        origin = "made here"
        license = "MIT"
        [towers.text.preprocess]
        tokenizer = "tokenizer.json"
        max_tokens = 8
        [towers.text.heads.concepts]
        kind = "identity"
        [calibration]
        "text.text" = { mean = 0.1, deviation = 0.2 }
        [files]
        "text.onnx" = "00"
        "tokenizer.json" = "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad"
    "#;

    fn package(manifest: &str) -> (tempfile::TempDir, Result<Package>) {
        let folder = tempfile::tempdir().unwrap();
        fs::write(folder.path().join("model.toml"), manifest).unwrap();
        fs::write(folder.path().join("tokenizer.json"), "abc").unwrap();
        let package = Package::open(folder.path());
        (folder, package)
    }

    #[test]
    fn the_space_changes_with_what_changes_vectors_and_with_nothing_else() {
        let hash = |from: &str, to: &str| {
            assert!(MANIFEST.contains(from));
            package(&MANIFEST.replace(from, to)).1.unwrap().space.hash
        };
        let same = hash("tiny", "tiny");
        assert_eq!(hash("A package for tests", "Another"), same);
        assert_eq!(hash("mean = 0.1", "mean = 0.3"), same);
        assert_ne!(hash("max_tokens = 8", "max_tokens = 9"), same);
        assert_ne!(hash("\"text.onnx\" = \"00\"", "\"text.onnx\" = \"01\""), same);
        assert_ne!(
            hash("kind = \"identity\"", "kind = \"identity\"\nfile = \"mean\""),
            same
        );
    }

    #[test]
    fn spaces_that_differ_in_heads_alone_share_their_towers() {
        let space = |from: &str, to: &str| package(&MANIFEST.replace(from, to)).1.unwrap().space;
        let name = space("tiny", "tiny").to_string();
        let other_head = space("kind = \"identity\"", "kind = \"identity\"\nfile = \"mean\"");
        assert!(other_head.to_string() != name && other_head.shares_towers(&name));
        assert!(space("tiny", "another").shares_towers(&name));
        assert!(!space("max_tokens = 8", "max_tokens = 9").shares_towers(&name));
        assert!(!other_head.shares_towers("no space"));
    }

    #[test]
    fn a_manifest_that_contradicts_itself_is_refused_with_the_reason() {
        for (from, to, reason) in [
            ("format = 1", "format = 2", "format is 2"),
            (
                "dimension = 4",
                "dimension = 5",
                "gives 4 components, block 'concepts' has 5",
            ),
            ("heads.concepts", "heads.other", "no head for block 'concepts'"),
            ("text.text", "text.smell", "unknown track 'smell'"),
            (
                "deviation = 0.2",
                "deviation = 0.0",
                "deviation must be more than 0",
            ),
            ("\"text.onnx\" =", "\"../text.onnx\" =", "not a plain file name"),
            ("max_tokens = 8", "max_tokens = 1", "max_tokens"),
            (
                "[towers.text.heads",
                "[towers.text.tokens]\ndimension = 4\ngrid = [0, 5]\n[towers.text.heads",
                "the grid of its tokens is out of range",
            ),
            (
                "[calibration]",
                "[reranker]\ndimension = 4\nsharpness = 2.0\nprojections = { text = \"a\" }\n[calibration]",
                "the text tower gives no tokens to project",
            ),
            (
                "features = 4",
                "features = 4\nthreads = 2",
                "unknown field `threads`",
            ),
        ] {
            assert!(MANIFEST.contains(from), "{from}");
            let error = package(&MANIFEST.replace(from, to)).1.unwrap_err().to_string();
            assert!(error.contains(reason) && error.contains("model.toml"), "{error}");
        }
    }

    #[test]
    fn blocks_and_weights_that_make_no_sense_are_refused_with_the_reason() {
        let with = |block: &str| {
            let manifest = MANIFEST.replace("[towers.text]", &format!("{block}\n[towers.text]"));
            package(&manifest).1
        };
        let weights = |weights: &str| with(&format!("[blocks.weights]\n{weights}"));
        assert!(weights("\"text.image\" = 0.0\n\"video.audio\" = 2").is_ok());
        for (refused, reason) in [
            (weights("\"text.image\" = -0.1"), "weight of text.image must be"),
            (weights("\"text.image\" = nan"), "weight of text.image must be"),
            (weights("\"text.image\" = inf"), "weight of text.image must be"),
            (weights("\"text.visual\" = 1"), "unknown modality 'visual'"),
            (weights("\"text\" = 1"), "not of the form query.target"),
            (
                with("[[blocks]]\nname = \"concepts\"\ndimension = 4"),
                "two blocks 'concepts'",
            ),
            (
                with("[[blocks]]\nname = \"hubs\"\ndimension = 4"),
                "the name 'hubs' is kept",
            ),
            (
                with("[hubs]\nfile = \"a\"\nnearest = 0\nshares = { \"text.image\" = 0.5 }"),
                "[hubs]: needs a nearest of more than 0",
            ),
            (
                with("[hubs]\nfile = \"a\"\nnearest = 9\nshares = { \"video.image\" = 0.5 }"),
                "a bank holds no videos",
            ),
            (
                with("[hubs]\nfile = \"a\"\nnearest = 9\nshares = { \"text.image\" = -0.5 }"),
                "the share of text.image must be",
            ),
            (
                with("[[blocks]]\nname = \"heads\"\ndimension = 4"),
                "the text tower has no head for block 'heads'",
            ),
        ] {
            let error = refused.unwrap_err().to_string();
            assert!(error.contains(reason), "{error}");
        }
    }

    #[test]
    fn a_changed_file_is_noticed_when_it_is_read() {
        let (folder, package) = package(MANIFEST);
        let package = package.unwrap();
        assert_eq!(package.read("tokenizer.json").unwrap(), b"abc");
        fs::write(folder.path().join("tokenizer.json"), "abd").unwrap();
        let error = package.read("tokenizer.json").unwrap_err();
        assert!(error.to_string().contains("damaged or was changed"), "{error}");
        assert!(matches!(package.read("text.onnx"), Err(Error::Read { .. })));
        assert!(matches!(package.read("absent.onnx"), Err(Error::Invalid { .. })));
    }

    #[test]
    fn a_missing_package_names_the_places_that_were_looked_at() {
        let places = places(Path::new("/opt/app/bin/sensorium"));
        assert_eq!(places[0], Path::new("/opt/app/share/sensorium/models/base"));
        assert!(places.contains(&PathBuf::from("/opt/models/base")));
        assert!(
            Error::NoPackage(places)
                .to_string()
                .contains("/opt/app/share/sensorium/models/base, /opt/app/bin/models/base")
        );
    }
}
