//! The stages one by one, with files that need no model.

use std::fs;
use std::path::Path;

use sensorium_media::{Cause, Error};
use sensorium_store::FileState;
use tempfile::TempDir;

use super::plan::Before;
use super::*;

fn terms() -> Terms {
    Terms {
        generation: Generation {
            space: "tiny@00".into(),
            windowing: 1,
        },
        limits: [1; 32],
        features: false,
        recognisers: Recognisers::default(),
    }
}

fn catalog() -> (TempDir, WriterLock, SqliteCatalog) {
    let folder = tempfile::tempdir().unwrap();
    let lock = WriterLock::acquire(folder.path()).unwrap();
    let catalog = SqliteCatalog::create(folder.path(), &lock).unwrap();
    (folder, lock, catalog)
}

fn job(path: &Path) -> Job {
    Job {
        path: path.to_owned(),
        stamp: walk::stamp(&path.metadata().unwrap()),
        is_fresh: false,
        content: [7; 32],
        before: Before::Nothing,
    }
}

/// Two copies, of which the first is refused for `cause`: what became of both, and how many come again.
fn copies(cause: Cause) -> (Vec<FileState>, usize) {
    let (folder, _lock, mut catalog) = catalog();
    let paths = ["a.wav", "b.wav"].map(|name| folder.path().join(name));
    paths.iter().for_each(|path| fs::write(path, "x").unwrap());
    let terms = terms();
    let mut committer = Committer::new(&mut catalog, &terms, Report::default());
    let (sender, events) = crossbeam_channel::unbounded();
    let refused = Err(Error::new(&paths[0], cause));
    sender.send(Event::Repeated(job(&paths[1]))).unwrap();
    sender
        .send(Event::Encoded(job(&paths[0]), Box::new(refused)))
        .unwrap();
    drop(sender);
    committer.follow(&events, &mut |_| ()).unwrap();
    let settled = committer.flush().unwrap();
    let again = committer.end_round().len();
    assert_eq!(settled + again, 2);
    let files = catalog.files(folder.path()).unwrap();
    (files.iter().map(|file| file.state).collect(), again)
}

#[test]
fn a_copy_shares_the_verdict_on_its_content_but_not_the_trouble_of_another_file() {
    let damaged = Cause::Damaged {
        format: "WAV".into(),
        detail: "cut".into(),
    };
    assert_eq!(copies(damaged), (vec![FileState::Refused; 2], 0));
    assert_eq!(
        copies(Cause::Unknown("ZIP".into())),
        (vec![FileState::Ignored; 2], 0)
    );
    let slow = Cause::TooSlow(std::time::Duration::from_secs(1));
    assert_eq!(copies(slow), (vec![FileState::Refused], 1));
    let unread = Cause::Read(std::io::ErrorKind::PermissionDenied.into());
    assert_eq!(copies(unread), (vec![FileState::RefusedForNow], 1));
}

#[test]
fn what_is_known_no_more_when_it_is_committed_comes_again_and_is_not_counted() {
    let (folder, _lock, mut catalog) = catalog();
    let path = folder.path().join("a.txt");
    fs::write(&path, "a hen").unwrap();
    let terms = terms();
    let mut committer = Committer::new(&mut catalog, &terms, Report::default());
    let (sender, events) = crossbeam_channel::unbounded();
    sender.send(Event::Known(job(&path), Vec::new())).unwrap();
    drop(sender);
    committer.follow(&events, &mut |_| ()).unwrap();
    assert_eq!(committer.flush().unwrap(), 0);
    assert_eq!(committer.end_round()[0].path, path);
    assert_eq!(committer.end_round().len(), 0);
    assert_eq!(committer.finish(Vec::new()).unwrap(), Report::default());
}

#[test]
fn nothing_is_sent_on_after_a_failure_or_when_it_is_cancelled() {
    let (folder, _lock, mut catalog) = catalog();
    let path = folder.path().join("a.txt");
    fs::write(&path, "a hen").unwrap();
    for (ended, cancelled, sent) in [(false, false, 1), (true, false, 0), (false, true, 0)] {
        let (jobs, queue) = crossbeam_channel::unbounded();
        let (sender, _events) = crossbeam_channel::unbounded();
        let feed = Feed {
            catalog: &mut catalog,
            terms: &terms(),
            limits: &Limits::default(),
            stop: &Stop {
                ended: AtomicBool::new(ended),
                cancelled: &AtomicBool::new(cancelled),
            },
        };
        feed.run(vec![job(&path)], &jobs, &sender);
        assert_eq!(queue.len(), sent);
    }
}

#[test]
fn only_what_is_not_there_is_gone() {
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("a.txt");
    fs::write(&file, "a hen").unwrap();
    assert!(!walk::is_gone(&file));
    assert!(walk::is_gone(&folder.path().join("b.txt")));
    assert!(walk::is_gone(&file.join("c.txt")), "its folder is a file now");
    assert!(walk::is_gone(folder.path()), "a folder is in its place");
    let (link, ring) = (folder.path().join("link"), folder.path().join("ring"));
    std::os::unix::fs::symlink(&file, &link).unwrap();
    std::os::unix::fs::symlink(&ring, &ring).unwrap();
    assert!(walk::is_gone(&link), "links are not followed");
    assert!(!walk::is_gone(&ring), "that is damage");
    let too_long = folder.path().join("x".repeat(300));
    assert!(!walk::is_gone(&too_long), "that cannot be looked at");
}
