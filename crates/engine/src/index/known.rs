//! What an index does with the files that it knows already.

use std::collections::BTreeSet;
use std::ffi::OsString;
use std::path::{Component, Path, PathBuf};
use std::sync::Arc;

use sensorium_model::Package;

use super::walk::{Found, walk};
use super::{IndexOptions, Indexer, Progress, Report, commit};
use crate::{Error, Result};

impl Indexer {
    /// Brings the index up to date with the files that it knows, as [`run`](Self::run) does with those below some
    /// paths. New files are not looked for. Files whose folder is gone as well may be on a disk that comes back:
    /// they stay, and the folder is reported as refused.
    ///
    /// # Errors
    /// As [`run`](Self::run).
    pub fn refresh(
        &mut self,
        package: &Arc<Package>,
        options: &IndexOptions,
        progress: &mut dyn FnMut(Progress),
    ) -> Result<Report> {
        let terms = self.terms(package, options, progress)?;
        let everything = Path::new("/");
        let files = self.catalog.files(everything)?.into_iter();
        let files: Vec<PathBuf> = files.map(|file| file.path).collect();
        let mut found = walk(&files, progress);
        report_missing_folders(&files, &mut found);
        self.update(
            &[everything.to_owned()],
            found,
            package,
            &terms,
            options,
            progress,
        )
    }

    /// Forgets the files at and below `paths`, whether they are still there or not, and returns how many.
    ///
    /// # Errors
    /// When the index cannot be read or written.
    pub fn remove(&mut self, paths: &[PathBuf]) -> Result<usize> {
        let mut files = BTreeSet::new();
        for path in paths {
            let path = without_links(path)?;
            files.extend(self.catalog.files(&path)?.into_iter().map(|file| file.path));
        }
        let count = files.len();
        commit::forget(&mut *self.catalog, files)?;
        Ok(count)
    }
}

/// For each folder of `files` that is not there, tells of the topmost one that is not.
fn report_missing_folders(files: &[PathBuf], found: &mut Found) {
    let is_missing = |folder: &Path| matches!(folder.try_exists(), Ok(false));
    let folders: BTreeSet<&Path> = files.iter().filter_map(|file| file.parent()).collect();
    let missing: BTreeSet<&Path> = folders
        .into_iter()
        .filter_map(|folder| folder.ancestors().take_while(|folder| is_missing(folder)).last())
        .collect();
    let cause = "is missing, with files that are in the index: bring it back, or `sensorium remove` it";
    let missing = missing
        .into_iter()
        .map(|folder| (folder.to_owned(), cause.to_owned()));
    found.unreadable.extend(missing);
}

/// `path` as an absolute path without links, as far as it exists.
pub(crate) fn without_links(path: &Path) -> Result<PathBuf> {
    let failed = |source| Error::path(path, source);
    let mut present = std::path::absolute(path).map_err(failed)?;
    let mut missing: Vec<OsString> = Vec::new();
    loop {
        match present.canonicalize() {
            Ok(mut real) => {
                // What is behind something that does not exist is no link.
                for name in missing.iter().rev() {
                    if name == ".." {
                        real.pop();
                    } else {
                        real.push(name);
                    }
                }
                return Ok(real);
            }
            Err(source) => {
                let last = present.components().next_back().map(Component::as_os_str);
                missing.push(last.unwrap_or_default().to_owned());
                if !present.pop() {
                    return Err(failed(source));
                }
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use std::fs;

    use super::*;

    #[test]
    fn links_on_the_way_to_a_missing_file_are_followed() {
        let folder = tempfile::tempdir().unwrap();
        let root = folder.path().canonicalize().unwrap();
        fs::create_dir(root.join("real")).unwrap();
        std::os::unix::fs::symlink("real", root.join("link")).unwrap();
        let resolved = |path: &str| without_links(&root.join(path)).unwrap();
        assert_eq!(resolved("link/gone/x.txt"), root.join("real/gone/x.txt"));
        assert_eq!(resolved("link/gone/../x.txt"), root.join("real/x.txt"));
        assert_eq!(resolved("link"), root.join("real"));
        assert_eq!(resolved("gone"), root.join("gone"));
    }

    #[test]
    fn of_a_missing_tree_the_topmost_folder_is_told() {
        let folder = tempfile::tempdir().unwrap();
        let root = folder.path();
        let files =
            ["here.txt", "disk/a/1.txt", "disk/a/b/2.txt", "disk/c/3.txt"].map(|name| root.join(name));
        let mut found = Found::default();
        report_missing_folders(&files, &mut found);
        let told: Vec<_> = found.unreadable.into_iter().map(|(folder, _)| folder).collect();
        assert_eq!(told, [root.join("disk")]);
    }
}
