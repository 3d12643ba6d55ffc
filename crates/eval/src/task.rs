//! One direction over the pairs: its queries, its gallery and what is relevant.

use std::collections::{BTreeSet, HashMap};

use sensorium_types::{Direction, Modality};

use crate::ranking::{Outcome, average_precision, ndcg10, ranks};
use crate::{ContentId, Error, Pairs};

/// One query of a [`Task`].
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Query {
    /// The position of its item among [`Pairs::items`].
    pub item: usize,
    /// What is asked with.
    pub content: ContentId,
}

/// The gallery entries that matter to one query, as rising positions.
pub(crate) struct Judgement {
    /// Those of which the first counts for R@k and the median rank.
    pub(crate) matches: Vec<usize>,
    /// Those that count for average precision and nDCG.
    pub(crate) relevant: Vec<usize>,
    /// The query itself, which is not ranked.
    pub(crate) left_out: Option<usize>,
}

/// The queries and the gallery of one direction.
#[derive(Debug, Clone)]
pub struct Task<'p> {
    pairs: &'p Pairs,
    direction: Direction,
    queries: Vec<Query>,
    gallery: Vec<ContentId>,
    /// For every item, its own entries of the gallery.
    entries_of_item: Vec<Vec<usize>>,
    entries_of_label: HashMap<&'p str, Vec<usize>>,
}

impl<'p> Task<'p> {
    /// The task of one direction.
    ///
    /// # Errors
    /// [`Error::Direction`] when the pairs have no query for it.
    pub fn new(pairs: &'p Pairs, direction: Direction) -> Result<Self, Error> {
        let mut task = Self {
            pairs,
            direction,
            queries: Vec::new(),
            gallery: Vec::new(),
            entries_of_item: Vec::new(),
            entries_of_label: HashMap::new(),
        };
        task.fill_gallery();
        task.queries = task.all_queries();
        if task.queries.is_empty() {
            let cause = task.why_no_queries();
            return Err(Error::Direction {
                path: pairs.path().to_owned(),
                direction,
                cause,
            });
        }
        Ok(task)
    }

    /// The tasks of every direction that the pairs allow.
    ///
    /// # Errors
    /// [`Error::NoDirections`] when there is none.
    pub fn all(pairs: &'p Pairs) -> Result<Vec<Self>, Error> {
        let tasks: Vec<_> = Direction::all()
            .filter_map(|direction| Self::new(pairs, direction).ok())
            .collect();
        if tasks.is_empty() {
            return Err(Error::NoDirections {
                path: pairs.path().to_owned(),
            });
        }
        Ok(tasks)
    }

    /// The direction.
    pub fn direction(&self) -> Direction {
        self.direction
    }

    /// The pairs that it is about.
    pub fn pairs(&self) -> &'p Pairs {
        self.pairs
    }

    /// The queries, in the order of the pairs; at least one.
    pub fn queries(&self) -> &[Query] {
        &self.queries
    }

    /// What is ranked. A file that two items share is two entries, a text that they share is one.
    pub fn gallery(&self) -> &[ContentId] {
        &self.gallery
    }

    /// Every distinct content that the queries and the gallery consist of: what has to be encoded.
    pub fn contents(&self) -> BTreeSet<ContentId> {
        self.queries
            .iter()
            .map(|query| query.content)
            .chain(self.gallery.iter().copied())
            .collect()
    }

    /// How many entries are ranked for each query.
    pub(crate) fn candidates(&self) -> usize {
        self.gallery.len() - usize::from(self.direction.is_same_modality())
    }

    /// How a query that is judged so goes when the gallery has these `scores`.
    pub(crate) fn outcome(&self, query: Query, judgement: &Judgement, scores: &[f32]) -> Outcome {
        let match_ranks = ranks(scores, &judgement.matches, judgement.left_out);
        let relevant_ranks = ranks(scores, &judgement.relevant, judgement.left_out);
        Outcome {
            item: query.item,
            rank: match_ranks[0], // a query has a match, see `all_queries`
            matches: match_ranks.len(),
            average_precision: average_precision(&relevant_ranks),
            ndcg10: ndcg10(&relevant_ranks),
        }
    }

    pub(crate) fn judge(&self, query: Query) -> Judgement {
        let own = &self.entries_of_item[query.item];
        let label = self.pairs.items()[query.item].label.as_deref();
        let of_label = label.and_then(|label| self.entries_of_label.get(label));
        if !self.direction.is_same_modality() {
            let relevant = of_label.unwrap_or(own).clone();
            return Judgement {
                matches: own.clone(),
                relevant,
                left_out: None,
            };
        }
        let itself = own
            .iter()
            .copied()
            .find(|&entry| self.gallery[entry] == query.content);
        let of_label = of_label.into_iter().flatten().copied();
        let relevant: Vec<usize> = of_label.filter(|&entry| Some(entry) != itself).collect();
        Judgement {
            matches: relevant.clone(),
            relevant,
            left_out: itself,
        }
    }

    fn fill_gallery(&mut self) {
        let mut entry_of_text = HashMap::new();
        for item in self.pairs.items() {
            let mut entries = Vec::new();
            for &content in item.contents(self.direction.to) {
                let next = self.gallery.len();
                let entry = match self.direction.to {
                    Modality::Text => *entry_of_text.entry(content).or_insert(next),
                    _ => next,
                };
                if entry == next {
                    self.gallery.push(content);
                }
                entries.push(entry);
            }
            sort_distinct(&mut entries);
            if let Some(label) = &item.label {
                self.entries_of_label.entry(label).or_default().extend(&entries);
            }
            self.entries_of_item.push(entries);
        }
        self.entries_of_label.values_mut().for_each(sort_distinct);
    }

    /// The contents of the query modality, of the items that have both, if there is anything to find.
    fn all_queries(&self) -> Vec<Query> {
        let items = self.pairs.items().iter().enumerate();
        let with_both = items.filter(|(_, item)| !item.contents(self.direction.to).is_empty());
        with_both
            .flat_map(|(item, pair)| {
                pair.contents(self.direction.from)
                    .iter()
                    .map(move |&content| Query { item, content })
            })
            .filter(|&query| !self.judge(query).matches.is_empty())
            .collect()
    }

    fn why_no_queries(&self) -> String {
        let Direction { from, to } = self.direction;
        if !self.direction.is_same_modality() {
            format!("no pair has both {from} and {to}")
        } else if self.entries_of_label.values().all(Vec::is_empty) {
            format!("it needs a `label` on pairs with {to}, to know what belongs together")
        } else {
            format!("no `label` is shared by two different {to} entries")
        }
    }
}

fn sort_distinct(entries: &mut Vec<usize>) {
    entries.sort_unstable();
    entries.dedup();
}
