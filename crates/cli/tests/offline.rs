//! Nothing leaves the machine, and nothing is left on it unasked.

#![allow(clippy::unwrap_used, reason = "tests may panic")]

mod common;

use common::{run, sensorium};

/// The telemetry of ONNX Runtime keeps what it could not send in the user's cache.
#[test]
fn the_library_has_no_telemetry_to_send() {
    let home = tempfile::tempdir().unwrap();
    let mut command = sensorium();
    command
        .args(["embed", "--text", "a hen"])
        .env("HOME", home.path())
        .env_remove("ORT_DISABLE_TELEMETRY");
    for folder in [
        "XDG_CACHE_HOME",
        "XDG_DATA_HOME",
        "XDG_CONFIG_HOME",
        "XDG_STATE_HOME",
    ] {
        command.env_remove(folder);
    }
    run(&mut command, 0);
    let traces: Vec<_> = walkdir::WalkDir::new(home.path())
        .min_depth(1)
        .into_iter()
        .map(|entry| entry.unwrap().into_path())
        .collect();
    assert!(traces.is_empty(), "{traces:?}");
}
