//! `sensorium eval`

use std::collections::BTreeSet;
use std::sync::{Arc, Mutex};

use sensorium_eval::{
    ContentId, ContentTokens, Embedded, Example, OnBad, Pairs, RecallCard, SecondLook, Task, compare,
    evaluate,
};
use sensorium_model::{CANDIDATES, Package, Pool, Reranker, Scorer};
use sensorium_types::Direction;

use crate::args::{Common, Eval};
use crate::output::{Outcome, Progress, print, print_json, printable, say};

/// How many answers of a worked query are shown.
const ANSWERS: usize = 5;

pub(crate) fn run(common: &Common, options: &Eval) -> anyhow::Result<Outcome> {
    let on_bad = if options.skip_bad {
        OnBad::Skip
    } else {
        OnBad::Fail
    };
    let pairs = Pairs::read(&options.pairs, on_bad)?;
    let package = super::package(common)?;
    let mut pool = Pool::new(package.clone(), (&options.limits).into(), common.threads());
    if options.visual_only {
        pool.ignore_audio_tracks();
    }
    let ours = Side::new(&package, &pairs, options, &mut pool)?;
    let pairs = pairs.without(&ours.embedded.unreadable, on_bad)?;
    for refusal in pairs.refused() {
        say(&format!("refused line {}: {}", refusal.line, refusal.cause));
    }
    let tasks = tasks(&pairs, &options.directions)?;
    let score = |direction, queries: &[_], gallery: &[_]| ours.scores(direction, queries, gallery);

    let queries = tasks.iter().map(|task| task.queries().len()).sum();
    let progress = Mutex::new(Progress::start("ranking queries", queries));
    let mut card = evaluate(&package.space().to_string(), &tasks, score, |done| {
        // A poisoned lock means that another thread has panicked, which ends everything anyway.
        if let Ok(mut progress) = progress.lock() {
            progress.step(done);
        }
    });
    if let Ok(progress) = progress.into_inner() {
        progress.finish();
    }
    let against = options.against.as_ref().map(|folder| {
        let other = Arc::new(Package::open(folder)?);
        let mut pool = Pool::new(other.clone(), (&options.limits).into(), common.threads());
        if options.visual_only {
            pool.ignore_audio_tracks();
        }
        let theirs = Side::new(&other, &pairs, options, &mut pool)?;
        let their_score =
            |direction, queries: &[_], gallery: &[_]| theirs.scores(direction, queries, gallery);
        anyhow::Ok(compare(&other.space().to_string(), &tasks, score, their_score))
    });
    card.comparison = against.transpose()?;
    if let Some(folder) = &options.out {
        card.write_to(folder)?;
        say(&format!("wrote the recall card into {}", folder.display()));
    }
    if common.json {
        print_json(&card)?;
    } else {
        let examples = examples(&tasks, options.examples, score);
        print_card(&card, &examples)?;
        if let Some(comparison) = &card.comparison {
            print(&format!("Differences to {}", comparison.against))?;
            print(&comparison.table())?;
        }
    }
    Ok(if pairs.refused().is_empty() {
        Outcome::Done
    } else {
        Outcome::Refused
    })
}

fn tasks<'p>(pairs: &'p Pairs, directions: &[Direction]) -> anyhow::Result<Vec<Task<'p>>> {
    if directions.is_empty() {
        return Ok(Task::all(pairs)?);
    }
    let distinct: BTreeSet<Direction> = directions.iter().copied().collect();
    let tasks = distinct.into_iter().map(|direction| Task::new(pairs, direction));
    Ok(tasks.collect::<Result<_, _>>()?)
}

/// A model with what it made of the pairs.
struct Side {
    embedded: Embedded,
    scorer: Scorer,
    second: Option<(Reranker, ContentTokens)>,
}

impl Side {
    /// Encodes what the directions need.
    fn new(package: &Package, pairs: &Pairs, options: &Eval, pool: &mut Pool) -> anyhow::Result<Self> {
        let contents: BTreeSet<_> = tasks(pairs, &options.directions)?
            .iter()
            .flat_map(Task::contents)
            .collect();
        let reranker = if options.rerank {
            Reranker::load(package)?
        } else {
            None
        };
        if options.rerank && reranker.is_none() {
            say(&format!(
                "the model {} has no reranker: its ranking stays as it is",
                package.space()
            ));
        }
        let mut progress = Progress::start("encoding texts and files", contents.len());
        let mut done = |count| progress.step(count);
        let (embedded, second) = match reranker {
            None => (Embedded::new(pairs, &contents, pool, &mut done)?, None),
            Some(reranker) => {
                let (embedded, tokens) =
                    Embedded::with_tokens(pairs, &contents, pool, package, &reranker, &mut done)?;
                (embedded, Some((reranker, tokens)))
            }
        };
        progress.finish();
        Ok(Self {
            embedded,
            scorer: Scorer::new(package),
            second,
        })
    }

    fn scores(&self, direction: Direction, queries: &[ContentId], gallery: &[ContentId]) -> Vec<f32> {
        match &self.second {
            None => self.embedded.scores(&self.scorer, direction, queries, gallery),
            Some((reranker, tokens)) => {
                let look = SecondLook {
                    reranker,
                    tokens,
                    candidates: CANDIDATES,
                };
                look.scores(&self.embedded, &self.scorer, direction, queries, gallery)
            }
        }
    }
}

/// Worked queries: `count` of each direction, spread over its queries, others in each direction.
fn examples<'p>(
    tasks: &[Task<'p>],
    count: usize,
    score: impl Fn(Direction, &[ContentId], &[ContentId]) -> Vec<f32> + Copy,
) -> Vec<Example<'p>> {
    let mut examples = Vec::new();
    for (number, task) in tasks.iter().enumerate() {
        let queries = task.queries();
        let count = count.min(queries.len());
        examples.extend((0..count).map(|example| {
            let spread = (example * tasks.len() + number) * queries.len() / (count * tasks.len());
            Example::new(task, queries[spread], ANSWERS, score)
        }));
    }
    examples
}

fn print_card(card: &RecallCard, examples: &[Example<'_>]) -> anyhow::Result<()> {
    if !examples.is_empty() {
        print(&"Worked queries: rank, score, answer; > marks what was expected\n")?;
    }
    for example in examples {
        print(&printable(&example.to_string()))?;
    }
    print(&format!("Recall card of {}", card.space))?;
    if card.refused > 0 {
        print(&format!("{} pairs were refused and left out", card.refused))?;
    }
    print(&card.table(None))
}
