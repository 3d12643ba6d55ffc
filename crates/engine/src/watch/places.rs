//! What may go away as a whole and come back: the roots, and the disks that are mounted below them.

use std::collections::BTreeMap;
use std::fs::Metadata;
use std::os::unix::fs::MetadataExt as _;
use std::path::{Path, PathBuf};

/// What is watched as a whole. What is below one that is away is neither looked for nor dropped.
#[derive(Debug, Default)]
pub(super) struct Places {
    places: BTreeMap<PathBuf, Place>,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
struct Place {
    /// On which device it was when it was last there.
    device: Option<u64>,
    is_away: bool,
}

/// What became of a place.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Turn {
    /// It went away.
    Away(PathBuf),
    /// It came back, or another disk took its place.
    Back(PathBuf),
}

impl Places {
    /// Minds `path`, too.
    pub(super) fn add(&mut self, path: &Path) {
        self.places.entry(path.to_owned()).or_insert(Place {
            device: device(path),
            is_away: false,
        });
    }

    /// Looks which have gone or come back.
    pub(super) fn look(&mut self) -> Vec<Turn> {
        let mut turns = Vec::new();
        for (path, place) in &mut self.places {
            let before = *place;
            *place = before.now(path);
            if place.is_away && !before.is_away {
                turns.push(Turn::Away(path.clone()));
            } else if !place.is_away && *place != before {
                turns.push(Turn::Back(path.clone()));
            }
        }
        turns
    }

    /// Those that are away.
    pub(super) fn away(&self) -> Vec<PathBuf> {
        let away = self.places.iter().filter(|(_, place)| place.is_away);
        away.map(|(path, _)| path.clone()).collect()
    }
}

impl Place {
    fn now(self, path: &Path) -> Self {
        let present = device(path);
        // Where a disk was mounted an empty folder stays behind.
        let left_behind = present != self.device && self.device.is_some() && is_empty_folder(path);
        if present.is_none() || left_behind {
            return Self {
                is_away: true,
                ..self
            };
        }
        Self {
            device: present,
            is_away: false,
        }
    }
}

/// On which device `path` is; `None` when it is not there or cannot be asked.
fn device(path: &Path) -> Option<u64> {
    path.symlink_metadata().ok().as_ref().map(Metadata::dev)
}

fn is_empty_folder(path: &Path) -> bool {
    path.read_dir().is_ok_and(|mut entries| entries.next().is_none())
}

#[cfg(test)]
mod tests {
    use std::fs;

    use super::*;

    #[test]
    fn what_goes_and_comes_back_is_told_once() {
        let folder = tempfile::tempdir().unwrap();
        let (root, elsewhere) = (folder.path().join("root"), folder.path().join("elsewhere"));
        fs::create_dir(&root).unwrap();
        let mut places = Places::default();
        places.add(&root);
        assert_eq!(places.look(), []);

        fs::rename(&root, &elsewhere).unwrap();
        assert_eq!(places.look(), [Turn::Away(root.clone())]);
        assert_eq!((places.look(), places.away()), (vec![], vec![root.clone()]));

        fs::rename(&elsewhere, &root).unwrap();
        assert_eq!(places.look(), [Turn::Back(root.clone())]);
        assert_eq!((places.look(), places.away()), (vec![], vec![]));
    }

    #[test]
    fn a_root_that_is_not_there_from_the_start_is_waited_for() {
        let folder = tempfile::tempdir().unwrap();
        let root = folder.path().join("root");
        let mut places = Places::default();
        places.add(&root);
        assert_eq!(places.look(), [Turn::Away(root.clone())]);
        fs::create_dir(&root).unwrap();
        assert_eq!(places.look(), [Turn::Back(root)]);
    }

    #[test]
    fn of_a_disk_that_is_unmounted_an_empty_folder_stays_and_is_not_the_disk() {
        let folder = tempfile::tempdir().unwrap();
        let disk = Place {
            device: Some(u64::MAX),
            is_away: false,
        };
        assert!(disk.now(folder.path()).is_away);
        fs::write(folder.path().join("a.txt"), "another disk").unwrap();
        assert!(!disk.now(folder.path()).is_away);
    }
}
