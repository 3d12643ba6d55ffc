//! How soon an index finds neighbours, and how many of them: `near INDEX SPACE QUERIES.npy QUERIES.txt [FIELD=VALUE]...`, where the matrix has
//! the vectors (f32) of the lines of the text, weighted as the model asks for text. Of a tower and of what becomes of the neighbours nothing is measured.

#![allow(clippy::print_stdout, reason = "it tells what it measured")]

use std::collections::{BTreeSet, HashSet};
use std::error::Error;
use std::path::Path;
use std::time::Instant;

use sensorium_store::{
    Catalog, Comparison, Condition, ExactIndex, Filter, GraphIndex, ItemKey, LARGE, Literal, Neighbour,
    Relation, SqliteCatalog, VectorIndex, catch_up,
};
use sensorium_types::{Embedding, Modality, Track};

const LIMIT: usize = 16;
const COMMON: usize = 1000;

fn main() -> Result<(), Box<dyn Error>> {
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    let [folder, space, queries, texts, conditions @ ..] = arguments.as_slice() else {
        return Err("INDEX SPACE QUERIES.npy QUERIES.txt [FIELD=VALUE]...".into());
    };
    let folder = Path::new(folder);
    let bytes = std::fs::read(queries)?;
    let texts = std::fs::read_to_string(texts)?;
    let texts: Vec<&str> = texts.lines().collect();
    let header = 10 + usize::from(u16::from_le_bytes([bytes[8], bytes[9]]));
    let (numbers, _) = bytes[header..].as_chunks::<4>();
    let numbers: Vec<f32> = numbers.iter().map(|number| f32::from_le_bytes(*number)).collect();
    let queries: Vec<Embedding> = numbers
        .chunks_exact(numbers.len() / texts.len())
        .map(|row| Embedding::from_vec(row.to_vec()))
        .collect();

    let catalog = SqliteCatalog::open(folder)?;
    let started = Instant::now();
    let mut index = GraphIndex::open(folder, &catalog, space, LARGE);
    catch_up(&mut index, &catalog, space)?;
    println!(
        "{} vectors, opened in {:.2} s",
        index.len(),
        started.elapsed().as_secs_f64()
    );
    let mut exact = ExactIndex::new();
    catch_up(&mut exact, &catalog, space)?;

    let lane = Filter::lane(Modality::Text, Track::Text);
    compare("all", &index, &exact, &queries, |_| Ok(lane.clone()))?;
    for condition in conditions {
        let (field, value) = condition.split_once('=').ok_or("FIELD=VALUE")?;
        let condition = Condition::Is(Comparison {
            field: field.into(),
            relation: Relation::Equal,
            literal: Literal::Text(value.into()),
        });
        let started = Instant::now();
        let items = catalog.matching(&condition)?;
        println!(
            "{field}={value}: {} items, found in {:.1} ms",
            items.len(),
            ms(started)
        );
        let filter = Filter::And(vec![lane.clone(), Filter::items(items)]);
        compare("  of these", &index, &exact, &queries, |_| Ok(filter.clone()))?;
    }
    // As in a search: a common word is looked up once.
    let mut common = HashSet::new();
    let having = |place: usize| -> Result<Filter, Box<dyn Error>> {
        let mut items = BTreeSet::new();
        for word in texts[place].split(|c: char| !c.is_alphanumeric()).take(16) {
            if common.contains(word) {
                continue;
            }
            let found = catalog.with_word(word, COMMON)?;
            if found.len() < COMMON {
                items.extend(found);
            } else {
                common.insert(word);
            }
        }
        Ok(Filter::And(vec![lane.clone(), Filter::items(items)]))
    };
    compare("having rare words", &index, &exact, &queries, having)
}

fn ms(started: Instant) -> f64 {
    started.elapsed().as_secs_f64() * 1e3
}

/// Tells times in milliseconds, and of how many of the ten nearest the index knows.
fn compare(
    name: &str,
    index: &dyn VectorIndex,
    exact: &dyn VectorIndex,
    queries: &[Embedding],
    mut filter: impl FnMut(usize) -> Result<Filter, Box<dyn Error>>,
) -> Result<(), Box<dyn Error>> {
    let (mut found, mut wanted) = (0, 0);
    let mut times = [Vec::new(), Vec::new(), Vec::new()];
    for (place, query) in queries.iter().enumerate() {
        let started = Instant::now();
        let filter = filter(place)?;
        times[0].push(ms(started));
        let started = Instant::now();
        let here = index.nearest(query, &filter, LIMIT)?;
        times[1].push(ms(started));
        let started = Instant::now();
        let best = exact.nearest(query, &filter, LIMIT)?;
        times[2].push(ms(started));
        let items = |neighbours: &[Neighbour]| -> BTreeSet<ItemKey> {
            neighbours
                .iter()
                .take(10)
                .map(|neighbour| neighbour.item)
                .collect()
        };
        wanted += items(&best).len();
        found += items(&best).intersection(&items(&here)).count();
    }
    let told = times.map(|mut times| {
        times.sort_by(f64::total_cmp);
        format!(
            "{:.2} ({:.2})",
            times[times.len() / 2],
            times[times.len() * 95 / 100]
        )
    });
    println!(
        "{name}: recall {:.4}; p50 (p95) in ms: filter {}, here {}, exact {}",
        found as f64 / wanted as f64,
        told[0],
        told[1],
        told[2]
    );
    Ok(())
}
