//! How a server runs.

use std::net::{IpAddr, Ipv4Addr};
use std::path::PathBuf;
use std::time::Duration;

use sensorium_engine::Transcripts;
use sensorium_media::Limits;

use crate::auth::Key;

/// How a server runs.
#[derive(Debug, Clone)]
pub struct Settings {
    /// The folder of the index; it is made when it is not there.
    pub index: PathBuf,
    /// Where previews are kept.
    pub cache: PathBuf,
    /// What previews may take on disk, in bytes.
    pub cache_bytes: u64,
    /// The address to listen at.
    pub host: IpAddr,
    /// The port to listen at; 0 for any that is free.
    pub port: u16,
    /// Further names under which clients reach the server, without port.
    pub names: Vec<String>,
    /// Who may do what; with none, every client that reaches a loopback address may do everything.
    pub keys: Vec<Key>,
    /// Whether nothing can be added, removed or indexed.
    pub read_only: bool,
    /// Cores that searches use.
    pub threads: usize,
    /// What one indexed file may cost.
    pub limits: Limits,
    /// Largest upload, in bytes.
    pub upload_bytes: u64,
    /// Longest sound or video that is uploaded, in seconds.
    pub upload_seconds: f64,
    /// How many requests for the model may wait.
    pub queue: usize,
    /// How long a request may take.
    pub time: Duration,
    /// Which words in media are looked for when something is indexed.
    pub transcripts: Transcripts,
    /// A folder that `sensorium eval --out` wrote, to be shown.
    pub card: Option<PathBuf>,
}

impl Settings {
    /// The port that is used unless another is asked for.
    pub const PORT: u16 = 7700;

    /// What previews may take on disk, in bytes, unless it is said.
    pub const CACHE_BYTES: u64 = 2 << 30;

    /// The largest upload, in bytes, unless it is said.
    pub const UPLOAD_BYTES: u64 = 256 << 20;

    /// The longest upload, in seconds, unless it is said.
    pub const UPLOAD_SECONDS: f64 = 600.0;

    /// How many requests may wait, unless it is said.
    pub const QUEUE: usize = 256;

    /// How many seconds a request may take, unless it is said.
    pub const SECONDS: u64 = 30;

    /// For the index in `index`, with previews in `cache`: what is usual, on this machine only.
    pub fn new(index: PathBuf, cache: PathBuf) -> Self {
        Self {
            index,
            cache,
            cache_bytes: Self::CACHE_BYTES,
            host: Ipv4Addr::LOCALHOST.into(),
            port: Self::PORT,
            names: Vec::new(),
            keys: Vec::new(),
            read_only: false,
            threads: 1,
            limits: Limits::default(),
            upload_bytes: Self::UPLOAD_BYTES,
            upload_seconds: Self::UPLOAD_SECONDS,
            queue: Self::QUEUE,
            time: Duration::from_secs(Self::SECONDS),
            transcripts: Transcripts::default(),
            card: None,
        }
    }

    /// The limits for uploads: they are read while somebody waits.
    pub(crate) fn upload_limits(&self) -> Limits {
        Limits {
            file_bytes: self.upload_bytes,
            seconds: self.upload_seconds,
            time: self.time,
            ..self.limits.clone()
        }
    }
}
