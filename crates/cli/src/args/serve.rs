//! What can be typed behind `serve` and `key`.

use std::net::IpAddr;
use std::path::PathBuf;
use std::time::Duration;

use clap::Args;
use sensorium_server::{Key, Settings};

use super::{IndexFolder, LimitArgs, WordArgs};

#[derive(Debug, Args)]
#[command(after_help = "Examples:
  sensorium serve                                    the page and the interface at http://127.0.0.1:7700
  sensorium serve --read-only --port 8080            nothing can be added or removed
  sensorium key read                                 makes a key and its hash
  sensorium serve --host 0.0.0.0 --key read:HASH     for other machines, which need the key

The interface is at /api/v1, described at /api/docs; /metrics has figures for Prometheus. At 127.0.0.1 no key is needed
unless one is given. Put a server that adds TLS before it when others than this machine use it.")]
pub(crate) struct Serve {
    #[command(flatten)]
    pub(crate) index: IndexFolder,
    /// Address to listen at; others than this machine reach it only at another one than 127.0.0.1, and need a key
    #[arg(
        long,
        env = "SENSORIUM_HOST",
        value_name = "ADDRESS",
        default_value = "127.0.0.1"
    )]
    host: IpAddr,
    /// Port to listen at; 0 for any that is free
    #[arg(long, env = "SENSORIUM_PORT", value_name = "PORT", default_value_t = Settings::PORT)]
    port: u16,
    /// A further name by which browsers call this server; repeatable
    #[arg(
        long = "name",
        env = "SENSORIUM_NAMES",
        value_name = "NAME",
        value_delimiter = ','
    )]
    names: Vec<String>,
    /// Hash of a key, as `sensorium key` prints it; repeatable
    #[arg(
        long = "key",
        env = "SENSORIUM_KEYS",
        value_name = "HASH",
        value_delimiter = ','
    )]
    keys: Vec<Key>,
    /// Let nobody add, remove or index anything
    #[arg(long, env = "SENSORIUM_READ_ONLY")]
    read_only: bool,
    /// Folder that `sensorium eval --out` wrote, to be shown as the recall card
    #[arg(long, env = "SENSORIUM_CARD", value_name = "DIR")]
    card: Option<PathBuf>,
    #[command(flatten)]
    pub(crate) cache: CacheFolder,
    #[command(flatten)]
    words: WordArgs,
    /// What previews may take on disk, in bytes
    #[arg(long, env = "SENSORIUM_CACHE_BYTES", value_name = "BYTES", default_value_t = Settings::CACHE_BYTES)]
    cache_bytes: u64,
    /// Largest upload, in bytes
    #[arg(long, env = "SENSORIUM_MAX_UPLOAD", value_name = "BYTES", default_value_t = Settings::UPLOAD_BYTES)]
    max_upload: u64,
    /// Longest sound or video that is uploaded, in seconds
    #[arg(
        long,
        env = "SENSORIUM_MAX_UPLOAD_SECONDS",
        value_name = "SECONDS",
        default_value_t = Settings::UPLOAD_SECONDS
    )]
    max_upload_seconds: f64,
    /// Queries that may wait; more are told to come again
    #[arg(long, env = "SENSORIUM_QUEUE", value_name = "N", default_value_t = Settings::QUEUE)]
    queue: usize,
    /// Longest time that a request may take, in seconds
    #[arg(long, env = "SENSORIUM_REQUEST_TIME", value_name = "SECONDS", default_value_t = Settings::SECONDS,
        value_parser = clap::value_parser!(u64).range(1..))]
    request_time: u64,
    #[command(flatten)]
    pub(crate) limits: LimitArgs,
}

impl Serve {
    /// `settings`, with what was typed.
    pub(crate) fn change(&self, settings: Settings) -> Settings {
        Settings {
            cache_bytes: self.cache_bytes,
            host: self.host,
            port: self.port,
            names: self.names.clone(),
            keys: self.keys.clone(),
            read_only: self.read_only,
            upload_bytes: self.max_upload,
            upload_seconds: self.max_upload_seconds,
            queue: self.queue,
            time: Duration::from_secs(self.request_time),
            card: self.card.clone(),
            transcripts: (&self.words).into(),
            ..settings
        }
    }
}

#[derive(Debug, Args)]
#[command(after_help = "Examples:
  sensorium mcp                                      for the default index
  sensorium mcp --index /srv/archive/index           for another one

An assistant starts this itself, and speaks with it over the standard input and output. Tell it so, as in:
  {\"mcpServers\": {\"sensorium\": {\"command\": \"sensorium\", \"args\": [\"mcp\"]}}}

Its tools are search, get_item, similar and describe_collection; nothing is added or removed. `sensorium serve` has the
same tools at /mcp.")]
pub(crate) struct Mcp {
    #[command(flatten)]
    pub(crate) index: IndexFolder,
    #[command(flatten)]
    pub(crate) cache: CacheFolder,
    #[command(flatten)]
    pub(crate) limits: LimitArgs,
}

/// Where previews are kept.
#[derive(Debug, Args)]
pub(crate) struct CacheFolder {
    /// Folder for thumbnails and other previews [default: sensorium in the user's cache folder]
    #[arg(id = "cache", long = "cache", env = "SENSORIUM_CACHE", value_name = "DIR")]
    pub(crate) folder: Option<PathBuf>,
}

#[derive(Debug, Args)]
#[command(after_help = "Examples:
  sensorium key read                                 a key for clients that search
  sensorium key write --json                         one for clients that index and remove, too, for programs

The key is printed once and kept nowhere; its hash is for `sensorium serve --key`.")]
pub(crate) struct NewKey {
    /// What the key allows: read, or write
    #[arg(value_name = "ACCESS", value_enum)]
    pub(crate) access: Allowed,
}

/// What a key allows.
#[derive(Debug, Clone, Copy, clap::ValueEnum)]
pub(crate) enum Allowed {
    /// To search and look
    Read,
    /// To index and remove, too
    Write,
}
