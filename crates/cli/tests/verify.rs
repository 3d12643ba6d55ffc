//! `sensorium verify` on indexes that do not hold.

#![allow(clippy::unwrap_used, reason = "tests may panic")]

mod common;

use common::{run, run_json, sensorium};
use sensorium_store::{SqliteCatalog, WriterLock};

#[test]
fn damage_is_what_verify_answers_and_no_failure_of_it() {
    let folder = tempfile::tempdir().unwrap();
    let lock = WriterLock::acquire(folder.path()).unwrap();
    drop(SqliteCatalog::create(folder.path(), &lock).unwrap());
    let verify = || {
        let mut command = sensorium();
        command.arg("verify").env("SENSORIUM_INDEX", folder.path());
        command
    };
    assert_eq!(run_json(verify().arg("--json"), 0)["holds"], true);

    std::fs::write(folder.path().join("catalog.sqlite"), [0xa7; 8192]).unwrap();
    let answer = run_json(verify().arg("--json"), 1);
    assert_eq!(answer["holds"], false);
    assert_eq!(answer["problems"].as_array().unwrap().len(), 1);
    let (said, error) = run(&mut verify(), 1);
    assert!(
        said.contains("catalog.sqlite: ") && said.contains("is damaged"),
        "{said}"
    );
    assert!(error.is_empty(), "{error}");
}
