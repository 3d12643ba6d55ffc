//! What the system tells, noted until it has settled.

use std::path::Path;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Instant;

use crossbeam_channel::Sender;
use notify::event::{AccessKind, AccessMode, CreateKind, EventKind, ModifyKind, RemoveKind};
use notify::{ErrorKind, Event, EventHandler};
use rustix::io::Errno;

use super::pending::{EVERYTHING, Pace, Pending};
use super::scope::Scope;

/// Notes changes, on the thread that is told of them, for the one that indexes.
#[derive(Debug, Clone)]
pub(super) struct Notes {
    scope: Scope,
    pending: Arc<Mutex<Pending>>,
    wake: Sender<()>,
}

impl Notes {
    /// `wake` gets something when the first change is noted.
    pub(super) fn new(scope: Scope, wake: Sender<()>) -> Self {
        Self {
            scope,
            pending: Arc::new(Mutex::new(Pending::new(Pace::default()))),
            wake,
        }
    }

    /// The changes that wait.
    pub(super) fn pending(&self) -> MutexGuard<'_, Pending> {
        // Each step leaves it whole.
        self.pending.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn note(&self, path: &Path, of_folders: bool) {
        if self.pending().add(path, of_folders, Instant::now()) {
            // One that is awake already looks.
            let _ = self.wake.try_send(());
        }
    }
}

impl EventHandler for Notes {
    fn handle_event(&mut self, event: notify::Result<Event>) {
        let event = match event {
            Ok(event) if event.need_rescan() => return self.note(Path::new(EVERYTHING), true),
            Ok(event) => event,
            Err(error) => {
                tracing::warn!(%error, "changes may have been missed; everything is looked at");
                return self.note(Path::new(EVERYTHING), true);
            }
        };
        let Some(of_folders) = change(event.kind) else {
            return;
        };
        for path in event.paths.iter().filter(|path| self.scope.wants(path)) {
            self.note(path, of_folders);
        }
    }
}

/// Whether what happened changes anything, and if so, whether folders may have come, gone or changed their names or rights.
fn change(kind: EventKind) -> Option<bool> {
    match kind {
        EventKind::Access(AccessKind::Close(AccessMode::Write))
        | EventKind::Create(CreateKind::File)
        | EventKind::Remove(RemoveKind::File)
        | EventKind::Modify(ModifyKind::Data(_)) => Some(false),
        EventKind::Access(_) => None,
        _ => Some(true),
    }
}

/// Why the system does not tell of all changes, and what would change that.
pub(super) fn explained(error: &notify::Error) -> String {
    match &error.kind {
        ErrorKind::MaxFilesWatch => {
            "there are more folders than fs.inotify.max_user_watches allows to watch \
             (raise it, as with `sudo sysctl fs.inotify.max_user_watches=1048576`)"
                .into()
        }
        ErrorKind::Io(error) if Errno::from_io_error(error) == Some(Errno::MFILE) => {
            "other programs watch as much as fs.inotify.max_user_instances allows \
             (raise it, as with `sudo sysctl fs.inotify.max_user_instances=1024`)"
                .into()
        }
        _ => format!("the system cannot be asked to tell of changes ({error})"),
    }
}

#[cfg(test)]
mod tests {
    use std::path::PathBuf;
    use std::time::Duration;

    use crossbeam_channel::{Receiver, bounded};
    use notify::event::Flag;

    use super::*;

    fn notes() -> (Notes, Receiver<()>) {
        let (wake, woken) = bounded(1);
        (Notes::new(Scope::new(vec!["/media".into()]), wake), woken)
    }

    fn noted(notes: &Notes) -> Vec<PathBuf> {
        notes
            .pending()
            .take(Instant::now() + Duration::from_secs(60))
            .paths
    }

    #[test]
    fn reading_is_no_change_and_what_is_hidden_none_of_ours() {
        let (mut notes, woken) = notes();
        let mut happen = |kind, path: &str| notes.handle_event(Ok(Event::new(kind).add_path(path.into())));
        happen(
            EventKind::Access(AccessKind::Open(AccessMode::Any)),
            "/media/a.txt",
        );
        happen(
            EventKind::Access(AccessKind::Close(AccessMode::Read)),
            "/media/a.txt",
        );
        happen(EventKind::Create(CreateKind::File), "/media/.a.swp");
        assert!(woken.try_recv().is_err());
        happen(
            EventKind::Access(AccessKind::Close(AccessMode::Write)),
            "/media/a.txt",
        );
        happen(EventKind::Remove(RemoveKind::File), "/media/b.txt");
        woken.try_recv().unwrap();
        assert_eq!(
            noted(&notes),
            [Path::new("/media/a.txt"), Path::new("/media/b.txt")]
        );
    }

    #[test]
    fn what_was_missed_may_be_anything() {
        let (mut notes, woken) = notes();
        notes.handle_event(Ok(Event::new(EventKind::Other).set_flag(Flag::Rescan)));
        woken.try_recv().unwrap();
        assert_eq!(noted(&notes), [Path::new(EVERYTHING)]);
        notes.handle_event(Err(notify::Error::generic("lost")));
        assert_eq!(noted(&notes), [Path::new(EVERYTHING)]);
    }

    #[test]
    fn a_limit_of_the_system_is_named() {
        let limit = notify::Error::new(ErrorKind::MaxFilesWatch);
        assert!(explained(&limit).contains("fs.inotify.max_user_watches"));
        let instances = notify::Error::io(Errno::MFILE.into());
        assert!(explained(&instances).contains("fs.inotify.max_user_instances"));
    }
}
