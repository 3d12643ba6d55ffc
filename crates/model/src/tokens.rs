//! What attention looks at: words, places of a picture, moments of a sound, and the windows of what takes time.

use ndarray::{Array1, Array2, Axis, concatenate};
use sensorium_types::{Segment, Span, Track};

/// Tokens beyond these are left aside, so that one long text or video does not cost more than all others.
pub(crate) const MOST_TOKENS: usize = 256;

/// Tokens of an item, all of one track, in the space of the reranker.
#[derive(Debug, Clone, PartialEq)]
pub struct Tokens {
    pub(crate) track: Track,
    /// `[tokens, dimension]`, of unit length.
    pub(crate) vectors: Array2<f32>,
    /// `[tokens]`, how much each counts, as a logarithm.
    logits: Array1<f32>,
    /// The inner products of the vectors with each other.
    pub(crate) products: Array2<f32>,
}

impl Tokens {
    /// Tokens with these `vectors`, `[tokens, dimension]` and of any length, and how much each counts, as a logarithm.
    pub(crate) fn new(track: Track, vectors: Array2<f32>, logits: Array1<f32>) -> Self {
        Self::of_unit(track, unit_rows(vectors), logits)
    }

    fn of_unit(track: Track, vectors: Array2<f32>, logits: Array1<f32>) -> Self {
        Self {
            track,
            products: vectors.dot(&vectors.t()),
            vectors,
            logits,
        }
    }

    /// The tokens of several segments of one track as those of one; `None` of none. Those behind the 256th, and those of
    /// other tracks than the first's, are left aside.
    pub fn joined<'a>(parts: impl IntoIterator<Item = &'a Self>) -> Option<Self> {
        let mut parts = parts.into_iter().peekable();
        let track = parts.peek()?.track;
        let (mut vectors, mut logits, mut count) = (Vec::new(), Vec::new(), 0);
        for part in parts.filter(|part| part.track == track) {
            count += part.logits.len();
            if count > MOST_TOKENS {
                break;
            }
            vectors.push(part.vectors.view());
            logits.push(part.logits.view());
        }
        let vectors = concatenate(Axis(0), &vectors).ok()?;
        let logits = concatenate(Axis(0), &logits).ok()?;
        Some(Self::of_unit(track, vectors, logits))
    }

    /// How many there are.
    #[expect(clippy::len_without_is_empty, reason = "there are no tokens of nothing")]
    pub fn len(&self) -> usize {
        self.logits.len()
    }

    /// How much each counts, `[tokens]`; the sum is 1.
    pub(crate) fn importance(&self) -> Array1<f32> {
        softmax(self.logits.clone())
    }
}

/// Which of the `segments` of an item are looked at together when the one at `best` is its best: that alone, or where it is
/// a window of a picture in motion or of a sound, those of its track around it that have not more than 256 tokens in all,
/// `each` in one of them.
pub fn looked_at(segments: &[&Segment], best: usize, each: usize) -> Vec<usize> {
    let Some((track, span)) = segments.get(best).map(|best| (best.track, best.span)) else {
        return Vec::new();
    };
    let Some(span) = span.filter(|_| track != Track::Text) else {
        return vec![best];
    };
    let windows: Vec<(usize, Span)> = segments
        .iter()
        .enumerate()
        .filter_map(|(place, segment)| Some((place, segment.span.filter(|_| segment.track == track)?)))
        .collect();
    let spans: Vec<Span> = windows.iter().map(|(_, span)| *span).collect();
    let most = (MOST_TOKENS / each.max(1)).max(1);
    let chosen = in_turn(&spans, (span.start + span.end) / 2.0, most);
    chosen.into_iter().map(|place| windows[place].0).collect()
}

/// Which of the `segments` of a query are looked at together: each text by itself, the windows of each other track as
/// [`looked_at`] says, beginning with the first. `each` says how many tokens a window of a track has.
pub fn looked_at_first(segments: &[&Segment], each: impl Fn(Track) -> usize) -> Vec<Vec<usize>> {
    let mut groups = Vec::new();
    for track in Track::ALL {
        let mut places = (0..segments.len()).filter(|&place| segments[place].track == track);
        if track == Track::Text {
            groups.extend(places.map(|place| vec![place]));
        } else if let Some(first) = places.next() {
            groups.push(looked_at(segments, first, each(track)));
        }
    }
    groups
}

/// Of windows that may overlap and be of several lengths, those that follow each other: as short as there are, without gaps
/// as far as that goes, in the order of time, and at most `most`, around the time `middle`.
fn in_turn(windows: &[Span], middle: f64, most: usize) -> Vec<usize> {
    let mut order: Vec<usize> = (0..windows.len()).collect();
    order.sort_by(|&a, &b| {
        let (a, b) = (windows[a], windows[b]);
        a.start.total_cmp(&b.start).then(a.end.total_cmp(&b.end))
    });
    let mut chain: Vec<usize> = Vec::new();
    let mut end = f64::NEG_INFINITY;
    for &place in &order {
        if windows[place].start >= end {
            end = windows[place].end;
            chain.push(place);
        }
    }
    // What ends behind the last is looked at as well, although it begins before its end.
    let behind = order.into_iter().filter(|&place| windows[place].end > end);
    chain.extend(behind.max_by(|&a, &b| windows[a].start.total_cmp(&windows[b].start)));
    chain.sort_by(|&a, &b| windows[a].start.total_cmp(&windows[b].start));
    if chain.len() > most {
        let begun = chain.partition_point(|&place| windows[place].start <= middle);
        let first = begun.saturating_sub(1 + most / 2).min(chain.len() - most);
        chain = chain[first..first + most].to_vec();
    }
    chain
}

fn unit_rows(mut rows: Array2<f32>) -> Array2<f32> {
    for mut row in rows.rows_mut() {
        let length = row.dot(&row).sqrt().max(1e-6);
        row /= length;
    }
    rows
}

/// `values` as exponentials whose sum is 1.
pub(crate) fn softmax(values: Array1<f32>) -> Array1<f32> {
    let largest = values.iter().copied().fold(f32::NEG_INFINITY, f32::max);
    let weights = values.mapv(|value| (value - largest).exp());
    let total = weights.sum();
    weights / total
}

#[cfg(test)]
mod tests {
    use super::*;

    fn spans(times: &[(f64, f64)]) -> Vec<Span> {
        times.iter().map(|&(start, end)| Span { start, end }).collect()
    }

    #[test]
    fn windows_follow_each_other_and_the_shortest_are_taken() {
        let windows = spans(&[
            (0.0, 8.0),
            (4.0, 9.0),
            (0.0, 2.0),
            (2.0, 4.0),
            (4.0, 6.0),
            (6.0, 8.0),
            (8.0, 9.0),
        ]);
        assert_eq!(in_turn(&windows, 4.0, 10), [2, 3, 4, 5, 6]);
        assert_eq!(in_turn(&windows, 8.5, 2), [5, 6], "those around the best");
        assert_eq!(in_turn(&windows, 1.0, 2), [2, 3]);
    }

    #[test]
    fn the_end_is_looked_at_where_windows_overlap() {
        let windows = spans(&[(0.0, 4.0), (2.0, 6.0), (4.0, 8.0), (6.0, 9.5)]);
        assert_eq!(in_turn(&windows, 0.0, 10), [0, 2, 3]);
        assert_eq!(in_turn(&spans(&[(0.0, 3.0)]), 0.0, 10), [0]);
    }

    #[test]
    fn a_picture_and_a_text_are_looked_at_alone_and_windows_with_those_of_their_track() {
        let video: Vec<Segment> = [Track::Visual, Track::Audio]
            .into_iter()
            .flat_map(|track| [0.0, 2.0, 4.0].map(|start| Segment::window(track, start, start + 2.0)))
            .collect();
        let video: Vec<&Segment> = video.iter().collect();
        assert_eq!(looked_at(&video, 4, 8), [3, 4, 5]);
        assert_eq!(looked_at(&video, 2, 128), [1, 2]);
        assert!(looked_at(&video, 9, 8).is_empty());
        assert_eq!(looked_at_first(&video, |_| 8), [[0, 1, 2], [3, 4, 5]]);

        let (picture, spoken) = (
            Segment::whole(Track::Visual),
            Segment::window(Track::Text, 1.0, 2.0),
        );
        assert_eq!(looked_at(&[&spoken, &spoken], 1, 8), [1]);
        assert_eq!(
            looked_at_first(&[&spoken, &picture, &spoken], |_| 25),
            [[0], [2], [1]]
        );
    }

    #[test]
    fn joined_tokens_count_as_much_as_before_beside_each_other() {
        let part = |logits: &[f32]| {
            let vectors =
                Array2::from_shape_fn((logits.len(), 2), |(row, column)| (row + column) as f32 + 1.0);
            Tokens::new(Track::Audio, vectors, Array1::from(logits.to_vec()))
        };
        let (a, b) = (part(&[0.0, 1.0]), part(&[1.0]));
        let both = Tokens::joined([&a, &b]).unwrap();
        let importance = both.importance();
        assert_eq!(both.len(), 3);
        assert!((importance.sum() - 1.0).abs() < 1e-6);
        assert!((importance[1] - importance[2]).abs() < 1e-6 && importance[1] > importance[0]);
        assert_eq!(Tokens::joined([&a]), Some(a));
        assert_eq!(Tokens::joined([]), None);
    }

    #[test]
    fn tokens_have_a_limit() {
        let part = Tokens::new(Track::Visual, Array2::ones((100, 2)), Array1::zeros(100));
        let joined = Tokens::joined([&part; 4]).unwrap();
        assert_eq!(joined.len(), 200);
    }

    proptest::proptest! {
        #[test]
        fn windows_in_turn_are_in_order_and_no_more_than_asked_for(
            times in proptest::collection::vec((0.0f64..50.0, 0.1f64..12.0), 1..40),
            middle in 0.0f64..60.0,
            most in 1usize..12,
        ) {
            let windows: Vec<Span> = times.iter().map(|&(start, length)| Span { start, end: start + length }).collect();
            let found = in_turn(&windows, middle, most);
            proptest::prop_assert!(!found.is_empty() && found.len() <= most);
            for pair in found.windows(2) {
                proptest::prop_assert!(windows[pair[0]].start <= windows[pair[1]].start);
            }
        }
    }
}
