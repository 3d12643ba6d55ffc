//! When in a sound or a video a query is answered.

use std::collections::BTreeMap;

use sensorium_store::ItemKey;
use sensorium_types::{Hit, Modality, Moment, Stretch, Track};

use super::encode::EncodedPart;
use super::items::embedded;
use super::rank::{Ranked, weighted_queries};
use super::{Searcher, probability};
use crate::Result;

/// Moments of an item at most.
const MOST: usize = 10;

/// What is so many standard deviations below the best stretch may still be part of a moment, however alike all are.
const LEAST_DEPTH: f32 = 1.0;

/// A window and its score for the query, in standard deviations.
#[derive(Debug, Clone, Copy, PartialEq)]
struct Scored {
    track: Track,
    start: f64,
    end: f64,
    score: f32,
}

/// A stretch between two ends of windows.
#[derive(Debug, Clone, Copy, PartialEq)]
struct Bin {
    start: f64,
    end: f64,
    /// The mean of all windows that cover it, so that what only overlaps an event counts less.
    score: f32,
    /// That of the best window that covers it.
    best: f32,
}

impl Searcher {
    /// Adds to those of `hits` that last when they answer.
    pub(super) fn add_moments(&self, parts: &[EncodedPart], hits: &mut [(Ranked, Hit)]) -> Result<()> {
        for (found, hit) in hits {
            if !matches!(hit.modality, Modality::Audio | Modality::Video) {
                continue;
            }
            let bins = bins(&self.scored(parts, found.item, hit.modality)?);
            hit.moments = Some(moments(&bins));
            let stretches = bins.iter().map(|bin| Stretch {
                start: bin.start,
                end: bin.end,
                score: probability(bin.score),
            });
            hit.curve = Some(stretches.collect());
        }
        Ok(())
    }

    /// The windows of an item, with their scores. Where a part and the item have a track in common, as a sound and the
    /// sound of a video, the part counts for windows of such tracks alone.
    fn scored(&self, parts: &[EncodedPart], item: ItemKey, modality: Modality) -> Result<Vec<Scored>> {
        let windows = embedded(&*self.catalog, item)?;
        let queries = weighted_queries(&self.scorer, parts, modality);
        let has = |track: Track| windows.iter().any(|(segment, _)| segment.track == track);
        let common: Vec<Vec<Track>> = queries
            .iter()
            .map(|part| {
                let tracks = part.query.tracks().iter().map(|(track, _)| *track);
                tracks.filter(|track| has(*track)).collect()
            })
            .collect();
        let scored = windows.iter().filter_map(|(segment, embedding)| {
            let counting = queries.iter().zip(&common);
            let counting =
                counting.filter(|(_, common)| common.is_empty() || common.contains(&segment.track));
            let scores: Vec<f32> = counting
                .filter_map(|(part, _)| {
                    let found = self.scorer.compare(&part.query, [(segment, embedding)])?;
                    Some(part.share.of_score(found.score))
                })
                .collect();
            let span = segment.span.filter(|_| !scores.is_empty())?;
            Some(Scored {
                track: segment.track,
                start: span.start,
                end: span.end,
                score: scores.iter().sum(),
            })
        });
        Ok(scored.collect())
    }
}

/// The stretches that `windows` cut each other into, in the order of time. Those that none covers are left out.
fn bins(windows: &[Scored]) -> Vec<Bin> {
    let mut ends: Vec<f64> = windows
        .iter()
        .flat_map(|window| [window.start, window.end])
        .collect();
    ends.sort_by(f64::total_cmp);
    ends.dedup_by(|a, b| (*a - *b).abs() < 1e-3);
    let mut by_start: Vec<&Scored> = windows.iter().collect();
    by_start.sort_by(|a, b| a.start.total_cmp(&b.start));
    let mut open: Vec<&Scored> = Vec::new();
    let mut next = by_start.into_iter().peekable();
    let mut bins = Vec::new();
    for pair in ends.windows(2) {
        let (start, end) = (pair[0], pair[1]);
        let middle = (start + end) / 2.0;
        while let Some(window) = next.next_if(|window| window.start < middle) {
            open.push(window);
        }
        open.retain(|window| window.end > middle);
        if let Some((score, best)) = joined(&open) {
            bins.push(Bin {
                start,
                end,
                score,
                best,
            });
        }
    }
    bins
}

/// The mean and the best score of windows that cover a stretch: of each track by itself, and of these the greatest.
fn joined(windows: &[&Scored]) -> Option<(f32, f32)> {
    let mut by_track: BTreeMap<Track, (f32, f32, f32)> = BTreeMap::new();
    for window in windows {
        let (sum, count, best) = by_track
            .entry(window.track)
            .or_insert((0.0, 0.0, f32::NEG_INFINITY));
        *sum += window.score;
        *count += 1.0;
        *best = best.max(window.score);
    }
    let tracks = by_track.into_values();
    let means = tracks.map(|(sum, count, best)| (sum / count, best));
    means.max_by(|a, b| a.0.total_cmp(&b.0))
}

/// Runs of stretches that stand out, the best first: those above half of the way from the middle score to the best one.
fn moments(bins: &[Bin]) -> Vec<Moment> {
    let mut scores: Vec<f32> = bins.iter().map(|bin| bin.score).collect();
    scores.sort_by(f32::total_cmp);
    let (Some(&middle), Some(&best)) = (scores.get(scores.len() / 2), scores.last()) else {
        return Vec::new();
    };
    let least = ((middle + best) / 2.0).min(best - LEAST_DEPTH);
    let mut runs: Vec<Vec<&Bin>> = Vec::new();
    for bin in bins.iter().filter(|bin| bin.score >= least) {
        match runs.last_mut() {
            Some(run) if run.last().is_some_and(|last| bin.start - last.end < 1e-3) => run.push(bin),
            _ => runs.push(vec![bin]),
        }
    }
    let moment = |run: &Vec<&Bin>| {
        let peak = run.iter().max_by(|a, b| a.score.total_cmp(&b.score))?;
        let moment = Moment {
            start: run.first()?.start,
            end: run.last()?.end,
            peak: (peak.start + peak.end) / 2.0,
            score: probability(peak.best),
        };
        Some((peak.score, moment))
    };
    let mut moments: Vec<(f32, Moment)> = runs.iter().filter_map(moment).collect();
    moments.sort_by(|a, b| b.0.total_cmp(&a.0));
    moments.truncate(MOST);
    moments.into_iter().map(|(_, moment)| moment).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn window(start: f64, end: f64, score: f32) -> Scored {
        Scored {
            track: Track::Audio,
            start,
            end,
            score,
        }
    }

    /// Windows of 10 s every 5 s and of 4 s every 2 s, high where they hold an event that lasts from 31 to 33 s.
    fn with_an_event() -> Vec<Scored> {
        let long = (0..20).map(|number| (f64::from(number) * 5.0, 10.0));
        let short = (0..50).map(|number| (f64::from(number) * 2.0, 4.0));
        long.chain(short)
            .map(|(start, length)| {
                let shared = (33f64.min(start + length) - 31f64.max(start)).max(0.0);
                window(start, start + length, 12.0 * (shared / length) as f32)
            })
            .collect()
    }

    #[test]
    fn a_short_event_is_a_short_moment_around_it() {
        let found = moments(&bins(&with_an_event()));
        assert_eq!(found.len(), 1, "{found:?}");
        assert!((31.0..=33.0).contains(&found[0].peak), "{found:?}");
        assert!(found[0].start >= 28.0 && found[0].end <= 36.0, "{found:?}");
    }

    #[test]
    fn two_events_are_two_moments_and_neighbours_are_one() {
        let windows: Vec<Scored> = (0..20)
            .map(|number| {
                let score = if [3, 4, 12].contains(&number) { 5.0 } else { 0.0 };
                window(f64::from(number), f64::from(number) + 1.0, score)
            })
            .collect();
        let mut found: Vec<(f64, f64)> = moments(&bins(&windows))
            .iter()
            .map(|moment| (moment.start, moment.end))
            .collect();
        found.sort_by(|a, b| a.0.total_cmp(&b.0));
        assert_eq!(found, [(3.0, 5.0), (12.0, 13.0)]);
    }

    #[test]
    fn what_is_alike_all_along_is_one_moment() {
        let windows: Vec<Scored> = (0..9)
            .map(|number| {
                window(
                    f64::from(number),
                    f64::from(number) + 1.0,
                    2.0 + 0.01 * number as f32,
                )
            })
            .collect();
        let found = moments(&bins(&windows));
        assert_eq!((found.len(), found[0].start, found[0].end), (1, 0.0, 9.0));
        assert!(moments(&bins(&[])).is_empty());
    }
}
