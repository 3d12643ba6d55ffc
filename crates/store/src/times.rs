//! Dates and times as people write them.

use jiff::civil::{Date, DateTime};
use jiff::tz::TimeZone;
use jiff::{Timestamp, ToSpan as _};

/// From a moment to another, in nanoseconds since 1970: what "June 2024" stands for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct TimeRange {
    /// The first moment.
    pub from: i64,
    /// The first moment behind it.
    pub to: i64,
}

impl TimeRange {
    /// A single moment.
    pub fn moment(time: i64) -> Self {
        Self {
            from: time,
            to: time.saturating_add(1),
        }
    }
}

/// What `text` stands for: `2024`, `2024-06`, `2024-06-01`, `2024-06-01T12:30` (or with a space), with seconds and with
/// `Z` or an offset. Without an offset it is in the time zone of the machine.
pub fn time_range(text: &str) -> Option<TimeRange> {
    let is_shape = |shape: &str| {
        let digit = |(found, expected): (u8, u8)| match expected {
            b'0' => found.is_ascii_digit(),
            _ => found == expected,
        };
        text.len() == shape.len() && text.bytes().zip(shape.bytes()).all(digit)
    };
    let whole = [
        ("0000", "-01-01", 1.year()),
        ("0000-00", "-01", 1.month()),
        ("0000-00-00", "", 1.day()),
    ];
    if let Some((_, rest, length)) = whole.into_iter().find(|(shape, ..)| is_shape(shape)) {
        let from: Date = format!("{text}{rest}").parse().ok()?;
        let to = from.checked_add(length).ok()?;
        return Some(TimeRange {
            from: nanoseconds(from.at(0, 0, 0, 0))?,
            to: nanoseconds(to.at(0, 0, 0, 0))?,
        });
    }
    let precision = if text.matches(':').count() == 1 { 60 } else { 1 };
    if let Ok(moment) = text.parse::<Timestamp>() {
        return Some(range(moment, precision));
    }
    if text.get(4..5) != Some("-") {
        return None;
    }
    let from: DateTime = text.parse().ok()?;
    Some(TimeRange {
        from: nanoseconds(from)?,
        to: nanoseconds(from.checked_add(precision.seconds()).ok()?)?,
    })
}

fn range(moment: Timestamp, seconds: i64) -> TimeRange {
    let from = i64::try_from(moment.as_nanosecond()).unwrap_or(i64::MAX);
    TimeRange {
        from,
        to: from.saturating_add(seconds * 1_000_000_000),
    }
}

/// In the time zone of the machine; `None` outside of what 64 bits hold.
fn nanoseconds(time: DateTime) -> Option<i64> {
    let zoned = time.to_zoned_datetime(TimeZone::system()).ok()?;
    i64::try_from(zoned.timestamp().as_nanosecond()).ok()
}
