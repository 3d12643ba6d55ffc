//! Sensorium over HTTP: an API, and a page that uses it; and for assistants, over the Model Context Protocol.
//!
//! Requests run on an asynchronous runtime; everything that computes or waits for a disk runs on threads of its own: one that
//! answers searches, a few at a time ([`worker`]), one that encodes uploads, one that indexes ([`jobs`]), and a bounded number
//! that read the catalogue and make previews. Queues between them are short: what cannot be done soon is refused with 503.

mod about;
mod api;
mod auth;
mod error;
mod http;
mod jobs;
mod map;
mod mcp;
mod metrics;
mod page;
mod previews;
mod problem;
mod readers;
mod settings;
mod state;
mod uploads;
mod worker;

pub use auth::{Access, BadKey, Key};
pub use error::{Error, Result};
pub use http::Server;
pub use mcp::serve_on_stdio;
pub use settings::Settings;
