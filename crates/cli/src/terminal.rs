//! What a terminal can do beyond text: links, and pictures in the middle of it.

use std::io::IsTerminal as _;
use std::path::Path;

use image::{DynamicImage, RgbImage};
use sensorium_media::{Limits, Sample, Target};

/// The abilities of standard output.
pub(crate) struct Terminal {
    links: bool,
    pictures: bool,
}

impl Terminal {
    /// Height of a picture, in lines.
    const LINES: u32 = 8;

    pub(crate) fn of_standard_output() -> Self {
        let is_terminal = std::io::stdout().is_terminal();
        Self {
            links: is_terminal && supports_hyperlinks::on(supports_hyperlinks::Stream::Stdout),
            // Asking may wait for an answer of the terminal, so it comes last.
            pictures: is_terminal
                && (viuer::is_iterm_supported() || viuer::get_kitty_support() != viuer::KittySupport::None),
        }
    }

    /// `path`, as a link to the file where that is possible.
    pub(crate) fn link(&self, path: &str) -> String {
        if !self.links {
            return path.to_owned();
        }
        let mut address = String::from("file://");
        for byte in path.bytes() {
            match byte {
                b'a'..=b'z' | b'A'..=b'Z' | b'0'..=b'9' | b'/' | b'.' | b'-' | b'_' | b'~' => {
                    address.push(char::from(byte));
                }
                _ => address.push_str(&format!("%{byte:02X}")),
            }
        }
        format!("\u{1b}]8;;{address}\u{1b}\\{path}\u{1b}]8;;\u{1b}\\")
    }

    /// Shows the picture in the file at `path` where that is possible; a hit without its picture is still a hit.
    pub(crate) fn show_picture(&self, path: &Path) {
        if !self.pictures {
            return;
        }
        if let Some(picture) = decode(path) {
            let config = viuer::Config {
                absolute_offset: false,
                x: 8,
                height: Some(Self::LINES),
                ..viuer::Config::default()
            };
            if let Err(error) = viuer::print(&picture, &config) {
                tracing::debug!(%error, "a picture could not be shown");
            }
        }
    }
}

/// Decoded with all limits, at a small size.
fn decode(path: &Path) -> Option<DynamicImage> {
    let mut media = sensorium_media::open(path, &Limits::default(), &Target::default()).ok()?;
    let Sample::Picture(picture) = media.next()?.ok()?.sample else {
        return None;
    };
    let pixels = RgbImage::from_raw(picture.width(), picture.height(), picture.rgb().to_vec())?;
    Some(DynamicImage::ImageRgb8(pixels))
}
