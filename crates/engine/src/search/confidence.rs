//! Whether what was found is an answer at all.

/// Below this confidence something unrelated is as likely to score so much, and the answer says that nothing matches.
pub const CONFIDENT: f64 = 0.5;

/// The probability that the best of `count` unrelated vectors scores less than `score`, which is in standard deviations above
/// their mean, if they were spread normally: the more there are, the more has to be shown.
pub(super) fn confidence(score: f32, count: usize) -> f64 {
    let above = 0.5 * libm::erfc(f64::from(score) / std::f64::consts::SQRT_2);
    // The logarithm keeps what is very near to 1 apart from it.
    (count as f64 * (-above).ln_1p()).exp()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_more_there_are_the_higher_a_score_has_to_be() {
        assert!((confidence(0.0, 1) - 0.5).abs() < 1e-9);
        assert!((confidence(1.644_854, 1) - 0.95).abs() < 1e-6);
        assert!((confidence(3.0, 100) - 0.8737).abs() < 1e-3);
        assert!(confidence(3.0, 100_000) < 1e-9 && confidence(6.0, 100_000) > 0.99);
        assert_eq!(confidence(f32::NEG_INFINITY, 5), 0.0);
        assert_eq!(confidence(40.0, 1_000_000), 1.0);
    }
}
