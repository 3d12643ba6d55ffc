//! Which files there are.

use std::ffi::OsStr;
use std::fs::{File, FileType, Metadata};
use std::io::{self, ErrorKind};
use std::os::unix::ffi::OsStrExt as _;
use std::os::unix::fs::{MetadataExt as _, OpenOptionsExt as _};
use std::path::{Path, PathBuf};

use rustix::fs::OFlags;
use sensorium_store::{Stamp, is_part_of_index};
use sensorium_types::Location;
use walkdir::{DirEntry, WalkDir};

use super::Progress;
use crate::{Error, Result};

/// What is below the roots.
#[derive(Debug, Default)]
pub(super) struct Found {
    pub(super) files: Vec<FoundFile>,
    /// Folders that could not be looked into, with the cause: what is below them is unknown.
    pub(super) unreadable: Vec<(PathBuf, String)>,
    /// What is away for now, as a disk is, and told elsewhere: what is below it is unknown.
    pub(super) away: Vec<PathBuf>,
}

/// Something that is not a folder.
#[derive(Debug, Clone)]
pub(super) struct FoundFile {
    pub(super) path: PathBuf,
    pub(super) stamp: Stamp,
}

/// `paths` as absolute paths without links, those below another left out.
pub(crate) fn roots(paths: &[PathBuf]) -> Result<Vec<PathBuf>> {
    let mut roots = Vec::with_capacity(paths.len());
    for path in paths {
        roots.push(path.canonicalize().map_err(|source| Error::path(path, source))?);
    }
    Ok(topmost(roots))
}

/// `paths`, sorted, those below another left out.
pub(crate) fn topmost(mut paths: Vec<PathBuf>) -> Vec<PathBuf> {
    paths.sort();
    // What is below a path comes right behind it in the order of components.
    paths.dedup_by(|path, above| path.starts_with(above));
    paths
}

/// Finds the files at and below `roots`, other than hidden ones and the parts of indexes.
pub(super) fn walk(roots: &[PathBuf], progress: &mut dyn FnMut(Progress)) -> Found {
    let mut found = Found::default();
    for root in roots {
        for entry in entries(root) {
            found.add(entry);
            if found.files.len() % 1000 == 999 {
                progress(Progress::Walking(found.files.len()));
            }
        }
    }
    found
}

/// What is at and below `root`, other than hidden files and folders and the parts of indexes. Links are not followed.
pub(crate) fn entries(root: &Path) -> impl Iterator<Item = walkdir::Result<DirEntry>> {
    let walk = WalkDir::new(root).follow_root_links(false).sort_by_file_name();
    walk.into_iter().filter_entry(is_wanted)
}

/// What was named is wanted, even when it is hidden; parts of an index never, be it this one or another. Media that lie
/// beside them are media.
fn is_wanted(entry: &DirEntry) -> bool {
    let hidden = entry.depth() > 0 && is_hidden(entry.file_name());
    !hidden && !is_part_of_index(entry.path())
}

/// Whether files and folders of this name are left out.
pub(crate) fn is_hidden(name: &OsStr) -> bool {
    name.as_bytes().starts_with(b".")
}

impl Found {
    fn add(&mut self, entry: walkdir::Result<DirEntry>) {
        let entry = match entry {
            Ok(entry) => entry,
            Err(error) => return self.add_unreadable(&error),
        };
        if is_passed_over(entry.path(), entry.file_type()) {
            return;
        }
        match entry.metadata() {
            Ok(metadata) => {
                let stamp = stamp(&metadata);
                self.files.push(FoundFile {
                    path: entry.into_path(),
                    stamp,
                });
            }
            Err(error) => self.add_unreadable(&error),
        }
    }

    fn add_unreadable(&mut self, error: &walkdir::Error) {
        let gone = error.io_error().is_some_and(is_about_absence);
        if let Some(path) = error.path()
            && !gone
        {
            let cause = error
                .io_error()
                .map_or_else(|| error.to_string(), ToString::to_string);
            self.unreadable
                .push((path.to_owned(), format!("cannot be read: {cause}")));
        }
    }
}

/// Folders are not files. Links are not followed, so that nothing is found twice; one that leads to no file is told as damage.
fn is_passed_over(path: &Path, kind: FileType) -> bool {
    let leads_to_file = || {
        path.metadata()
            .is_ok_and(|target| target.is_file() || target.is_dir())
    };
    kind.is_dir() || (kind.is_symlink() && leads_to_file())
}

/// By what a change of the file is noticed.
pub(super) fn stamp(metadata: &Metadata) -> Stamp {
    let nanoseconds = |seconds: i64, rest: i64| seconds.saturating_mul(1_000_000_000).saturating_add(rest);
    Stamp {
        size: metadata.size(),
        modified: nanoseconds(metadata.mtime(), metadata.mtime_nsec()),
        changed: nanoseconds(metadata.ctime(), metadata.ctime_nsec()),
    }
}

/// Opens the file at `place` if it is the one that was indexed: links are not followed, and one that was modified since, or has to
/// be looked at again, may hold anything.
pub fn open_unchanged(place: &Location) -> Option<File> {
    // A pipe that nobody writes to holds up nobody.
    let flags = OFlags::NOFOLLOW | OFlags::NONBLOCK;
    let file = File::options()
        .read(true)
        .custom_flags(flags.bits().cast_signed())
        .open(&place.path)
        .ok()?;
    let metadata = file.metadata().ok()?;
    (metadata.is_file() && stamp(&metadata).modified == place.modified).then_some(file)
}

/// Whether no file is there, which is another thing than not being allowed to look.
pub(super) fn is_gone(path: &Path) -> bool {
    match path.symlink_metadata() {
        Ok(metadata) => is_passed_over(path, metadata.file_type()),
        Err(error) => is_about_absence(&error),
    }
}

fn is_about_absence(error: &io::Error) -> bool {
    matches!(error.kind(), ErrorKind::NotFound | ErrorKind::NotADirectory)
}

#[cfg(test)]
mod tests {
    use std::fs;

    use super::*;

    #[test]
    fn hidden_files_links_and_indexes_are_left_out() {
        let folder = tempfile::tempdir().unwrap();
        let root = folder.path().canonicalize().unwrap();
        for name in [
            "a.txt",
            ".hidden",
            "sub/b.txt",
            ".git/config",
            "own/catalog.sqlite",
            "own/lock",
        ] {
            let path = root.join(name);
            fs::create_dir_all(path.parent().unwrap()).unwrap();
            fs::write(path, "x").unwrap();
        }
        std::os::unix::fs::symlink(&root, root.join("sub/loop")).unwrap();
        std::os::unix::fs::symlink("nowhere", root.join("sub/dangling")).unwrap();
        let names = |roots: &[PathBuf]| -> Vec<String> {
            let found = walk(&super::roots(roots).unwrap(), &mut |_| ());
            let names = found
                .files
                .iter()
                .map(|file| file.path.strip_prefix(&root).unwrap());
            names.map(|name| name.display().to_string()).collect()
        };
        assert_eq!(
            names(std::slice::from_ref(&root)),
            ["a.txt", "sub/b.txt", "sub/dangling"]
        );
        assert_eq!(
            names(&[root.join("sub"), root.clone(), root.join("sub/../sub")]).len(),
            3
        );
        assert_eq!(
            names(&[root.join(".hidden")]),
            [".hidden"],
            "what is named is wanted"
        );
        let missing = super::roots(&[root.join("a.txt"), root.join("missing")]).unwrap_err();
        assert!(missing.to_string().contains("missing"), "{missing}");
    }
}
