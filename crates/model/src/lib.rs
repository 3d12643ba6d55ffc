//! Samples to embeddings.
//!
//! A [`Package`] is a folder with `model.toml` and the files that it names. An [`Encoder`] runs its towers
//! through ONNX Runtime, each loaded when it is first needed; a [`Pool`] of them encodes files on all cores.
//! A [`Scorer`] says how well one item answers another. A [`Listener`] hears words in sounds.

mod copies;
mod encoder;
mod error;
mod golden;
mod graph;
mod head;
mod heads;
mod hubs;
pub mod manifest;
mod package;
mod part;
mod pool;
mod print;
mod rerank;
mod runtime;
mod score;
mod speech;
mod tokens;
mod towers;

pub use copies::{CopyEncoder, CopyPackage};
pub use encoder::{Encoder, Encoding};
pub use error::{Error, Result};
pub use golden::{GOLDEN_COSINE, GoldenCheck, golden_inputs, verify};
pub use heads::Heads;
pub use hubs::{HUBS, Hubs};
pub use package::{Package, file_hash};
pub use pool::{EncodedFile, EncodedSegment, Pool};
pub use print::{PrintPackage, PrintedLine, Reader};
pub use rerank::{Attention, CANDIDATES, Reranker};
pub use runtime::Runtime;
pub use score::{Match, Query, Scorer, TrackPair};
pub use speech::{Listener, SpeechPackage, SpokenLine};
pub use tokens::{Tokens, looked_at, looked_at_first};
