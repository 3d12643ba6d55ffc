use std::collections::BTreeMap;
use std::fmt;
use std::path::PathBuf;
use std::str::FromStr;

use serde::{Deserialize, Serialize};

use crate::place_text;

/// The name of an item: the BLAKE3 hash of its content, written `b3:` and 64 hexadecimal digits.
#[derive(Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(into = "String", try_from = "String")]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema), schema(value_type = String, example = "b3:", pattern = "^b3:[0-9a-f]{64}$"))]
pub struct ItemId([u8; Self::BYTES]);

impl ItemId {
    /// The length of the hash.
    pub const BYTES: usize = 32;

    /// The item whose content has this BLAKE3 hash.
    pub const fn from_hash(hash: [u8; Self::BYTES]) -> Self {
        Self(hash)
    }

    /// The hash.
    pub const fn as_bytes(&self) -> &[u8; Self::BYTES] {
        &self.0
    }
}

impl fmt::Display for ItemId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("b3:")?;
        self.0.iter().try_for_each(|byte| write!(f, "{byte:02x}"))
    }
}

impl fmt::Debug for ItemId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(self, f)
    }
}

impl From<ItemId> for String {
    fn from(id: ItemId) -> Self {
        id.to_string()
    }
}

impl TryFrom<String> for ItemId {
    type Error = BadItemId;

    fn try_from(text: String) -> Result<Self, BadItemId> {
        text.parse()
    }
}

impl FromStr for ItemId {
    type Err = BadItemId;

    fn from_str(text: &str) -> Result<Self, BadItemId> {
        let bad = || BadItemId(text.chars().take(80).collect());
        let digits = text.strip_prefix("b3:").ok_or_else(bad)?.as_bytes();
        if digits.len() != 2 * Self::BYTES {
            return Err(bad());
        }
        let mut hash = [0; Self::BYTES];
        let (pairs, _) = digits.as_chunks::<2>();
        for (byte, [high, low]) in hash.iter_mut().zip(pairs) {
            let digit = |digit: &u8| char::from(*digit).to_digit(16).ok_or_else(bad);
            // Two digits of four bits each.
            *byte = (digit(high)? << 4 | digit(low)?) as u8;
        }
        Ok(Self(hash))
    }
}

/// A text that does not name an item.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error(
    "'{0}' is not an item: expected b3: and 64 hexadecimal digits, as `sensorium search --json` gives them"
)]
pub struct BadItemId(String);

/// What a record of a user's file says beside its text, by field.
pub type Fields = BTreeMap<String, serde_json::Value>;

/// Where the content of an item was found.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Location {
    /// The file, as an absolute path.
    pub path: PathBuf,
    /// The record in it, counted from 1, for files that hold many items.
    pub record: Option<u64>,
    /// When the file was last modified, in nanoseconds since 1970, as far as the index knows: 0 when the file has
    /// to be looked at again.
    pub modified: i64,
    /// The fields of the record other than its text.
    pub fields: Fields,
}

/// `/data/notes.jsonl#17` for record 17.
impl fmt::Display for Location {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&place_text(&self.path, self.record))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_item_id_reads_back_and_nothing_else_is_one() {
        let mut hash = [0xa5; 32];
        hash[0] = 0x0f;
        let id = ItemId::from_hash(hash);
        let text = id.to_string();
        assert!(text.starts_with("b3:0fa5") && text.len() == 67);
        assert_eq!(text.parse(), Ok(id));
        for bad in [
            "",
            "b3:",
            &text[3..],
            &text[..66],
            &text.replace('f', "g"),
            "b3:é",
        ] {
            assert!(bad.parse::<ItemId>().is_err(), "{bad}");
        }
    }

    #[test]
    fn a_location_is_written_with_its_record() {
        let location = Location {
            path: "/data/notes.jsonl".into(),
            record: Some(17),
            modified: 0,
            fields: Fields::new(),
        };
        assert_eq!(location.to_string(), "/data/notes.jsonl#17");
    }
}
