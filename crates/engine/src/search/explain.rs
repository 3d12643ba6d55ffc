//! Why a hit was found: where the query looked, which windows mattered, what each word did.

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use sensorium_types::{Evidence, Glance, HeatMap, Hit, Modality, Track, Window, Word};

use super::encode::{EncodedPart, encode_text, finish};
use super::glances;
use super::items::embedded;
use super::overlay::overlay;
use super::query::{Part, PartContent, Query};
use super::rank::{Ask, Ranked, weighted_queries};
use super::second::SecondLook;
use super::{Searcher, probability};
use crate::Result;

/// Of an item of many windows the best are told.
const MOST_WINDOWS: usize = 5;

/// Words beyond these are not left out one by one.
const MOST_WORDS: usize = 24;

impl Searcher {
    /// Adds the evidence to `hits`, the answer to `query`.
    pub(super) fn explain(&mut self, query: &Query, ask: &Ask<'_>, hits: &mut [(Ranked, Hit)]) -> Result<()> {
        let orders = words(query)
            .into_iter()
            .map(|left_out| {
                let order = self.order(ask, &left_out)?;
                Ok((left_out.word, order))
            })
            .collect::<Result<Vec<_>>>()?;
        for (found, hit) in hits {
            let words = orders.iter().map(|(word, order)| Word {
                word: word.clone(),
                rank_without: order
                    .iter()
                    .position(|other| other.item == found.item)
                    .map(|place| place + 1),
            });
            let (heat_map, attention) = self.looked(ask.parts, found, hit)?;
            hit.explain = Some(Evidence {
                heat_map,
                attention,
                windows: self.windows(ask.parts, found, hit.modality)?,
                words: words.collect(),
            });
        }
        Ok(())
    }

    /// Where and when the first part that can be compared looked.
    fn looked(
        &mut self,
        parts: &[EncodedPart],
        found: &Ranked,
        hit: &Hit,
    ) -> Result<(Option<HeatMap>, Vec<Glance>)> {
        let Some(reranker) = &self.reranker else {
            return Ok(Default::default());
        };
        let look = SecondLook {
            catalog: &*self.catalog,
            package: &self.package,
            reranker,
            parts,
        };
        let target = look
            .targets(std::slice::from_ref(found), &mut self.pool)?
            .pop()
            .flatten();
        let mut wanted = parts.iter().filter(|part| !part.without);
        let (Some(target), Some(query)) = (target, wanted.find_map(|part| part.tokens.first())) else {
            return Ok(Default::default());
        };
        let weights = reranker.attention(query, &target.tokens).looked_at;
        let towers = &self.package.manifest().towers;
        let grid = |track| towers.common(track)?.tokens?.grid;
        Ok(
            match (hit.segment.track, grid(hit.segment.track), &towers.audio) {
                (Track::Visual, Some([rows, columns]), _) => {
                    let mut map = glances::places(&weights, rows, columns);
                    if hit.modality == Modality::Image {
                        map.png = overlay(&hit.file, &self.limits, &map).map(|png| STANDARD.encode(png));
                    }
                    (Some(map), glances::windows(&weights, &target.segments))
                }
                (Track::Audio, _, Some(audio)) => (
                    None,
                    glances::moments(&weights, &target.segments, audio.preprocess.tile_below),
                ),
                _ => Default::default(),
            },
        )
    }

    /// The windows that score best for the whole query.
    fn windows(&self, parts: &[EncodedPart], found: &Ranked, modality: Modality) -> Result<Vec<Window>> {
        let segments = embedded(&*self.catalog, found.item)?;
        if segments.len() < 2 {
            return Ok(Vec::new());
        }
        let queries = weighted_queries(&self.scorer, parts, modality);
        let mut windows: Vec<Window> = segments
            .into_iter()
            .map(|(segment, embedding)| {
                let scores = queries.iter().map(|part| {
                    let found = self.scorer.compare(&part.query, [(&segment, &embedding)]);
                    found.map_or(f32::NEG_INFINITY, |found| part.share.of_score(found.score))
                });
                Window {
                    score: probability(scores.sum()),
                    segment,
                }
            })
            .collect();
        windows.sort_by(|a, b| b.score.total_cmp(&a.score));
        windows.truncate(MOST_WINDOWS);
        Ok(windows)
    }

    /// What the query finds, in order, without a word.
    fn order(&mut self, ask: &Ask<'_>, left_out: &LeftOut) -> Result<Vec<Ranked>> {
        let LeftOut {
            place, rest, query, ..
        } = left_out;
        let mut parts = ask.parts.to_vec();
        let known = encode_text(rest, &mut self.pool)?;
        parts[*place] = finish(
            &query.parts[*place],
            known,
            &mut self.pool,
            &self.package,
            self.reranker.as_ref(),
        )?;
        let words = self.words(query)?;
        self.rank(
            query,
            &Ask {
                parts: &parts,
                filter: ask.filter,
                words: &words,
            },
        )
    }
}

/// A query that lacks a word.
struct LeftOut {
    word: String,
    /// The part that it was in.
    place: usize,
    /// The text of that part without it.
    rest: String,
    query: Query,
}

/// The query without each word of its texts. A text of one word is left as it is.
fn words(query: &Query) -> Vec<LeftOut> {
    let mut all = Vec::new();
    for (place, part) in query.parts.iter().enumerate() {
        let PartContent::Text { text, .. } = &part.content else {
            continue;
        };
        let list: Vec<&str> = text.split_whitespace().collect();
        if list.len() < 2 {
            continue;
        }
        for (left_out, word) in list.iter().enumerate() {
            let rest = [&list[..left_out], &list[left_out + 1..]].concat().join(" ");
            let mut without = query.clone();
            without.parts[place] = Part {
                weight: part.weight,
                without: part.without,
                ..Part::text(rest.clone())
            };
            without.limit = Word::FARTHEST;
            all.push(LeftOut {
                word: (*word).to_owned(),
                place,
                rest,
                query: without,
            });
        }
    }
    all.truncate(MOST_WORDS);
    all
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_word_is_left_out_once_and_a_single_word_never() {
        let query = Query::new(vec![Part::text("a red car"), Part::text("snow")]);
        let found: Vec<(String, String)> = words(&query)
            .into_iter()
            .map(|left_out| (left_out.word, left_out.rest))
            .collect();
        let expected = [("a", "red car"), ("red", "a car"), ("car", "a red")];
        assert_eq!(found, expected.map(|(a, b)| (a.to_owned(), b.to_owned())));
    }
}
