//! The tokens of a window, cut into phrases, and where the next window begins.

/// Marks of time a second.
const MARKS: f64 = 50.0;

/// Something that was said: from when to when, in seconds of the window, and the tokens of its words.
#[derive(Debug, Clone, PartialEq)]
pub(super) struct Phrase {
    pub(super) start: f64,
    pub(super) end: f64,
    pub(super) words: Vec<u32>,
}

/// What became of a window.
#[derive(Debug, Clone, PartialEq)]
pub(super) struct Phrases {
    pub(super) phrases: Vec<Phrase>,
    /// Where the next window begins, in seconds of this one; more than 0.
    pub(super) next: f64,
}

/// Cuts `said`, the tokens of a window of `seconds`, where marks of time stand. `first_time` is the mark of zero seconds.
///
/// When the window ends in the middle of a phrase that follows others, that phrase is left to the next window, which begins where
/// the last whole one ended.
pub(super) fn cut(said: &[u32], first_time: u32, seconds: f64) -> Phrases {
    let is_time = |token: &u32| *token >= first_time;
    let moment = |token: u32| f64::from(token - first_time) / MARKS;
    let mut phrases = Vec::new();
    let mut begun: Option<(f64, Vec<u32>)> = None;
    let mut last_end = None;
    for &token in said {
        match (&mut begun, is_time(&token)) {
            (None, true) => begun = Some((moment(token), Vec::new())),
            // Tokens before any mark, which the rules do not let happen.
            (None, false) => begun = Some((0.0, vec![token])),
            (Some((_, words)), false) => words.push(token),
            // Two marks in a row: the phrase begins at the later one.
            (Some((start, words)), true) if words.is_empty() => *start = moment(token),
            (Some(_), true) => {
                let end = moment(token);
                last_end = Some(end);
                phrases.extend(begun.take().map(|(start, words)| Phrase { start, end, words }));
            }
        }
    }
    let unfinished = begun.filter(|(_, words)| !words.is_empty());
    let next = match (last_end, unfinished) {
        // What began is heard again, and whole; unless the window would not move on.
        (Some(end), Some(_)) if end >= LEAST_MOVE && end < seconds => end,
        (_, Some((start, words))) => {
            phrases.push(Phrase {
                start,
                end: seconds,
                words,
            });
            seconds
        }
        (Some(end), None) if ends_within(said, first_time) && end >= LEAST_MOVE && end < seconds => end,
        (_, None) => seconds,
    };
    for phrase in &mut phrases {
        phrase.start = phrase.start.min(seconds);
        phrase.end = phrase.end.min(seconds);
    }
    phrases.retain(|phrase| phrase.end > phrase.start);
    Phrases { phrases, next }
}

/// A window moves on by at least so many seconds.
const LEAST_MOVE: f64 = 1.0;

/// Whether the text ends with two marks, which says that another phrase begins then.
fn ends_within(said: &[u32], first_time: u32) -> bool {
    matches!(said, [.., end, begin] if *end >= first_time && *begin >= first_time)
}

#[cfg(test)]
mod tests {
    use super::*;

    const FIRST: u32 = 1000;

    /// `marks` in seconds and words by their numbers.
    fn said(parts: &[Part]) -> Vec<u32> {
        let token = |part: &Part| match part {
            Part::At(seconds) => FIRST + (seconds * MARKS).round() as u32,
            Part::Word(word) => *word,
        };
        parts.iter().map(token).collect()
    }

    enum Part {
        At(f64),
        Word(u32),
    }
    use Part::{At, Word};

    fn cut_at(parts: &[Part], seconds: f64) -> (Vec<(f64, f64, Vec<u32>)>, f64) {
        let cut = cut(&said(parts), FIRST, seconds);
        let phrases = cut.phrases.into_iter();
        (
            phrases
                .map(|phrase| (phrase.start, phrase.end, phrase.words))
                .collect(),
            cut.next,
        )
    }

    #[test]
    fn a_phrase_that_the_window_cuts_is_left_to_the_next() {
        let parts = [
            At(0.5),
            Word(1),
            At(12.0),
            At(12.0),
            Word(2),
            At(20.5),
            At(21.0),
            Word(3),
        ];
        let whole = vec![(0.5, 12.0, vec![1]), (12.0, 20.5, vec![2])];
        assert_eq!(cut_at(&parts, 30.0), (whole, 20.5));
    }

    #[test]
    fn a_text_that_ends_with_a_phrase_uses_up_the_window() {
        let parts = [At(0.0), Word(1), At(4.0), At(5.0), Word(2), Word(3), At(9.0)];
        let whole = vec![(0.0, 4.0, vec![1]), (5.0, 9.0, vec![2, 3])];
        assert_eq!(cut_at(&parts, 30.0), (whole, 30.0));
        assert_eq!(cut_at(&[], 30.0), (vec![], 30.0));
    }

    #[test]
    fn a_text_that_announces_another_phrase_goes_on_where_the_last_ended() {
        let parts = [At(0.0), Word(1), At(4.0), At(5.0)];
        assert_eq!(cut_at(&parts, 30.0), (vec![(0.0, 4.0, vec![1])], 4.0));
    }

    #[test]
    fn a_phrase_without_an_end_lasts_as_long_as_the_window() {
        assert_eq!(cut_at(&[At(1.0), Word(1)], 7.0), (vec![(1.0, 7.0, vec![1])], 7.0));
    }

    #[test]
    fn marks_outside_the_sound_are_brought_into_it() {
        assert_eq!(
            cut_at(&[At(1.0), Word(1), At(29.0)], 7.0),
            (vec![(1.0, 7.0, vec![1])], 7.0)
        );
        assert_eq!(cut_at(&[At(8.0), Word(1), At(29.0)], 7.0), (vec![], 7.0));
    }

    proptest::proptest! {
        #[test]
        fn windows_always_move_on_and_phrases_stay_within(
            said in proptest::collection::vec(proptest::prop_oneof![0..10_u32, FIRST..FIRST + 1501], 0..60),
            seconds in 0.2..30.0_f64,
        ) {
            let cut = cut(&said, FIRST, seconds);
            proptest::prop_assert!(cut.next >= seconds.min(LEAST_MOVE) && cut.next <= seconds);
            for phrase in cut.phrases {
                proptest::prop_assert!(0.0 <= phrase.start && phrase.start < phrase.end && phrase.end <= seconds);
            }
        }
    }
}
