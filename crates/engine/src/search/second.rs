//! The second look: the first candidates ranked once more by their tokens.

use sensorium_model::{Package, Pool, Reranker, Tokens};
use sensorium_store::Catalog;
use sensorium_types::{Direction, Modality, Track};

use super::encode::EncodedPart;
use super::rank::{Ranked, Share};
use crate::Result;
use crate::halves::floats;

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
        for (candidate, target) in ranked.iter_mut().zip(&targets) {
            let Some(target) = target else {
                continue;
            };
            for ((part, share), &first) in self.parts.iter().zip(&shares).zip(&candidate.by_part) {
                if let Some(second) = self.reranker.rank(direction(part), &part.tokens, target, first) {
                    candidate.score += share.of_score(second) - share.of_score(first);
                }
            }
        }
        ranked.sort_by(|a, b| b.score.total_cmp(&a.score).then(a.item.cmp(&b.item)));
        Ok(())
    }

    /// The tokens of the best segment of each of `ranked`.
    pub(super) fn targets(&self, ranked: &[Ranked], pool: &mut Pool) -> Result<Vec<Option<Tokens>>> {
        let keys: Vec<_> = ranked.iter().map(|candidate| candidate.segment).collect();
        let segments = self.catalog.segments(&keys)?;
        let mut targets = vec![None; ranked.len()];
        let mut texts: Vec<(usize, String)> = Vec::new();
        for (place, candidate) in ranked.iter().enumerate() {
            let Some(found) = segments.iter().find(|segment| segment.key == candidate.segment) else {
                continue;
            };
            if let (Track::Text, Some(text)) = (found.segment.track, &found.text) {
                texts.push((place, text.clone()));
                continue;
            }
            let kept = floats(&self.catalog.features(candidate.segment)?);
            let track = found.segment.track;
            let tower = self.package.manifest().towers.common(track);
            targets[place] = tower
                .filter(|tower| tower.kept() == kept.len())
                .and_then(|tower| self.reranker.tokens(track, tower.kept_tokens(&kept)));
        }
        let words: Vec<String> = texts.iter().map(|(_, text)| text.clone()).collect();
        for ((place, _), raw) in texts.iter().zip(pool.text_tokens(&words)?) {
            targets[*place] = self.reranker.tokens(Track::Text, &raw);
        }
        Ok(targets)
    }
}
