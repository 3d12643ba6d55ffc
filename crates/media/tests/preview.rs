//! Small pictures, waveforms and copies for a browser.

#![allow(clippy::unwrap_used, reason = "clippy knows tests, but not their helpers")]

use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;

use sensorium_media::{Limits, Target, open, playable_copy, thumbnail, waveform};
use sensorium_types::Modality;
use tempfile::TempDir;

/// Two seconds of red and two of blue, with silence and then a tone, as no browser plays it.
fn clip(folder: &TempDir) -> PathBuf {
    let path = folder.path().join("clip.avi");
    let status = Command::new("ffmpeg")
        .args(["-v", "error", "-y", "-f", "lavfi", "-i"])
        .arg("color=red:s=321x180:r=10:d=2[a];color=blue:s=321x180:r=10:d=2[b];[a][b]concat")
        .args(["-f", "lavfi", "-i", "sine=440:d=4"])
        .args([
            "-af",
            "volume=0:enable='lt(t,2)'",
            "-c:v",
            "mpeg4",
            "-q:v",
            "2",
            "-c:a",
            "pcm_s16le",
        ])
        .arg(&path)
        .status()
        .unwrap();
    assert!(status.success());
    path
}

fn middle(jpeg: &[u8]) -> ([u8; 3], (u32, u32)) {
    let picture = image::load_from_memory(jpeg).unwrap().into_rgb8();
    let size = picture.dimensions();
    (picture.get_pixel(size.0 / 2, size.1 / 2).0, size)
}

#[test]
fn a_video_is_shown_as_it_is_at_the_time_that_is_asked_for() {
    let folder = tempfile::tempdir().unwrap();
    let clip = clip(&folder);
    let at = |seconds| middle(&thumbnail(&clip, &Limits::default(), 160, seconds).unwrap());
    let (red, size) = at(0.5);
    assert_eq!(size, (160, 90));
    assert!(red[0] > 200 && red[2] < 60, "{red:?}");
    let (blue, _) = at(3.0);
    assert!(blue[2] > 200 && blue[0] < 60, "{blue:?}");
    let (beyond, _) = at(1e9);
    assert_eq!(beyond, red, "behind its end it is shown at its beginning");
}

#[test]
fn a_picture_is_made_small_but_never_larger() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("a.png");
    image::RgbImage::from_pixel(300, 100, image::Rgb([0, 200, 0]))
        .save(&path)
        .unwrap();
    let small = |side| middle(&thumbnail(&path, &Limits::default(), side, 0.0).unwrap()).1;
    assert_eq!([small(150), small(4000)], [(150, 50), (300, 100)]);
}

#[test]
fn a_waveform_is_high_where_it_is_loud() {
    let folder = tempfile::tempdir().unwrap();
    let wave = waveform(&clip(&folder), &Limits::default(), 40).unwrap();
    assert_eq!(wave.peaks.len(), 40);
    assert!((wave.seconds - 4.0).abs() < 0.1, "{}", wave.seconds);
    assert!(wave.peaks[..18].iter().all(|peak| *peak < 0.01));
    assert!(wave.peaks[22..].iter().all(|peak| *peak > 0.05));
}

#[test]
fn a_copy_for_a_browser_holds_the_same() {
    let folder = tempfile::tempdir().unwrap();
    let clip = clip(&folder);
    let copy = folder.path().join("copy");
    assert_eq!(
        playable_copy(&clip, &Limits::default(), &copy).unwrap(),
        "video/mp4"
    );
    let media = open(&copy, &Limits::default(), &Target::default()).unwrap();
    assert_eq!(media.modality(), Modality::Video);
    assert!((media.facts()["duration"].as_f64().unwrap() - 4.0).abs() < 0.2);
    assert_eq!(media.facts()["width"], 320, "H.264 wants even sides");
}

#[test]
fn what_has_neither_pictures_nor_sound_is_an_error_that_says_so() {
    let folder = tempfile::tempdir().unwrap();
    let (text, damaged) = (folder.path().join("a.txt"), folder.path().join("a.mp4"));
    fs::write(&text, "words").unwrap();
    fs::write(&damaged, b"\0\0\0\x18ftypmp42\0\0\0\0mp42isom").unwrap();
    let limits = Limits::default();
    let told = |path: &Path| {
        [
            thumbnail(path, &limits, 100, 0.0).unwrap_err().to_string(),
            waveform(path, &limits, 10).unwrap_err().to_string(),
            playable_copy(path, &limits, &folder.path().join("copy"))
                .unwrap_err()
                .to_string(),
        ]
    };
    assert!(
        told(&text)
            .iter()
            .all(|error| error.contains("a.txt: ") && error.contains("nothing to"))
    );
    assert!(told(&damaged).iter().all(|error| error.contains("a.mp4: ")));
}
