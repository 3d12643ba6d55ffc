//! What can be typed.

mod serve;
mod transfer;

use std::ffi::OsString;
use std::num::NonZeroUsize;
use std::path::PathBuf;
use std::time::Duration;

use clap::builder::{PathBufValueParser, TypedValueParser as _};
use clap::{Args, Parser, Subcommand};
use sensorium_engine::DuplicateOptions;
use sensorium_learn::{LearnOptions, Loss};
use sensorium_media::{Limits, Memory};
use sensorium_types::{Direction, Modality};

use crate::config::ConfigFile;

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
  sensorium index ~/Pictures ~/Music                 makes the index, later brings it up to date
  sensorium index                                    brings all files that it holds up to date
  sensorium index --model DIR                        the same, and brings it into the space of another model
  sensorium index . --index .sensorium               an index of its own for this folder
  sensorium index big --json > report.json           what was added, updated, dropped and refused
  sensorium index ~/Pictures --watch                 stays, and follows what changes there, until Ctrl-C

It may be stopped at any time, and goes on where it was. Unchanged files cost next to nothing; moved ones are
recognised. Hidden files and symbolic links are left out. A file that cannot be read is listed and stops nothing;
then the exit code is 3.")]
pub(crate) struct Index {
    /// Files and folders; what is no longer below them is dropped from the index [default: the files that are in
    /// the index, without looking for new ones]
    #[arg(value_name = "PATH")]
    pub(crate) paths: Vec<PathBuf>,
    #[command(flatten)]
    pub(crate) index: IndexFolder,
    /// Stay and follow what changes there, until Ctrl-C or SIGTERM. A PATH or a disk that goes away keeps what it had. With
    /// --json, one line for each run that changed something
    #[arg(long, requires = "paths")]
    pub(crate) watch: bool,
    /// With --watch, look at all files every so many seconds instead of being told of changes: for network disks, where the
    /// system does not tell what other machines change
    #[arg(long, value_name = "SECONDS", requires = "watch", value_parser = clap::value_parser!(u64).range(1..=31_536_000))]
    pub(crate) poll: Option<u64>,
    /// Do not keep the towers' features: saves two thirds of the space, but another model must read all files again
    #[arg(long)]
    pub(crate) no_features: bool,
    /// Arrange the vectors of a modality for fast searches, which find nearly all of the nearest, from so many on
    #[arg(long, value_name = "N", default_value_t = sensorium_engine::ARRANGE_FROM)]
    pub(crate) arrange_from: usize,
    #[command(flatten)]
    pub(crate) limits: LimitArgs,
}

#[derive(Debug, Args)]
#[command(after_help = "Examples:
  sensorium search 'a red boat at the pier'           in all media
  sensorium search 'rain on a roof' --to audio,video  in sounds and videos
  sensorium search --audio bark.wav --to image -n 5   pictures that go with a sound
  sensorium search 'at night' --image street.jpg      like this picture, at night
  sensorium search boat --weight 2 --text sunset      the boat counts twice as much
  sensorium search beach --without people             beaches that nobody is on
  sensorium search --like ~/Pictures/hen.jpg          more like what was found
  sensorium search applause --to audio,video --moments  when it is to be heard or seen
  sensorium search snow --where 'taken >= 2024-12 and camera ~ \"nikon*\"'
  sensorium search 'a hen' --json | jq -r .hits[].path

A condition compares fields by = != < <= > >= and, with * and ? in a pattern, by ~ and !~; and, or, not and brackets join
comparisons. Fields are path, folder, name, record, modality, format, size (5MB), modified (2024-06-01); what files say
of themselves, as width, height, duration (2min), taken, camera, title, artist; and the fields of JSONL records. One that
is missing fulfils no comparison.

A score of 0.5 stands for 3 standard deviations above unrelated items; scores of all modalities are comparable.")]
pub(crate) struct Search {
    /// What to look for, in words
    #[arg(value_name = "TEXT", required_unless_present_any = ["text", "image", "audio", "video", "like"])]
    pub(crate) query: Option<String>,
    /// More words, as a part of their own; repeatable
    #[arg(long, value_name = "TEXT")]
    pub(crate) text: Vec<String>,
    /// A picture; repeatable
    #[arg(long, value_name = "FILE")]
    pub(crate) image: Vec<PathBuf>,
    /// A sound; repeatable
    #[arg(long, value_name = "FILE")]
    pub(crate) audio: Vec<PathBuf>,
    /// A video; repeatable
    #[arg(long, value_name = "FILE")]
    pub(crate) video: Vec<PathBuf>,
    /// What answers shall not be like, in words; repeatable
    #[arg(long, value_name = "TEXT")]
    pub(crate) without: Vec<String>,
    /// A picture that answers shall not be like; repeatable
    #[arg(long, value_name = "FILE")]
    pub(crate) without_image: Vec<PathBuf>,
    /// More like this item of the index, by the id or the path that a search printed; repeatable
    #[arg(long, value_name = "ITEM")]
    pub(crate) like: Vec<String>,
    /// Not like this item of the index; repeatable
    #[arg(long, value_name = "ITEM")]
    pub(crate) unlike: Vec<String>,
    /// How much the part before it counts
    #[arg(long, value_name = "W", value_parser = weight)]
    pub(crate) weight: Vec<f32>,
    /// Only these: text, image, audio, video [default: all]
    #[arg(long, value_name = "MODALITY", value_delimiter = ',')]
    pub(crate) to: Vec<Modality>,
    /// Only what fulfils a condition, as in: modality = "video" and duration > 60
    #[arg(long = "where", value_name = "CONDITION")]
    pub(crate) condition: Option<String>,
    /// At most so many answers
    #[arg(short = 'n', value_name = "N", default_value_t = 10)]
    pub(crate) limit: usize,
    /// By meaning alone: let names, folders, captions and texts with the words of the query gain nothing
    #[arg(long)]
    pub(crate) no_words: bool,
    /// Rank the first 50 of each modality once more, by what the query attends to
    #[arg(long)]
    pub(crate) rerank: bool,
    /// Say when in a sound or a video it is: from, to, where best, and a score for every stretch
    #[arg(long)]
    pub(crate) moments: bool,
    /// Say why each answer was found: where the query looked, which windows mattered, what each word did
    #[arg(long)]
    pub(crate) explain: bool,
    /// With --explain, write the heat map over each picture into this folder, as RANK.png
    #[arg(long, value_name = "DIR", requires = "explain")]
    pub(crate) heat_maps: Option<PathBuf>,
    #[command(flatten)]
    pub(crate) index: IndexFolder,
    #[command(flatten)]
    pub(crate) limits: LimitArgs,
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

#[derive(Debug, Args)]
#[command(after_help = "Examples:
  sensorium learn pairs.jsonl --out my-model                 learns, and keeps the result if it finds more
  sensorium index --model my-model ~/Pictures                brings an index into the new space
  sensorium learn a.jsonl b.jsonl --share 3 --share 1 --out my-model    three batches of one, then one of the other
  sensorium learn pairs.jsonl --held-out others.jsonl --out my-model    judges by other pairs

A part of the pairs is held out. The new model is written only where recall on it rises with confidence; otherwise
nothing is changed, and the answer says so. A line of PAIRS.jsonl is as for `sensorium eval`. It may be stopped at any
time, and goes on where it was.")]
pub(crate) struct Learn {
    /// Items that belong together, one JSON object a line; paths are relative to the file
    #[arg(value_name = "PAIRS.jsonl", required = true)]
    pub(crate) pairs: Vec<PathBuf>,
    /// Folder of the new model package; it must not exist
    #[arg(long, value_name = "DIR")]
    pub(crate) out: PathBuf,
    /// How often batches come from each file of pairs, in their order [default: by the number of items]
    #[arg(long, value_name = "SHARE", value_parser = weight)]
    pub(crate) share: Vec<f32>,
    /// Judge by these pairs instead of a part of the others; repeatable
    #[arg(long, value_name = "PAIRS.jsonl")]
    pub(crate) held_out: Vec<PathBuf>,
    /// Learn what --rerank compares, instead of a new block of the space
    #[arg(long, conflicts_with = "block")]
    pub(crate) reranker: bool,
    /// Leave out pairs that cannot be read, and count them, instead of failing
    #[arg(long)]
    pub(crate) skip_bad: bool,
    #[command(flatten)]
    pub(crate) training: TrainingArgs,
    #[command(flatten)]
    pub(crate) limits: LimitArgs,
}

/// More views of a picture would take hours and teach nothing.
const MOST_VIEWS: i64 = 100;

/// How training goes.
#[derive(Debug, Args)]
#[command(next_help_heading = "Training")]
pub(crate) struct TrainingArgs {
    /// Name of the new block of the space
    #[arg(long, value_name = "NAME", default_value_t = LearnOptions::default().block)]
    block: String,
    /// Components of the new block, or of a token [default: 512, or 192]
    #[arg(long, value_name = "N")]
    dimension: Option<usize>,
    /// Hidden values of a head [default: 1024, or 384 for a reranker]
    #[arg(long, value_name = "N")]
    hidden: Option<usize>,
    /// What is made small: infonce or sigmoid
    #[arg(long, value_name = "LOSS", default_value = "infonce", value_parser = loss)]
    loss: Loss,
    /// How much more hard negatives count than easy ones; 0 for not at all
    #[arg(long, value_name = "H", default_value_t = LearnOptions::default().hardness)]
    hardness: f64,
    /// How often all pairs are seen at most [default: 20, or 12 for a reranker]
    #[arg(long, value_name = "N")]
    epochs: Option<usize>,
    /// Epochs without a gain after which training stops
    #[arg(long, value_name = "N", default_value_t = LearnOptions::default().patience)]
    patience: usize,
    /// Items of a batch, which are each other's negatives [default: 512, or 64 for a reranker]
    #[arg(long, value_name = "N")]
    batch: Option<usize>,
    /// The highest learning rate [default: 0.001, or 0.0005 for a reranker]
    #[arg(long, value_name = "R")]
    rate: Option<f64>,
    /// The pull of weights towards zero
    #[arg(long, value_name = "D", default_value_t = LearnOptions::default().decay)]
    decay: f64,
    /// The share of hidden values that are left out at random [default: 0.3, or 0.2 for a reranker]
    #[arg(long, value_name = "SHARE")]
    dropout: Option<f32>,
    /// How often each picture to train on is seen anew, cut out, mirrored and with other colours; 0 for only as it is
    #[arg(long, value_name = "N", default_value_t = LearnOptions::default().views,
        value_parser = clap::value_parser!(u16).range(..=MOST_VIEWS))]
    views: u16,
    /// Starts all that is drawn by chance
    #[arg(long, value_name = "N", default_value_t = LearnOptions::default().seed)]
    seed: u64,
}

impl TrainingArgs {
    /// What is given, and what suits a reranker or a block for the rest.
    pub(crate) fn options(&self, reranker: bool) -> LearnOptions {
        let usual = if reranker {
            LearnOptions::reranker()
        } else {
            LearnOptions::default()
        };
        LearnOptions {
            block: self.block.clone(),
            dimension: self.dimension.unwrap_or(usual.dimension),
            hidden: self.hidden.unwrap_or(usual.hidden),
            loss: self.loss,
            hardness: self.hardness,
            epochs: self.epochs.unwrap_or(usual.epochs),
            patience: self.patience,
            batch: self.batch.unwrap_or(usual.batch),
            rate: self.rate.unwrap_or(usual.rate),
            decay: self.decay,
            dropout: self.dropout.unwrap_or(usual.dropout),
            views: self.views,
            seed: self.seed,
            ..usual
        }
    }
}

fn loss(name: &str) -> Result<Loss, &'static str> {
    match name {
        "infonce" => Ok(Loss::InfoNce),
        "sigmoid" => Ok(Loss::Sigmoid),
        _ => Err("expected infonce or sigmoid"),
    }
}

fn weight(text: &str) -> Result<f32, &'static str> {
    let weight: Option<f32> = text.parse().ok();
    weight
        .filter(|weight| weight.is_finite() && *weight > 0.0)
        .ok_or("expected a number above 0")
}

/// What one file may cost.
#[derive(Debug, Args)]
#[command(next_help_heading = "Limits for one file")]
pub(crate) struct LimitArgs {
    /// Largest picture, sound or video, in bytes
    #[arg(long, env = "SENSORIUM_MAX_BYTES", value_name = "BYTES", default_value_t = Limits::default().file_bytes)]
    max_bytes: u64,
    /// Largest text, in bytes, also as it comes out of a document
    #[arg(long, env = "SENSORIUM_MAX_TEXT_BYTES", value_name = "BYTES", default_value_t = Limits::default().text_bytes)]
    max_text_bytes: u64,
    /// Longest field of a JSONL, CSV or TSV record, in characters
    #[arg(long, env = "SENSORIUM_MAX_FIELD", value_name = "CHARS", default_value_t = Limits::default().field_chars)]
    max_field: usize,
    /// Most pixels of a picture or a frame
    #[arg(long, env = "SENSORIUM_MAX_PIXELS", value_name = "PIXELS", default_value_t = Limits::default().pixels)]
    max_pixels: u64,
    /// Longest sound or video, in seconds
    #[arg(long, env = "SENSORIUM_MAX_SECONDS", value_name = "SECONDS", default_value_t = Limits::default().seconds)]
    max_seconds: f64,
    /// Longest time that decoding a sound or a video may take, in seconds; none may take much longer than it lasts
    #[arg(long, env = "SENSORIUM_MAX_TIME", value_name = "SECONDS", default_value_t = Limits::default().time.as_secs())]
    max_time: u64,
    /// Longest time that decoding a picture or a document may take, in seconds
    #[arg(long, env = "SENSORIUM_MAX_PICTURE_TIME", value_name = "SECONDS", default_value_t = Limits::default().picture_time.as_secs())]
    max_picture_time: u64,
    /// Most memory that decoders hold at a time, those that are processes of their own included, in bytes
    #[arg(long, env = "SENSORIUM_MAX_MEMORY", value_name = "BYTES", default_value_t = Limits::default().memory.limit())]
    max_memory: u64,
}

impl From<&LimitArgs> for Limits {
    fn from(args: &LimitArgs) -> Self {
        Self {
            file_bytes: args.max_bytes,
            text_bytes: args.max_text_bytes,
            field_chars: args.max_field,
            pixels: args.max_pixels,
            seconds: args.max_seconds,
            time: Duration::from_secs(args.max_time),
            picture_time: Duration::from_secs(args.max_picture_time),
            memory: Memory::new(args.max_memory),
        }
    }
}
