//! The folders that the system watches for us.

use std::collections::{BTreeMap, BTreeSet};
use std::ops::Bound;
use std::os::unix::fs::MetadataExt as _;
use std::path::{Path, PathBuf};

use notify::{Config, ErrorKind, EventHandler, RecommendedWatcher, RecursiveMode, Watcher as _};

use crate::index::{entries, topmost};

/// Folders that are watched, each by itself: so that hidden ones cost nothing, and one that cannot be read keeps none of the
/// others from being watched.
#[derive(Default)]
pub(super) struct Tree {
    /// Without it nothing is told, but mounted disks are met all the same.
    watcher: Option<RecommendedWatcher>,
    folders: BTreeSet<PathBuf>,
}

/// What was met in folders that were not watched before.
#[derive(Debug, Default)]
pub(super) struct Met {
    /// Where other disks are mounted.
    pub(super) mounts: Vec<PathBuf>,
    /// Why some folders are not watched.
    pub(super) trouble: Option<notify::Error>,
}

impl Tree {
    /// Watches nothing yet; `handler` gets what happens.
    ///
    /// # Errors
    /// When the system watches no more for this user.
    pub(super) fn new(handler: impl EventHandler) -> notify::Result<Self> {
        Ok(Self {
            watcher: Some(RecommendedWatcher::new(handler, Config::default())?),
            folders: BTreeSet::new(),
        })
    }

    /// Watches all folders at and below `paths` as they are now, and no longer those that were there. Of a file its folder is
    /// watched, since a file that is replaced is another one.
    pub(super) fn follow(&mut self, paths: &[PathBuf]) -> Met {
        let paths = topmost(paths.to_vec());
        // First of all, since a folder that was renamed is still watched under its old name.
        paths.iter().for_each(|path| self.leave(path));
        let mut met = Met::default();
        for path in &paths {
            if let Err(error) = self.enter(path, &mut met) {
                met.trouble = Some(error);
                break;
            }
        }
        met
    }

    fn leave(&mut self, path: &Path) {
        let from = (Bound::Included(path), Bound::Unbounded);
        let below = self.folders.range::<Path, _>(from);
        let below = below.take_while(|folder| folder.starts_with(path));
        let below: Vec<PathBuf> = below.cloned().collect();
        for folder in below {
            if let Some(watcher) = &mut self.watcher {
                // The system forgets by itself what was deleted.
                let _ = watcher.unwatch(&folder);
            }
            self.folders.remove(&folder);
        }
    }

    fn enter(&mut self, path: &Path, met: &mut Met) -> notify::Result<()> {
        if path.symlink_metadata().is_ok_and(|metadata| metadata.is_file()) {
            return path.parent().map_or(Ok(()), |folder| self.watch(folder));
        }
        let mut devices: BTreeMap<PathBuf, u64> = BTreeMap::new();
        // What cannot be looked into is told by the walk that indexes.
        for entry in entries(path).flatten().filter(|entry| entry.file_type().is_dir()) {
            let folder = entry.path();
            if let Ok(metadata) = entry.metadata() {
                let above = folder.parent().and_then(|above| devices.get(above));
                if above.is_some_and(|above| *above != metadata.dev()) {
                    met.mounts.push(folder.to_owned());
                }
                devices.insert(folder.to_owned(), metadata.dev());
            }
            self.watch(folder)?;
        }
        Ok(())
    }

    /// To watch again what is watched changes nothing, unless another folder has taken its place.
    fn watch(&mut self, folder: &Path) -> notify::Result<()> {
        let Some(watcher) = &mut self.watcher else {
            return Ok(());
        };
        match watcher.watch(folder, RecursiveMode::NonRecursive) {
            Ok(()) => {
                self.folders.insert(folder.to_owned());
                Ok(())
            }
            Err(error) if matches!(error.kind, ErrorKind::MaxFilesWatch) => Err(error),
            Err(error) => {
                // It is gone again, or may not be read, which the walk that indexes tells.
                tracing::debug!(folder = %folder.display(), %error, "a folder is not watched");
                Ok(())
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use std::fs;
    use std::sync::mpsc::{Receiver, channel};
    use std::time::Duration;

    use notify::Event;

    use super::*;

    fn tree() -> (Tree, Receiver<Event>) {
        let (sender, events) = channel();
        let tree = Tree::new(move |event: notify::Result<Event>| {
            let _ = sender.send(event.unwrap());
        });
        (tree.unwrap(), events)
    }

    /// Waits until something is told of `path`.
    fn await_event(events: &Receiver<Event>, path: &Path) {
        while !events
            .recv_timeout(Duration::from_secs(20))
            .unwrap()
            .paths
            .iter()
            .any(|told| told == path)
        {}
    }

    #[test]
    fn hidden_folders_are_not_watched_and_a_file_is_by_its_folder() {
        let folder = tempfile::tempdir().unwrap();
        for name in ["a/b", ".git/objects", "files"] {
            fs::create_dir_all(folder.path().join(name)).unwrap();
        }
        let file = folder.path().join("files/a.txt");
        fs::write(&file, "a").unwrap();
        let (mut tree, events) = tree();
        tree.follow(&[
            folder.path().join("a"),
            file.clone(),
            folder.path().join("missing"),
        ]);
        assert_eq!(tree.folders.len(), 3);
        tree.follow(&[folder.path().to_owned()]);
        assert_eq!(tree.folders.len(), 4);
        fs::write(&file, "b").unwrap();
        await_event(&events, &file);
    }

    #[test]
    fn a_folder_that_was_renamed_is_watched_under_its_new_name() {
        let folder = tempfile::tempdir().unwrap();
        let at = |name: &str| folder.path().join(name);
        fs::create_dir_all(at("z/sub")).unwrap();
        let (mut tree, events) = tree();
        tree.follow(&[folder.path().to_owned()]);
        fs::rename(at("z"), at("a")).unwrap();
        await_event(&events, &at("a"));
        tree.follow(&[at("a"), at("z")]);
        assert_eq!(tree.folders.len(), 3);
        fs::write(at("a/sub/new.txt"), "new").unwrap();
        await_event(&events, &at("a/sub/new.txt"));
    }
}
