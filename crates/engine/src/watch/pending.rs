//! Changes that wait until they have settled.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use std::time::{Duration, Instant};

/// How long changes wait.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Pace {
    /// So long nothing more happens to what has settled.
    pub(super) quiet: Duration,
    /// So long what has settled waits at most for others that have not.
    pub(super) most: Duration,
    /// So long what never settles, as a log, waits at most.
    pub(super) patience: Duration,
    /// So many changes are told apart; more are a change of everything.
    pub(super) capacity: usize,
}

impl Default for Pace {
    fn default() -> Self {
        Self {
            quiet: Duration::from_secs(1),
            most: Duration::from_secs(5),
            patience: Duration::from_secs(30),
            capacity: 16_384,
        }
    }
}

/// A change of this path is one of everything.
pub(super) const EVERYTHING: &str = "/";

/// Changes that are to be looked at.
#[derive(Debug)]
pub(super) struct Pending {
    pace: Pace,
    changes: BTreeMap<PathBuf, Change>,
}

/// What happened to a path.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
struct Change {
    first: Instant,
    last: Instant,
    /// Whether folders may have come, gone or changed their names there.
    of_folders: bool,
}

/// Changes that have settled.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub(super) struct Batch {
    /// Where something changed.
    pub(super) paths: Vec<PathBuf>,
    /// Those of them where folders may have come, gone or changed their names.
    pub(super) folders: Vec<PathBuf>,
}

impl Batch {
    pub(super) fn everything() -> Self {
        let everything = vec![PathBuf::from(EVERYTHING)];
        Self {
            folders: everything.clone(),
            paths: everything,
        }
    }
}

impl Pending {
    pub(super) fn new(pace: Pace) -> Self {
        Self {
            pace,
            changes: BTreeMap::new(),
        }
    }

    /// Notes that something happened to `path`. Returns whether it is the only one, so that whoever waits has to
    /// know; others make no batch due earlier.
    pub(super) fn add(&mut self, path: &Path, of_folders: bool, now: Instant) -> bool {
        let was_empty = self.changes.is_empty();
        let new = Change {
            first: now,
            last: now,
            of_folders,
        };
        if self.changes.len() >= self.pace.capacity {
            let first = self.changes.values().map(|change| change.first).min();
            self.changes.clear();
            let change = Change {
                first: first.unwrap_or(now),
                of_folders: true,
                ..new
            };
            self.changes.insert(EVERYTHING.into(), change);
        } else if let Some(change) = self.changes.get_mut(path) {
            change.last = now;
            change.of_folders |= of_folders;
        } else {
            self.changes.insert(path.to_owned(), new);
        }
        was_empty
    }

    /// When the next batch is due, unless more happens.
    pub(super) fn due(&self) -> Option<Instant> {
        let all_quiet = self.changes.values().map(|change| change.last).max()? + self.pace.quiet;
        let due = |change: &Change| {
            let latest = all_quiet.min(change.first + self.pace.most);
            latest.max(change.settled(self.pace))
        };
        self.changes.values().map(due).min()
    }

    /// Takes what has settled.
    pub(super) fn take(&mut self, now: Instant) -> Batch {
        let pace = self.pace;
        let has_settled = |_: &PathBuf, change: &mut Change| change.settled(pace) <= now;
        let mut batch = Batch::default();
        for (path, change) in self.changes.extract_if(.., has_settled) {
            if change.of_folders {
                batch.folders.push(path.clone());
            }
            batch.paths.push(path);
        }
        batch
    }
}

impl Change {
    /// When nothing has happened for long enough, or something has for too long.
    fn settled(&self, pace: Pace) -> Instant {
        (self.last + pace.quiet).min(self.first + pace.patience)
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    const PACE: Pace = Pace {
        quiet: Duration::from_millis(1000),
        most: Duration::from_millis(5000),
        patience: Duration::from_millis(30_000),
        capacity: 4,
    };

    struct Clock(Instant);

    impl Clock {
        fn at(&self, milliseconds: u64) -> Instant {
            self.0 + Duration::from_millis(milliseconds)
        }
    }

    fn start() -> (Pending, Clock) {
        (Pending::new(PACE), Clock(Instant::now()))
    }

    fn taken(pending: &mut Pending, now: Instant) -> Vec<String> {
        let paths = pending.take(now).paths;
        paths.iter().map(|path| path.display().to_string()).collect()
    }

    #[test]
    fn a_change_waits_until_nothing_more_happens() {
        let (mut pending, clock) = start();
        assert_eq!(pending.due(), None);
        assert!(pending.add(Path::new("/a"), false, clock.at(0)));
        assert!(!pending.add(Path::new("/a"), true, clock.at(700)));
        assert!(!pending.add(Path::new("/b"), false, clock.at(900)));
        assert_eq!(pending.due(), Some(clock.at(1900)));
        assert_eq!(
            pending.take(clock.at(1900)),
            Batch {
                paths: vec!["/a".into(), "/b".into()],
                folders: vec!["/a".into()],
            }
        );
        assert_eq!(pending.due(), None);
    }

    #[test]
    fn under_a_lasting_burst_what_has_settled_does_not_wait_for_the_rest() {
        let (mut pending, clock) = start();
        pending.add(Path::new("/early"), false, clock.at(0));
        for moment in (0..=50).map(|step| 100 * step) {
            pending.add(Path::new("/log"), false, clock.at(moment));
        }
        assert_eq!(pending.due(), Some(clock.at(5000)));
        assert_eq!(taken(&mut pending, clock.at(5000)), ["/early"]);
        assert_eq!(pending.due(), Some(clock.at(6000)));
    }

    #[test]
    fn what_never_settles_is_looked_at_after_all() {
        let (mut pending, clock) = start();
        for moment in (0..300).map(|step| 100 * step) {
            assert!(pending.due().is_none_or(|due| due > clock.at(moment)), "{moment}");
            pending.add(Path::new("/log"), false, clock.at(moment));
        }
        assert_eq!(pending.due(), Some(clock.at(30_000)));
        assert_eq!(taken(&mut pending, clock.at(30_000)), ["/log"]);
    }

    #[test]
    fn too_many_changes_are_one_of_everything() {
        let (mut pending, clock) = start();
        for number in 0..10 {
            pending.add(&Path::new("/a").join(number.to_string()), false, clock.at(number));
        }
        let batch = pending.take(clock.at(60_000));
        assert!(batch.paths.len() <= PACE.capacity);
        assert_eq!(batch.paths[0], Path::new(EVERYTHING));
        assert_eq!(batch.folders, [Path::new(EVERYTHING)]);
    }

    proptest! {
        #[test]
        fn nothing_is_lost_taken_too_early_or_kept_for_ever(
            events in proptest::collection::vec((0..3_u8, 0..2000_u64), 1..100)
        ) {
            let (mut pending, clock) = start();
            // Of each path, since when it waits and when something last happened to it.
            let mut waiting: BTreeMap<PathBuf, (u64, u64)> = BTreeMap::new();
            let mut now = 0;
            for (path, pause) in events.into_iter().map(Some).chain(std::iter::repeat_n(None, 50)).map(|event| event.unwrap_or((9, 1000))) {
                now += pause;
                if path < 9 {
                    let path = PathBuf::from(format!("/{path}"));
                    pending.add(&path, false, clock.at(now));
                    waiting.entry(path).or_insert((now, now)).1 = now;
                }
                if pending.due().is_some_and(|due| due <= clock.at(now)) {
                    let batch = pending.take(clock.at(now));
                    prop_assert!(!batch.paths.is_empty(), "a batch that is due has something in it");
                    for path in batch.paths {
                        let (first, last) = waiting.remove(&path).unwrap();
                        prop_assert!(now - last >= 1000 || now - first >= 30_000);
                    }
                }
                prop_assert!(waiting.values().all(|(first, _)| now - first <= 30_000 + 2000));
            }
            prop_assert!(waiting.is_empty());
        }
    }
}
