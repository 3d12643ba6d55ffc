//! What can be typed behind `learn`.

use std::path::PathBuf;

use clap::Args;
use sensorium_learn::{LearnOptions, Loss};

use super::{LimitArgs, weight};

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
    /// The share of the pairs that is not trained on, to stop early and to choose weights by
    #[arg(long, value_name = "SHARE", default_value_t = LearnOptions::default().tune, value_parser = tune)]
    tune: f64,
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
            tune: self.tune,
            seed: self.seed,
            ..usual
        }
    }
}

fn tune(share: &str) -> Result<f64, &'static str> {
    match share.parse() {
        Ok(share) if (0.001..=0.5).contains(&share) => Ok(share),
        _ => Err("expected a share between 0.001 and 0.5"),
    }
}

fn loss(name: &str) -> Result<Loss, &'static str> {
    match name {
        "infonce" => Ok(Loss::InfoNce),
        "sigmoid" => Ok(Loss::Sigmoid),
        _ => Err("expected infonce or sigmoid"),
    }
}
