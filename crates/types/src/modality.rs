use std::fmt;
use std::str::FromStr;

use serde::{Deserialize, Serialize};

/// What kind of medium an item is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
#[serde(rename_all = "lowercase")]
pub enum Modality {
    /// Written language: a note, a page, a record, subtitles.
    Text,
    /// A still picture.
    Image,
    /// A sound without moving pictures; cover art does not make it a video.
    Audio,
    /// Moving pictures, with or without sound.
    Video,
}

impl Modality {
    /// All four, in the order in which tables show them.
    pub const ALL: [Self; 4] = [Self::Text, Self::Image, Self::Audio, Self::Video];

    /// Each of `wanted` once, in the order of [`ALL`](Self::ALL); all when there is none.
    pub fn each_once(wanted: &[Self]) -> Vec<Self> {
        let is_wanted = |modality: &Self| wanted.is_empty() || wanted.contains(modality);
        Self::ALL.into_iter().filter(is_wanted).collect()
    }

    /// The tracks that items of it have; a video may lack its sound.
    pub const fn tracks(self) -> &'static [Track] {
        match self {
            Self::Text => &[Track::Text],
            Self::Image => &[Track::Visual],
            Self::Audio => &[Track::Audio],
            Self::Video => &[Track::Visual, Track::Audio],
        }
    }

    /// The lower-case name used in JSON and on the command line.
    pub const fn name(self) -> &'static str {
        match self {
            Self::Text => "text",
            Self::Image => "image",
            Self::Audio => "audio",
            Self::Video => "video",
        }
    }
}

impl fmt::Display for Modality {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(self.name())
    }
}

impl FromStr for Modality {
    type Err = UnknownName;

    fn from_str(name: &str) -> Result<Self, Self::Err> {
        Self::ALL
            .into_iter()
            .find(|modality| modality.name() == name)
            .ok_or_else(|| UnknownName::new("modality", name, "text, image, audio, video"))
    }
}

/// The sense through which a segment was encoded, which is also the tower that encoded it.
///
/// A video has segments on two tracks, every other modality on one.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
#[serde(rename_all = "lowercase")]
pub enum Track {
    /// Language.
    Text,
    /// Pictures and video frames.
    Visual,
    /// Sounds and the sound of videos.
    Audio,
}

impl Track {
    /// All three tracks.
    pub const ALL: [Self; 3] = [Self::Text, Self::Visual, Self::Audio];

    /// The lower-case name used in JSON and in model packages.
    pub const fn name(self) -> &'static str {
        match self {
            Self::Text => "text",
            Self::Visual => "visual",
            Self::Audio => "audio",
        }
    }
}

impl fmt::Display for Track {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(self.name())
    }
}

impl FromStr for Track {
    type Err = UnknownName;

    fn from_str(name: &str) -> Result<Self, Self::Err> {
        Self::ALL
            .into_iter()
            .find(|track| track.name() == name)
            .ok_or_else(|| UnknownName::new("track", name, "text, visual, audio"))
    }
}

/// A retrieval task: items of one modality asked for with items of another (or the same).
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct Direction {
    /// The modality of the query.
    pub from: Modality,
    /// The modality of the answers.
    pub to: Modality,
}

impl Direction {
    /// All sixteen, grouped by the modality of the query.
    pub fn all() -> impl Iterator<Item = Self> {
        Modality::ALL
            .into_iter()
            .flat_map(|from| Modality::ALL.into_iter().map(move |to| Self { from, to }))
    }

    /// Whether query and answers are of the same modality.
    pub fn is_same_modality(self) -> bool {
        self.from == self.to
    }
}

/// Shown as `text->image`.
impl fmt::Display for Direction {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(&format!("{}->{}", self.from, self.to))
    }
}

/// Read from `text:image` (easy to type in a shell) or `text->image`.
impl FromStr for Direction {
    type Err = UnknownName;

    fn from_str(name: &str) -> Result<Self, Self::Err> {
        let (from, to) = name
            .split_once("->")
            .or_else(|| name.split_once(':'))
            .ok_or_else(|| UnknownName::new("direction", name, "FROM:TO, as in text:image"))?;
        Ok(Self {
            from: from.trim().parse()?,
            to: to.trim().parse()?,
        })
    }
}

/// A name that is none of those expected.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("unknown {what} '{name}': expected {expected}")]
pub struct UnknownName {
    what: &'static str,
    name: String,
    expected: &'static str,
}

impl UnknownName {
    fn new(what: &'static str, name: &str, expected: &'static str) -> Self {
        Self {
            what,
            name: name.to_owned(),
            expected,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn there_are_sixteen_directions_and_each_reads_back() {
        let all: Vec<_> = Direction::all().collect();
        assert_eq!(all.len(), 16);
        for direction in all {
            assert_eq!(direction.to_string().parse(), Ok(direction));
            assert_eq!(direction.to_string().replace("->", ":").parse(), Ok(direction));
        }
    }

    #[test]
    fn an_unknown_name_says_what_was_expected() {
        let error = "text:smell".parse::<Direction>().unwrap_err();
        assert_eq!(
            error.to_string(),
            "unknown modality 'smell': expected text, image, audio, video"
        );
        assert!(
            "text"
                .parse::<Direction>()
                .unwrap_err()
                .to_string()
                .contains("FROM:TO")
        );
    }
}
