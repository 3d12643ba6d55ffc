//! Contents of pairs into the bank, each once.

use std::collections::HashMap;

use sensorium_eval::{ContentId, Pairs, encode};
use sensorium_model::Pool;
use sensorium_types::Segment;

use crate::bank::{ContentKey, FeatureBank};
use crate::{Progress, Result};

/// Texts that are encoded before the next are looked at.
pub(crate) const TEXTS: usize = 1024;

/// Encodes what `bank` does not have of `keys`, and returns what could not be read, with the cause.
pub(crate) fn fill(
    bank: &mut FeatureBank,
    pairs: &Pairs,
    keys: &HashMap<ContentId, ContentKey>,
    pool: &mut Pool,
    progress: &mut dyn FnMut(Progress),
) -> Result<HashMap<ContentId, String>> {
    let missing = keys.iter().filter(|(_, key)| bank.rows(key).is_none());
    let missing = missing.map(|(id, _)| *id).collect();
    let mut unreadable = HashMap::new();
    let mut failed = None;
    encode(pairs, &missing, pool, |id, segments| {
        progress(Progress::Encoded);
        match segments {
            Err(cause) => {
                unreadable.insert(id, cause);
            }
            Ok(segments) => {
                let segments: Vec<(Segment, Vec<f32>)> = segments
                    .into_iter()
                    .map(|(segment, encoding)| (segment, encoding.features))
                    .collect();
                if let Err(error) = bank.insert(keys[&id], &segments) {
                    failed.get_or_insert(error);
                }
            }
        }
    })?;
    match failed {
        Some(error) => Err(error),
        None => Ok(unreadable),
    }
}
