//! Text out of files: encodings, and PDF through `pdftotext`.

use std::path::Path;

use encoding_rs::{UTF_16BE, UTF_16LE, WINDOWS_1252};

use crate::probe::Content;
use crate::process::{PDFTOTEXT, Process};
use crate::{Cause, Error, Limits, Result};

/// The text of a file that the probe found to be one. What is not UTF-8 or UTF-16 is read as Windows-1252.
pub(crate) fn read_text(path: &Path, content: Content, limits: &Limits) -> Result<String> {
    let bytes = content
        .read(limits.text_bytes)
        .map_err(|cause| Error::new(path, cause))?;
    Ok(decode(bytes))
}

fn decode(bytes: Vec<u8>) -> String {
    let utf16 = match bytes.get(..2) {
        Some(b"\xff\xfe") => Some(UTF_16LE),
        Some(b"\xfe\xff") => Some(UTF_16BE),
        _ => None,
    };
    if let Some(encoding) = utf16 {
        return encoding.decode(&bytes).0.into_owned();
    }
    match String::from_utf8(bytes) {
        Ok(text) => text.trim_start_matches('\u{feff}').to_owned(),
        Err(error) => WINDOWS_1252.decode(error.as_bytes()).0.into_owned(),
    }
}

/// The text of a PDF document.
pub(crate) fn pdf_text(path: &Path, limits: &Limits) -> Result<String> {
    let failed = |cause| Error::new(path, cause);
    let file = absolute(path).map_err(failed)?;
    let pdftotext = |bounds| {
        let args = ["-enc", "UTF-8", "-nopgbrk", "--"].map(Into::into);
        let args = args.into_iter().chain([file.clone().into(), "-".into()]);
        Process::start(PDFTOTEXT, args, bounds, |_| {})?
            .output(limits.text_bytes)
            .map_err(|failure| failure.into_cause("PDF"))
    };
    let text = limits.run(pdftotext).map_err(failed)?.ok_or_else(|| {
        failed(Cause::Limit {
            what: "it holds text of",
            found: format!("more than {} bytes", limits.text_bytes),
            limit: format!("{} bytes", limits.text_bytes),
        })
    })?;
    Ok(String::from_utf8_lossy(&text).into_owned())
}

/// An absolute path cannot be taken for an option.
pub(crate) fn absolute(path: &Path) -> std::result::Result<std::path::PathBuf, Cause> {
    Ok(std::path::absolute(path)?)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn all_encodings_become_the_same_text() {
        for bytes in [
            &b"caf\xc3\xa9"[..],
            b"\xef\xbb\xbfcaf\xc3\xa9",
            b"caf\xe9",
            b"\xff\xfec\0a\0f\0\xe9\0",
            b"\xfe\xff\0c\0a\0f\0\xe9",
        ] {
            assert_eq!(decode(bytes.to_vec()), "café");
        }
    }
}
