//! The nouns of Sensorium, without I/O.
//!
//! Every other crate speaks in these: a file holds one [`Modality`]; it is cut into [`Segment`]s, each
//! seen through one [`Track`]; a model package maps each segment to an [`Embedding`] in its [`Space`].
//! Content is an item, named by its [`ItemId`] and found at one or several [`Location`]s.

mod dot;
mod embedding;
mod evidence;
mod hit;
mod item;
mod line;
mod modality;
mod moment;
mod path;
mod segment;
mod space;

pub use dot::dot;
pub use embedding::Embedding;
pub use evidence::{Evidence, Glance, HeatMap, Window, Word};
pub use hit::Hit;
pub use item::{BadItemId, Fields, ItemId, Location};
pub use line::Line;
pub use modality::{Direction, Modality, Track, UnknownName};
pub use moment::{Moment, Stretch};
pub use path::{path_text, place_text};
pub use segment::{Segment, Span};
pub use space::{Block, Space};
