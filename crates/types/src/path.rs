use std::borrow::Cow;
use std::fmt::Write as _;
use std::os::unix::ffi::OsStrExt as _;
use std::path::Path;

/// `path` as text, for messages and JSON.
///
/// A path in UTF-8 is returned as it is. In any other, the bytes that are not UTF-8, and each `%`, are
/// percent-escaped, so that different ones of these stay different.
///
/// It is for reading, not a key: the name `caf%E9` in UTF-8 and the name `caf\xE9` in Latin-1 give the same text.
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

    #[test]
    fn a_name_that_reads_like_an_escaped_one_is_left_alone() {
        let latin1 = Path::new(OsStr::from_bytes(b"caf\xe9.jpg"));
        let utf8 = Path::new("caf%E9.jpg");
        assert_eq!(path_text(latin1), path_text(utf8));
    }
}
