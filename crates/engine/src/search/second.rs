//! The second look: the first candidates ranked once more by their tokens.

use sensorium_model::{Package, Pool, Reranker, Tokens, looked_at};
use sensorium_store::{Catalog, StoredSegment};
use sensorium_types::{Direction, Modality, Segment, Track};

use super::encode::EncodedPart;
use super::rank::{Ranked, Share};
use crate::Result;
use crate::halves::floats;

/// Of an item of more segments than these, those behind them are not looked at beside its best.
const MOST_WINDOWS: usize = 20_000;

/// What compares a query with candidates, token by token.
pub(super) struct SecondLook<'a> {
    pub(super) catalog: &'a dyn Catalog,
    pub(super) package: &'a Package,
    pub(super) reranker: &'a Reranker,
    pub(super) parts: &'a [EncodedPart],
}

impl SecondLook<'_> {
    /// Scores `ranked`, which are of `modality`, anew and sorts them. One whose tokens are not kept has the score that it
    /// had.
    pub(super) fn rank(&self, modality: Modality, ranked: &mut [Ranked], pool: &mut Pool) -> Result<()> {
        let direction = |part: &EncodedPart| Direction {
            from: part.modality,
            to: modality,
        };
        if !self.parts.iter().any(|part| self.reranker.ranks(direction(part))) {
            return Ok(());
        }
        let shares = Share::of(self.parts);
        let targets = self.targets(ranked, pool)?;
        for (place, (part, share)) in self.parts.iter().zip(&shares).enumerate() {
            if !self.reranker.ranks(direction(part)) {
                continue;
            }
            let first: Vec<f32> = ranked.iter().map(|candidate| candidate.by_part[place]).collect();
            let second: Vec<Option<f32>> = targets
                .iter()
                .map(|target| self.reranker.second(&part.tokens, &target.as_ref()?.tokens))
                .collect();
            let joined = self.reranker.joined(direction(part), &first, &second);
            for (candidate, (first, joined)) in ranked.iter_mut().zip(first.into_iter().zip(joined)) {
                candidate.score += share.of_score(joined) - share.of_score(first);
            }
        }
        ranked.sort_by(|a, b| b.score.total_cmp(&a.score).then(a.item.cmp(&b.item)));
        Ok(())
    }

    /// What is looked at of each of `ranked`: its best segment, or the windows around it.
    pub(super) fn targets(&self, ranked: &[Ranked], pool: &mut Pool) -> Result<Vec<Option<Looked>>> {
        let keys: Vec<_> = ranked.iter().map(|candidate| candidate.segment).collect();
        let segments = self.catalog.segments(&keys)?;
        let mut targets = vec![None; ranked.len()];
        let mut texts: Vec<(usize, StoredSegment)> = Vec::new();
        for (place, candidate) in ranked.iter().enumerate() {
            let Some(found) = segments.iter().find(|segment| segment.key == candidate.segment) else {
                continue;
            };
            if found.segment.track == Track::Text {
                texts.push((place, found.clone()));
            } else {
                targets[place] = self.around(found)?;
            }
        }
        let words: Vec<String> = texts
            .iter()
            .map(|(_, found)| found.text.clone().unwrap_or_default())
            .collect();
        for ((place, found), raw) in texts.into_iter().zip(pool.text_tokens(&words)?) {
            let tokens = self.reranker.tokens(Track::Text, &raw);
            targets[place] = tokens.map(|tokens| Looked {
                segments: vec![found.segment],
                tokens,
            });
        }
        Ok(targets)
    }

    /// The tokens of `best`, or of the windows around it.
    fn around(&self, best: &StoredSegment) -> Result<Option<Looked>> {
        let track = best.segment.track;
        let Some(tower) = self.package.manifest().towers.common(track) else {
            return Ok(None);
        };
        let mut windows = vec![best.clone()];
        if best.segment.span.is_some() {
            windows = self.catalog.segments_of(best.item, None, MOST_WINDOWS)?;
        }
        let Some(place) = windows.iter().position(|window| window.key == best.key) else {
            return Ok(None);
        };
        let segments: Vec<&Segment> = windows.iter().map(|window| &window.segment).collect();
        let mut parts = Vec::new();
        for place in looked_at(&segments, place, tower.kept_count()) {
            let kept = floats(&self.catalog.features(windows[place].key)?);
            let kept = Some(kept).filter(|kept| kept.len() == tower.kept());
            let tokens = kept.and_then(|kept| self.reranker.tokens(track, tower.kept_tokens(&kept)));
            parts.extend(tokens.map(|tokens| (windows[place].segment.clone(), tokens)));
        }
        let tokens = Tokens::joined(parts.iter().map(|(_, tokens)| tokens));
        Ok(tokens.map(|tokens| Looked {
            segments: parts.into_iter().map(|(segment, _)| segment).collect(),
            tokens,
        }))
    }
}

/// What attention looks at of an item.
#[derive(Clone)]
pub(super) struct Looked {
    /// The segments, each with as many tokens as the others.
    pub(super) segments: Vec<Segment>,
    pub(super) tokens: Tokens,
}
