//! What was uploaded to be asked for: its vectors are kept for a while, the file is not.

use std::num::NonZeroUsize;
use std::path::Path;
use std::sync::Mutex;
use std::time::{Duration, Instant};

use axum::body::Bytes;
use axum::http::StatusCode;
use lru::LruCache;
use sensorium_engine::EncodedContent;
use tempfile::{NamedTempFile, TempDir};
use tokio::io::AsyncWriteExt as _;
use tokio_stream::{Stream, StreamExt as _};

use crate::auth::random_name;
use crate::problem::{Problem, Result};
use crate::worker::Encode;

/// How long an upload may be asked for after its last use.
pub(crate) const KEPT: Duration = Duration::from_secs(3600);

/// More are not kept: the least recently used go first.
const MOST: NonZeroUsize = NonZeroUsize::new(256).unwrap();

/// Nor more bytes of vectors.
const MOST_BYTES: usize = 256 << 20;

/// Characters of a name that are kept.
const LONGEST_NAME: usize = 100;

/// An upload.
#[derive(Clone)]
pub(crate) struct Upload {
    pub(crate) name: String,
    pub(crate) content: EncodedContent,
    used: Instant,
}

/// All that are kept.
pub(crate) struct Uploads {
    folder: TempDir,
    most_bytes: u64,
    encode: Encode,
    kept: Mutex<LruCache<String, Upload>>,
}

impl Uploads {
    /// Takes files of at most `most_bytes`.
    pub(crate) fn new(encode: Encode, most_bytes: u64) -> std::io::Result<Self> {
        Ok(Self {
            folder: tempfile::Builder::new().prefix("sensorium-uploads").tempdir()?,
            most_bytes,
            encode,
            kept: Mutex::new(LruCache::new(MOST)),
        })
    }

    /// Reads, encodes and keeps a file, which its sender calls `name`.
    pub(crate) async fn take<E: std::fmt::Display>(
        &self,
        name: &str,
        bytes: impl Stream<Item = std::result::Result<Bytes, E>> + Unpin,
    ) -> Result<(String, Upload)> {
        let file = self.receive(name, bytes).await?;
        let content = self.encode.encode(file.path().to_owned()).await?;
        let upload = Upload {
            name: shown_name(name),
            content,
            used: Instant::now(),
        };
        let id = format!("u-{}", random_name().map_err(Problem::internal)?);
        let mut kept = self.kept.lock().map_err(Problem::internal)?;
        kept.put(id.clone(), upload.clone());
        let mut total: usize = kept.iter().map(|(_, upload)| upload.content.bytes()).sum();
        while total > MOST_BYTES && kept.len() > 1 {
            total -= kept.pop_lru().map_or(0, |(_, upload)| upload.content.bytes());
        }
        Ok((id, upload))
    }

    /// Writes the file to disk, where it is as long as the result lives.
    async fn receive<E: std::fmt::Display>(
        &self,
        name: &str,
        mut bytes: impl Stream<Item = std::result::Result<Bytes, E>> + Unpin,
    ) -> Result<NamedTempFile> {
        // The extension says how a text is written.
        let suffix = extension(name).map(|extension| format!(".{extension}"));
        let file = tempfile::Builder::new()
            .suffix(&suffix.unwrap_or_default())
            .tempfile_in(&self.folder)
            .map_err(Problem::internal)?;
        let mut writer = tokio::fs::File::from_std(file.reopen().map_err(Problem::internal)?);
        let mut length = 0;
        while let Some(chunk) = bytes.next().await {
            let chunk =
                chunk.map_err(|error| Problem::bad_request(format!("the upload broke off: {error}")))?;
            length += chunk.len() as u64;
            if length > self.most_bytes {
                return Err(Problem::new(
                    StatusCode::PAYLOAD_TOO_LARGE,
                    format!("uploads may have {} bytes at most", self.most_bytes),
                ));
            }
            writer.write_all(&chunk).await.map_err(Problem::internal)?;
        }
        writer.flush().await.map_err(Problem::internal)?;
        match length {
            0 => Err(Problem::bad_request("the upload is empty")),
            _ => Ok(file),
        }
    }

    /// The upload called `id`.
    pub(crate) fn get(&self, id: &str) -> Result<Upload> {
        let mut kept = self.kept.lock().map_err(Problem::internal)?;
        let found = kept.get_mut(id).filter(|upload| upload.used.elapsed() < KEPT);
        let upload = found.ok_or_else(|| {
            Problem::new(
                StatusCode::NOT_FOUND,
                "the upload is not kept any more: send the file again",
            )
        })?;
        upload.used = Instant::now();
        Ok(upload.clone())
    }
}

fn extension(name: &str) -> Option<&str> {
    let extension = Path::new(name).extension()?.to_str()?;
    let is_plain = extension.len() <= 8 && extension.bytes().all(|byte| byte.is_ascii_alphanumeric());
    is_plain.then_some(extension)
}

/// The last part of a name, without what could do harm when it is shown.
fn shown_name(name: &str) -> String {
    let last = name.rsplit(['/', '\\']).next().unwrap_or_default();
    last.chars()
        .filter(|c| !c.is_control())
        .take(LONGEST_NAME)
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_name_is_no_path() {
        assert_eq!(shown_name("../../etc/pass\nwd"), "passwd");
        assert_eq!(shown_name("C:\\a\\b.jpg"), "b.jpg");
        assert_eq!(
            (extension("a.jpg"), extension("a.j/g"), extension("a")),
            (Some("jpg"), None, None)
        );
    }
}
