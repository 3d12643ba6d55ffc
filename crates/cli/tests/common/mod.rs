//! What the end-to-end tests share: the binary with the checkout's model and library.

#![allow(dead_code, reason = "each test binary uses some of it")]
#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    reason = "clippy knows tests, but not their helpers"
)]

pub(crate) mod index;
pub(crate) mod memory;

use std::path::{Path, PathBuf};

use assert_cmd::Command;
use serde_json::Value;

/// The root of the checkout.
pub(crate) fn checkout() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("../..")
}

/// The binary, in a clean environment, with assertions.
pub(crate) fn sensorium() -> Command {
    Command::from_std(binary())
}

/// The same, with `mask` taken from the permissions of what it makes.
pub(crate) fn sensorium_with_mask(mask: &str) -> Command {
    Command::from_std(sensorium_in_shell(&format!("umask {mask} && exec \"$@\"")))
}

/// A shell that runs `script`, with the binary as its first argument.
pub(crate) fn sensorium_in_shell(script: &str) -> std::process::Command {
    let mut shell = std::process::Command::new("sh");
    shell.args(["-c", script, "sh", env!("CARGO_BIN_EXE_sensorium")]);
    in_clean_environment(shell)
}

/// The binary, in a clean environment.
pub(crate) fn binary() -> std::process::Command {
    in_clean_environment(std::process::Command::new(env!("CARGO_BIN_EXE_sensorium")))
}

fn in_clean_environment(mut command: std::process::Command) -> std::process::Command {
    command
        .env_remove("RUST_LOG")
        .env("SENSORIUM_CONFIG", "")
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

/// Words without a meaning, each with a colour.
pub(crate) const NAMES: [(&str, [u8; 3]); 4] = [
    ("zorp", [220, 30, 30]),
    ("blicket", [30, 200, 40]),
    ("fendle", [40, 60, 220]),
    ("wug", [230, 210, 40]),
];
