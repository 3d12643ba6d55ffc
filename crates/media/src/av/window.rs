//! Cutting a decoded stream into windows as it comes.

use sensorium_types::Span;

use super::Source;
use crate::{Cause, Piece, Result, Windowing};

/// A last window that brings less than this part of a hop is left out.
const LEAST_NEWS: f64 = 0.1;

/// Rounding must not hold a window back.
const EPSILON: f64 = 1e-6;

/// A stream that is decoded step by step.
pub(super) trait Stream {
    /// Decodes some more; `false` when there is no more.
    fn read(&mut self) -> std::result::Result<bool, Cause>;

    /// Up to where it is decoded, in seconds.
    fn known(&self) -> f64;

    /// Where it ends, in seconds; asked for when there is no more.
    fn total(&self) -> f64;

    /// What lies in `span`. What lies before `needed_from` seconds will not be asked for again.
    fn piece(&mut self, span: Span, needed_from: f64) -> Piece;
}

/// The windows of a stream. Nothing is decoded before the first is asked for.
pub(super) struct Windows<S> {
    source: Source,
    stream: S,
    cutter: Cutter,
    state: State,
}

#[derive(Clone, Copy, PartialEq, Eq)]
enum State {
    Decoding,
    /// No more comes; windows that are left over may.
    Drained,
    Done,
}

impl<S: Stream> Windows<S> {
    pub(super) fn new(source: Source, stream: S, windowing: Windowing) -> Self {
        Self {
            source,
            stream,
            cutter: Cutter::new(windowing),
            state: State::Decoding,
        }
    }

    fn next_span(&mut self) -> Option<Span> {
        match self.state {
            State::Done => None,
            State::Decoding => self.cutter.next(self.stream.known()),
            State::Drained => {
                let total = self.stream.total();
                self.cutter.next(total).or_else(|| {
                    self.state = State::Done;
                    self.cutter.last(total)
                })
            }
        }
    }
}

impl<S: Stream> Iterator for Windows<S> {
    type Item = Result<Piece>;

    fn next(&mut self) -> Option<Self::Item> {
        loop {
            if let Some(span) = self.next_span() {
                return Some(Ok(self.stream.piece(span, self.cutter.needed_from())));
            }
            if self.state != State::Decoding {
                return None;
            }
            match self.stream.read() {
                Ok(true) => {}
                Ok(false) => self.state = State::Drained,
                Err(cause) => {
                    self.state = State::Done;
                    return Some(Err(self.source.error(cause)));
                }
            }
        }
    }
}

/// Says which windows there are, for a stream whose length is not known before its end.
#[derive(Debug)]
struct Cutter {
    windowing: Windowing,
    cut: u32,
}

impl Cutter {
    fn new(windowing: Windowing) -> Self {
        Self { windowing, cut: 0 }
    }

    /// The next window that ends within the first `available` seconds, if there is one.
    fn next(&mut self, available: f64) -> Option<Span> {
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
    fn last(&self, total: f64) -> Option<Span> {
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
    fn needed_from(&self) -> f64 {
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
