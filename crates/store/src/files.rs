//! The files of an index, by their names.

use std::path::Path;

/// The database of a catalogue, in the folder of its index.
pub(crate) const CATALOG: &str = "catalog.sqlite";

/// What a writer locks.
pub(crate) const LOCK: &str = "lock";

/// The folder of what is kept of nearest neighbours, in that of the index, and the list of what is in it.
pub(crate) const NEAR: &str = "near";
pub(crate) const NEAR_LIST: &str = "list";

/// What SQLite keeps beside its database.
const COMPANIONS: [&str; 3] = [
    "catalog.sqlite-wal",
    "catalog.sqlite-shm",
    "catalog.sqlite-journal",
];

/// Whether the file at `path` is part of an index: it is a catalogue, or has the name of a part and lies beside one.
pub fn is_part_of_index(path: &Path) -> bool {
    let name = path
        .file_name()
        .and_then(|name| name.to_str())
        .unwrap_or_default();
    let folder = path.parent().unwrap_or(Path::new(""));
    if folder.ends_with(NEAR) && folder.with_file_name(CATALOG).is_file() {
        return true;
    }
    let has_name = name == CATALOG || name == LOCK || COMPANIONS.contains(&name);
    has_name && path.with_file_name(CATALOG).is_file()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{SqliteCatalog, WriterLock};

    #[test]
    fn all_files_of_an_index_are_known_and_no_others() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path();
        std::fs::write(path.join(LOCK), "a note about a canal").unwrap();
        assert!(!is_part_of_index(&path.join(LOCK)), "there is no index yet");
        let _catalog = SqliteCatalog::create(path, &WriterLock::acquire(path).unwrap()).unwrap();
        let mut files = 0;
        for entry in path.read_dir().unwrap() {
            let entry = entry.unwrap();
            assert!(is_part_of_index(&entry.path()), "{entry:?}");
            files += 1;
        }
        assert!(files > 2, "the log of SQLite is among them");
        assert!(is_part_of_index(&path.join(NEAR).join(NEAR_LIST)));
        std::fs::write(path.join("note.txt"), "a hen").unwrap();
        assert!(!is_part_of_index(&path.join("note.txt")));
    }
}
