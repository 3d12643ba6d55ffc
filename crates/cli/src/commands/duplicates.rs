//! `sensorium duplicates`

use console::style;
use indicatif::BinaryBytes;
use sensorium_engine::{Copied, CopyOf, DuplicateOptions, DuplicateProgress, Duplicates, Group};
use sensorium_types::{Modality, Span};

use super::search::clock;
use crate::args::{self, Common};
use crate::output::{self, Outcome, print, print_json, printable, say, say_refused};

pub(crate) fn run(common: &Common, options: &args::Duplicates) -> anyhow::Result<Outcome> {
    let package = super::package(common)?;
    let folder = super::index_folder(&options.index)?;
    let settings = DuplicateOptions {
        limits: (&options.limits).into(),
        threads: common.threads(),
        least: options.least,
        similar: options.similar,
        modalities: Modality::each_once(&options.modality),
        paths: options.paths.clone(),
    };
    let mut bar: Option<output::Progress> = None;
    let mut show = |progress| match progress {
        DuplicateProgress::Reading(files) => bar = Some(output::Progress::start("reading files", files)),
        DuplicateProgress::Asking(items) => {
            bar.take().into_iter().for_each(output::Progress::finish);
            bar = Some(output::Progress::start("comparing by meaning", items));
        }
        DuplicateProgress::Done(count) => bar.iter_mut().for_each(|bar| bar.step(count)),
    };
    let found = sensorium_engine::duplicates(&folder, &package, &settings, &mut show)?;
    bar.into_iter().for_each(output::Progress::finish);
    found.refused.iter().for_each(say_refused);
    if let Some(place) = &found.missing_package {
        say(&format!(
            "pictures and frames are not compared, since what tells their copies is not in {place}: \
             see 'copies' in the README"
        ));
    }
    if common.json {
        print_json(&found)?;
    } else {
        print_found(&found)?;
    }
    Ok(if found.refused.is_empty() {
        Outcome::Done
    } else {
        Outcome::Refused
    })
}

fn print_found(found: &Duplicates) -> anyhow::Result<()> {
    if !found.exact.is_empty() {
        print(&style("the same content").bold())?;
    }
    for item in &found.exact {
        print(&format!(
            "  {}, {}, {} places",
            item.modality,
            BinaryBytes(item.bytes),
            item.paths.len()
        ))?;
        for path in &item.paths {
            print(&printable(&format!("    {path}")))?;
        }
    }
    if !found.copies.is_empty() {
        print(&style("copies, re-encoded or edited").bold())?;
    }
    found.copies.iter().try_for_each(print_group)?;
    if let Some(similar) = &found.similar {
        if !similar.is_empty() {
            print(&style("merely similar: no duplicates").bold())?;
        }
        for pair in similar {
            print(&printable(&format!(
                "  {:.3}  {}  {}",
                pair.score,
                name(&pair.one),
                name(&pair.other)
            )))?;
        }
    }
    if found.exact.is_empty() && found.copies.is_empty() {
        print(&"no duplicates")?;
    }
    Ok(())
}

fn print_group(group: &Group) -> anyhow::Result<()> {
    print(&format!("  {}  {}", name(&group.largest), extent(&group.largest)))?;
    for other in &group.others {
        print(&format!(
            "    {}  {}  {}  {}{}",
            style(format!("{:.3}", other.similarity)).yellow(),
            style(format!("{:<6}", other.track.name())).cyan(),
            name(&other.copy),
            extent(&other.copy),
            times(group, other)
        ))?;
    }
    Ok(())
}

/// Which stretch it is of which other, as far as there is something to say.
fn times(group: &Group, other: &CopyOf) -> String {
    let before = group.others.iter().map(|other| &other.copy);
    let of = std::iter::once(&group.largest)
        .chain(before)
        .find(|item| item.item == other.of);
    let named = of.filter(|of| of.item != group.largest.item).map(name);
    let span = |span: Span| format!("{}-{}", clock(span.start), clock(span.end));
    let of = named.map(|name| format!(" of {name}")).unwrap_or_default();
    match (other.stretch, other.there) {
        (Some(here), Some(there)) => format!("  {} is {}{of}", span(here), span(there)),
        (Some(here), None) => format!("  at {}{of}", span(here)),
        (None, Some(there)) => format!("  is at {}{of}", span(there)),
        (None, None) => of,
    }
}

/// How much there is of it: its length, its pixels and its bytes.
fn extent(item: &Copied) -> String {
    let length = item.duration.map(clock);
    let pixels = item.width.zip(item.height);
    let pixels = pixels.map(|(width, height)| format!("{width}x{height}"));
    let bytes = Some(BinaryBytes(item.bytes).to_string());
    let told: Vec<String> = [length, pixels, bytes].into_iter().flatten().collect();
    style(format!("({})", told.join(", "))).dim().to_string()
}

fn name(item: &Copied) -> String {
    let first = printable(item.paths.first().map_or("", String::as_str)).replace('\n', "\u{fffd}");
    match item.paths.len() {
        0 | 1 => first,
        places => format!("{first} (and {} more)", places - 1),
    }
}
