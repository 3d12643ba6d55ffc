use sensorium_types::Span;

use crate::Windowing;

/// A last window that brings less than this part of a hop is left out.
const LEAST_NEWS: f64 = 0.1;

/// Rounding must not hold a window back.
const EPSILON: f64 = 1e-6;

/// Cuts a stream of unknown length into windows as it comes.
#[derive(Debug)]
pub(super) struct Cutter {
    windowing: Windowing,
    cut: u32,
}

impl Cutter {
    pub(super) fn new(windowing: Windowing) -> Self {
        Self { windowing, cut: 0 }
    }

    /// The next window that ends within the first `available` seconds, if there is one.
    pub(super) fn next(&mut self, available: f64) -> Option<Span> {
        let start = f64::from(self.cut) * self.windowing.hop;
        let end = start + self.windowing.seconds;
        (end <= available + EPSILON).then(|| {
            self.cut += 1;
            Span { start, end }
        })
    }

    /// The window that ends with the stream after `total` seconds, when the others left something over.
    ///
    /// To be asked for once, when [`Cutter::next`] has no more.
    pub(super) fn last(&self, total: f64) -> Option<Span> {
        if self.cut == 0 {
            return (total > 0.0).then_some(Span {
                start: 0.0,
                end: total,
            });
        }
        let covered = self.needed_from() + self.windowing.seconds;
        (total - covered > self.windowing.hop * LEAST_NEWS).then_some(Span {
            start: total - self.windowing.seconds,
            end: total,
        })
    }

    /// No later window begins before this time.
    pub(super) fn needed_from(&self) -> f64 {
        f64::from(self.cut.saturating_sub(1)) * self.windowing.hop
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn spans(total: f64) -> Vec<(f64, f64)> {
        let mut cutter = Cutter::new(Windowing {
            seconds: 10.0,
            hop: 5.0,
        });
        let mut spans = Vec::new();
        while let Some(span) = cutter.next(total) {
            spans.push(span);
        }
        if let Some(span) = cutter.last(total) {
            assert!(span.start >= cutter.needed_from());
            spans.push(span);
        }
        spans.into_iter().map(|span| (span.start, span.end)).collect()
    }

    #[test]
    fn windows_overlap_and_the_last_one_ends_with_the_file() {
        assert_eq!(spans(3.0), [(0.0, 3.0)]);
        assert_eq!(spans(10.0), [(0.0, 10.0)]);
        assert_eq!(spans(12.0), [(0.0, 10.0), (2.0, 12.0)]);
        assert_eq!(spans(20.0), [(0.0, 10.0), (5.0, 15.0), (10.0, 20.0)]);
        assert_eq!(spans(0.0), []);
    }

    #[test]
    fn a_last_window_that_is_all_but_the_one_before_is_left_out() {
        assert_eq!(spans(10.3), [(0.0, 10.0)]);
    }
}
