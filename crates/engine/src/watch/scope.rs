//! Which changes concern an index, and how many of them become few.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

use sensorium_store::is_part_of_index;

use crate::index::{is_hidden, topmost};

/// Of so many changes beside each other on, their folder is looked at instead: one walk costs less than many.
const MANY: usize = 64;

/// The files and folders that are watched.
#[derive(Debug, Clone)]
pub(super) struct Scope {
    roots: Vec<PathBuf>,
}

impl Scope {
    /// What is at and below `roots`, absolute paths without links.
    pub(super) fn new(roots: Vec<PathBuf>) -> Self {
        Self { roots }
    }

    pub(super) fn roots(&self) -> &[PathBuf] {
        &self.roots
    }

    /// Whether an index would look at `path`: it is at or below a root, with nothing hidden in between, and no part of an index.
    pub(super) fn wants(&self, path: &Path) -> bool {
        self.covers(path) && !is_part_of_index(path)
    }

    fn covers(&self, path: &Path) -> bool {
        self.roots.iter().any(|root| {
            path.strip_prefix(root)
                .is_ok_and(|below| !below.iter().any(is_hidden))
        })
    }

    /// The paths that have to be looked at for all of `changed`: none lies below another, and where many lie in one folder it is the
    /// folder. What lies above the roots stands for all of them.
    pub(super) fn coalesce(&self, changed: impl IntoIterator<Item = PathBuf>) -> Vec<PathBuf> {
        let above = |path: &PathBuf| !self.covers(path);
        let (above, changed): (Vec<_>, Vec<_>) = changed.into_iter().partition(above);
        let reached = |root: &&PathBuf| above.iter().any(|path| root.starts_with(path));
        let mut paths = topmost(changed);
        paths.extend(self.roots.iter().filter(reached).cloned());
        let mut beside: BTreeMap<PathBuf, usize> = BTreeMap::new();
        for folder in paths.iter().filter_map(|path| path.parent()) {
            *beside.entry(folder.to_owned()).or_default() += 1;
        }
        let full = beside.into_iter().filter(|(_, count)| *count >= MANY);
        paths.extend(
            full.map(|(folder, _)| folder)
                .filter(|folder| self.covers(folder)),
        );
        topmost(paths)
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn scope(roots: &[&str]) -> Scope {
        Scope::new(roots.iter().map(PathBuf::from).collect())
    }

    fn coalesced(scope: &Scope, paths: &[&str]) -> Vec<String> {
        let paths = scope.coalesce(paths.iter().map(PathBuf::from));
        paths.iter().map(|path| path.display().to_string()).collect()
    }

    #[test]
    fn what_is_hidden_or_elsewhere_is_not_wanted_but_a_root_is() {
        let scope = scope(&["/home/.notes", "/media"]);
        for wanted in ["/media", "/media/a.txt", "/home/.notes/a/b.txt"] {
            assert!(scope.wants(Path::new(wanted)), "{wanted}");
        }
        for other in [
            "/",
            "/medial",
            "/media/.a",
            "/media/.git/b.txt",
            "/home/.notes/.a/b.txt",
        ] {
            assert!(!scope.wants(Path::new(other)), "{other}");
        }
    }

    #[test]
    fn the_files_of_an_index_below_a_root_are_not_wanted() {
        let folder = tempfile::tempdir().unwrap();
        let root = folder.path().canonicalize().unwrap();
        std::fs::write(root.join("catalog.sqlite"), "").unwrap();
        let scope = Scope::new(vec![root.clone()]);
        assert!(!scope.wants(&root.join("catalog.sqlite-wal")));
        assert!(scope.wants(&root.join("a.txt")));
    }

    #[test]
    fn a_path_takes_those_below_it_along_and_what_is_above_all_roots_stands_for_them() {
        let scope = scope(&["/a", "/b"]);
        assert_eq!(
            coalesced(&scope, &["/a/x/1", "/a/x", "/a/xy", "/b/2"]),
            ["/a/x", "/a/xy", "/b/2"]
        );
        assert_eq!(coalesced(&scope, &["/a/x/1", "/"]), ["/a", "/b"]);
    }

    #[test]
    fn many_files_of_a_folder_are_the_folder_but_never_one_above_a_root() {
        let many: Vec<PathBuf> = (0..MANY).map(|number| format!("/a/x/{number}").into()).collect();
        assert_eq!(scope(&["/a"]).coalesce(many.clone()), [Path::new("/a/x")]);
        assert_eq!(
            scope(&["/a"]).coalesce(many[1..].to_vec()),
            topmost(many[1..].to_vec())
        );
        assert_eq!(Scope::new(many.clone()).coalesce(many.clone()), topmost(many));
    }

    /// Paths of few names, so that many lie beside or below each other.
    fn path() -> impl Strategy<Value = PathBuf> {
        proptest::collection::vec("[a-c]|[0-9]{2}", 1..4).prop_map(|names| {
            names
                .iter()
                .fold(PathBuf::from("/r"), |path, name| path.join(name))
        })
    }

    proptest! {
        #[test]
        fn every_change_is_looked_at_once_and_nothing_outside(changed in proptest::collection::vec(path(), 0..300)) {
            let scope = scope(&["/r"]);
            let paths = scope.coalesce(changed.clone());
            for change in &changed {
                let above = paths.iter().filter(|path| change.starts_with(path));
                prop_assert_eq!(above.count(), 1, "{}", change.display());
            }
            for path in &paths {
                prop_assert!(scope.wants(path));
                prop_assert!(changed.iter().any(|change| change.starts_with(path)));
            }
        }
    }
}
