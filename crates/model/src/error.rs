use std::io;
use std::path::PathBuf;

/// The result of loading or running a model.
pub type Result<T> = std::result::Result<T, Error>;

/// Why a model package could not be found, loaded or run.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    /// ONNX Runtime is in none of the places where it is looked for, or none of those found could be used.
    #[error(
        "ONNX Runtime (libonnxruntime.so) could not be loaded: {0}; run `make setup` in the checkout, or set ORT_DYLIB_PATH to the library"
    )]
    Runtime(String),
    /// No model package in any of the default places.
    #[error(
        "no model package found (looked in {}): name one with --model DIR or $SENSORIUM_MODEL",
        list(.0)
    )]
    NoPackage(Vec<PathBuf>),
    /// A file of the package cannot be read.
    #[error("model package: {} cannot be read: {source}", path.display())]
    Read {
        /// The file.
        path: PathBuf,
        /// What the system said.
        source: io::Error,
    },
    /// `model.toml`, or a file that it names, does not hold what it should.
    #[error("model package: {}: {problem}", path.display())]
    Invalid {
        /// The file at fault.
        path: PathBuf,
        /// What is wrong with it.
        problem: String,
    },
    /// The content of a file is not the one that `model.toml` was written for.
    #[error(
        "model package: {} is damaged or was changed: its SHA-256 is {found}, model.toml says {expected}",
        path.display()
    )]
    Hash {
        /// The file.
        path: PathBuf,
        /// The hash in `model.toml`.
        expected: String,
        /// The hash of the file.
        found: String,
    },
    /// The package cannot encode this kind of sample.
    #[error("model '{model}' has no {track} tower")]
    NoTower {
        /// The name of the package.
        model: String,
        /// The track that was asked for.
        track: sensorium_types::Track,
    },
    /// ONNX Runtime refused a graph or failed while running it.
    #[error("the {graph} graph failed: {source}")]
    Inference {
        /// The graph's file name.
        graph: String,
        /// What ONNX Runtime said.
        source: ort::Error,
    },
    /// A graph gave a tensor of another shape than `model.toml` promises.
    #[error("the {graph} graph gave {found} where model.toml promises {expected}")]
    Shape {
        /// The graph's file name.
        graph: String,
        /// The shape or count in `model.toml`.
        expected: String,
        /// The shape or count that came out.
        found: String,
    },
    /// A text that the tokenizer cannot handle, or a picture that cannot be scaled.
    #[error("a sample could not be prepared for the model: {0}")]
    Prepare(String),
}

fn list(paths: &[PathBuf]) -> String {
    let paths: Vec<_> = paths.iter().map(|path| path.display().to_string()).collect();
    paths.join(", ")
}
