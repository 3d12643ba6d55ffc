//! ONNX Runtime: finding the library, and sessions with the options that all towers share.

use std::path::{Path, PathBuf};
use std::sync::OnceLock;

use ort::environment::Environment;
use ort::session::Session;
use ort::session::builder::GraphOptimizationLevel;

use crate::{Error, Result};

const LIBRARY: &str = "libonnxruntime.so";

/// ONNX Runtime allows one environment a process and cannot make another after it is gone.
static ENVIRONMENT: OnceLock<std::result::Result<Environment, String>> = OnceLock::new();

/// The loaded library. Cheap to copy.
#[derive(Clone, Copy)]
pub struct Runtime(&'static Environment);

impl Runtime {
    /// The environment variable that keeps the library from sending telemetry, when it is set to `1` before the
    /// library is loaded. The library has no other switch that does, and changing the environment is sound only
    /// while a process has one thread: so it is up to the program, as the first thing in its `main`.
    pub const NO_TELEMETRY: &str = "ORT_DISABLE_TELEMETRY";

    /// Loads the library on the first call: `$ORT_DYLIB_PATH` alone where it is set, otherwise beside the
    /// running binary, in `../lib`, in `.runtime` of a folder above it, or where the system looks.
    ///
    /// The library sends telemetry unless [`NO_TELEMETRY`](Self::NO_TELEMETRY) is set; this warns of it.
    ///
    /// # Errors
    /// [`Error::Runtime`], with the reason and the command that gets the library.
    pub fn load() -> Result<Self> {
        ENVIRONMENT
            .get_or_init(|| match std::env::var_os("ORT_DYLIB_PATH") {
                Some(path) => start(Path::new(&path)),
                None => start_any(&places(&std::env::current_exe().unwrap_or_default())),
            })
            .as_ref()
            .map(Self)
            .map_err(|problem| Error::Runtime(problem.clone()))
    }

    /// A session for the graph in `bytes`, computing with `threads` threads. `name` is for messages.
    ///
    /// # Errors
    /// [`Error::Inference`] when ONNX Runtime refuses the graph.
    pub fn session(self, name: &str, bytes: &[u8], threads: usize) -> Result<Session> {
        let commit = || -> ort::Result<Session> {
            Session::builder(self.0)?
                .with_optimization_level(GraphOptimizationLevel::All)?
                .with_intra_threads(threads)?
                .with_inter_threads(1)?
                // Idle threads that spin take the cores from decoding.
                .with_config_entry("session.intra_op.allow_spinning", "0")?
                .commit_from_memory(bytes)
        };
        commit().map_err(|source| Error::Inference {
            graph: name.to_owned(),
            source,
        })
    }
}

fn start(library: &Path) -> std::result::Result<Environment, String> {
    let switch = Runtime::NO_TELEMETRY;
    if std::env::var_os(switch).is_none() {
        tracing::warn!("ONNX Runtime will send telemetry: set {switch}=1 before the program starts");
    }
    ort::init_from(library)
        .map_err(|error| error.to_string())?
        .with_name("sensorium")
        // Not enough: its client starts all the same.
        .with_telemetry(false)
        .build()
        .map_err(|error| error.to_string())
}

/// The first place that has the library, or else what the system finds by its name.
fn start_any(places: &[PathBuf]) -> std::result::Result<Environment, String> {
    let found = places.iter().find(|place| place.is_file());
    start(found.map_or(Path::new(LIBRARY), PathBuf::as_path))
}

fn places(binary: &Path) -> Vec<PathBuf> {
    let folder = binary.parent().unwrap_or(Path::new("/"));
    let installed = [folder.join(LIBRARY), folder.join("../lib").join(LIBRARY)];
    let checkouts = folder
        .ancestors()
        .map(|above| above.join(".runtime").join(LIBRARY));
    installed.into_iter().chain(checkouts).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_library_is_looked_for_beside_the_binary_then_in_lib_then_in_the_checkout() {
        let places = places(Path::new("/src/sensorium/target/release/sensorium"));
        assert_eq!(
            places[..2],
            [
                PathBuf::from("/src/sensorium/target/release/libonnxruntime.so"),
                PathBuf::from("/src/sensorium/target/release/../lib/libonnxruntime.so"),
            ]
        );
        assert!(places.contains(&PathBuf::from("/src/sensorium/.runtime/libonnxruntime.so")));
    }

    #[test]
    fn a_library_that_is_not_there_is_an_error_and_names_the_remedy() {
        let problem = start(Path::new("/nowhere/libonnxruntime.so")).err().unwrap();
        assert!(problem.contains("/nowhere/libonnxruntime.so"), "{problem}");
        assert!(Error::Runtime(problem).to_string().contains("make setup"));
    }
}
