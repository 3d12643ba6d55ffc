//! `sensorium search`

use clap::error::ErrorKind;
use clap::{ArgMatches, CommandFactory as _};
use console::style;
use sensorium_engine::{Answer, Part, Query, Searcher};
use sensorium_types::{Hit, Modality, path_text};

use crate::args::{Arguments, Common, Search};
use crate::output::{Outcome, print, print_json, printable, say};
use crate::terminal::Terminal;

/// How much of a passage is shown, in characters.
const EXCERPT: usize = 160;

pub(crate) fn run(common: &Common, options: &Search, matches: &ArgMatches) -> anyhow::Result<Outcome> {
    let query = Query {
        parts: parts(options, matches),
        to: modalities(&options.to),
        limit: options.limit,
    };
    let package = super::package(common)?;
    let folder = super::index_folder(&options.index)?;
    let mut searcher = Searcher::open(&folder, &package, (&options.limits).into(), common.threads())?;
    let answer = searcher.search(query)?;
    if answer.elsewhere > 0 {
        say(&format!(
            "items of another space are left out ({}): bring them into this one with \
             `sensorium index --model {} --index {}`",
            answer.elsewhere,
            path_text(package.folder()),
            path_text(&folder)
        ));
    }
    if common.json {
        print_json(&answer)?;
    } else {
        print_answer(&answer)?;
    }
    Ok(Outcome::Done)
}

/// The parts in the order in which they were given, each with the weight behind it. Wrong usage ends the program.
fn parts(options: &Search, matches: &ArgMatches) -> Vec<Part> {
    let places = |name: &str| matches.indices_of(name).into_iter().flatten();
    let files = |name: &str, modality: Modality, paths: &[std::path::PathBuf]| -> Vec<(usize, Part)> {
        let parts = paths.iter().map(|path| Part::file(modality, path));
        places(name).zip(parts).collect()
    };
    let mut parts: Vec<(usize, Part)> = places("query")
        .zip(options.query.iter().map(Part::text))
        .chain(places("text").zip(options.text.iter().map(Part::text)))
        .chain(files("image", Modality::Image, &options.image))
        .chain(files("audio", Modality::Audio, &options.audio))
        .chain(files("video", Modality::Video, &options.video))
        .collect();
    parts.sort_by_key(|(place, _)| *place);
    for (place, weight) in places("weight").zip(&options.weight) {
        match parts.iter_mut().rfind(|(part, _)| *part < place) {
            Some((_, part)) => part.weight = *weight,
            None => Arguments::command()
                .error(
                    ErrorKind::ArgumentConflict,
                    format!("--weight {weight} stands before every part: it applies to the part before it"),
                )
                .exit(),
        }
    }
    parts.into_iter().map(|(_, part)| part).collect()
}

/// Each of `wanted` once; all when there is none.
fn modalities(wanted: &[Modality]) -> Vec<Modality> {
    let is_wanted = |modality: &Modality| wanted.is_empty() || wanted.contains(modality);
    Modality::ALL.into_iter().filter(is_wanted).collect()
}

fn print_answer(answer: &Answer) -> anyhow::Result<()> {
    let terminal = Terminal::of_standard_output();
    for hit in &answer.hits {
        print(&line(hit, &terminal))?;
        if let Some(text) = &hit.text {
            print(&style(format!("        \"{}\"", excerpt(text))).dim())?;
        }
        if hit.modality == Modality::Image {
            terminal.show_picture(&hit.file);
        }
    }
    if answer.hits.is_empty() {
        say("nothing of that kind is in the index: see `sensorium status`");
    }
    Ok(())
}

/// Rank, score, modality, time, path.
fn line(hit: &Hit, terminal: &Terminal) -> String {
    let time = hit
        .segment
        .span
        .map(|span| format!("{}-{}", clock(span.start), clock(span.end)))
        .unwrap_or_default();
    let more = match hit.locations.len() {
        0 | 1 => String::new(),
        places => format!(" (and {} more)", places - 1),
    };
    // Colours only where there is a terminal that wants them.
    format!(
        "{:>3}  {}  {}  {time:<13}  {}{more}",
        hit.rank,
        style(format!("{:.3}", hit.score)).yellow(),
        style(format!("{:<5}", hit.modality.name())).cyan(),
        terminal.link(&printable(&hit.path).replace('\n', "\u{fffd}"), &hit.file)
    )
}

/// Seconds as minutes and seconds, with hours when there are any.
fn clock(seconds: f64) -> String {
    let tenths = (seconds * 10.0).round() as u64;
    let (whole, tenth) = (tenths / 10, tenths % 10);
    let (hours, minutes, seconds) = (whole / 3600, whole / 60 % 60, whole % 60);
    match hours {
        0 => format!("{minutes}:{seconds:02}.{tenth}"),
        _ => format!("{hours}:{minutes:02}:{seconds:02}"),
    }
}

/// The beginning of a passage, in one line.
fn excerpt(text: &str) -> String {
    let line = text.split_whitespace().collect::<Vec<_>>().join(" ");
    let line = printable(&line);
    match line.char_indices().nth(EXCERPT) {
        Some((end, _)) => format!("{}…", &line[..end]),
        None => line,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn times_are_told_as_on_a_clock() {
        assert_eq!(
            [clock(4.0), clock(59.96), clock(3725.4)],
            ["0:04.0", "1:00.0", "1:02:05"]
        );
    }

    #[test]
    fn a_passage_is_told_in_one_harmless_line() {
        assert_eq!(excerpt(" a\n\tb \u{1b}[31m"), "a b \u{fffd}[31m");
        assert_eq!(excerpt(&"é".repeat(500)).chars().count(), EXCERPT + 1);
    }
}
