//! Pixels as the graphs want them: planes of blue, green and red, shifted and scaled.

use serde::Deserialize;

/// What is done with the values of pixels, 0 to 255, of the planes blue, green and red: (x - mean) / deviation.
#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Colours {
    mean: [f32; 3],
    deviation: [f32; 3],
}

impl Colours {
    pub(super) fn check(&self, of: &str) -> std::result::Result<(), String> {
        let is_sound = self.mean.iter().all(|mean| mean.is_finite())
            && self.deviation.iter().all(|deviation| deviation.is_normal());
        if is_sound {
            Ok(())
        } else {
            Err(format!(
                "[{of}] colours: mean and deviation must be finite, deviation not 0"
            ))
        }
    }

    /// Sets pixel `at` of `planes`, one after the other in one slice, to the colour `rgb`.
    pub(super) fn put(&self, planes: &mut [f32], at: usize, rgb: [f32; 3]) {
        let pixels = planes.len() / 3;
        for channel in 0..3 {
            planes[channel * pixels + at] = (rgb[2 - channel] - self.mean[channel]) / self.deviation[channel];
        }
    }
}
