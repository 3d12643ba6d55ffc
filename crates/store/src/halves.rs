//! Half floats as they are written: little-endian, one after the other.

use half::f16;

pub(crate) fn half_bytes(values: &[f16]) -> Vec<u8> {
    values.iter().flat_map(|value| value.to_le_bytes()).collect()
}

/// The halves in `bytes`; an odd byte at the end is left out.
pub(crate) fn halves(bytes: &[u8]) -> impl Iterator<Item = f16> {
    let (pairs, _) = bytes.as_chunks::<2>();
    pairs.iter().map(|&pair| f16::from_le_bytes(pair))
}
