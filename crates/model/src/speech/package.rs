//! The package that the words come from.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

use serde::Deserialize;

use crate::package::read_listed;
use crate::{Error, Result, part};

/// The name of its folder, beside that of the base package.
const FOLDER: &str = "speech";

/// The package that hears words.
#[derive(Debug, Clone)]
pub struct SpeechPackage {
    folder: PathBuf,
    manifest: SpeechManifest,
}

/// Its `model.toml`.
#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields)]
struct SpeechManifest {
    /// Version of this file's layout, 1.
    format: u32,
    name: String,
    version: String,
    #[allow(dead_code, reason = "for people, and so that no package is without one")]
    license: String,
    #[allow(dead_code, reason = "for people")]
    description: String,
    #[allow(dead_code, reason = "for people")]
    origin: String,
    whisper: WhisperSpec,
    /// SHA-256, in hexadecimal, of each file that is loaded.
    files: BTreeMap<String, String>,
}

/// The graphs and what their tokens mean.
#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct WhisperSpec {
    /// The ONNX file: `waveform`, f32 `[1, 480000]`, to `keys.L` and `values.L` of each layer L of the decoder.
    pub(super) encoder: String,
    /// The ONNX file: `token`, i64 `[1]`, those keys and values, and `said_keys.L`, `said_values.L`, to `logits`, f32 `[vocabulary]`,
    /// and `new_keys.L`, `new_values.L`.
    pub(super) decoder: String,
    pub(super) tokenizer: String,
    /// Layers of the decoder.
    pub(super) layers: usize,
    /// Heads of each.
    pub(super) heads: usize,
    /// Components of a head.
    pub(super) head: usize,
    /// Tokens that there are; those of time are the last.
    pub(super) vocabulary: usize,
    pub(super) tokens: TokenSpec,
}

/// The tokens that are not words.
#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct TokenSpec {
    /// What a text begins with.
    pub(super) begin: u32,
    /// What it ends with. All from here on are no words.
    pub(super) end: u32,
    /// Its probability at the beginning is that of no speech.
    pub(super) no_speech: u32,
    /// Zero seconds; each further token is 20 ms more.
    pub(super) first_time: u32,
    /// What is never said: signs for music and the like.
    pub(super) suppressed: Vec<u32>,
}

impl SpeechPackage {
    /// Opens the package beside `base`, the folder of a model package; `None` when there is none.
    ///
    /// # Errors
    /// [`Error::Read`] and [`Error::Invalid`] when its `model.toml` cannot be read or contradicts itself.
    pub fn find(base: &Path) -> Result<Option<Self>> {
        let folder = Self::place(base);
        let manifest = part::find(&folder, SpeechManifest::check)?;
        Ok(manifest.map(|manifest| Self { folder, manifest }))
    }

    /// Where the package is looked for, given the folder of a model package.
    pub fn place(base: &Path) -> PathBuf {
        part::place(base, FOLDER)
    }

    /// What the words come from, as `name@hash`; another may hear others.
    pub fn maker(&self) -> String {
        let recipe = format!("{:?} {:?}", self.manifest.whisper, self.manifest.files);
        part::maker(&self.manifest.name, &self.manifest.version, &recipe)
    }

    pub(super) fn whisper(&self) -> &WhisperSpec {
        &self.manifest.whisper
    }

    pub(super) fn read(&self, name: &str) -> Result<Vec<u8>> {
        read_listed(&self.folder, &self.manifest.files, name)
    }

    /// The error of a file that does not hold what it should.
    pub(super) fn invalid(&self, name: &str, problem: String) -> Error {
        Error::Invalid {
            path: self.folder.join(name),
            problem,
        }
    }
}

impl SpeechManifest {
    fn check(&self) -> std::result::Result<(), String> {
        part::check_format(self.format)?;
        let whisper = &self.whisper;
        for (name, size, most) in [
            ("layers", whisper.layers, 64),
            ("heads", whisper.heads, 64),
            ("head", whisper.head, 1024),
            ("vocabulary", whisper.vocabulary, 1 << 20),
        ] {
            if size == 0 || size > most {
                return Err(format!("[whisper] {name} is out of range"));
            }
        }
        let tokens = &whisper.tokens;
        let special = [tokens.begin, tokens.no_speech];
        let in_order = special
            .iter()
            .all(|&token| tokens.end < token && token < tokens.first_time);
        if !in_order || tokens.first_time as usize >= whisper.vocabulary {
            return Err("[whisper.tokens] are not in the order end, others, first_time".into());
        }
        Ok(())
    }
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
        origin = "made here"
        [whisper]
        encoder = "encoder.onnx"
        decoder = "decoder.onnx"
        tokenizer = "tokenizer.json"
        layers = 1
        heads = 2
        head = 4
        vocabulary = 100
        [whisper.tokens]
        begin = 51
        end = 50
        no_speech = 52
        first_time = 60
        suppressed = [3]
        [files]
        "encoder.onnx" = "00"
    "#;

    fn found(manifest: &str) -> Result<Option<SpeechPackage>> {
        let folder = tempfile::tempdir().unwrap();
        std::fs::create_dir_all(folder.path().join("speech")).unwrap();
        std::fs::write(folder.path().join("speech/model.toml"), manifest).unwrap();
        SpeechPackage::find(&folder.path().join("base"))
    }

    #[test]
    fn it_lies_beside_the_base_package() {
        assert!(found(MANIFEST).unwrap().is_some());
    }

    #[test]
    fn its_maker_changes_with_what_changes_words() {
        let maker = |from: &str, to: &str| found(&MANIFEST.replace(from, to)).unwrap().unwrap().maker();
        let same = maker("tiny", "tiny");
        assert!(same.starts_with("tiny-0.1.0@"), "{same}");
        assert_eq!(maker("made here", "made there"), same);
        assert_ne!(maker("suppressed = [3]", "suppressed = [4]"), same);
        assert_ne!(maker("= \"00\"", "= \"01\""), same);
    }

    #[test]
    fn a_manifest_that_contradicts_itself_is_refused_with_the_reason() {
        for (from, to, reason) in [
            ("format = 1", "format = 2", "format is 2"),
            ("layers = 1", "layers = 0", "layers is out of range"),
            ("heads = 2", "heads = 2000", "heads is out of range"),
            ("first_time = 60", "first_time = 100", "not in the order"),
            ("begin = 51", "begin = 49", "not in the order"),
            ("license = \"MIT\"", "", "missing field `license`"),
        ] {
            let error = found(&MANIFEST.replace(from, to)).unwrap_err().to_string();
            assert!(error.contains(reason) && error.contains("model.toml"), "{error}");
        }
    }
}
