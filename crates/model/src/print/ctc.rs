//! Characters out of steps: connectionist temporal classification, read greedily (Graves et al. 2006).

/// What stands in a line.
#[derive(Debug, Clone, PartialEq)]
pub(super) struct Read {
    pub(super) text: String,
    /// The mean probability of its characters, 0 to 1; 0 when there are none.
    pub(super) confidence: f32,
}

/// Reads `steps`, rows of the probabilities of none and of each of `characters`: the most probable of each step, a character
/// of several steps once.
pub(super) fn decode(steps: &[f32], characters: &[String]) -> Read {
    let mut text = String::new();
    let (mut sum, mut count) = (0.0, 0);
    let mut before = 0;
    for step in steps.chunks_exact(characters.len() + 1) {
        let (best, probability) = most_probable(step);
        if best != before && best > 0 {
            text.push_str(&characters[best - 1]);
            sum += probability;
            count += 1;
        }
        before = best;
    }
    Read {
        text,
        confidence: sum / count.max(1) as f32,
    }
}

/// The first of the largest; what is no number is never largest.
fn most_probable(step: &[f32]) -> (usize, f32) {
    let mut best = (0, f32::MIN);
    for (class, &probability) in step.iter().enumerate() {
        if probability > best.1 {
            best = (class, probability);
        }
    }
    (best.0, best.1.clamp(0.0, 1.0))
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn characters() -> Vec<String> {
        ["a", "b", " "].map(String::from).to_vec()
    }

    fn steps(classes: &[usize]) -> Vec<f32> {
        let row = |&class: &usize| (0..4).map(move |other| if other == class { 0.7 } else { 0.1 });
        classes.iter().flat_map(row).collect()
    }

    #[test]
    fn a_character_of_several_steps_counts_once_and_twice_with_none_between() {
        assert_eq!(
            decode(&steps(&[0, 1, 1, 0, 1, 3, 2, 2]), &characters()).text,
            "aa b"
        );
        let nothing = Read {
            text: String::new(),
            confidence: 0.0,
        };
        assert_eq!(decode(&steps(&[0, 0]), &characters()), nothing);
        assert_eq!(decode(&[], &characters()), nothing);
        assert_eq!(decode(&[f32::NAN; 8], &characters()), nothing);
    }

    #[test]
    fn confidence_is_the_mean_of_the_characters_alone() {
        let read = decode(
            &[0.1, 0.8, 0.1, 0.0, 0.9, 0.0, 0.1, 0.0, 0.0, 0.3, 0.6, 0.1],
            &characters(),
        );
        assert_eq!(read.text, "ab");
        assert!((read.confidence - 0.7).abs() < 1e-6, "{read:?}");
    }

    proptest! {
        #[test]
        fn a_text_spelt_with_none_between_is_read(classes in prop::collection::vec(1..4_usize, 0..20)) {
            let spelt: Vec<usize> = classes.iter().flat_map(|&class| [class, 0]).collect();
            let text: String = classes.iter().map(|class| characters()[class - 1].clone()).collect();
            prop_assert_eq!(decode(&steps(&spelt), &characters()).text, text);
        }
    }
}
