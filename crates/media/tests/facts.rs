//! What files say of themselves.

#![allow(clippy::unwrap_used, reason = "clippy knows tests, but not their helpers")]

use std::fs;
use std::io::Cursor;
use std::path::Path;
use std::process::Command;

use exif::experimental::Writer;
use exif::{Field, In, Rational, Tag, Value};
use sensorium_media::{Limits, Target, open};
use serde_json::{Value as Json, json};

fn facts(path: &Path) -> Json {
    let media = open(path, &Limits::default(), &Target::default()).unwrap();
    serde_json::to_value(media.facts()).unwrap()
}

/// A JPEG of 40 x 20 pixels with these fields of EXIF.
fn photo(path: &Path, fields: &[(Tag, Value)]) {
    let mut jpeg = Cursor::new(Vec::new());
    image::RgbImage::new(40, 20)
        .write_to(&mut jpeg, image::ImageFormat::Jpeg)
        .unwrap();
    let jpeg = jpeg.into_inner();
    let fields: Vec<Field> = fields
        .iter()
        .map(|(tag, value)| Field {
            tag: *tag,
            ifd_num: In::PRIMARY,
            value: value.clone(),
        })
        .collect();
    let mut writer = Writer::new();
    fields.iter().for_each(|field| writer.push_field(field));
    let mut tiff = Cursor::new(Vec::new());
    writer.write(&mut tiff, false).unwrap();
    let exif = [&b"Exif\0\0"[..], tiff.get_ref()].concat();
    let length = u16::try_from(exif.len() + 2).unwrap().to_be_bytes();
    let marker = [&[0xff, 0xe1], &length[..], &exif].concat();
    fs::write(path, [&jpeg[..2], &marker, &jpeg[2..]].concat()).unwrap();
}

fn text(text: &str) -> Value {
    Value::Ascii(vec![text.as_bytes().to_vec()])
}

#[test]
fn a_photo_tells_its_size_as_it_is_seen_and_what_the_camera_wrote() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("a.jpg");
    let angle = |degrees: u32, minutes: u32| {
        let parts = [degrees, minutes, 0];
        Value::Rational(parts.map(|num| Rational { num, denom: 1 }).to_vec())
    };
    photo(
        &path,
        &[
            (Tag::Orientation, Value::Short(vec![6])),
            (Tag::Make, text("NIKON")),
            (Tag::Model, text("NIKON Z 6")),
            (Tag::DateTimeOriginal, text("2024:06:01 12:30:00")),
            (Tag::GPSLatitude, angle(33, 30)),
            (Tag::GPSLatitudeRef, text("S")),
        ],
    );
    assert_eq!(
        facts(&path),
        json!({"width": 20, "height": 40, "camera": "NIKON Z 6", "taken": "2024-06-01T12:30:00", "latitude": -33.5})
    );
}

#[test]
fn a_sound_and_a_video_tell_their_length_and_their_tags() {
    let folder = tempfile::tempdir().unwrap();
    let make = |name: &str, source: &str, tags: &[&str]| {
        let path = folder.path().join(name);
        let mut ffmpeg = Command::new("ffmpeg");
        ffmpeg.args(["-nostdin", "-v", "error", "-f", "lavfi", "-i", source, "-t", "2"]);
        for tag in tags {
            ffmpeg.args(["-metadata", tag]);
        }
        assert!(ffmpeg.arg(&path).status().unwrap().success());
        facts(&path)
    };
    let song = make("a.flac", "sine", &["title=Blackbird", "ARTIST=Ann", "date=2023"]);
    assert_eq!(
        song,
        json!({"duration": 2, "title": "Blackbird", "artist": "Ann", "date": "2023"})
    );
    let song = make("a.ogg", "sine", &["title=Blackbird"]);
    assert_eq!(song["title"], "Blackbird", "where tags are those of the stream");
    let clip = make(
        "a.mp4",
        "testsrc=s=64x48",
        &[
            "creation_time=2024-06-01T10:00:00Z",
            &format!("comment={}", "x".repeat(5000)),
        ],
    );
    assert_eq!((&clip["width"], &clip["height"]), (&json!(64), &json!(48)));
    assert_eq!(clip["taken"], "2024-06-01T10:00:00.000000Z");
    assert_eq!(clip["comment"].as_str().unwrap().len(), 1000);
}

#[test]
fn what_is_no_number_and_no_date_is_left_out() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("a.jpg");
    photo(
        &path,
        &[
            (Tag::DateTimeOriginal, text("    :  :     :  :  ")),
            (
                Tag::GPSLongitude,
                Value::Rational(vec![Rational { num: 1, denom: 0 }]),
            ),
            (Tag::Model, text("")),
        ],
    );
    assert_eq!(facts(&path), json!({"width": 40, "height": 20}));
}
