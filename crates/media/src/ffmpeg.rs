//! What the calls of ffmpeg and ffprobe have in common.

use std::ffi::OsString;
use std::path::Path;

use crate::process::Program;

pub(crate) const FFMPEG: Program = Program {
    name: "ffmpeg",
    remedy: "sudo apt-get install ffmpeg",
};
pub(crate) const FFPROBE: Program = Program {
    name: "ffprobe",
    remedy: "sudo apt-get install ffmpeg",
};

/// The arguments of ffmpeg up to and with the input, which one of `demuxers` reads; it says what `level` tells.
pub(crate) fn decoding(path: &Path, demuxers: &str, level: &str) -> Vec<OsString> {
    let mut args: Vec<OsString> = [
        "-nostdin",
        "-nostats",
        "-hide_banner",
        "-v",
        level,
        "-threads",
        "2",
    ]
    .map(Into::into)
    .into();
    args.extend(safe_input(path, demuxers));
    args
}

/// The input of ffmpeg or ffprobe: the one file, read by one of `demuxers`, which follow no references.
pub(crate) fn safe_input(path: &Path, demuxers: &str) -> [OsString; 6] {
    // `file:` keeps it from reading a name as an option or a protocol.
    let mut url = OsString::from("file:");
    url.push(path);
    [
        "-protocol_whitelist".into(),
        "file,pipe".into(),
        "-format_whitelist".into(),
        demuxers.into(),
        "-i".into(),
        url,
    ]
}

/// A filter that scales pictures down to `side` pixels on the shorter side, or to `most_pixels` in all.
pub(crate) fn shrink(side: u32, most_pixels: u64) -> String {
    let scale = format!("min(1,min({side}/min(iw,ih),sqrt({most_pixels}/iw/ih)))");
    format!("scale=w='max(1,trunc(iw*{scale}))':h='max(1,trunc(ih*{scale}))':flags=area")
}
