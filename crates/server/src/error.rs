use std::io;
use std::net::SocketAddr;
use std::path::PathBuf;

use sensorium_types::path_text;

/// The result of starting a server.
pub type Result<T> = std::result::Result<T, Error>;

/// Why a server does not run.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    /// The index cannot be opened, or is of another space.
    #[error(transparent)]
    Engine(#[from] sensorium_engine::Error),
    /// The index cannot be opened.
    #[error(transparent)]
    Store(#[from] sensorium_store::Error),
    /// Other machines could reach it, and nobody would have to show a key.
    #[error(
        "{0} can be reached by other machines, so that keys are needed: make one with `sensorium key` and pass its hash with \
         --key, or listen at 127.0.0.1"
    )]
    NeedsKeys(SocketAddr),
    /// The address cannot be used.
    #[error("cannot listen at {address}: {source}")]
    Listen {
        /// The address.
        address: SocketAddr,
        /// What the system said.
        source: io::Error,
    },
    /// A folder or a file cannot be used.
    #[error("{}: {source}", path_text(path))]
    Path {
        /// Where.
        path: PathBuf,
        /// What the system said.
        source: io::Error,
    },
    /// What an assistant says is not the protocol.
    #[error("the assistant's messages: {0}")]
    Protocol(String),
    /// The system does not do what a server needs.
    #[error("the server: {0}")]
    System(#[from] io::Error),
}
