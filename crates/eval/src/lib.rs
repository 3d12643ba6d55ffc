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
//!
//! ```
//! use std::path::Path;
//! use sensorium_eval::{OnBad, Pairs, Task, evaluate};
//!
//! let lines = r#"{"text": "a dog", "image": "dog.jpg"}
//! {"text": "a cat", "image": "cat.jpg"}"#;
//! let pairs = Pairs::parse(lines.as_bytes(), Path::new("pairs.jsonl"), OnBad::Fail)?;
//! let tasks = Task::all(&pairs)?;
//! // Here, the contents are numbered text, picture, text, picture: halves tell what belongs together.
//! let score = |query: usize, entry: usize| if query / 2 == entry / 2 { 1.0 } else { 0.0 };
//! let card = evaluate(
//!     "a space",
//!     &tasks,
//!     |_direction, queries, gallery| {
//!         let row = |query: usize| gallery.iter().map(move |entry| score(query, entry.index()));
//!         queries.iter().flat_map(|query| row(query.index())).collect()
//!     },
//!     |_queries_done| (),
//! );
//! assert_eq!(card.directions[&"text:image".parse()?].metrics.r1, 1.0);
//! assert_eq!(card.directions[&"image:text".parse()?].metrics.r1, 1.0);
//! # Ok::<(), Box<dyn std::error::Error>>(())
//! ```

mod bootstrap;
mod card;
mod compare;
mod curve;
mod embed;
mod error;
mod evaluate;
mod example;
mod hubs;
mod line;
mod metrics;
mod pairs;
mod plot;
mod ranked;
mod ranking;
mod report;
mod rerank;
mod scores;
mod table;
mod task;

pub use bootstrap::Interval;
pub use card::{DirectionCard, RecallCard};
pub use compare::{Comparison, Difference, compare, measure};
pub use curve::CurvePoint;
pub use embed::{Embedded, encode};
pub use error::Error;
pub use evaluate::evaluate;
pub use example::{Answer, Example};
pub use hubs::Hubs;
pub use line::MAX_LINE_BYTES;
pub use metrics::Metrics;
pub use pairs::{Content, ContentId, MAX_FILE_BYTES, OnBad, Pair, Pairs, Refusal};
pub use rerank::{ContentTokens, SecondLook};
pub use scores::Scores;
pub use task::{Query, Task};
