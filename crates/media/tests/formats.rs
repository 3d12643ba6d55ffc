//! Every format that is promised, made on the spot by ffmpeg and friends, decodes to the samples that it holds.

#![allow(clippy::unwrap_used, reason = "clippy knows tests, but not their helpers")]

use std::fs;
use std::io::Write as _;
use std::path::{Path, PathBuf};
use std::process::Command;

use flate2::Compression;
use flate2::write::GzEncoder;
use sensorium_media::{Limits, Media, Memory, Picture, Piece, Sample, Target, open};
use sensorium_types::{Modality, Span, Track};
use tempfile::TempDir;

fn folder() -> TempDir {
    tempfile::tempdir().unwrap()
}

fn run(program: &str, words: &[&str]) -> bool {
    let output = Command::new(program).args(words).output();
    let output = output.unwrap_or_else(|error| panic!("{program}: {error}: run `make setup`"));
    output.status.success()
}

fn ffmpeg(folder: &TempDir, name: &str, words: &[&str]) -> PathBuf {
    let path = folder.path().join(name);
    let words = [
        &["-nostdin", "-v", "error", "-y"],
        words,
        &[path.to_str().unwrap()],
    ]
    .concat();
    assert!(run("ffmpeg", &words), "{words:?}");
    path
}

fn media(path: &Path) -> Media {
    open(path, &Limits::default(), &Target::default()).unwrap()
}

fn pieces(path: &Path) -> Vec<Piece> {
    media(path).map(Result::unwrap).collect()
}

fn picture(path: &Path) -> Picture {
    assert_eq!(media(path).modality(), Modality::Image, "{}", path.display());
    match pieces(path).remove(0).sample {
        Sample::Picture(picture) => picture,
        other => panic!("{other:?}"),
    }
}

/// Checks that the pixel at these parts of width and height is about `rgb`.
fn assert_colour(picture: &Picture, at: (f64, f64), rgb: [u8; 3]) {
    let x = (f64::from(picture.width() - 1) * at.0) as usize;
    let y = (f64::from(picture.height() - 1) * at.1) as usize;
    let start = (y * picture.width() as usize + x) * 3;
    let found = &picture.rgb()[start..start + 3];
    let close = found.iter().zip(rgb).all(|(&a, b)| a.abs_diff(b) < 40);
    assert!(close, "{found:?} is not {rgb:?} at {at:?}");
}

/// The left half red, the right half blue.
const HALVES: &str = "color=red:s=320x240:d=1[r];color=blue:s=320x240:d=1[b];[r][b]hstack";

fn assert_halves(picture: &Picture) {
    assert_eq!((picture.width(), picture.height()), (640, 240));
    assert_colour(picture, (0.2, 0.5), [254, 0, 0]);
    assert_colour(picture, (0.8, 0.5), [0, 0, 254]);
}

#[test]
fn pictures_of_all_formats_show_what_they_hold() {
    let folder = folder();
    for name in ["a.jpg", "a.png", "a.webp", "a.gif", "a.bmp", "a.tiff"] {
        let path = ffmpeg(&folder, name, &["-f", "lavfi", "-i", HALVES, "-frames:v", "1"]);
        assert_halves(&picture(&path));
    }
}

/// Not every build of libheif has the encoders, so these two were made by `heif-enc` from the PNG of the others.
#[test]
fn heic_and_avif_are_decoded() {
    let data = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/data");
    for name in ["halves.heic", "halves.avif"] {
        assert_halves(&picture(&data.join(name)));
    }
}

#[test]
fn a_drawing_is_drawn_over_white() {
    let folder = folder();
    let path = folder.path().join("a.svg");
    let svg = "<svg xmlns='http://www.w3.org/2000/svg' viewBox='0 0 20 10'><rect width='10' height='10' fill='red'/></svg>";
    fs::write(&path, svg).unwrap();
    for path in [path.clone(), packed(&path, "b.svgz"), packed(&path, "c.svg")] {
        let picture = picture(&path);
        assert!(picture.width() >= 500 && picture.width() == 2 * picture.height());
        assert_colour(&picture, (0.2, 0.5), [255, 0, 0]);
        assert_colour(&picture, (0.8, 0.5), [255, 255, 255]);
    }
}

/// A copy of the file at `path`, compressed by gzip.
fn packed(path: &Path, name: &str) -> PathBuf {
    let mut packed = GzEncoder::new(Vec::new(), Compression::default());
    packed.write_all(&fs::read(path).unwrap()).unwrap();
    let path = path.with_file_name(name);
    fs::write(&path, packed.finish().unwrap()).unwrap();
    path
}

#[test]
fn transparency_is_laid_over_white() {
    let folder = folder();
    for name in ["a.png", "a.webp"] {
        let clear = "color=red@0.0:s=64x64:d=1,format=rgba";
        let path = ffmpeg(&folder, name, &["-f", "lavfi", "-i", clear, "-frames:v", "1"]);
        assert_colour(&picture(&path), (0.5, 0.5), [255, 255, 255]);
    }
}

#[test]
fn a_photo_stands_upright_whatever_its_exif_says() {
    let folder = folder();
    let path = ffmpeg(&folder, "a.jpg", &["-f", "lavfi", "-i", HALVES, "-frames:v", "1"]);
    let plain = fs::read(&path).unwrap();
    // Where the red half is, as (x, y), for each of the eight orientations.
    let (left, right, top, bottom) = ((0.2, 0.5), (0.8, 0.5), (0.5, 0.2), (0.5, 0.8));
    let red = [left, right, right, left, top, top, bottom, bottom];
    for (orientation, at) in (1u8..).zip(red) {
        let mut exif = b"\xff\xe1\0\x22Exif\0\0MM\0\x2a\0\0\0\x08\0\x01\x01\x12\0\x03\0\0\0\x01\0".to_vec();
        exif.extend([orientation, 0, 0, 0, 0, 0, 0]);
        fs::write(&path, [&plain[..2], &exif, &plain[2..]].concat()).unwrap();
        let picture = picture(&path);
        assert_eq!(
            picture.width() > picture.height(),
            orientation <= 4,
            "{orientation}"
        );
        assert_colour(&picture, at, [254, 0, 0]);
    }
}

#[test]
fn a_large_photo_is_decoded_at_a_reduced_scale() {
    let folder = folder();
    let large = ["-f", "lavfi", "-i", "testsrc2=s=4000x3000:d=1", "-frames:v", "1"];
    let jpeg = picture(&ffmpeg(&folder, "a.jpg", &large));
    assert_eq!((jpeg.width(), jpeg.height()), (500, 375));
    let png = picture(&ffmpeg(&folder, "a.png", &large));
    assert_eq!(png.height(), 520);
}

fn spans(path: &Path, track: Track) -> Vec<(f64, f64)> {
    let of_track = pieces(path)
        .into_iter()
        .filter(|piece| piece.segment.track == track);
    let span = |piece: Piece| piece.segment.span.unwrap();
    of_track
        .map(span)
        .map(|Span { start, end }| (start, end))
        .collect()
}

#[test]
fn sounds_of_all_formats_become_mono_windows_at_the_models_rate() {
    let folder = folder();
    for name in [
        "a.wav", "a.flac", "a.mp3", "a.m4a", "a.ogg", "a.opus", "a.aiff", "a.aac", "a.wma",
    ] {
        let tone = ["-f", "lavfi", "-i", "sine=440:r=48000:d=12", "-ac", "2"];
        let path = ffmpeg(&folder, name, &tone);
        assert_eq!(media(&path).modality(), Modality::Audio, "{name}");
        let windows = pieces(&path);
        assert_eq!(windows.len(), 2, "{name}");
        for window in windows {
            let Sample::Sound(samples) = window.sample else {
                panic!("no sound")
            };
            assert_eq!(samples.len(), 160_000, "{name}");
            let crossings = samples
                .windows(2)
                .filter(|pair| pair[0] < 0.0 && pair[1] >= 0.0)
                .count();
            // 440 a second for ten seconds; codecs add a few at the edges.
            assert!(crossings.abs_diff(4400) < 50, "{name}: {crossings}");
        }
    }
}

#[test]
fn windows_of_sound_overlap_and_the_last_ends_with_the_file() {
    let folder = folder();
    let long = ffmpeg(&folder, "a.wav", &["-f", "lavfi", "-i", "sine=d=23"]);
    let expected = [(0.0, 10.0), (5.0, 15.0), (10.0, 20.0), (13.0, 23.0)];
    assert_eq!(spans(&long, Track::Audio), expected);
    let short = ffmpeg(&folder, "b.wav", &["-f", "lavfi", "-i", "sine=d=2"]);
    assert_eq!(spans(&short, Track::Audio), [(0.0, 2.0)]);
}

#[test]
fn cover_art_does_not_make_a_sound_a_video() {
    let folder = folder();
    let cover = ffmpeg(
        &folder,
        "cover.jpg",
        &["-f", "lavfi", "-i", HALVES, "-frames:v", "1"],
    );
    let sound = ffmpeg(&folder, "plain.mp3", &["-f", "lavfi", "-i", "sine=d=2"]);
    let (cover, sound) = (cover.to_str().unwrap(), sound.to_str().unwrap());
    let inputs = ["-i", sound, "-i", cover, "-map", "0", "-map", "1", "-c", "copy"];
    let words = [&inputs[..], &["-disposition:v", "attached_pic"]].concat();
    let path = ffmpeg(&folder, "a.mp3", &words);
    assert_eq!(media(&path).modality(), Modality::Audio);
    assert_eq!(pieces(&path).len(), 1);
}

#[test]
fn a_moving_gif_is_a_picture() {
    let folder = folder();
    let path = ffmpeg(
        &folder,
        "a.gif",
        &["-f", "lavfi", "-i", "testsrc=s=64x64:d=2:r=5"],
    );
    assert_eq!(media(&path).modality(), Modality::Image);
    assert_eq!(pieces(&path).len(), 1);
}

const FILM: [&str; 4] = ["-f", "lavfi", "-i", "testsrc=s=320x240:r=25:d=10"];
const TONE: [&str; 4] = ["-f", "lavfi", "-i", "sine=440:d=10"];

#[test]
fn videos_of_all_formats_have_windows_of_both_tracks() {
    let folder = folder();
    for name in [
        "a.mp4", "a.webm", "a.mkv", "a.avi", "a.mov", "a.mpg", "a.ogv", "a.ts", "a.flv",
    ] {
        let path = ffmpeg(&folder, name, &[&FILM[..], &TONE, &["-shortest"]].concat());
        assert_eq!(media(&path).modality(), Modality::Video, "{name}");
        let visual = spans(&path, Track::Visual);
        assert_eq!(visual[0], (0.0, 8.0), "{name}");
        assert!(
            visual.len() == 2 && (visual[1].1 - 10.0).abs() < 0.6,
            "{name}: {visual:?}"
        );
        assert!((1..=2).contains(&spans(&path, Track::Audio).len()), "{name}");
        let Sample::Frames(frames) = &pieces(&path)[0].sample else {
            panic!("no frames")
        };
        assert!(
            (8..=16).contains(&frames.len()),
            "{name}: {} frames",
            frames.len()
        );
    }
}

/// The times at which the first sample that is louder than silence and the last one are heard.
fn heard(path: &Path) -> (f64, f64) {
    let (mut first, mut last) = (f64::MAX, 0.0f64);
    for piece in pieces(path) {
        if let (Sample::Sound(samples), Some(span)) = (&piece.sample, piece.segment.span) {
            let loud = |sample: &f32| sample.abs() > 0.01;
            let time = |index: usize| span.start + index as f64 / 16_000.0;
            first = first.min(samples.iter().position(loud).map_or(f64::MAX, time));
            last = last.max(samples.iter().rposition(loud).map_or(0.0, time));
        }
    }
    (first, last)
}

#[test]
fn times_of_both_tracks_are_those_of_the_file() {
    let folder = folder();
    let film = ["-f", "lavfi", "-i", "testsrc=s=320x240:r=10:d=6"];
    let tone = ["-f", "lavfi", "-i", "sine=440:d=3"];
    let late = ["-itsoffset", "2"];
    let path = ffmpeg(&folder, "sound.mkv", &[&film[..], &late, &tone].concat());
    let (first, last) = heard(&path);
    assert!(
        (first - 2.0).abs() < 0.05 && (last - 5.0).abs() < 0.05,
        "{first} {last}"
    );

    let gap = ["-af", "aselect='lt(t,3)+gt(t,6)'", "-c:a", "flac"];
    let long = ["-f", "lavfi", "-i", "sine=440:d=9"];
    let path = ffmpeg(&folder, "gap.mkv", &[&long[..], &gap].concat());
    let Sample::Sound(samples) = &pieces(&path)[0].sample else {
        panic!("no sound")
    };
    assert!(samples.len().abs_diff(9 * 16_000) < 800, "{}", samples.len());
    assert!(
        samples[4 * 16_000..5 * 16_000]
            .iter()
            .all(|sample| *sample == 0.0)
    );

    let short = ["-f", "lavfi", "-i", "color=red:s=320x240:r=10:d=1"];
    let late = ["-itsoffset", "12"];
    let maps = ["-map", "1", "-map", "0"];
    let words = [&["-f", "lavfi", "-i", "sine=440:d=13"][..], &late, &short, &maps].concat();
    let visual = spans(&ffmpeg(&folder, "film.mkv", &words), Track::Visual);
    assert!(visual.last().unwrap().1 > 12.5, "{visual:?}");
}

#[test]
fn a_video_without_a_usable_sound_keeps_its_pictures() {
    let folder = folder();
    let tone = ["-f", "lavfi", "-i", "sine=440:d=10", "-c:a", "flac"];
    let path = ffmpeg(
        &folder,
        "empty.mkv",
        &[&FILM[..], &tone, &["-af", "aselect=0"]].concat(),
    );
    assert_eq!(spans(&path, Track::Visual).len(), 2);
    assert!(spans(&path, Track::Audio).is_empty());

    let path = ffmpeg(&folder, "broken.mkv", &[&FILM[..], &tone].concat());
    let bytes = fs::read(&path).unwrap();
    let codec = bytes.windows(6).position(|name| name == b"A_FLAC").unwrap();
    let broken = [&bytes[..codec], b"A_XXXX", &bytes[codec + 6..]].concat();
    fs::write(&path, broken).unwrap();
    assert_eq!(spans(&path, Track::Visual).len(), 2);
    let target = Target {
        visual_track: false,
        ..Target::default()
    };
    let mut alone = open(&path, &Limits::default(), &target).unwrap();
    assert!(alone.any(|piece| piece.is_err()));
}

#[test]
fn the_title_of_a_video_is_no_frame_of_it() {
    let folder = folder();
    let line = "[Parsed_showinfo_4 @ 0x55] n: 0 pts: 0 pts_time:0 s:3000x3000 i:P";
    let long = "x".repeat(4096 - "    title           : ".len()) + line;
    for (name, title) in [
        ("a.mkv", line),
        ("b.mkv", &format!("x\n{line}")),
        ("c.mkv", &long),
    ] {
        let tags = [
            "-metadata",
            &format!("title={title}"),
            "-metadata",
            &format!("{line}=x"),
        ];
        let path = ffmpeg(&folder, name, &[&FILM[..], &tags].concat());
        let Sample::Frames(frames) = &pieces(&path)[0].sample else {
            panic!("no frames")
        };
        assert!(
            frames
                .iter()
                .all(|frame| (frame.width(), frame.height()) == (320, 240))
        );
        assert!(
            (8..=16).contains(&frames.len()),
            "{name}: {} frames",
            frames.len()
        );
    }
}

#[test]
fn large_pictures_wait_for_each_other() {
    let folder = folder();
    let path = ffmpeg(
        &folder,
        "a.png",
        &["-f", "lavfi", "-i", "color=s=3000x3000:d=1", "-frames:v", "1"],
    );
    // Enough for one at a time.
    let limits = Limits {
        memory: Memory::new(40_000_000),
        ..Limits::default()
    };
    std::thread::scope(|scope| {
        for _ in 0..4 {
            scope.spawn(|| assert!(open(&path, &limits, &Target::default()).is_ok()));
        }
    });
    let limits = Limits {
        memory: Memory::new(20_000_000),
        ..Limits::default()
    };
    let refused = open(&path, &limits, &Target::default())
        .err()
        .unwrap()
        .to_string();
    assert!(refused.contains("decoding it takes"), "{refused}");
}

#[test]
fn tracks_that_are_not_wanted_are_not_decoded() {
    let folder = folder();
    let path = ffmpeg(&folder, "a.mp4", &[&FILM[..], &TONE, &["-shortest"]].concat());
    let target = Target {
        audio_track: false,
        ..Target::default()
    };
    let mut pieces_without = open(&path, &Limits::default(), &target).unwrap();
    assert!(pieces_without.all(|piece| piece.unwrap().segment.track == Track::Visual));
    let mute = ffmpeg(&folder, "b.mp4", &FILM);
    assert!(
        pieces(&mute)
            .iter()
            .all(|piece| piece.segment.track == Track::Visual)
    );
}

#[test]
fn a_new_scene_is_seen_even_between_the_seconds() {
    let folder = folder();
    let flash = "color=red:s=320x240:r=20:d=1.4[r];color=blue:s=320x240:r=20:d=0.4[b];\
        color=red:s=320x240:r=20:d=1[e];[r][b][e]concat=n=3";
    let path = ffmpeg(&folder, "a.mp4", &["-f", "lavfi", "-i", flash]);
    let Sample::Frames(frames) = pieces(&path).remove(0).sample else {
        panic!("no frames")
    };
    let blue = frames.iter().filter(|frame| frame.rgb()[2] > 200).count();
    assert!(blue >= 1, "the blue flash was missed in {} frames", frames.len());
}

#[test]
fn a_still_that_lasts_fills_its_windows() {
    let folder = folder();
    let path = ffmpeg(
        &folder,
        "a.mkv",
        &["-f", "lavfi", "-i", "testsrc=s=320x240:r=1/15:d=45"],
    );
    let windows = pieces(&path);
    assert!(windows.len() >= 6, "{}", windows.len());
    for window in windows {
        assert!(matches!(&window.sample, Sample::Frames(frames) if !frames.is_empty()));
    }
}

#[test]
fn a_pdf_gives_its_text() {
    let folder = folder();
    let path = folder.path().join("a.pdf");
    let pdf = "%PDF-1.4\n1 0 obj<</Type/Catalog/Pages 2 0 R>>endobj\n\
        2 0 obj<</Type/Pages/Kids[3 0 R]/Count 1>>endobj\n\
        3 0 obj<</Type/Page/Parent 2 0 R/MediaBox[0 0 612 792]/Contents 4 0 R\
        /Resources<</Font<</F1 5 0 R>>>>>>endobj\n\
        4 0 obj<</Length 50>>stream\nBT /F1 24 Tf 72 720 Td (A hen and a barn) Tj ET\nendstream endobj\n\
        5 0 obj<</Type/Font/Subtype/Type1/BaseFont/Helvetica>>endobj\ntrailer<</Root 1 0 R/Size 6>>\n";
    fs::write(&path, pdf).unwrap();
    assert_eq!(media(&path).modality(), Modality::Text);
    assert_eq!(pieces(&path)[0].sample, Sample::Text("A hen and a barn".into()));
}

#[test]
fn names_that_look_like_options_or_protocols_are_only_names() {
    let folder = folder();
    let source = ffmpeg(&folder, "a.wav", &["-f", "lavfi", "-i", "sine=d=2"]);
    for name in [
        "-i.wav",
        "http:a.wav",
        "a b'c\".wav",
        "concat:x|y.wav",
        "%d.wav",
        "b.wav?x#y",
    ] {
        let path = folder.path().join(name);
        fs::copy(&source, &path).unwrap();
        assert_eq!(pieces(&path).len(), 1, "{name}");
    }
    // Also as a relative name.
    std::env::set_current_dir(folder.path()).unwrap();
    assert_eq!(pieces(Path::new("-i.wav")).len(), 1);
}
