use serde::{Deserialize, Serialize};

use crate::Track;

/// A half-open stretch of time `[start, end)`, in seconds from the beginning of the file.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct Span {
    /// Where it starts, in seconds.
    pub start: f64,
    /// Where it ends, in seconds; later than `start`.
    pub end: f64,
}

impl Span {
    /// Its length in seconds.
    pub fn seconds(self) -> f64 {
        self.end - self.start
    }
}

/// The part of an item that has a vector of its own.
///
/// A whole picture, a passage of text, a window of a sound, or a window of a video on one of its tracks.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct Segment {
    /// The sense it is seen through.
    pub track: Track,
    /// When it is, for sound, video and subtitles.
    #[serde(flatten, default, skip_serializing_if = "Option::is_none")]
    #[cfg_attr(feature = "openapi", schema(value_type = PerhapsSpan))]
    pub span: Option<Span>,
}

/// A [`Span`] or nothing, for documents of interfaces.
#[cfg(feature = "openapi")]
#[derive(utoipa::ToSchema)]
#[expect(dead_code, reason = "it describes what is written as an optional `Span`")]
struct PerhapsSpan {
    /// Where it starts, in seconds, of sound, video and subtitles.
    start: Option<f64>,
    /// Where it ends, in seconds; later than `start`.
    end: Option<f64>,
}

impl Segment {
    /// A segment without a time: a picture or a passage.
    pub fn whole(track: Track) -> Self {
        Self { track, span: None }
    }

    /// A window `[start, end)`, in seconds.
    pub fn window(track: Track, start: f64, end: f64) -> Self {
        Self {
            track,
            span: Some(Span { start, end }),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_segment_reads_and_writes_the_json_of_a_hit() {
        let window = Segment::window(Track::Visual, 4.0, 8.0);
        let json = serde_json::to_string(&window).unwrap();
        assert_eq!(json, r#"{"track":"visual","start":4.0,"end":8.0}"#);
        assert_eq!(serde_json::from_str::<Segment>(&json).unwrap(), window);

        let whole = Segment::whole(Track::Text);
        let json = serde_json::to_string(&whole).unwrap();
        assert_eq!(json, r#"{"track":"text"}"#);
        assert_eq!(serde_json::from_str::<Segment>(&json).unwrap(), whole);
    }
}
