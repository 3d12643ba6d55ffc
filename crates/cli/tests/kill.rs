//! What was acknowledged survives `kill -9`, at any moment.

#![allow(clippy::unwrap_used, reason = "tests may panic")]

mod common;

use std::fs;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::thread::sleep;
use std::time::{Duration, Instant};

use common::index::dump;
use common::{checkout, run, run_json, sensorium};

/// Pictures, sounds, a video, notes and records.
fn media(folder: &Path) -> PathBuf {
    let media = folder.canonicalize().unwrap().join("media");
    for part in ["photos", "sounds", "notes"] {
        fs::create_dir_all(media.join(part)).unwrap();
        let mut files: Vec<_> = fs::read_dir(checkout().join("demo").join(part))
            .unwrap()
            .map(|entry| entry.unwrap())
            .collect();
        files.sort_by_key(|entry| entry.file_name());
        for entry in files.iter().take(16) {
            fs::copy(entry.path(), media.join(part).join(entry.file_name())).unwrap();
        }
    }
    fs::copy(
        checkout().join("demo/videos/hen-made-from-photo.mp4"),
        media.join("hen.mp4"),
    )
    .unwrap();
    fs::copy(checkout().join("demo/pairs.jsonl"), media.join("pairs.jsonl")).unwrap();
    for number in 0..150 {
        fs::write(
            media.join(format!("{number}.txt")),
            format!("Note {number} of a walk in the hills."),
        )
        .unwrap();
    }
    fs::write(media.join("bad.jpg"), "no picture").unwrap();
    media
}

fn start(arguments: &[&str], index: &Path) -> Child {
    Command::new(sensorium().get_program())
        .args(arguments)
        .env("SENSORIUM_INDEX", index)
        .env("SENSORIUM_MODEL", checkout().join("models/base"))
        .env("ORT_DYLIB_PATH", checkout().join(".runtime/libonnxruntime.so"))
        .stdout(Stdio::null())
        .stderr(Stdio::null())
        .spawn()
        .unwrap()
}

/// Runs the command and kills it after `delay`; returns whether it was still running.
fn kill_after(delay: Duration, arguments: &[&str], index: &Path) -> bool {
    kill_when(arguments, index, |_| {
        sleep(delay);
        true
    })
}

/// Runs the command and kills it when `is_time`; returns whether it was still running.
fn kill_when(arguments: &[&str], index: &Path, mut is_time: impl FnMut(&Path) -> bool) -> bool {
    let mut child = start(arguments, index);
    while !is_time(index) && child.try_wait().unwrap().is_none() {
        std::thread::yield_now();
    }
    let running = child.try_wait().unwrap().is_none();
    child.kill().unwrap();
    child.wait().unwrap();
    running
}

/// Kills are repeated so often at most, until enough of them hit what they are meant to.
const ROUNDS: usize = 30;

/// Numbers from 0 to 1 that look random.
fn spread() -> impl Iterator<Item = f64> {
    (1..).map(|number| (f64::from(number) * 0.618_033_988_75).fract())
}

fn indexed(index: &Path) -> u64 {
    let status = run_json(
        sensorium()
            .args(["status", "--json"])
            .env("SENSORIUM_INDEX", index),
        0,
    );
    status["files"]["indexed"].as_u64().unwrap()
}

#[test]
fn killed_at_any_moment_the_next_run_ends_as_if_nothing_had_been() {
    let folder = tempfile::tempdir().unwrap();
    let media = media(folder.path());
    let text = media.to_str().unwrap();
    let finish = |index: &Path| {
        run(sensorium().args(["index", text]).env("SENSORIUM_INDEX", index), 3);
    };
    let whole = folder.path().join("whole");
    let started = Instant::now();
    finish(&whole);
    let duration = started.elapsed();
    let expected = dump(&whole);
    let all = indexed(&whole);

    let (mut kills, mut partial) = (0, 0);
    let mut moments = spread();
    for round in 0..ROUNDS {
        let index = folder.path().join(format!("index{round}"));
        let mut before = 0;
        for _ in 0..4 {
            let delay = duration.mul_f64(moments.next().unwrap() / 2.0);
            kills += u32::from(kill_after(delay, &["index", text], &index));
            if index.join("catalog.sqlite").exists() && status_exists(&index) {
                // What was there is there, and all of it holds together.
                let now = indexed(&index);
                assert!(now >= before, "{now} files after {before}");
                partial += u32::from(now > before && now < all);
                before = now;
                run(sensorium().arg("verify").env("SENSORIUM_INDEX", &index), 0);
            }
        }
        finish(&index);
        dump(&index).assert_same(&expected);
        if round >= 5 && kills >= 20 && partial >= 4 {
            return;
        }
    }
    panic!("of {kills} kills before the end only {partial} came when some files were done");
}

/// Whether the first start of the index came so far that there is one.
fn status_exists(index: &Path) -> bool {
    let output = sensorium()
        .arg("status")
        .env("SENSORIUM_INDEX", index)
        .output()
        .unwrap();
    let error = String::from_utf8(output.stderr).unwrap();
    assert!(
        output.status.success() || error.contains("there is no index"),
        "{error}"
    );
    output.status.success()
}

#[test]
fn killed_during_the_first_start_the_next_one_is_the_first() {
    let folder = tempfile::tempdir().unwrap();
    let note = folder.path().join("note.txt");
    fs::write(&note, "a hen").unwrap();
    let note = note.to_str().unwrap();
    let whole = folder.path().join("whole");
    let started = Instant::now();
    run(
        sensorium().args(["index", note]).env("SENSORIUM_INDEX", &whole),
        0,
    );
    let duration = started.elapsed();
    let (mut kills, mut half_made) = (0, 0);
    for (number, moment) in (0..10 * ROUNDS).zip(spread()) {
        let index = folder.path().join(format!("index{number}"));
        // As soon as something of it is there, or at any time.
        let hit = match ["", "lock", "catalog.sqlite", "catalog.sqlite-wal"].get(number % 6) {
            Some(name) => kill_when(&["index", note], &index, |index| index.join(name).exists()),
            None => kill_after(duration.mul_f64(moment), &["index", note], &index),
        };
        kills += u32::from(hit);
        half_made += u32::from(hit && index.exists() && !status_exists(&index));
        run(
            sensorium().args(["index", note]).env("SENSORIUM_INDEX", &index),
            0,
        );
        assert_eq!(indexed(&index), 1);
        run(sensorium().arg("verify").env("SENSORIUM_INDEX", &index), 0);
        if kills >= 20 && half_made >= 6 {
            return;
        }
    }
    panic!("of {kills} kills before the end only {half_made} left an index half made");
}

#[test]
fn killed_during_a_migration_the_index_is_old_or_new_and_whole() {
    let folder = tempfile::tempdir().unwrap();
    let note = folder.path().join("note.txt");
    fs::write(&note, "a hen in a barn").unwrap();
    let index = folder.path().join("index");
    run(
        sensorium().arg("index").arg(&note).env("SENSORIUM_INDEX", &index),
        0,
    );
    let expected = dump(&index);

    let format = |database: &Path| -> u32 {
        let connection = rusqlite::Connection::open(database).unwrap();
        connection
            .pragma_query_value(None, "user_version", |row| row.get(0))
            .unwrap()
    };
    // Format 1 had no words, no limits, no facts, no fingerprints and no transcripts; here are enough of them that writing them takes a while.
    let database = index.join("catalog.sqlite");
    let present = format(&database);
    let connection = rusqlite::Connection::open(&database).unwrap();
    let passage = "The quick brown fox jumps over the lazy dog, again and again. ".repeat(20);
    connection
        .execute_batch(
            "DROP TABLE words; DROP TABLE fingerprints; DROP TABLE lines; DROP TABLE transcripts; ALTER TABLE files DROP COLUMN limits; ALTER TABLE items DROP COLUMN facts;
             PRAGMA user_version = 1;",
        )
        .unwrap();
    connection
        .execute(
            "WITH RECURSIVE numbers (n) AS (SELECT 1 UNION ALL SELECT n + 1 FROM numbers WHERE n < 20000)
             INSERT INTO segments (item, track, text) SELECT 1, 0, ?1 || n FROM numbers",
            [passage],
        )
        .unwrap();
    connection
        .execute_batch(
            "INSERT INTO vectors SELECT key, 1, 1, 0, 0, (SELECT vector FROM vectors) FROM segments WHERE key > 1",
        )
        .unwrap();
    drop(connection);
    let copy = folder.path().join("copy");
    let restore = |copy: &Path| {
        let _ = fs::remove_dir_all(copy);
        fs::create_dir(copy).unwrap();
        fs::copy(&database, copy.join("catalog.sqlite")).unwrap();
    };
    restore(&copy);
    let started = Instant::now();
    run(sensorium().arg("status").env("SENSORIUM_INDEX", &copy), 0);
    let duration = started.elapsed();
    assert_eq!(format(&copy.join("catalog.sqlite")), present);

    let (mut kills, mut halfway) = (0, 0);
    for (_, moment) in (0..10 * ROUNDS).zip(spread()) {
        restore(&copy);
        kills += u32::from(kill_after(duration.mul_f64(moment), &["status"], &copy));
        let log = copy.join("catalog.sqlite-wal").metadata();
        let has_begun = log.is_ok_and(|log| log.len() > 0);
        let found = format(&copy.join("catalog.sqlite"));
        assert!((1..=present).contains(&found), "{found}");
        halfway += u32::from(has_begun && found < present);
        if kills >= 8 && halfway >= 3 {
            break;
        }
    }
    assert!(
        halfway >= 3,
        "of {kills} kills before the end only {halfway} hit the migration"
    );
    let index = copy;
    run(sensorium().arg("verify").env("SENSORIUM_INDEX", &index), 0);
    assert_eq!(format(&index.join("catalog.sqlite")), present);
    let words = |query: &str| {
        let catalog = sensorium_store::SqliteCatalog::open(&index).unwrap();
        sensorium_store::Catalog::words(&catalog, query, 30_000)
            .unwrap()
            .len()
    };
    assert_eq!((words("barn"), words("fox"), words("note")), (1, 20_000, 1));
    assert_eq!(dump(&index).files, expected.files);
}

#[test]
fn searches_go_on_while_an_index_is_written() {
    let folder = tempfile::tempdir().unwrap();
    let media = media(folder.path());
    let index = folder.path().join("index");
    fs::create_dir(folder.path().join("first")).unwrap();
    fs::write(folder.path().join("first/hen.txt"), "a brown hen").unwrap();
    run(
        sensorium()
            .arg("index")
            .arg(folder.path().join("first"))
            .env("SENSORIUM_INDEX", &index),
        0,
    );

    let mut indexer = start(&["index", media.to_str().unwrap()], &index);
    let mut searches = 0;
    let mut found = 0;
    while indexer.try_wait().unwrap().is_none() {
        let answer = run_json(
            sensorium()
                .args(["search", "a brown hen", "--json", "-n", "1000"])
                .env("SENSORIUM_INDEX", &index),
            0,
        );
        let hits = answer["hits"].as_array().unwrap();
        assert_eq!(hits[0]["text"], "a brown hen");
        assert!(hits.len() >= found, "what was found is found again");
        found = hits.len();
        searches += 1;
    }
    assert_eq!(indexer.wait().unwrap().code(), Some(3));
    assert!(searches > 0 && found > 0);
}

#[test]
fn killed_while_vectors_are_arranged_nothing_is_lost_and_the_next_run_arranges_them() {
    let folder = tempfile::tempdir().unwrap();
    let notes = folder.path().join("notes.jsonl");
    let lines = (0..250).map(|number| format!("{{\"text\": \"Walk {number} in the hills.\"}}\n"));
    fs::write(&notes, lines.collect::<String>()).unwrap();
    let notes = notes.to_str().unwrap();
    let arrange = ["index", notes, "--arrange-from", "100"];
    let whole = folder.path().join("whole");
    run(
        sensorium().args(["index", notes]).env("SENSORIUM_INDEX", &whole),
        0,
    );
    let expected = dump(&whole);
    let best = |index: &Path| -> Vec<(String, f64)> {
        let asked = ["search", "the seventh walk", "--no-words", "--json"];
        let answer = run_json(sensorium().args(asked).env("SENSORIUM_INDEX", index), 0);
        let hits = answer["hits"].as_array().unwrap().iter();
        hits.map(|hit| {
            (
                hit["item"].to_string(),
                (1e4 * hit["score"].as_f64().unwrap()).round(),
            )
        })
        .collect()
    };
    let expected_best = best(&whole);

    let (mut kills, mut halfway) = (0, 0);
    for round in 0..ROUNDS {
        let index = folder.path().join(format!("index{round}"));
        fs::create_dir(&index).unwrap();
        fs::copy(whole.join("catalog.sqlite"), index.join("catalog.sqlite")).unwrap();
        let near = index.join("near");
        let has = |end: &str| {
            let names = fs::read_dir(&near).into_iter().flatten().flatten();
            names
                .into_iter()
                .any(|entry| entry.path().to_string_lossy().ends_with(end))
        };
        let end = [".rows", ".graph", ".keys", "list"][round % 4];
        let hit = kill_when(&arrange, &index, |_| has(end));
        kills += u32::from(hit);
        halfway += u32::from(hit && has(".rows") && !has("list"));
        run(sensorium().arg("verify").env("SENSORIUM_INDEX", &index), 0);
        assert_eq!(best(&index), expected_best);
        run(sensorium().args(arrange).env("SENSORIUM_INDEX", &index), 0);
        run(sensorium().arg("verify").env("SENSORIUM_INDEX", &index), 0);
        assert!(has("list") && has(".graph"));
        let files = fs::read_dir(&near).unwrap().count();
        assert_eq!(files, 4, "what the killed run left is gone");
        assert_eq!(best(&index), expected_best);
        dump(&index).assert_same(&expected);
        if kills >= 6 && halfway >= 4 {
            return;
        }
    }
    panic!("of {kills} kills before the end only {halfway} left a graph half written");
}
