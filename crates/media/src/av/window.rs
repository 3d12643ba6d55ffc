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
    cutters: Cutters,
    state: State,
}

#[derive(Clone, Copy, PartialEq, Eq)]
enum State {
    Decoding,
    /// No more comes; windows that are left over may.
    Drained,
    /// Nor do these, but for the last one of each cutter from this on.
    Lasts(usize),
    Done,
}

impl<S: Stream> Windows<S> {
    pub(super) fn new(source: Source, stream: S, windowings: &[Windowing]) -> Self {
        Self {
            source,
            stream,
            cutters: Cutters::new(windowings),
            state: State::Decoding,
        }
    }

    fn next_span(&mut self) -> Option<Span> {
        loop {
            match self.state {
                State::Done => return None,
                State::Decoding => return self.cutters.next(self.stream.known()),
                State::Drained => match self.cutters.next(self.stream.total()) {
                    Some(span) => return Some(span),
                    None => self.state = State::Lasts(0),
                },
                State::Lasts(number) if number == self.cutters.list.len() => self.state = State::Done,
                State::Lasts(number) => {
                    self.state = State::Lasts(number + 1);
                    let last = self.cutters.last(number, self.stream.total());
                    if last.is_some() {
                        return last;
                    }
                }
            }
        }
    }
}

impl<S: Stream> Iterator for Windows<S> {
    type Item = Result<Piece>;

    fn next(&mut self) -> Option<Self::Item> {
        loop {
            if let Some(span) = self.next_span() {
                return Some(Ok(self.stream.piece(span, self.cutters.needed_from())));
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

/// Windows of several lengths.
#[derive(Debug)]
struct Cutters {
    list: Vec<Cutter>,
}

impl Cutters {
    fn new(windowings: &[Windowing]) -> Self {
        Self {
            list: windowings.iter().copied().map(Cutter::new).collect(),
        }
    }

    /// The cutters for a stream that has so many seconds: all but the first are for longer ones than its windows.
    fn of(&mut self, seconds: f64) -> &mut [Cutter] {
        let is_longer = self
            .list
            .first()
            .is_some_and(|first| seconds > first.windowing.seconds + EPSILON);
        let count = if is_longer { self.list.len() } else { 1 };
        &mut self.list[..count]
    }

    /// The next window that ends within the first `available` seconds, if there is one.
    fn next(&mut self, available: f64) -> Option<Span> {
        self.of(available)
            .iter_mut()
            .find_map(|cutter| cutter.next(available))
    }

    /// The last window of the cutter of this number, see [`Cutter::last`].
    fn last(&mut self, number: usize, total: f64) -> Option<Span> {
        self.of(total).get(number)?.last(total)
    }

    /// No later window begins before this time.
    fn needed_from(&self) -> f64 {
        let from = self.list.iter().map(Cutter::needed_from);
        from.fold(f64::INFINITY, f64::min)
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

    const LONG: Windowing = Windowing {
        seconds: 10.0,
        hop: 5.0,
    };
    const SHORT: Windowing = Windowing {
        seconds: 4.0,
        hop: 2.0,
    };

    fn spans(total: f64) -> Vec<(f64, f64)> {
        spans_of(&[LONG], total)
    }

    /// The windows of a stream that comes second by second.
    fn spans_of(windowings: &[Windowing], total: f64) -> Vec<(f64, f64)> {
        let mut cutters = Cutters::new(windowings);
        let mut spans = Vec::new();
        for second in 0..=total as u32 {
            while let Some(span) = cutters.next(f64::from(second)) {
                spans.push(span);
                assert!(span.start >= cutters.needed_from() - LONG.hop);
            }
        }
        while let Some(span) = cutters.next(total) {
            spans.push(span);
        }
        for number in 0..windowings.len() {
            if let Some(span) = cutters.last(number, total) {
                assert!(span.start >= cutters.needed_from());
                spans.push(span);
            }
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
    fn short_windows_are_cut_beside_long_ones_of_what_is_longer_than_these() {
        let both = |total| spans_of(&[LONG, SHORT], total);
        assert_eq!(both(3.0), [(0.0, 3.0)]);
        assert_eq!(both(10.0), [(0.0, 10.0)]);
        let of_length = |total: f64, length: f64| -> Vec<f64> {
            let all = both(total).into_iter();
            all.filter(|(start, end)| end - start == length)
                .map(|(start, _)| start)
                .collect()
        };
        assert_eq!(of_length(15.0, 10.0), [0.0, 5.0]);
        assert_eq!(of_length(15.0, 4.0), [0.0, 2.0, 4.0, 6.0, 8.0, 10.0, 11.0]);
        assert_eq!(both(15.0).len(), 9);
    }

    #[test]
    fn a_last_window_that_is_all_but_the_one_before_is_left_out() {
        assert_eq!(spans(10.3), [(0.0, 10.0)]);
    }
}
