//! Packages of optional parts: each lies in a folder of its own beside the base package.

use std::path::{Path, PathBuf};

use serde::de::DeserializeOwned;

use crate::Result;
use crate::package::{MANIFEST, file_hash, read_manifest};

/// Where the part in `folder` is looked for, given the folder of the base package.
pub(crate) fn place(base: &Path, folder: &str) -> PathBuf {
    // The folder may be named as "." or through a link.
    let base = base.canonicalize().unwrap_or_else(|_| base.to_owned());
    base.parent().unwrap_or(&base).join(folder)
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

/// What makes something of files, as `name-version@hash`; `recipe` is all that changes what it makes.
pub(crate) fn maker(name: &str, version: &str, recipe: &str) -> String {
    let mut hash = file_hash(recipe.as_bytes());
    hash.truncate(16);
    format!("{name}-{version}@{hash}")
}
