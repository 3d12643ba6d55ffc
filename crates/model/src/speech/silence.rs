//! Silence, which needs no model.

/// Samples that are looked at together: a tenth of a second.
const FRAME: usize = super::SAMPLE_RATE / 10;

/// Mean square below which a frame is silent: -66 decibels of full scale.
const SILENT: f32 = 0.0005 * 0.0005;

/// How many samples at the beginning are silent, in whole frames, less one frame that is left before a sound; all where nothing
/// is heard.
pub(super) fn leading(samples: &[f32]) -> usize {
    match samples.chunks(FRAME).position(|frame| !is_silent(frame)) {
        Some(frames) => frames.saturating_sub(1) * FRAME,
        None => samples.len(),
    }
}

fn is_silent(frame: &[f32]) -> bool {
    let energy: f32 = frame.iter().map(|sample| sample * sample).sum();
    energy <= SILENT * frame.len() as f32
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn silence_ends_a_frame_before_the_first_sound() {
        let mut samples = vec![0.0001; 10 * FRAME];
        assert_eq!(leading(&samples), samples.len());
        samples[5 * FRAME + 7..][..400].fill(0.01);
        assert_eq!(leading(&samples), 4 * FRAME);
        samples[3] = 0.5;
        assert_eq!(leading(&samples), 0);
        assert_eq!(leading(&[]), 0);
    }
}
