//! Whether a manifest makes sense, so that what uses it need not ask again.

use std::collections::BTreeSet;
use std::str::FromStr;

use sensorium_types::{Modality, Track, UnknownName};

use super::{
    BlockSpec, HeadSpec, HubsSpec, Manifest, PicturePreprocess, RerankerSpec, ShortWindows, SoundPreprocess,
    TokenSpec,
};
use crate::HUBS;

/// The only format of `model.toml` so far.
const FORMAT: u32 = 1;

/// Values of all tokens of a sample at most.
const MOST_TOKEN_VALUES: usize = 1 << 20;

type Check = std::result::Result<(), String>;

impl Manifest {
    /// Checks what the types cannot say; the error is a sentence for the user.
    pub(crate) fn check(&self) -> Check {
        ensure(self.format == FORMAT, || {
            format!("format is {}, this version reads format {FORMAT}", self.format)
        })?;
        ensure(!self.blocks.is_empty(), || "there is no [[blocks]]".into())?;
        let mut names = BTreeSet::new();
        for block in &self.blocks {
            ensure(names.insert(&block.name), || {
                format!("there are two blocks '{}'", block.name)
            })?;
            self.check_block(block)?;
        }
        for (pair, moments) in &self.calibration {
            let tracks = match pair.split_once('/') {
                None => pair.as_str(),
                Some((direction, tracks)) => {
                    check_pair::<Modality>(direction)?;
                    tracks
                }
            };
            check_pair::<Track>(tracks)?;
            ensure(moments.mean.is_finite() && positive(moments.deviation), || {
                format!("calibration of {pair}: the deviation must be more than 0")
            })?;
        }
        for name in self.files.keys() {
            ensure(!name.contains(['/', '\\']) && !name.starts_with('.'), || {
                format!("[files] names '{name}', which is not a plain file name")
            })?;
        }
        self.check_tokens()?;
        if let Some(hubs) = &self.hubs {
            check_hubs(hubs).map_err(|problem| format!("[hubs]: {problem}"))?;
        }
        if let Some(reranker) = &self.reranker {
            self.check_reranker(reranker)
                .map_err(|problem| format!("the reranker: {problem}"))?;
        }
        self.check_preprocessing()
    }

    fn check_tokens(&self) -> Check {
        for track in Track::ALL {
            let tokens = self.towers.common(track).and_then(|tower| tower.tokens);
            let count = |[rows, columns]: [usize; 2]| rows.saturating_mul(columns);
            let sensible = |tokens: TokenSpec| {
                let count = tokens.grid.map_or(1, count);
                (1..=MOST_TOKEN_VALUES).contains(&count.saturating_mul(tokens.dimension))
            };
            ensure(tokens.is_none_or(sensible), || {
                format!("the {track} tower: the dimension or the grid of its tokens is out of range")
            })?;
        }
        Ok(())
    }

    fn check_reranker(&self, reranker: &RerankerSpec) -> Check {
        ensure(reranker.dimension > 0 && positive(reranker.sharpness), || {
            "dimension and sharpness must be more than 0".into()
        })?;
        for track in reranker.projections.keys() {
            let tower = self.towers.common(*track);
            ensure(tower.is_some_and(|tower| tower.tokens.is_some()), || {
                format!("the {track} tower gives no tokens to project")
            })?;
        }
        for (pair, weight) in &reranker.weights {
            check_pair::<Modality>(pair)?;
            ensure((0.0..=1.0).contains(weight), || {
                format!("the weight of {pair} must be from 0 to 1")
            })?;
        }
        for (pair, [least, usual]) in &reranker.known {
            check_pair::<Modality>(pair)?;
            ensure(least.is_finite() && usual.is_finite() && least < usual, || {
                format!("what is known of {pair}: two numbers, of which the second is greater")
            })?;
        }
        for (pair, moments) in &reranker.calibration {
            check_pair::<Track>(pair)?;
            ensure(moments.mean.is_finite() && positive(moments.deviation), || {
                format!("calibration of {pair}: the deviation must be more than 0")
            })?;
        }
        Ok(())
    }

    fn check_block(&self, block: &BlockSpec) -> Check {
        ensure(block.name != HUBS, || {
            format!("the name '{HUBS}' is kept for the block of [hubs]")
        })?;
        ensure(block.dimension > 0, || {
            format!("block '{}' has no dimension", block.name)
        })?;
        for (pair, weight) in &block.weights {
            check_pair::<Modality>(pair)?;
            ensure(weight.is_finite() && *weight >= 0.0, || {
                format!(
                    "block '{}': the weight of {pair} must be a number of at least 0",
                    block.name
                )
            })?;
        }
        for track in Track::ALL {
            let Some(tower) = self.towers.common(track) else {
                continue;
            };
            let head = tower
                .heads
                .get(&block.name)
                .ok_or_else(|| format!("the {track} tower has no head for block '{}'", block.name))?;
            check_head(head, tower.features, block)
                .map_err(|problem| format!("the {track} head of block '{}' {problem}", block.name))?;
        }
        Ok(())
    }

    fn check_preprocessing(&self) -> Check {
        if let Some(tower) = &self.towers.text {
            // Two special tokens and at least one of the text.
            ensure((3..=1 << 16).contains(&tower.preprocess.max_tokens), || {
                "the text tower: max_tokens is out of range".into()
            })?;
        }
        if let Some(tower) = &self.towers.visual {
            ensure(is_sensible_picture(&tower.preprocess), || {
                "the visual tower: side, deviation, frame_rate, window or hop is out of range".into()
            })?;
        }
        if let Some(tower) = &self.towers.audio {
            ensure(is_sensible_sound(&tower.preprocess), || {
                "the audio tower: sample_rate, window, hop or tile_below is out of range".into()
            })?;
        }
        Ok(())
    }
}

fn check_hubs(hubs: &HubsSpec) -> Check {
    ensure(hubs.nearest > 0 && !hubs.shares.is_empty(), || {
        "needs a nearest of more than 0 and at least one share".into()
    })?;
    for (pair, share) in &hubs.shares {
        check_pair::<Modality>(pair)?;
        ensure(!pair.starts_with(Modality::Video.name()), || {
            format!("{pair}: a bank holds no videos")
        })?;
        ensure(share.is_finite() && *share >= 0.0, || {
            format!("the share of {pair} must be a number of at least 0")
        })?;
    }
    Ok(())
}

fn check_head(head: &HeadSpec, features: usize, block: &BlockSpec) -> Check {
    match head {
        HeadSpec::Identity { .. } => ensure(features == block.dimension, || {
            format!(
                "gives {features} components, block '{}' has {}",
                block.name, block.dimension
            )
        }),
        HeadSpec::Concepts { temperature, top, .. } => ensure(positive(*temperature) && *top > 0, || {
            "needs a temperature and a top of more than 0".into()
        }),
        HeadSpec::Mlp { .. } => Ok(()),
    }
}

fn is_sensible_picture(picture: &PicturePreprocess) -> bool {
    (1..=4096).contains(&picture.side)
        && picture.deviation.into_iter().all(positive)
        && picture.video.frame_rate > 0.0
        && picture.video.frame_rate <= 60.0
        && is_sensible_window(picture.video.window, picture.video.hop)
        && is_shorter(picture.video.short, picture.video.window)
}

fn is_sensible_sound(sound: &SoundPreprocess) -> bool {
    (1000..=192_000).contains(&sound.sample_rate)
        && (0.0..=sound.window).contains(&sound.tile_below)
        && is_sensible_window(sound.window, sound.hop)
        && is_shorter(sound.short, sound.window)
}

fn is_shorter(short: Option<ShortWindows>, window: f64) -> bool {
    short.is_none_or(|short| is_sensible_window(short.window, short.hop) && short.window < window)
}

fn is_sensible_window(window: f64, hop: f64) -> bool {
    hop > 0.0 && hop <= window && window <= 3600.0
}

fn positive(number: f32) -> bool {
    number.is_normal() && number > 0.0
}

/// `query.target`, both names of `T`.
fn check_pair<T: FromStr<Err = UnknownName>>(pair: &str) -> Check {
    let (query, target) = pair
        .split_once('.')
        .ok_or_else(|| format!("'{pair}' is not of the form query.target"))?;
    let known = |name: &str| name.parse::<T>().map(drop).map_err(|error| error.to_string());
    known(query)?;
    known(target)
}

fn ensure(holds: bool, problem: impl FnOnce() -> String) -> Check {
    if holds { Ok(()) } else { Err(problem()) }
}
