//! Words and meaning together: what an item gains by having the words of the query.

use std::collections::{BTreeMap, BTreeSet};

use sensorium_store::{Catalog, ItemKey, LineKey};

use super::common::{COMMON, CommonWords};
use super::query::{PartContent, Query};
use crate::Result;

/// What all words of a query together are worth, in standard deviations: more than any meaning.
const WORTH: f32 = 8.0;

/// Words of a query that are looked for, the first ones: as many as a [`Mask`] has bits.
const MOST_WORDS: usize = Mask::BITS as usize;

/// A word that is in so many lines of transcripts says nothing about any of them.
const MOST_LINES: usize = 10_000;

/// A word is told when it is rarer than this: about one in four items has one that is as rare.
const TOLD: f32 = 1.5;

/// Lines of an item that are told.
const TOLD_LINES: usize = 3;

/// Words that tell that something is said or to be read, and small ones around them, as in "the clip where she says …" and "the
/// sign that reads …": nothing that lines of transcripts are asked for.
const ASKING: &[&str] = &[
    "a",
    "about",
    "an",
    "and",
    "any",
    "are",
    "as",
    "at",
    "audio",
    "be",
    "being",
    "but",
    "by",
    "caption",
    "clip",
    "clips",
    "does",
    "for",
    "from",
    "has",
    "have",
    "he",
    "hear",
    "heard",
    "her",
    "him",
    "his",
    "i",
    "image",
    "in",
    "is",
    "it",
    "its",
    "label",
    "labelled",
    "me",
    "mentioned",
    "mentions",
    "of",
    "on",
    "one",
    "or",
    "page",
    "part",
    "people",
    "person",
    "photo",
    "picture",
    "pictures",
    "poster",
    "read",
    "reading",
    "reads",
    "recording",
    "said",
    "say",
    "saying",
    "says",
    "scene",
    "screen",
    "she",
    "shows",
    "sign",
    "somebody",
    "someone",
    "sound",
    "spoken",
    "speaking",
    "speaks",
    "spelled",
    "talk",
    "talking",
    "talks",
    "tell",
    "tells",
    "text",
    "that",
    "the",
    "their",
    "them",
    "there",
    "they",
    "this",
    "title",
    "to",
    "told",
    "video",
    "was",
    "we",
    "when",
    "where",
    "which",
    "who",
    "with",
    "word",
    "words",
    "write",
    "writes",
    "writing",
    "written",
    "you",
];

/// Which of a text's words something has, a bit for each.
type Mask = u16;

/// Which items have which words of a query.
#[derive(Debug, Default)]
pub(super) struct Words {
    items: BTreeMap<ItemKey, Gain>,
}

/// The words of an item, and what they are worth.
#[derive(Debug, Clone, Default)]
struct Gain {
    words: Vec<String>,
    worth: f32,
    /// Where they are said or to be read, the best first.
    lines: Vec<LineKey>,
}

impl Words {
    /// Those of the texts that `query` looks for. A word counts by how rare it is (as in BM25); what an item gains grows with the
    /// fourth power of the share that it has, so that a rare word or a whole name decides, and some words of a sentence do not.
    /// Of a transcript, the words count that stand together.
    pub(super) fn find(
        query: &Query,
        catalog: &dyn Catalog,
        vectors: usize,
        common: &mut CommonWords,
    ) -> Result<Self> {
        let mut words = Self::default();
        if !query.words {
            return Ok(words);
        }
        for part in query.parts.iter().filter(|part| !part.without) {
            if let PartContent::Text { text, .. } = &part.content {
                let found = Found::find(split(text), catalog, vectors, common)?;
                found.gains().for_each(|(item, gain)| words.add(item, gain));
            }
        }
        Ok(words)
    }

    fn add(&mut self, item: ItemKey, gain: Gain) {
        let sum = self.items.entry(item).or_default();
        sum.words.extend(gain.words);
        sum.worth += gain.worth;
        sum.lines.extend(gain.lines);
    }

    /// The items that have some.
    pub(super) fn items(&self) -> impl Iterator<Item = ItemKey> {
        self.items.keys().copied()
    }

    /// What `item` gains by them.
    pub(super) fn worth(&self, item: ItemKey) -> f32 {
        self.items.get(&item).map_or(0.0, |gain| gain.worth)
    }

    /// The words that `item` has.
    pub(super) fn of(&self, item: ItemKey) -> Vec<String> {
        self.items
            .get(&item)
            .map(|gain| gain.words.clone())
            .unwrap_or_default()
    }

    /// Where words are said or to be read in `item`, the line with most of them first.
    pub(super) fn lines_of(&self, item: ItemKey) -> &[LineKey] {
        let lines = self.items.get(&item).map_or(&[][..], |gain| &gain.lines);
        &lines[..lines.len().min(TOLD_LINES)]
    }
}

/// Where the words of one text are.
struct Found {
    words: Vec<String>,
    /// How much each word says.
    rarities: Vec<f32>,
    /// The words that lines of transcripts are asked for.
    wanted_of_lines: Mask,
    /// Those that are in names, folders, captions, tags and texts.
    items: BTreeMap<ItemKey, Mask>,
    /// Those that are said or to be read.
    lines: BTreeMap<ItemKey, BTreeMap<LineKey, Mask>>,
}

impl Found {
    fn find(
        words: Vec<String>,
        catalog: &dyn Catalog,
        vectors: usize,
        common: &mut CommonWords,
    ) -> Result<Self> {
        let mut found = Self {
            rarities: Vec::with_capacity(words.len()),
            wanted_of_lines: wanted_of_lines(&words),
            items: BTreeMap::new(),
            lines: BTreeMap::new(),
            words: Vec::new(),
        };
        for (place, word) in words.iter().enumerate() {
            let bit = 1 << place;
            let Some(items) = common.items(word, catalog)? else {
                found.rarities.push(rarity(COMMON, vectors));
                continue;
            };
            let lines = catalog.lines_with_word(word, MOST_LINES)?;
            let of_lines: BTreeSet<ItemKey> = lines.iter().map(|(item, _)| *item).collect();
            let having = items.union(&of_lines).count();
            found.rarities.push(rarity(having, vectors));
            if having >= COMMON || lines.len() >= MOST_LINES {
                continue;
            }
            for item in items {
                *found.items.entry(item).or_default() |= bit;
            }
            for (item, line) in lines {
                *found.lines.entry(item).or_default().entry(line).or_default() |= bit;
            }
        }
        found.add_joined(&words, catalog)?;
        found.words = words;
        Ok(found)
    }

    /// Adds lines in which two neighbours of `words` are written as one.
    fn add_joined(&mut self, words: &[String], catalog: &dyn Catalog) -> Result<()> {
        for (place, pair) in words.windows(2).enumerate() {
            for (item, line) in catalog.lines_with_word(&pair.concat(), MOST_LINES)? {
                *self.lines.entry(item).or_default().entry(line).or_default() |= 0b11 << place;
            }
        }
        Ok(())
    }

    fn gains(&self) -> impl Iterator<Item = (ItemKey, Gain)> {
        let items: BTreeSet<ItemKey> = self.items.keys().chain(self.lines.keys()).copied().collect();
        items.into_iter().map(|item| (item, self.gain(item)))
    }

    fn gain(&self, item: ItemKey) -> Gain {
        let whole = self.items.get(&item).copied().unwrap_or_default();
        let mut share = self.share(whole, Mask::MAX);
        let mut words = self.told(whole & self.worth_telling());
        let mut lines = self.passages(item, whole);
        lines.sort_by(|a, b| b.share.total_cmp(&a.share).then(a.line.cmp(&b.line)));
        if let Some(best) = lines.first() {
            share = share.max(best.share);
            words = self.told(best.mask & self.wanted_of_lines | whole & self.worth_telling());
        }
        Gain {
            words,
            worth: WORTH * share.powi(4),
            lines: lines.iter().map(|passage| passage.line).collect(),
        }
    }

    /// Each line of `item` with words that are wanted of lines, together with the next line, over which a sentence may go on, and
    /// with what the item has as a `whole`.
    fn passages(&self, item: ItemKey, whole: Mask) -> Vec<Passage> {
        let lines = self.lines.get(&item);
        let lines = lines
            .into_iter()
            .flat_map(|lines| lines.iter().map(move |line| (lines, line)));
        let passages = lines.filter_map(|(lines, (line, own))| {
            let next = lines.get(&LineKey(line.0 + 1)).copied().unwrap_or_default();
            let mask = own | next | whole;
            (*own & self.wanted_of_lines != 0).then(|| Passage {
                line: *line,
                mask,
                share: self.share(mask, self.wanted_of_lines),
            })
        });
        passages.collect()
    }

    /// How much of what the words that are `wanted` say, those in `mask` say: 0 to 1.
    fn share(&self, mask: Mask, wanted: Mask) -> f32 {
        let sum = |mask: Mask| {
            let rarities = self.rarities.iter().enumerate();
            let counted = rarities.filter(|(place, _)| mask & wanted & (1 << place) != 0);
            counted.map(|(_, rarity)| rarity).sum::<f32>()
        };
        let all = sum(Mask::MAX);
        if all > 0.0 { sum(mask) / all } else { 0.0 }
    }

    /// The words that are rare enough to be told where they are not quoted.
    fn worth_telling(&self) -> Mask {
        let rare = self
            .rarities
            .iter()
            .enumerate()
            .filter(|(_, rarity)| **rarity > TOLD);
        rare.fold(0, |mask, (place, _)| mask | 1 << place)
    }

    /// Those in `mask`.
    fn told(&self, mask: Mask) -> Vec<String> {
        let words = self.words.iter().enumerate();
        let told = words.filter(|(place, _)| mask & (1 << place) != 0);
        told.map(|(_, word)| word.clone()).collect()
    }
}

/// A line of a transcript with what is around it.
struct Passage {
    line: LineKey,
    mask: Mask,
    share: f32,
}

/// The words of a query that are looked for in transcripts: all but those that only say so, unless there are no others.
fn wanted_of_lines(words: &[String]) -> Mask {
    let mut wanted: Mask = 0;
    for (place, word) in words.iter().enumerate() {
        if !ASKING.contains(&word.as_str()) {
            wanted |= 1 << place;
        }
    }
    if wanted == 0 { Mask::MAX } else { wanted }
}

/// The different words of `text`, as the catalogue splits names.
fn split(text: &str) -> Vec<String> {
    let mut words: Vec<String> = Vec::new();
    let all = text.split(|c: char| !c.is_alphanumeric());
    for word in all.filter(|word| !word.is_empty()) {
        let word = word.to_lowercase();
        if !words.contains(&word) && words.len() < MOST_WORDS {
            words.push(word);
        }
    }
    words
}

/// How much a word says that `having` of `all` have: the inverse document frequency of BM25.
fn rarity(having: usize, all: usize) -> f32 {
    let (having, all) = (having as f32, all.max(having) as f32);
    (1.0 + (all - having + 0.5) / (having + 0.5)).ln()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn words_are_told_once_and_rare_ones_say_more() {
        assert_eq!(split("A hen, a HEN: hen-house!"), ["a", "hen", "house"]);
        assert!(rarity(1, 1000) > 2.0 * rarity(100, 1000) && rarity(1000, 1000) < 0.01);
        assert!(rarity(5, 0) > 0.0);
    }

    /// Item 1 has lines 10, 11 and 20, among 1,000 items.
    fn found(text: &str, lines: &[(u64, &str)], whole: &str) -> Gain {
        let words = split(text);
        let mask = |having: &str| {
            let having = split(having);
            let places = words.iter().enumerate().filter(|(_, word)| having.contains(word));
            places.fold(0, |mask, (place, _)| mask | 1 << place)
        };
        let item = ItemKey(1);
        let lines = lines.iter().map(|(line, text)| (LineKey(*line), mask(text)));
        let found = Found {
            rarities: vec![rarity(1, 1000); words.len()],
            wanted_of_lines: wanted_of_lines(&words),
            items: BTreeMap::from([(item, mask(whole))]),
            lines: BTreeMap::from([(item, lines.filter(|(_, mask)| *mask != 0).collect())]),
            words: words.clone(),
        };
        found.gain(item)
    }

    #[test]
    fn what_is_said_is_found_by_questions_for_it() {
        let said = [
            (10, "there is a blackbird"),
            (11, "in the tree"),
            (20, "a blackbird"),
        ];
        for question in [
            "blackbird",
            "the clip where she says blackbird",
            "someone says \"blackbird\"",
        ] {
            let gain = found(question, &said, "");
            assert_eq!(gain.worth, WORTH, "{question}");
            assert_eq!(gain.lines, [10, 20].map(LineKey), "{question}");
            assert!(gain.words.contains(&"blackbird".to_owned()));
        }
        assert_eq!(
            found("the sign that reads EXIT", &[(10, "exit")], "").worth,
            WORTH
        );
        let gain = found("what they say", &[(10, "what they say")], "");
        assert_eq!(
            gain.worth, WORTH,
            "small words are found where there are no others"
        );
    }

    #[test]
    fn words_of_a_transcript_count_where_they_stand_together() {
        let near = [(10, "the black"), (11, "bird sings")];
        let far = [(10, "the black"), (20, "bird sings")];
        assert_eq!(found("black bird sings", &near, "").worth, WORTH);
        assert!(found("black bird sings", &far, "").worth < WORTH / 3.0);
        assert_eq!(found("black bird sings", &near, "").lines[0], LineKey(10));
        let mention = found("a dog runs through the snow", &[(10, "a dog")], "");
        assert!(
            mention.worth < 0.1,
            "a mention is not the thing: {}",
            mention.worth
        );
        assert_eq!(
            found("alder blackbird", &[(10, "a blackbird")], "alder.wav").worth,
            WORTH
        );
    }
}
