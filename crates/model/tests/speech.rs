//! What the package `speech` hears. Without it, which `make speech` gets, these tests say so and do nothing.

#![allow(
    clippy::unwrap_used,
    clippy::print_stderr,
    reason = "a test may panic and print"
)]

use std::path::Path;
use std::process::Command;

use sensorium_model::{Listener, SpeechPackage, SpokenLine};

const RATE: usize = Listener::SAMPLE_RATE as usize;

fn listener() -> Option<Listener> {
    let base = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../models/base");
    let package = SpeechPackage::find(&base).unwrap();
    if package.is_none() {
        eprintln!("skipped: there is no models/speech, `make speech` gets it");
    }
    package.map(|package| Listener::load(&package).unwrap())
}

/// What is heard in `samples`, pushed in pieces of `size`.
fn heard(listener: &mut Listener, samples: &[f32], size: usize) -> Vec<SpokenLine> {
    let mut lines = Vec::new();
    for piece in samples.chunks(size) {
        lines.extend(listener.push(piece).unwrap());
    }
    lines.extend(listener.finish().unwrap());
    lines
}

/// A spoken sentence; ffmpeg has a voice of its own in some builds only.
fn sentence(text: &str) -> Option<Vec<f32>> {
    let source = format!("flite=text='{text}':voice=slt");
    let ffmpeg = Command::new("ffmpeg")
        .args(["-v", "error", "-nostdin", "-f", "lavfi", "-i", &source])
        .args(["-ac", "1", "-ar", &RATE.to_string(), "-f", "f32le", "-"])
        .output()
        .ok()
        .filter(|output| output.status.success() && !output.stdout.is_empty());
    if ffmpeg.is_none() {
        eprintln!("skipped: this ffmpeg has no voice (flite)");
    }
    let bytes = ffmpeg?.stdout;
    Some(
        bytes
            .as_chunks::<4>()
            .0
            .iter()
            .map(|&bytes| f32::from_le_bytes(bytes))
            .collect(),
    )
}

#[test]
fn words_are_heard_when_they_are_said_however_the_sound_comes() {
    let Some(mut listener) = listener() else { return };
    let Some(first) = sentence("The children built a castle of sand before supper.") else {
        return;
    };
    let second = sentence("A cold wind blew from the north.").unwrap();
    // Forty seconds lie between, longer than a window.
    let mut sound = vec![0.0; 2 * RATE];
    sound.extend(&first);
    let later = sound.len() + 40 * RATE;
    sound.resize(later, 0.0);
    sound.extend(&second);

    let lines = heard(&mut listener, &sound, 1000);
    let (before, after): (Vec<_>, Vec<_>) = lines.iter().partition(|line| line.span.end < 30.0);
    let text = |lines: &[&SpokenLine]| {
        lines
            .iter()
            .map(|line| line.text.as_str())
            .collect::<Vec<_>>()
            .join(" ")
    };
    assert!(text(&before).contains("castle of sand"), "{lines:?}");
    assert!(text(&after).contains("cold wind"), "{lines:?}");
    assert!((before[0].span.start - 2.0).abs() < 1.0, "{lines:?}");
    let start = later as f64 / RATE as f64;
    assert!((after[0].span.start - start).abs() < 1.0, "{lines:?}");
    assert_eq!(heard(&mut listener, &sound, sound.len()), lines);
}

#[test]
fn nothing_is_heard_in_silence_noise_and_broken_samples() {
    let Some(mut listener) = listener() else { return };
    assert_eq!(heard(&mut listener, &vec![0.0; 90 * RATE], RATE), []);
    assert_eq!(heard(&mut listener, &[0.5; 100], RATE), []);
    assert_eq!(heard(&mut listener, &[], RATE), []);
    let mut state = 1_u32;
    let noise: Vec<f32> = (0..5 * RATE)
        .map(|_| {
            state = state.wrapping_mul(1_664_525).wrapping_add(1_013_904_223);
            (state >> 8) as f32 / 8e7 - 0.1
        })
        .collect();
    assert_eq!(heard(&mut listener, &noise, RATE), []);
    let broken: Vec<f32> = [f32::NAN, f32::INFINITY, -1e30, 0.0].repeat(RATE);
    assert_eq!(heard(&mut listener, &broken, RATE), []);
}

#[test]
fn a_sound_that_was_given_up_leaves_nothing_behind() {
    let Some(mut listener) = listener() else { return };
    listener.push(&vec![0.3; 10 * RATE]).unwrap();
    listener.begin();
    assert_eq!(listener.finish().unwrap(), []);
}
