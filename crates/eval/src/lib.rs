//! Pairs to a recall card: how well the modalities find each other, measured on real pairs.
//!
//! [`Pairs`] are read from a JSONL file. A [`Task`] is one direction over them: its queries, its gallery
//! and what is relevant. [`evaluate`] ranks the gallery for every query by scores that the caller
//! computes, and sums up in a [`RecallCard`], which is shown as a table or written with its plots.
//!
//! What counts as a query, a gallery entry and a match is the contract of the command `eval`:
//! - An item is a line of the pairs file. Queries are the items that have both modalities; each text of an
//!   item is a query of its own. The gallery is every item that has the target modality; a gallery of texts
//!   is the distinct texts, each relevant to all its items.
//! - R@k asks for any own match among the first k. At equal scores, everything else is ranked first.
//! - `label` makes every item of the label relevant, for average precision and nDCG only.
//! - A direction within one modality needs `label`: it leaves the query itself out of the gallery, and R@k
//!   too asks for any item of the label. An item whose label has nothing else to find is no query.

mod error;
mod line;
mod pairs;

pub use error::Error;
pub use line::MAX_LINE_BYTES;
pub use pairs::{Content, ContentId, OnBad, Pair, Pairs, Refusal};
