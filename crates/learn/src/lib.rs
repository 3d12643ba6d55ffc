//! Pairs to heads: contrastive training of a block of the embedding space.
//!
//! [`learn`] encodes the contents of pairs once with the towers of a package, trains a head for each track so that what
//! belongs together comes together, chooses how much the new block counts beside those that were there, and keeps it
//! only in those directions in which it finds more on pairs that were held out.

mod attention;
mod bank;
mod blend;
mod checkpoint;
mod encode;
mod epochs;
mod error;
mod examples;
mod export;
mod hubs;
mod learn;
mod learned;
mod loss;
mod material;
mod negatives;
mod optimizer;
mod options;
mod perceptron;
mod recall;
mod rerank_train;
mod reranker;
mod token_banks;
mod train;
mod views;

pub use blend::Trial;
pub use error::{Error, Result};
pub use learn::learn;
pub use learned::{HeldOut, Learned};
pub use loss::Loss;
pub use material::SetOfPairs;
pub use options::{LearnOptions, Progress};
pub use reranker::learn_reranker;
