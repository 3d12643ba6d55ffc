//! `sensorium learn`

use std::collections::BTreeMap;

use sensorium_eval::{OnBad, Pairs};
use sensorium_learn::{Learned, Progress as Stage, SetOfPairs, learn, learn_reranker};
use sensorium_model::Pool;

use crate::args::{Common, Learn};
use crate::output::{Outcome, Progress, print, print_json, say};

pub(crate) fn run(common: &Common, options: &Learn) -> anyhow::Result<Outcome> {
    anyhow::ensure!(
        options.share.is_empty() || options.share.len() == options.pairs.len(),
        "there are {} files of pairs and {} shares: give one --share for each file, or none",
        options.pairs.len(),
        options.share.len()
    );
    let training = options.training.options(options.reranker);
    anyhow::ensure!(
        training.batch > 1 && training.dimension > 0 && training.hidden > 0,
        "--batch must be at least 2, --dimension and --hidden at least 1"
    );
    anyhow::ensure!(
        (0.0..1.0).contains(&training.dropout) && training.rate > 0.0 && training.hardness >= 0.0,
        "--dropout must be from 0 to below 1, --rate above 0, --hardness not below 0"
    );
    let on_bad = if options.skip_bad {
        OnBad::Skip
    } else {
        OnBad::Fail
    };
    let mut sets = Vec::new();
    for (place, path) in options.pairs.iter().enumerate() {
        sets.push(SetOfPairs {
            pairs: Pairs::read(path, on_bad)?,
            share: options.share.get(place).copied().map(f64::from),
        });
    }
    let held_out = options.held_out.iter().map(|path| Pairs::read(path, on_bad));
    let held_out = held_out.collect::<Result<_, _>>()?;
    let package = super::package(common)?;
    let mut pool = Pool::new(package.clone(), (&options.limits).into(), common.threads());
    let mut bar = None;
    let mut progress = |stage| show(stage, &mut bar);
    let learned = if options.reranker {
        learn_reranker(
            &package,
            sets,
            held_out,
            on_bad,
            &options.out,
            &training,
            &mut pool,
            &mut progress,
        )?
    } else {
        learn(
            &package,
            sets,
            held_out,
            on_bad,
            &options.out,
            &training,
            &mut pool,
            common.threads(),
            &mut progress,
        )?
    };
    if let Some(bar) = bar {
        bar.finish();
    }
    if common.json {
        print_json(&learned)?;
    } else {
        print_learned(&learned)?;
    }
    Ok(if learned.refused > 0 {
        Outcome::Refused
    } else {
        Outcome::Done
    })
}

/// One bar a stage.
fn show(stage: Stage, bar: &mut Option<Progress>) {
    let mut start = |what, total| {
        if let Some(before) = bar.replace(Progress::start(what, total)) {
            before.finish();
        }
    };
    match stage {
        Stage::Encoding(total) => start("encoding texts and files", total),
        Stage::Viewing(total) => start("encoding views of pictures", total),
        Stage::Training(total) => start("training", total),
        Stage::Weighing(total) => start("choosing weights", total),
        Stage::Judging => start("comparing on the pairs held out", 1),
        Stage::Encoded | Stage::Step | Stage::Weighed => {
            if let Some(bar) = bar {
                bar.step(1);
            }
        }
        Stage::Epoch { epoch, loss, recall } => {
            let line = format!("epoch {epoch}: loss {loss:.3}, recall on the tuning part {recall:.3}");
            match bar {
                Some(bar) => bar.say(&line),
                None => say(&line),
            }
        }
    }
}

fn print_learned(learned: &Learned) -> anyhow::Result<()> {
    for set in &learned.held_out {
        print(&format!(
            "Held out: {} items of {}; differences to {}",
            set.items,
            set.pairs.display(),
            set.comparison.against
        ))?;
        print(&set.comparison.table())?;
    }
    match &learned.model {
        Some(model) => {
            let list = |of: &BTreeMap<String, f32>| {
                let named = of
                    .iter()
                    .map(|(direction, weight)| format!("{direction} ({weight})"));
                named.collect::<Vec<_>>().join(", ")
            };
            if !learned.weights.is_empty() {
                print(&format!(
                    "Adopted for {}, with these weights",
                    list(&learned.weights)
                ))?;
            }
            if !learned.hubs.is_empty() {
                print(&format!(
                    "Hubs are taken back for {}, by these shares",
                    list(&learned.hubs)
                ))?;
            }
            print(&format!("The new model is in {}", model.display()))
        }
        None => print(&"Not adopted: recall does not rise with confidence; nothing was changed"),
    }
}
