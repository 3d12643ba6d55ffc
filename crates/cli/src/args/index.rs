//! What can be typed behind `index`.

use std::path::PathBuf;

use clap::Args;
use sensorium_engine::Transcripts;

use super::{IndexFolder, LimitArgs};

#[derive(Debug, Args)]
#[command(after_help = "Examples:
  sensorium index ~/Pictures ~/Music                 makes the index, later brings it up to date
  sensorium index                                    brings all files that it holds up to date
  sensorium index --model DIR                        the same, and brings it into the space of another model
  sensorium index . --index .sensorium               an index of its own for this folder
  sensorium index big --json > report.json           what was added, updated, dropped and refused
  sensorium index ~/Pictures --watch                 stays, and follows what changes there, until Ctrl-C
  sensorium index ~/Videos --speech --print          also finds words that are said, or to be read in pictures
  sensorium index --speech                           the same for all that is in the index already

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
    pub(crate) words: WordArgs,
    #[command(flatten)]
    pub(crate) limits: LimitArgs,
}

/// Which words in media are looked for.
#[derive(Debug, Args)]
pub(crate) struct WordArgs {
    /// Recognise words that are said in sounds and videos, so that they are found with their times; in English, and it takes a
    /// tenth of their length or so. What was recognised stays
    #[arg(long, env = "SENSORIUM_SPEECH")]
    speech: bool,
    /// Recognise words that are to be read in pictures and videos; it takes about a second for a picture. What was recognised stays
    #[arg(long, env = "SENSORIUM_PRINT")]
    print: bool,
}

impl From<&WordArgs> for Transcripts {
    fn from(args: &WordArgs) -> Self {
        Self {
            speech: args.speech,
            print: args.print,
        }
    }
}
