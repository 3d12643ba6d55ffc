//! What may be said next: Whisper's rules on marks of time.
//!
//! A text is a row of phrases, each between two marks. The first mark is near the beginning of the window, and no mark is earlier
//! than the one before.

use super::package::TokenSpec;

/// A mark of time a second after the beginning of the window is the latest that a text may begin with.
const LATEST_BEGIN: u32 = 50;

/// The rules over the tokens of a package.
#[derive(Debug, Clone)]
pub(super) struct Rules {
    tokens: TokenSpec,
}

impl Rules {
    pub(super) fn new(tokens: &TokenSpec) -> Self {
        Self {
            tokens: tokens.clone(),
        }
    }

    /// Brings the logits of what must not follow `said` to minus infinity.
    pub(super) fn apply(&self, said: &[u32], logits: &mut [f32]) {
        let (end, first_time) = (self.tokens.end as usize, self.tokens.first_time as usize);
        let logits_of_words = &mut *logits;
        for &token in &self.tokens.suppressed {
            forbid(logits_of_words, token as usize..token as usize + 1);
        }
        forbid(logits, end + 1..first_time);

        let Some(&last) = said.last() else {
            forbid(logits, 0..first_time);
            forbid(logits, first_time + LATEST_BEGIN as usize + 1..logits.len());
            return;
        };
        let after_time = self.is_time(last);
        let after_phrase = after_time && said.len() >= 2 && !self.is_time(said[said.len() - 2]);
        if after_phrase {
            forbid(logits, 0..end);
        } else if after_time {
            forbid(logits, first_time..logits.len());
        }
        // A phrase that has ended may be followed by one that begins then, but none ends when it begins.
        if let Some(&time) = said.iter().rev().find(|&&token| self.is_time(token)) {
            let earliest = if after_phrase { time } else { time + 1 };
            forbid(logits, first_time..earliest as usize);
        }
        if self.time_is_likely(logits) {
            forbid(logits, 0..first_time);
        }
    }

    /// Whether a mark of time, whichever, is likelier than each single word.
    fn time_is_likely(&self, logits: &[f32]) -> bool {
        let (words, times) = logits.split_at((self.tokens.first_time as usize).min(logits.len()));
        let likeliest = words.iter().copied().fold(f32::NEG_INFINITY, f32::max);
        let any_time = log_sum_exp(times);
        any_time > likeliest
    }

    fn is_time(&self, token: u32) -> bool {
        token >= self.tokens.first_time
    }
}

/// The logarithm of the sum of exponentials.
pub(super) fn log_sum_exp(values: &[f32]) -> f32 {
    let most = values.iter().copied().fold(f32::NEG_INFINITY, f32::max);
    if most == f32::NEG_INFINITY {
        return most;
    }
    most + values.iter().map(|value| (value - most).exp()).sum::<f32>().ln()
}

fn forbid(logits: &mut [f32], range: std::ops::Range<usize>) {
    let end = range.end.min(logits.len());
    if let Some(range) = logits.get_mut(range.start.min(end)..end) {
        range.fill(f32::NEG_INFINITY);
    }
}

#[cfg(test)]
pub(super) mod tests {
    use super::*;

    /// Words are 0 to 9, time begins at 20 and reaches to 199.
    pub(in crate::speech) fn tokens() -> TokenSpec {
        TokenSpec {
            begin: 11,
            end: 10,
            no_speech: 12,
            first_time: 20,
            suppressed: vec![3],
        }
    }

    /// What may follow `said`, all being equally likely but for `liked`.
    fn allowed(said: &[u32], liked: usize) -> Vec<usize> {
        let mut logits = vec![0.0; 200];
        logits[liked] = 20.0;
        Rules::new(&tokens()).apply(said, &mut logits);
        (0..200).filter(|&token| logits[token].is_finite()).collect()
    }

    #[test]
    fn a_text_begins_with_a_time_of_at_most_a_second() {
        assert_eq!(allowed(&[], 1), (20..=70).collect::<Vec<_>>());
    }

    #[test]
    fn a_phrase_holds_a_word_and_ends_after_it_began() {
        // After the first mark: words or the end, but no second mark.
        assert_eq!(allowed(&[30], 1), [0, 1, 2, 4, 5, 6, 7, 8, 9, 10]);
        // Within a phrase: words, the end, and later marks.
        let within = allowed(&[30, 1], 1);
        assert!(within.contains(&1) && within.contains(&10) && within.contains(&31));
        assert!(!within.contains(&30) && !within.contains(&3) && !within.contains(&12));
    }

    #[test]
    fn after_a_phrase_comes_another_that_is_not_earlier_or_the_end() {
        let after = allowed(&[30, 1, 40], 40);
        assert_eq!(after, (40..200).collect::<Vec<_>>());
        assert_eq!(
            allowed(&[30, 1, 40], 10),
            [10].into_iter().chain(40..200).collect::<Vec<_>>()
        );
        assert!(!allowed(&[30, 1, 40, 40], 1).iter().any(|&token| token >= 20));
    }

    #[test]
    fn many_marks_that_are_likely_together_silence_the_words() {
        let mut logits = vec![0.0; 200];
        logits[1] = 3.0;
        Rules::new(&tokens()).apply(&[30, 1], &mut logits);
        assert!(logits[1].is_infinite() && logits[31].is_finite());
    }
}
