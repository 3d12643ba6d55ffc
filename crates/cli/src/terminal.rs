//! What a terminal can do beyond text: links, and pictures in the middle of it.

use std::io::{self, Cursor, IsTerminal as _, Write};
use std::os::unix::ffi::OsStrExt as _;
use std::path::Path;

use base64::Engine as _;
use base64::prelude::BASE64_STANDARD;
use image::{DynamicImage, ImageFormat, RgbImage};
use sensorium_media::{Limits, Sample, Target};

/// The abilities of standard output.
pub(crate) struct Terminal {
    links: bool,
    pictures: Option<Protocol>,
}

/// How a terminal wants its pictures.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Protocol {
    /// <https://sw.kovidgoyal.net/kitty/graphics-protocol>
    Kitty,
    /// <https://iterm2.com/documentation-images.html>
    Iterm,
}

impl Terminal {
    /// What the environment tells of standard output. The terminal itself is not asked: it may never answer,
    /// and reading its answer would take away what was typed ahead.
    pub(crate) fn of_standard_output() -> Self {
        let is_terminal = io::stdout().is_terminal();
        let variable = |name: &str| std::env::var(name).unwrap_or_default();
        Self {
            links: is_terminal && supports_hyperlinks::on(supports_hyperlinks::Stream::Stdout),
            pictures: Protocol::named_by(variable).filter(|_| is_terminal),
        }
    }

    /// `text`, as a link to `file` where that is possible.
    pub(crate) fn link(&self, text: &str, file: &Path) -> String {
        if !self.links {
            return text.to_owned();
        }
        let mut address = String::from("file://");
        for &byte in file.as_os_str().as_bytes() {
            match byte {
                b'a'..=b'z' | b'A'..=b'Z' | b'0'..=b'9' | b'/' | b'.' | b'-' | b'_' | b'~' => {
                    address.push(char::from(byte));
                }
                _ => address.push_str(&format!("%{byte:02X}")),
            }
        }
        format!("\u{1b}]8;;{address}\u{1b}\\{text}\u{1b}]8;;\u{1b}\\")
    }

    /// Shows the picture in `file` where that is possible; a hit without its picture is still a hit.
    pub(crate) fn show_picture(&self, file: &Path) {
        let Some(protocol) = self.pictures else { return };
        if let Some(picture) = decode(file)
            && let Err(error) = protocol.show(&picture, &mut io::stdout().lock())
        {
            tracing::debug!(%error, "a picture could not be shown");
        }
    }
}

/// Decoded with all limits, at a small size.
fn decode(file: &Path) -> Option<DynamicImage> {
    let mut media = sensorium_media::open(file, &Limits::default(), &Target::default()).ok()?;
    let Sample::Picture(picture) = media.next()?.ok()?.sample else {
        return None;
    };
    let pixels = RgbImage::from_raw(picture.width(), picture.height(), picture.rgb().to_vec())?;
    Some(DynamicImage::ImageRgb8(pixels))
}

impl Protocol {
    /// Height of a picture, in lines, unless it would be wider than so many columns.
    const LINES: u32 = 8;
    const COLUMNS: u32 = 64;
    /// How far it is set in, below the hit.
    const INDENT: &str = "        ";
    /// The longest piece of a picture that Kitty takes.
    const CHUNK: usize = 4096;

    /// The protocol of the terminal that the environment variables name, when they name one that has any.
    fn named_by(variable: impl Fn(&str) -> String) -> Option<Self> {
        let (term, program) = (variable("TERM"), variable("TERM_PROGRAM"));
        let is_set = |name| !variable(name).is_empty();
        // A multiplexer stands between, and hands on what it was started in, but no pictures.
        if is_set("TMUX") || term.starts_with("tmux") || term.starts_with("screen") {
            return None;
        }
        let iterm = ["iTerm.app", "WezTerm", "mintty", "rio", "WarpTerminal"];
        if iterm.contains(&program.as_str())
            || variable("LC_TERMINAL") == "iTerm2"
            || is_set("KONSOLE_VERSION")
        {
            return Some(Self::Iterm);
        }
        let kitty = ["xterm-kitty", "xterm-ghostty"];
        if kitty.contains(&term.as_str()) || program == "ghostty" || is_set("KITTY_WINDOW_ID") {
            return Some(Self::Kitty);
        }
        None
    }

    fn show(self, picture: &DynamicImage, out: &mut impl Write) -> io::Result<()> {
        let mut png = Vec::new();
        picture
            .write_to(&mut Cursor::new(&mut png), ImageFormat::Png)
            .map_err(io::Error::other)?;
        // The other extent follows from the picture. A cell is about twice as high as it is wide.
        let is_wide = picture.width() * Self::LINES * 2 > picture.height() * Self::COLUMNS;
        let data = BASE64_STANDARD.encode(png);
        write!(out, "{}", Self::INDENT)?;
        match self {
            Self::Kitty if is_wide => Self::show_in_kitty(&format!("c={}", Self::COLUMNS), &data, out)?,
            Self::Kitty => Self::show_in_kitty(&format!("r={}", Self::LINES), &data, out)?,
            Self::Iterm => {
                let extent = if is_wide {
                    format!("width={}", Self::COLUMNS)
                } else {
                    format!("height={}", Self::LINES)
                };
                write!(out, "\u{1b}]1337;File=inline=1;{extent}:{data}\u{7}")?;
            }
        }
        writeln!(out)?;
        out.flush()
    }

    /// In pieces; `q=2` asks for no answers.
    fn show_in_kitty(extent: &str, data: &str, out: &mut impl Write) -> io::Result<()> {
        let mut pieces = data.as_bytes().chunks(Self::CHUNK).peekable();
        let mut first = format!("a=T,f=100,{extent},");
        while let Some(piece) = pieces.next() {
            let more = u8::from(pieces.peek().is_some());
            write!(out, "\u{1b}_G{}q=2,m={more};", std::mem::take(&mut first))?;
            out.write_all(piece)?;
            write!(out, "\u{1b}\\")?;
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use std::ffi::OsStr;

    use super::*;

    #[test]
    fn links_lead_to_the_file_and_not_to_what_is_shown_of_it() {
        let terminal = Terminal {
            links: true,
            pictures: None,
        };
        let address = |shown: &str, file: &[u8]| {
            let link = terminal.link(shown, Path::new(OsStr::from_bytes(file)));
            let rest = link.strip_prefix("\u{1b}]8;;").unwrap();
            let (address, rest) = rest.split_once("\u{1b}\\").unwrap();
            assert_eq!(rest, format!("{shown}\u{1b}]8;;\u{1b}\\"));
            address.to_owned()
        };
        assert_eq!(address("/a/n.jsonl#17", b"/a/n.jsonl"), "file:///a/n.jsonl");
        assert_eq!(address("/a/caf%E9", b"/a/caf\xe9"), "file:///a/caf%E9");
        assert_eq!(address("/a/50% #1", b"/a/50% #1"), "file:///a/50%25%20%231");
    }

    #[test]
    fn the_environment_tells_how_pictures_are_shown() {
        let protocol = |set: &[(&str, &str)]| {
            Protocol::named_by(|name| {
                let found = set.iter().find(|(known, _)| *known == name);
                found.map_or_else(String::new, |(_, value)| (*value).to_owned())
            })
        };
        assert_eq!(protocol(&[("TERM", "xterm-256color")]), None);
        assert_eq!(protocol(&[("TERM", "xterm-kitty")]), Some(Protocol::Kitty));
        assert_eq!(protocol(&[("KITTY_WINDOW_ID", "1")]), Some(Protocol::Kitty));
        assert_eq!(protocol(&[("TERM_PROGRAM", "ghostty")]), Some(Protocol::Kitty));
        assert_eq!(protocol(&[("TERM_PROGRAM", "WezTerm")]), Some(Protocol::Iterm));
        assert_eq!(protocol(&[("KONSOLE_VERSION", "220401")]), Some(Protocol::Iterm));
        let in_tmux = [("TERM", "tmux-256color"), ("KITTY_WINDOW_ID", "1")];
        assert_eq!(protocol(&in_tmux), None);
    }

    #[test]
    fn a_picture_is_whole_in_either_protocol() {
        let mut random = 1u32;
        let noise = RgbImage::from_fn(120, 90, |_, _| {
            random = random.wrapping_mul(1_664_525).wrapping_add(1_013_904_223);
            image::Rgb([(random >> 24) as u8, (random >> 16) as u8, (random >> 8) as u8])
        });
        let picture = DynamicImage::ImageRgb8(noise);
        let shown = |protocol: Protocol, picture: &DynamicImage| {
            let mut out = Vec::new();
            protocol.show(picture, &mut out).unwrap();
            String::from_utf8(out).unwrap()
        };
        let read = |data: &str| image::load_from_memory(&BASE64_STANDARD.decode(data).unwrap()).unwrap();

        let kitty = shown(Protocol::Kitty, &picture);
        let pieces: Vec<&str> = kitty.trim().split_terminator("\u{1b}\\").collect();
        assert!(pieces.len() > 1, "too small for this test");
        assert!(pieces[0].starts_with("\u{1b}_Ga=T,f=100,r=8,q=2,m=1;"));
        assert!(pieces[pieces.len() - 1].starts_with("\u{1b}_Gq=2,m=0;"));
        let data: String = pieces
            .iter()
            .map(|piece| piece.split_once(';').unwrap().1)
            .collect();
        assert_eq!(read(&data), picture);

        let iterm = shown(Protocol::Iterm, &picture);
        let data = iterm.trim_end().strip_suffix('\u{7}').unwrap();
        assert!(data.contains("File=inline=1;height=8:"));
        assert_eq!(read(data.split_once(':').unwrap().1), picture);

        let banner = DynamicImage::new_rgb8(500, 20);
        assert!(shown(Protocol::Iterm, &banner).contains(";width=64:"));
        assert!(shown(Protocol::Kitty, &banner).contains(",c=64,"));
    }
}
