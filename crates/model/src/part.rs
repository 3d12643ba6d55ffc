//! Packages of optional parts: each lies in a folder of its own beside the package that is used, or beside the one that came
//! with this program.

use std::path::{Path, PathBuf};

use serde::de::DeserializeOwned;

use crate::Result;
use crate::package::{MANIFEST, file_hash, places, read_manifest};

/// Where the part called `name` is, given the folder of the package that is used; where it would have to be when it is
/// nowhere.
pub(crate) fn place(base: &Path, name: &str) -> PathBuf {
    place_among(base, name, &places(&std::env::current_exe().unwrap_or_default()))
}

/// The same, where packages may also be `installed`.
fn place_among(base: &Path, name: &str, installed: &[PathBuf]) -> PathBuf {
    // The folder may be named as "." or through a link.
    let base = base.canonicalize().unwrap_or_else(|_| base.to_owned());
    let beside = |base: &Path| base.parent().unwrap_or(base).join(name);
    let first = beside(&base);
    let mut all = [first.clone()]
        .into_iter()
        .chain(installed.iter().map(|base| beside(base)));
    let is_there = |folder: &PathBuf| folder.join(MANIFEST).exists();
    all.find(is_there).unwrap_or(first)
}

/// Reads what the part in `folder` says of itself; `None` when it is not there. `check` says what the types cannot.
pub(crate) fn find<M: DeserializeOwned>(
    folder: &Path,
    check: impl Fn(&M) -> std::result::Result<(), String>,
) -> Result<Option<M>> {
    if !folder.join(MANIFEST).exists() {
        return Ok(None);
    }
    read_manifest(folder, check).map(Some)
}

/// What is wrong with the version of a manifest's layout, if anything.
pub(crate) fn check_format(format: u32) -> std::result::Result<(), String> {
    match format {
        1 => Ok(()),
        other => Err(format!("format is {other}, this version reads format 1")),
    }
}

/// What makes something of files, as `name-version@hash`; `recipe` is all that changes what it makes.
pub(crate) fn maker(name: &str, version: &str, recipe: &str) -> String {
    let mut hash = file_hash(recipe.as_bytes());
    hash.truncate(16);
    format!("{name}-{version}@{hash}")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_part_lies_beside_its_package_or_beside_an_installed_one() {
        let folder = tempfile::tempdir().unwrap();
        let root = folder.path().canonicalize().unwrap();
        let (own, installed) = (root.join("own/base"), root.join("share/base"));
        let place = || place_among(&own, "speech", std::slice::from_ref(&installed));
        let put = |models: &str| {
            let part = root.join(models).join("speech");
            std::fs::create_dir_all(&part).unwrap();
            std::fs::write(part.join(MANIFEST), "").unwrap();
        };
        assert_eq!(place(), root.join("own/speech"), "where it would have to be");
        put("share");
        assert_eq!(place(), root.join("share/speech"));
        put("own");
        assert_eq!(place(), root.join("own/speech"));
        let nothing = find::<toml::Table>(&root.join("print"), |_| Ok(())).unwrap();
        assert!(nothing.is_none(), "no package is no error");
    }
}
