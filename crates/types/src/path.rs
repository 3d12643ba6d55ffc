use std::borrow::Cow;
use std::fmt::Write as _;
use std::os::unix::ffi::OsStrExt as _;
use std::path::Path;

/// `path` as text, for messages and JSON.
///
/// Most paths are returned as they are. In one that is not UTF-8, the bytes that are not, and each `%`, are
/// percent-escaped, so that different paths stay different.
pub fn path_text(path: &Path) -> Cow<'_, str> {
    if let Some(text) = path.to_str() {
        return Cow::Borrowed(text);
    }
    let mut text = String::new();
    for chunk in path.as_os_str().as_bytes().utf8_chunks() {
        text.push_str(&chunk.valid().replace('%', "%25"));
        for byte in chunk.invalid() {
            // Writing to a string cannot fail.
            let _ = write!(text, "%{byte:02X}");
        }
    }
    Cow::Owned(text)
}

/// The place of an item as text: the file at `path`, with `#17` behind it for record 17.
pub fn place_text(path: &Path, record: Option<u64>) -> String {
    let path = path_text(path);
    match record {
        Some(record) => format!("{path}#{record}"),
        None => path.into_owned(),
    }
}

#[cfg(test)]
mod tests {
    use std::ffi::OsStr;

    use super::*;

    #[test]
    fn only_paths_that_are_not_utf8_are_escaped() {
        assert_eq!(path_text(Path::new("/data/50% off é.jpg")), "/data/50% off é.jpg");
        let latin1 = Path::new(OsStr::from_bytes(b"/data/50% caf\xe9.jpg"));
        assert_eq!(path_text(latin1), "/data/50%25 caf%E9.jpg");
    }
}
