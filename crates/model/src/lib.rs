//! Samples to embeddings.
//!
//! A [`Package`] is a folder with `model.toml` and the files that it names. An [`Encoder`] runs its towers
//! through ONNX Runtime, each loaded when it is first needed.

mod encoder;
mod error;
mod graph;
mod head;
pub mod manifest;
mod package;
mod runtime;
mod towers;

pub use encoder::{Encoder, Encoding};
pub use error::{Error, Result};
pub use package::Package;
