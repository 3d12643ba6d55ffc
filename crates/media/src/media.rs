use std::fs::File;
use std::path::Path;

use sensorium_types::{Fields, Modality, Segment, Track};

use crate::probe::{Kind, probe};
use crate::{Error, Limits, Piece, Result, Sample, Target, av, document, picture, text};

/// The pieces of a file, one after the other, as its decoder gives them.
pub(crate) type Pieces = Box<dyn Iterator<Item = Result<Piece>> + Send>;

/// An opened file: what it is, and an iterator of its pieces.
///
/// An error with a [`record`](crate::Error::record) concerns that record alone; after any other the
/// iterator ends and the file counts as refused.
pub struct Media {
    modality: Modality,
    format: String,
    facts: Fields,
    pieces: Pieces,
    ended: bool,
}

/// Opens the file at `path`: finds out what it is, checks it against `limits` and starts its decoder.
///
/// # Errors
/// When the file is not one that can be decoded; see [`Cause`](crate::Cause). It never blocks on a FIFO or a
/// device.
pub fn open(path: &Path, limits: &Limits, target: &Target) -> Result<Media> {
    let mut content = probe(path, limits)?;
    match content.kind.clone() {
        Kind::Picture(format) => {
            let facts = content.picture_facts();
            let picture = picture::decode(path, content, format, limits, target)?;
            let piece = Piece {
                record: None,
                segment: Segment::whole(Track::Visual),
                sample: Sample::Picture(picture),
            };
            let pieces = std::iter::once(Ok(piece));
            Ok(Media::new(Modality::Image, format.name(), pieces).with_facts(facts))
        }
        Kind::Pdf => {
            let text = document::pdf_text(path, limits)?;
            let pieces = text::pieces(text::Format::Plain, path, text, limits);
            Ok(Media::new(Modality::Text, "PDF", pieces))
        }
        Kind::Text => {
            let text = document::read_text(path, content, limits)?;
            let format = text::Format::detect(path, &text);
            let pieces = text::pieces(format, path, text, limits);
            Ok(Media::new(Modality::Text, format.name(), pieces))
        }
        Kind::Container(format) => av::open(path, &format, limits, target),
    }
}

/// Looks at the beginning of the file at `path`: whether [`open`] would try to decode it. Returns the file, at its
/// beginning.
///
/// # Errors
/// As far as the beginning and the size of the file tell, those of [`open`].
pub fn check(path: &Path, limits: &Limits) -> Result<File> {
    let content = probe(path, limits)?;
    content.rewind().map_err(|cause| Error::new(path, cause))
}

impl Media {
    pub(crate) fn new(
        modality: Modality,
        format: &str,
        pieces: impl Iterator<Item = Result<Piece>> + Send + 'static,
    ) -> Self {
        Self {
            modality,
            format: format.to_owned(),
            facts: Fields::new(),
            pieces: Box::new(pieces),
            ended: false,
        }
    }

    pub(crate) fn with_facts(self, facts: Fields) -> Self {
        Self { facts, ..self }
    }

    /// What it says of itself, as `width`, `duration`, `camera` or `title`.
    pub fn facts(&self) -> &Fields {
        &self.facts
    }

    /// What kind of medium it is.
    pub fn modality(&self) -> Modality {
        self.modality
    }

    /// The name of its format, as in "JPEG".
    pub fn format(&self) -> &str {
        &self.format
    }
}

impl Iterator for Media {
    type Item = Result<Piece>;

    fn next(&mut self) -> Option<Self::Item> {
        if self.ended {
            return None;
        }
        let piece = self.pieces.next();
        self.ended = match &piece {
            None => true,
            Some(Ok(_)) => false,
            Some(Err(error)) => error.record.is_none(),
        };
        piece
    }
}
