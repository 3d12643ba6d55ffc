//! What can be typed.

mod index;
mod learn;
mod limits;
mod search;
mod serve;
mod transfer;

use std::ffi::OsString;
use std::num::NonZeroUsize;
use std::path::PathBuf;

use clap::builder::{PathBufValueParser, TypedValueParser as _};
use clap::{Args, Parser, Subcommand};
use sensorium_engine::DuplicateOptions;
use sensorium_types::{Direction, Modality};

use crate::config::ConfigFile;

pub(crate) use self::index::{Index, WordArgs};
pub(crate) use self::learn::Learn;
pub(crate) use self::limits::LimitArgs;
pub(crate) use self::search::Search;
pub(crate) use self::serve::{Allowed, CacheFolder, Mcp, NewKey, Serve};
pub(crate) use self::transfer::{Export, Import, Merge};

/// Finds any medium with any other: text, pictures, sounds and videos in one embedding space, offline.
#[derive(Debug, Parser)]
#[command(name = "sensorium", version, arg_required_else_help = true, after_help = EXAMPLES)]
pub(crate) struct Arguments {
    #[command(flatten)]
    pub(crate) common: Common,
    #[command(subcommand)]
    pub(crate) command: Command,
}

const EXAMPLES: &str = "Examples:
  sensorium index ~/Pictures ~/Music                  makes or updates the index
  sensorium search 'a dog barks'                      in all media
  sensorium search --image cat.jpg --to audio         sounds that go with a picture
  sensorium status                                    what is indexed, and what could not be
  sensorium eval pairs.jsonl                          how well it finds what belongs together

Exit codes: 0 done, 1 failed, 2 wrong usage, 3 done but some inputs were refused (listed).";

const CONFIG: &str = "Examples:
  sensorium config                                   all settings, their values and where they come from
  sensorium config --config my.toml --json           with another file, for programs

Each option that has an environment variable can stand in the file, too, under its long name. What is typed counts
first, then the variable, then the file. Folders are relative to that of the file. As in:
  index = \"/srv/archive/index\"
  threads = 4
  host = \"0.0.0.0\"
  key = [\"read:HASH\", \"write:HASH\"]
  max-seconds = 7200
  log-format = \"json\"";

#[derive(Debug, Args)]
pub(crate) struct Common {
    /// Folder of the model package [default: the one that came with sensorium]
    #[arg(long, global = true, env = "SENSORIUM_MODEL", value_name = "DIR")]
    pub(crate) model: Option<PathBuf>,
    /// Cores to use [default: all]
    #[arg(long, global = true, env = "SENSORIUM_THREADS", value_name = "N")]
    pub(crate) threads: Option<NonZeroUsize>,
    /// File with settings; '' for none [default: sensorium/config.toml in the user's folder for configuration]
    #[arg(long, global = true, env = ConfigFile::VARIABLE, value_name = "FILE")]
    pub(crate) config: Option<OsString>,
    /// How logs are written: text, or json with one object a line
    #[arg(long, global = true, env = "SENSORIUM_LOG_FORMAT", value_name = "FORMAT", value_enum, default_value_t = LogFormat::Text)]
    pub(crate) log_format: LogFormat,
    /// Print one JSON document on standard output and nothing else there
    #[arg(long, global = true)]
    pub(crate) json: bool,
    /// Say more on standard error; twice for everything
    #[arg(short, long, global = true, action = clap::ArgAction::Count)]
    pub(crate) verbose: u8,
}

/// How logs are written.
#[derive(Debug, Clone, Copy, clap::ValueEnum)]
pub(crate) enum LogFormat {
    /// For people
    Text,
    /// For programs, one object a line
    Json,
}

impl Common {
    /// How many cores to use.
    pub(crate) fn threads(&self) -> usize {
        self.threads
            .or_else(|| std::thread::available_parallelism().ok())
            .map_or(1, NonZeroUsize::get)
    }
}

#[derive(Debug, Subcommand)]
pub(crate) enum Command {
    /// Add and update files and folders
    Index(Index),
    /// Find by meaning: any medium with any other
    Search(Search),
    /// Find what is there twice: exact copies, copies that were edited, tracks inside videos
    Duplicates(Duplicates),
    /// Show what is indexed, what was refused and why, and the sizes
    Status(Status),
    /// Forget files and folders; the files themselves stay
    Remove(Remove),
    /// Write the index as a table for other programs: Parquet or .npy
    Export(Export),
    /// Take in a table that `export` wrote, without encoding anything
    Import(Import),
    /// Take in other indexes, without encoding anything
    Merge(Merge),
    /// Check that the index holds together
    Verify(Verify),
    /// Turn files into vectors, as JSON or .npy
    Embed(Embed),
    /// Measure how well items find each other: the recall card
    Eval(Eval),
    /// Learn from pairs of your own: a model that finds them better
    Learn(Learn),
    /// Answer over HTTP: a page, and an interface for programs
    Serve(Serve),
    /// Let an assistant search: tools of the Model Context Protocol
    Mcp(Mcp),
    /// Make a key for clients of `serve`
    Key(NewKey),
    /// Show the settings and where they come from
    #[command(after_help = CONFIG)]
    Config,
    /// Look at the model package
    #[command(subcommand)]
    Model(ModelCommand),
    /// Print the completions of a shell
    Completions(Completions),
}

#[derive(Debug, Subcommand)]
pub(crate) enum ModelCommand {
    /// Show the package: its space, towers, licences and files
    List,
    /// Check every file and replay the golden vectors
    Verify,
}

/// Which index.
#[derive(Debug, Args)]
pub(crate) struct IndexFolder {
    /// Folder of the index [default: sensorium/index in the user's data folder]
    #[arg(
        id = "index",
        long = "index",
        env = "SENSORIUM_INDEX",
        value_name = "DIR",
        value_parser = PathBufValueParser::new().try_map(local_folder)
    )]
    pub(crate) folder: Option<PathBuf>,
}

/// An address is no folder, and would make a strange one.
fn local_folder(folder: PathBuf) -> Result<PathBuf, &'static str> {
    match folder.to_string_lossy().split_once("://") {
        Some((scheme, _)) if scheme.chars().all(|c| c.is_ascii_alphanumeric()) => {
            Err("expected a folder: indexes in databases and on other machines are not there yet")
        }
        _ => Ok(folder),
    }
}

#[derive(Debug, Args)]
#[command(after_help = "Examples:
  sensorium duplicates                               exact copies, and copies that were re-encoded or edited
  sensorium duplicates ~/Pictures                    only what has a copy there
  sensorium duplicates --similar                     and, apart from these, what is merely similar
  sensorium duplicates --json | jq -r '.exact[].paths[1:][]'    all places of the same content but the first

Files are read once; what copies are recognised by is kept in the index. It may be stopped at any time, and goes on where
it was. Nothing is ever deleted. --json: {exact: [item], copies: [{largest: item, others: [item with of, track, similarity,
stretch, there, offset]}], similar: [{one, other, score}], read, missing_package, refused}, where an item has item (its id),
modality, bytes, paths and, as far as it says so, width, height and duration; the largest is the longest, or has most pixels. Times
are in seconds.")]
pub(crate) struct Duplicates {
    /// Only tell what has a place at or below one of these [default: everything]
    #[arg(value_name = "PATH")]
    pub(crate) paths: Vec<PathBuf>,
    /// Only compare these: text, image, audio, video [default: all]
    #[arg(long, value_name = "MODALITY", value_delimiter = ',')]
    pub(crate) modality: Vec<Modality>,
    /// Also list pairs that are merely similar; these are no duplicates
    #[arg(long)]
    pub(crate) similar: bool,
    /// Least cosine of two pictures, or frames, that count as copies, 0 to 1
    #[arg(long, value_name = "C", default_value_t = DuplicateOptions::LEAST, value_parser = cosine)]
    pub(crate) least: f32,
    #[command(flatten)]
    pub(crate) index: IndexFolder,
    #[command(flatten)]
    pub(crate) limits: LimitArgs,
}

fn cosine(text: &str) -> Result<f32, String> {
    let cosine: f32 = text.parse().map_err(|_| "expected a number".to_owned())?;
    match cosine {
        0.3..=1.0 => Ok(cosine),
        _ => Err("expected 0.3 to 1: below that nearly all pictures are alike".into()),
    }
}

#[derive(Debug, Args)]
#[command(after_help = "Examples:
  sensorium status                                   items, files, spaces and sizes; what was refused, and why
  sensorium status --index .sensorium                of the index in this folder
  sensorium status --json | jq .refused              all refused files, for programs")]
pub(crate) struct Status {
    #[command(flatten)]
    pub(crate) index: IndexFolder,
}

#[derive(Debug, Args)]
#[command(after_help = "Examples:
  sensorium remove ~/Pictures/private   also when it is no longer there

What is still on disk comes back when a folder above it is indexed again.")]
pub(crate) struct Remove {
    /// Files and folders that the index shall forget
    #[arg(value_name = "PATH", required = true)]
    pub(crate) paths: Vec<PathBuf>,
    #[command(flatten)]
    pub(crate) index: IndexFolder,
}

#[derive(Debug, Args)]
#[command(after_help = "Examples:
  sensorium verify                                   after a power cut, or before a backup
  sensorium verify --index .sensorium                the index in this folder
  sensorium verify --json | jq .problems             what is wrong, for programs

It only reads. The exit code is 1 when something is wrong.")]
pub(crate) struct Verify {
    #[command(flatten)]
    pub(crate) index: IndexFolder,
}

#[derive(Debug, Args)]
#[command(after_help = "Examples:
  sensorium completions bash > ~/.local/share/bash-completion/completions/sensorium
  sensorium completions zsh > ~/.zfunc/_sensorium
  sensorium completions fish > ~/.config/fish/completions/sensorium.fish")]
pub(crate) struct Completions {
    /// The shell
    pub(crate) shell: clap_complete::Shell,
}

#[derive(Debug, Args)]
#[command(after_help = "Examples:
  sensorium embed photo.jpg                          vectors of one file, as JSON
  sensorium embed *.jpg --npy photos.npy             a matrix for NumPy, the rows listed as JSON
  sensorium embed --text 'a dog barks' --text 'rain' vectors of texts")]
pub(crate) struct Embed {
    /// Pictures, sounds, videos and texts; their content decides which
    #[arg(value_name = "FILE", required_unless_present = "text")]
    pub(crate) files: Vec<PathBuf>,
    /// A text to embed as it is; repeatable
    #[arg(long, value_name = "TEXT")]
    pub(crate) text: Vec<String>,
    /// Write the vectors to this file, float32 [segments, dimension], and only list the rows as JSON
    #[arg(long, value_name = "OUT.npy")]
    pub(crate) npy: Option<PathBuf>,
    #[command(flatten)]
    pub(crate) limits: LimitArgs,
}

#[derive(Debug, Args)]
#[command(after_help = "Examples:
  sensorium eval pairs.jsonl                            every direction that the pairs allow
  sensorium eval pairs.jsonl --directions text:image    one direction
  sensorium eval pairs.jsonl --examples 1               with a worked query of each direction
  sensorium eval pairs.jsonl --out card                 Markdown, JSON and plots in the folder 'card'
  sensorium eval pairs.jsonl --model mine --against models/base   how much better it finds than another

A line of PAIRS.jsonl has any two or more of text, image, audio and video:
  {\"id\": \"1\", \"text\": [\"a dog barks\"], \"image\": \"1.jpg\", \"audio\": \"1.ogg\", \"label\": \"dog\"}")]
pub(crate) struct Eval {
    /// Items that belong together, one JSON object a line; paths are relative to this file
    #[arg(value_name = "PAIRS.jsonl")]
    pub(crate) pairs: PathBuf,
    /// Only these, as in text:image,audio:video [default: all that the pairs allow]
    #[arg(long, value_name = "FROM:TO", value_delimiter = ',')]
    pub(crate) directions: Vec<Direction>,
    /// Look at the first 50 of each ranking once more, with the reranker of the model
    #[arg(long)]
    pub(crate) rerank: bool,
    /// Compare with the model package in this folder, by a paired bootstrap
    #[arg(long, value_name = "MODEL")]
    pub(crate) against: Option<PathBuf>,
    /// Ignore the audio track of videos, as queries and in the gallery
    #[arg(long)]
    pub(crate) visual_only: bool,
    /// Leave out pairs that cannot be read, and count them, instead of failing
    #[arg(long)]
    pub(crate) skip_bad: bool,
    /// Show this many worked queries of each direction with their answers
    #[arg(long, value_name = "N", default_value_t = 0)]
    pub(crate) examples: usize,
    /// Write the card as Markdown, JSON and plots into this folder
    #[arg(long, value_name = "DIR")]
    pub(crate) out: Option<PathBuf>,
    #[command(flatten)]
    pub(crate) limits: LimitArgs,
}

fn weight(text: &str) -> Result<f32, &'static str> {
    let weight: Option<f32> = text.parse().ok();
    weight
        .filter(|weight| weight.is_finite() && *weight > 0.0)
        .ok_or("expected a number above 0")
}
