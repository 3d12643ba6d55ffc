//! Floats as they are stored, and as they are computed with.

use half::f16;
use half::slice::HalfFloatSliceExt as _;

/// `values` as half floats, within their range: they have no room for more than 65,504.
pub(crate) fn halves(values: &[f32]) -> Vec<f16> {
    let limit = f16::MAX.to_f32();
    let bounded: Vec<f32> = values.iter().map(|value| value.clamp(-limit, limit)).collect();
    let mut halves = vec![f16::ZERO; values.len()];
    halves.convert_from_f32_slice(&bounded);
    halves
}

/// `halves` as floats.
pub(crate) fn floats(halves: &[f16]) -> Vec<f32> {
    let mut floats = vec![0.0; halves.len()];
    halves.convert_to_f32_slice(&mut floats);
    floats
}
