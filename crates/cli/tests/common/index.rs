//! Indexes as the tests see them.

use std::collections::BTreeMap;
use std::fs;
use std::path::{Path, PathBuf};

use assert_cmd::Command;
use sensorium_store::{Catalog as _, Change, NewSegment, SqliteCatalog};
use sensorium_types::ItemId;
use serde_json::{Value, json};
use tempfile::TempDir;

use super::{checkout, in_clean_environment, run, run_json, sensorium};

/// A folder with media, and an index beside it.
pub(crate) struct Place {
    _folder: TempDir,
    pub(crate) media: PathBuf,
    pub(crate) index: PathBuf,
}

impl Place {
    pub(crate) fn empty() -> Self {
        let folder = tempfile::tempdir().unwrap();
        let root = folder.path().canonicalize().unwrap();
        let place = Self {
            media: root.join("media"),
            index: root.join("index"),
            _folder: folder,
        };
        fs::create_dir(&place.media).unwrap();
        place
    }

    /// With two texts, one of them of two records, and a picture.
    pub(crate) fn new() -> Self {
        let place = Self::empty();
        place.write("hen.txt", "A brown hen walks about.");
        place.write(
            "notes.jsonl",
            "{\"text\": \"rain on a roof\", \"year\": 2024}\n{\"text\": \"an old barn\"}\n",
        );
        fs::copy(
            checkout().join("demo/photos/hen.webp"),
            place.media.join("hen.webp"),
        )
        .unwrap();
        place
    }

    pub(crate) fn write(&self, name: &str, content: &str) {
        let path = self.media.join(name);
        fs::create_dir_all(path.parent().unwrap()).unwrap();
        fs::write(path, content).unwrap();
    }

    pub(crate) fn command(&self, name: &str) -> Command {
        let mut command = sensorium();
        command.arg(name).env("SENSORIUM_INDEX", &self.index);
        command
    }

    /// As [`command`](Self::command), of a program that lies elsewhere, with the base package alone: it finds no other parts.
    pub(crate) fn command_without_parts(&self, name: &str) -> Command {
        let root = self.media.parent().unwrap();
        let (program, model) = (root.join("program"), root.join("models/base"));
        fs::copy(env!("CARGO_BIN_EXE_sensorium"), &program).unwrap();
        fs::create_dir_all(&model).unwrap();
        for file in fs::read_dir(checkout().join("models/base")).unwrap() {
            let file = file.unwrap();
            fs::copy(file.path(), model.join(file.file_name())).unwrap();
        }
        let mut command = Command::from_std(in_clean_environment(std::process::Command::new(program)));
        command
            .arg(name)
            .env("SENSORIUM_INDEX", &self.index)
            .env("SENSORIUM_MODEL", model);
        command
    }

    /// Indexes the folder, which ends with `code`.
    pub(crate) fn index(&self, code: i32) -> Value {
        run_json(self.command("index").arg(&self.media).arg("--json"), code)
    }

    /// The counts of the next run, which refuses nothing.
    pub(crate) fn counts(&self) -> [u64; 5] {
        let report = self.index(0);
        assert_eq!(report["refused"], json!([]));
        ["added", "updated", "unchanged", "dropped", "ignored"].map(|name| report[name].as_u64().unwrap())
    }

    pub(crate) fn verify(&self) {
        run(&mut self.command("verify"), 0);
    }
}

/// How many files were looked at more closely, by the log of `sensorium_engine=debug`.
pub(crate) fn looked_at(log: &str) -> usize {
    log.matches("looking at a file").count()
}

/// All that an index says, without its keys.
#[derive(Debug, PartialEq)]
pub(crate) struct Dump {
    pub(crate) files: Vec<String>,
    pub(crate) items: BTreeMap<ItemId, (String, Vec<NewSegment>)>,
}

/// Reads the index in `folder`; what it says of stamps is left out.
pub(crate) fn dump(folder: &Path) -> Dump {
    let catalog = SqliteCatalog::open(folder).unwrap();
    let files = catalog.files(Path::new("/")).unwrap().into_iter();
    let files = files.map(|file| {
        format!(
            "{:?} {:?} {:?} {:?}",
            file.path, file.content, file.state, file.refusals
        )
    });
    let mut keys = Vec::new();
    for generation in catalog.generations().unwrap() {
        let mut sink = |change| {
            if let Change::Vector { item, .. } = change {
                keys.push(item);
            }
            Ok(())
        };
        catalog.changes(&generation.space, 0, &mut sink).unwrap();
    }
    keys.sort();
    keys.dedup();
    let items = catalog.items(&keys).unwrap().into_iter().map(|item| {
        let facts = format!(
            "{:?} {} {} {:?}",
            item.modality, item.format, item.bytes, item.locations
        );
        (item.id, (facts, catalog.encoded(item.key).unwrap()))
    });
    Dump {
        files: files.collect(),
        items: items.collect(),
    }
}

impl Dump {
    /// Panics unless both say the same; vectors may differ by rounding.
    pub(crate) fn assert_same(&self, other: &Self) {
        assert_eq!(self.files, other.files);
        let names = |dump: &Self| -> Vec<_> {
            dump.items
                .iter()
                .map(|(id, (facts, segments))| (*id, facts.clone(), segments.len()))
                .collect()
        };
        assert_eq!(names(self), names(other));
        for (id, (_, segments)) in &self.items {
            for (a, b) in segments.iter().zip(&other.items[id].1) {
                assert_eq!((&a.segment, &a.text), (&b.segment, &b.text));
                assert!(cosine(a, b) > 0.9999, "{id}: {}", cosine(a, b));
            }
        }
    }
}

fn cosine(a: &NewSegment, b: &NewSegment) -> f32 {
    let dot = |a: &NewSegment, b: &NewSegment| -> f32 {
        a.vector
            .iter()
            .zip(&b.vector)
            .map(|(a, b)| a.to_f32() * b.to_f32())
            .sum()
    };
    if a == b {
        1.0
    } else {
        dot(a, b) / (dot(a, a) * dot(b, b)).sqrt()
    }
}

/// A copy of the model in `folder` with the same towers, cut otherwise: another space.
pub(crate) fn other_model(folder: &Path) -> PathBuf {
    let other = folder.join("other-model");
    fs::create_dir(&other).unwrap();
    for entry in fs::read_dir(checkout().join("models/base")).unwrap() {
        let entry = entry.unwrap();
        fs::copy(entry.path(), other.join(entry.file_name())).unwrap();
    }
    let manifest = fs::read_to_string(other.join("model.toml")).unwrap();
    assert!(manifest.contains("max_tokens = 256"));
    let manifest = manifest.replace("max_tokens = 256", "max_tokens = 128");
    fs::write(other.join("model.toml"), manifest).unwrap();
    other
}
