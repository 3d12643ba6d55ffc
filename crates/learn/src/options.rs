use serde::Serialize;

use crate::Loss;

/// How learning is done.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct LearnOptions {
    /// The name of the new block.
    pub block: String,
    /// Components of the new block.
    pub dimension: usize,
    /// Hidden values of a head.
    pub hidden: usize,
    /// The loss.
    pub loss: Loss,
    /// How much more hard negatives count than easy ones; 0 for not at all.
    pub hardness: f64,
    /// How often all pairs are seen at most; few pairs are seen more often.
    pub epochs: usize,
    /// Epochs without a gain on the tuning part after which training stops.
    pub patience: usize,
    /// Items of a batch.
    pub batch: usize,
    /// The highest learning rate.
    pub rate: f64,
    /// The pull of weights towards zero.
    pub decay: f64,
    /// The share of hidden values that are left out at random.
    pub dropout: f32,
    /// How much of the moving average of the weights stays in a step.
    pub averaging: f64,
    /// How often each picture to train on is seen anew: cut out, mirrored and with other colours; 0 for only as it is.
    pub views: u16,
    /// The share of items on which to stop early and to choose weights.
    pub tune: f64,
    /// The share of items on which it is decided whether the result is kept, unless pairs for it are given.
    pub held_out: f64,
    /// Starts all that is drawn by chance.
    pub seed: u64,
}

impl Default for LearnOptions {
    fn default() -> Self {
        Self {
            block: "own".to_owned(),
            dimension: 512,
            hidden: 1024,
            loss: Loss::InfoNce,
            hardness: 0.0,
            epochs: 20,
            patience: 5,
            batch: 512,
            rate: 1e-3,
            decay: 0.1,
            dropout: 0.3,
            averaging: 0.99,
            views: 2,
            tune: 0.1,
            held_out: 0.2,
            seed: 0,
        }
    }
}

impl LearnOptions {
    /// What suits a reranker: smaller batches, which are made of hard negatives.
    pub fn reranker() -> Self {
        Self {
            dimension: 192,
            hidden: 384,
            epochs: 12,
            batch: 64,
            rate: 5e-4,
            dropout: 0.2,
            ..Self::default()
        }
    }

    /// Names a training of so many items, of something of that `shape`: another one must not go on from its checkpoint.
    pub(crate) fn fingerprint(
        &self,
        items: impl Iterator<Item = usize>,
        shape: &impl std::fmt::Debug,
    ) -> Vec<u8> {
        let items: Vec<usize> = items.collect();
        let described = format!("{self:?} {items:?} {shape:?}");
        blake3::hash(described.as_bytes()).as_bytes().to_vec()
    }
}

/// How far learning is.
#[derive(Debug, Clone, Copy, PartialEq)]
pub enum Progress {
    /// So many contents are to be encoded.
    Encoding(usize),
    /// So many pictures are to be seen in other ways.
    Viewing(usize),
    /// One more content is encoded.
    Encoded,
    /// Training begins, with so many steps at most.
    Training(usize),
    /// One more of them is done.
    Step,
    /// An epoch has ended.
    Epoch {
        /// Which, from 1.
        epoch: usize,
        /// The mean loss of its batches.
        loss: f64,
        /// The mean of R@1, R@5 and R@10 of the new heads alone, on the tuning part.
        recall: f64,
    },
    /// So many weights are to be tried.
    Weighing(usize),
    /// One more of them was.
    Weighed,
    /// What was learned is compared with what there was, on the pairs held out.
    Judging,
}
