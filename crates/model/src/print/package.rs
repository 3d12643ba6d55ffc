//! The package that reads print.

use std::collections::BTreeMap;
use std::ops::RangeInclusive;
use std::path::{Path, PathBuf};

use serde::Deserialize;

use super::planes::Colours;
use super::recogniser::WIDEST;
use crate::package::read_listed;
use crate::{Result, part};

/// The name of its folder, beside that of the base package.
const FOLDER: &str = "print";

/// What the longer side of the picture that the detector looks at may have, in pixels.
const SIDES: RangeInclusive<u32> = 64..=2048;

/// What the height of a line that the recogniser reads may be, in pixels.
const HEIGHTS: RangeInclusive<u32> = 16..=128;

/// The package that reads print in pictures.
#[derive(Debug, Clone)]
pub struct PrintPackage {
    folder: PathBuf,
    manifest: PrintManifest,
}

/// Its `model.toml`.
#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields)]
struct PrintManifest {
    /// Version of this file's layout, 1.
    format: u32,
    name: String,
    version: String,
    /// The licence of the package as a whole.
    #[allow(dead_code, reason = "for people, and so that no package is without one")]
    license: String,
    #[allow(dead_code, reason = "for people")]
    description: String,
    detector: DetectorSpec,
    recogniser: RecogniserSpec,
    /// SHA-256, in hexadecimal, of each file that is loaded.
    files: BTreeMap<String, String>,
}

/// Where there is print.
#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct DetectorSpec {
    /// The ONNX file: f32 `[1, 3, height, width]`, sides multiples of 32, to probabilities `[1, 1, height, width]`.
    pub(super) graph: String,
    pub(super) colours: Colours,
    /// The least and the most of the longer side of what it looks at, in pixels: smaller pictures are enlarged, up to
    /// threefold, larger ones reduced.
    pub(super) longer_side: [u32; 2],
    /// From which probability on a pixel belongs to print.
    pub(super) least_probability: f32,
    /// From which mean probability on a rectangle is taken for a line.
    pub(super) least_score: f32,
    /// How far a rectangle grows, as it covers only the middle of a line: by so many times its area over its perimeter.
    pub(super) unclip: f32,
}

/// What the print says.
#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct RecogniserSpec {
    /// The ONNX file: f32 `[batch, 3, height, width]` to probabilities `[batch, steps, 1 + characters]`, the first that
    /// of none.
    pub(super) graph: String,
    /// A text file with a character a line, in the order of the probabilities.
    pub(super) characters: String,
    pub(super) colours: Colours,
    /// Of a line, in pixels.
    pub(super) height: u32,
    /// Shorter lines are padded to this width, in pixels.
    pub(super) narrowest: u32,
    /// Lines that are read with less confidence are left out.
    pub(super) least_confidence: f32,
}

impl PrintPackage {
    /// Opens the package beside `base`, the folder of a model package; `None` when there is none.
    ///
    /// # Errors
    /// [`Error::Read`](crate::Error::Read) and [`Error::Invalid`](crate::Error::Invalid) when its `model.toml` cannot be
    /// read or contradicts itself.
    pub fn find(base: &Path) -> Result<Option<Self>> {
        let folder = Self::place(base);
        let manifest = part::find(&folder, PrintManifest::check)?;
        Ok(manifest.map(|manifest| Self { folder, manifest }))
    }

    /// Where the package is looked for, given the folder of a model package.
    pub fn place(base: &Path) -> PathBuf {
        part::place(base, FOLDER)
    }

    /// What reads with it, as `name@hash`: another may read otherwise.
    pub fn maker(&self) -> String {
        let PrintManifest {
            name,
            version,
            detector,
            recogniser,
            files,
            ..
        } = &self.manifest;
        part::maker(name, version, &format!("{detector:?} {recogniser:?} {files:?}"))
    }

    pub(super) fn detector(&self) -> &DetectorSpec {
        &self.manifest.detector
    }

    pub(super) fn recogniser(&self) -> &RecogniserSpec {
        &self.manifest.recogniser
    }

    pub(super) fn read(&self, name: &str) -> Result<Vec<u8>> {
        read_listed(&self.folder, &self.manifest.files, name)
    }

    /// A file of the package, for messages.
    pub(super) fn path(&self, name: &str) -> PathBuf {
        self.folder.join(name)
    }
}

impl PrintManifest {
    fn check(&self) -> std::result::Result<(), String> {
        let (detector, recogniser) = (&self.detector, &self.recogniser);
        part::check_format(self.format)?;
        let shares = [
            ("[detector] least_probability", detector.least_probability),
            ("[detector] least_score", detector.least_score),
            ("[recogniser] least_confidence", recogniser.least_confidence),
        ];
        if let Some((name, _)) = shares.iter().find(|(_, share)| !(0.0..=1.0).contains(share)) {
            return Err(format!("{name} must be 0 to 1"));
        }
        let [least, most] = detector.longer_side;
        if least > most || !SIDES.contains(&least) || !SIDES.contains(&most) {
            return Err("[detector] longer_side is out of range".into());
        }
        if !(0.0..=8.0).contains(&detector.unclip) {
            return Err("[detector] unclip is out of range".into());
        }
        if !HEIGHTS.contains(&recogniser.height) || recogniser.narrowest > WIDEST {
            return Err("[recogniser] height or narrowest is out of range".into());
        }
        detector.colours.check("detector")?;
        recogniser.colours.check("recogniser")
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn open(from: &str, to: &str) -> Result<Option<PrintPackage>> {
        let committed = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../models/print/model.toml");
        let manifest = std::fs::read_to_string(committed).unwrap();
        assert!(manifest.contains(from), "{from}");
        let models = tempfile::tempdir().unwrap();
        let (base, folder) = (models.path().join("base"), models.path().join(FOLDER));
        std::fs::create_dir_all(&base).unwrap();
        std::fs::create_dir_all(&folder).unwrap();
        std::fs::write(folder.join("model.toml"), manifest.replace(from, to)).unwrap();
        PrintPackage::find(&base)
    }

    #[test]
    fn its_maker_changes_with_what_changes_what_is_read_and_with_nothing_else() {
        let maker = |from: &str, to: &str| open(from, to).unwrap().unwrap().maker();
        let same = maker("Reads", "Reads");
        assert!(same.starts_with("pp-ocrv6-tiny-"), "{same}");
        assert_eq!(maker("Reads printed words", "Another text"), same);
        assert_ne!(maker("unclip = 1.4", "unclip = 1.5"), same);
        assert_ne!(maker("\"rec.onnx\" = \"", "\"rec.onnx\" = \"0"), same);
    }

    #[test]
    fn a_manifest_that_makes_no_sense_is_refused_with_the_reason() {
        for (from, to, reason) in [
            ("format = 1", "format = 2", "format is 2"),
            (
                "least_score = 0.4",
                "least_score = 4.0",
                "least_score must be 0 to 1",
            ),
            ("unclip = 1.4", "unclip = nan", "unclip is out of range"),
            ("height = 48", "height = 0", "height or narrowest"),
            ("[640, 960]", "[640, 96]", "longer_side is out of range"),
            ("[58.395,", "[0.0,", "[detector] colours"),
        ] {
            let error = open(from, to).unwrap_err().to_string();
            assert!(error.contains(reason) && error.contains("model.toml"), "{error}");
        }
    }
}
