//! `sensorium search`

use std::path::{Path, PathBuf};

use anyhow::Context as _;
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use clap::error::ErrorKind;
use clap::{ArgMatches, CommandFactory as _};
use console::style;
use sensorium_engine::{Answer, CONFIDENT, Part, Query, Searcher};
use sensorium_types::{Evidence, Glance, HeatMap, Hit, Line, Modality, Moment, Track, Word, path_text};

use crate::args::{Arguments, Common, Search};
use crate::output::{Outcome, print, print_json, printable, say};
use crate::terminal::Terminal;

/// How much of a passage is shown, in characters.
const EXCERPT: usize = 160;

/// Moments of a hit that are shown.
const MOMENTS: usize = 3;

pub(crate) fn run(common: &Common, options: &Search, matches: &ArgMatches) -> anyhow::Result<Outcome> {
    let query = Query {
        parts: parts(options, matches),
        to: Modality::each_once(&options.to),
        condition: options.condition.clone(),
        limit: options.limit,
        rerank: options.rerank,
        words: !options.no_words,
        moments: options.moments,
        explain: options.explain,
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
    if let Some(folder) = &options.heat_maps {
        write_heat_maps(&answer, folder)?;
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
    let files = |modality: Modality, paths: &[PathBuf]| -> Vec<Part> {
        paths.iter().map(|path| Part::file(modality, path)).collect()
    };
    let texts = |texts: &[String]| -> Vec<Part> { texts.iter().map(Part::text).collect() };
    let items = |items: &[String]| -> Vec<Part> { items.iter().map(Part::item).collect() };
    let without = |parts: Vec<Part>| -> Vec<Part> { parts.into_iter().map(Part::to_be_without).collect() };
    let given = [
        ("query", options.query.iter().map(Part::text).collect()),
        ("text", texts(&options.text)),
        ("image", files(Modality::Image, &options.image)),
        ("audio", files(Modality::Audio, &options.audio)),
        ("video", files(Modality::Video, &options.video)),
        ("like", items(&options.like)),
        ("without", without(texts(&options.without))),
        (
            "without_image",
            without(files(Modality::Image, &options.without_image)),
        ),
        ("unlike", without(items(&options.unlike))),
    ];
    let mut parts: Vec<(usize, Part)> = given
        .into_iter()
        .flat_map(|(name, parts)| places(name).zip(parts))
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

fn print_answer(answer: &Answer) -> anyhow::Result<()> {
    let terminal = Terminal::of_standard_output();
    if answer.no_match && !answer.hits.is_empty() {
        say("nothing matches well; this is what comes nearest");
    }
    let mut sure = true;
    for hit in &answer.hits {
        if sure && hit.confidence < CONFIDENT && !answer.no_match {
            print(&style("     less sure:").dim())?;
        }
        sure &= hit.confidence >= CONFIDENT;
        print(&line(hit, &terminal))?;
        if let Some(text) = &hit.text {
            print(&style(format!("        \"{}\"", excerpt(text))).dim())?;
        }
        if !hit.words.is_empty() {
            print(&style(format!("        has {}", printable(&hit.words.join(", ")))).dim())?;
        }
        for line in &hit.lines {
            print(&style(format!("        {}", quoted(line))).dim())?;
        }
        for moments in hit.moments.iter().filter(|moments| !moments.is_empty()) {
            print(&style(format!("        {}", told(moments))).dim())?;
        }
        for reason in hit.explain.iter().flat_map(reasons) {
            print(&style(format!("        {reason}")).dim())?;
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

/// A line of a transcript in words.
fn quoted(line: &Line) -> String {
    let verb = match line.segment.track {
        Track::Audio => "says",
        Track::Visual | Track::Text => "reads",
    };
    let time = line.segment.span.map(|span| format!(" at {}", clock(span.start)));
    format!("{verb}{} \"{}\"", time.unwrap_or_default(), excerpt(&line.text))
}

/// The moments in words.
fn told(moments: &[Moment]) -> String {
    let list = moments.iter().take(MOMENTS).map(|moment| {
        format!(
            "{}-{} (best at {}, {:.3})",
            clock(moment.start),
            clock(moment.end),
            clock(moment.peak),
            moment.score
        )
    });
    format!("at {}", list.collect::<Vec<_>>().join(", "))
}

/// The evidence in words, a line for each kind.
fn reasons(evidence: &Evidence) -> Vec<String> {
    let mut lines = Vec::new();
    if let Some(map) = &evidence.heat_map {
        lines.push(format!("looked at {}", focus(map)));
    }
    let most = evidence
        .attention
        .iter()
        .max_by(|a, b| a.weight.total_cmp(&b.weight));
    if let Some(Glance { span, weight }) = most.filter(|_| evidence.attention.len() > 1) {
        let (start, end) = (clock(span.start), clock(span.end));
        lines.push(format!(
            "attended to {start}-{end} most ({:.0} %)",
            100.0 * weight
        ));
    }
    if !evidence.windows.is_empty() {
        let told = evidence.windows.iter().map(|window| {
            let time = window.segment.span.map_or_else(
                || "whole".to_owned(),
                |span| format!("{}-{}", clock(span.start), clock(span.end)),
            );
            format!("{time} {} {:.3}", window.segment.track, window.score)
        });
        lines.push(format!("windows: {}", told.collect::<Vec<_>>().join(", ")));
    }
    if !evidence.words.is_empty() {
        let told = evidence.words.iter().map(|word| {
            let rank = word
                .rank_without
                .map_or_else(|| format!("> {}", Word::FARTHEST), |rank| rank.to_string());
            format!("\"{}\" {rank}", printable(&word.word))
        });
        lines.push(format!("rank without {}", told.collect::<Vec<_>>().join(", ")));
    }
    lines
}

/// Where most of the attention is, as the place of the strongest cell.
fn focus(map: &HeatMap) -> String {
    let strongest = map.weights.iter().enumerate().max_by(|a, b| a.1.total_cmp(b.1));
    let (place, weight) = strongest.map_or((0, 0.0), |(place, weight)| (place, *weight));
    let third = |place: usize, count: usize| (3 * place + 1) / count.max(1);
    let row = ["the top", "the middle", "the bottom"][third(place / map.columns.max(1), map.rows).min(2)];
    let column = ["left", "middle", "right"][third(place % map.columns.max(1), map.columns).min(2)];
    format!("{row}, {column} most ({:.0} %)", 100.0 * weight)
}

fn write_heat_maps(answer: &Answer, folder: &Path) -> anyhow::Result<()> {
    std::fs::create_dir_all(folder).with_context(|| path_text(folder).into_owned())?;
    let mut written = 0;
    for hit in &answer.hits {
        let map = hit
            .explain
            .as_ref()
            .and_then(|evidence| evidence.heat_map.as_ref());
        if let Some(png) = map.and_then(|map| map.png.as_ref()) {
            let path = folder.join(format!("{}.png", hit.rank));
            let bytes = STANDARD.decode(png).context("a heat map is not base64")?;
            std::fs::write(&path, bytes).with_context(|| path_text(&path).into_owned())?;
            written += 1;
        }
    }
    say(&format!("wrote {written} heat maps into {}", path_text(folder)));
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
pub(super) fn clock(seconds: f64) -> String {
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
