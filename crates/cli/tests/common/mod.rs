//! What the end-to-end tests share: the binary with the checkout's model and library.

#![allow(dead_code, reason = "each test binary uses some of it")]
#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    reason = "clippy knows tests, but not their helpers"
)]

pub(crate) mod index;

use std::path::{Path, PathBuf};

use assert_cmd::Command;
use assert_cmd::cargo::cargo_bin;
use serde_json::Value;

/// The root of the checkout.
pub(crate) fn checkout() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("../..")
}

/// The binary, in a clean environment.
pub(crate) fn sensorium() -> Command {
    in_clean_environment(Command::new(cargo_bin("sensorium")))
}

/// The same, with `mask` taken from the permissions of what it makes.
pub(crate) fn sensorium_with_mask(mask: &str) -> Command {
    let mut shell = Command::new("sh");
    shell
        .args(["-c", &format!("umask {mask} && exec \"$0\" \"$@\"")])
        .arg(cargo_bin("sensorium"));
    in_clean_environment(shell)
}

fn in_clean_environment(mut command: Command) -> Command {
    command
        .env_remove("RUST_LOG")
        .env("SENSORIUM_MODEL", checkout().join("models/base"))
        .env("ORT_DYLIB_PATH", checkout().join(".runtime/libonnxruntime.so"));
    command
}

/// Runs the command, which must end with `code`, and returns what it printed.
pub(crate) fn run(command: &mut Command, code: i32) -> (String, String) {
    let output = command.output().unwrap();
    let text = |bytes: &[u8]| String::from_utf8(bytes.to_vec()).unwrap();
    let (out, err) = (text(&output.stdout), text(&output.stderr));
    assert_eq!(output.status.code(), Some(code), "{out}\n{err}");
    (out, err)
}

/// The same, for one JSON document.
pub(crate) fn run_json(command: &mut Command, code: i32) -> Value {
    let (out, _) = run(command, code);
    serde_json::from_str(&out).unwrap()
}

/// Runs ffmpeg to make a file.
pub(crate) fn ffmpeg(words: &[&str], output: &Path) {
    let status = std::process::Command::new("ffmpeg")
        .args(["-nostdin", "-v", "error", "-y"])
        .args(words)
        .arg(output)
        .status()
        .expect("the tests need ffmpeg: run `make setup`");
    assert!(status.success(), "{words:?}");
}
