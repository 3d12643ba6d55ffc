//! The reader of print on the package of the checkout.

#![allow(clippy::unwrap_used, reason = "clippy knows tests, but not their helpers")]

use std::path::Path;

use sensorium_media::{Limits, Picture, Sample, Target};
use sensorium_model::{PrintPackage, PrintedLine, Reader};

fn reader() -> Reader {
    let base = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../models/base");
    Reader::load(&PrintPackage::find(&base).unwrap().unwrap()).unwrap()
}

fn drawn(name: &str) -> Picture {
    let path = Path::new(env!("CARGO_MANIFEST_DIR"))
        .join("tests/print")
        .join(name);
    let mut media = sensorium_media::open(&path, &Limits::default(), &Target::default()).unwrap();
    match media.next().unwrap().unwrap().sample {
        Sample::Picture(picture) => picture,
        other => panic!("{other:?}"),
    }
}

fn texts(lines: &[PrintedLine]) -> Vec<&str> {
    lines.iter().map(|line| line.text.as_str()).collect()
}

/// The picture, turned by a quarter clockwise.
fn turned(picture: &Picture) -> Picture {
    let (width, height) = (picture.width() as usize, picture.height() as usize);
    let pixel = |x: usize, y: usize| &picture.rgb()[(y * width + x) * 3..][..3];
    let rgb = (0..width).flat_map(|row| (0..height).flat_map(move |column| pixel(row, height - 1 - column)));
    Picture::new(picture.height(), picture.width(), rgb.copied().collect()).unwrap()
}

#[test]
fn print_is_read_line_by_line_from_the_top_left() {
    let mut reader = reader();
    let sign = reader.read(&drawn("sign.png")).unwrap();
    assert_eq!(texts(&sign), ["NO PARKING", "8 am to 6 pm"]);
    let receipt = reader.read(&drawn("receipt.png")).unwrap();
    assert_eq!(
        texts(&receipt),
        ["Bread", "3.20", "Coffee", "7.85", "Total", "11.05"]
    );
    assert_eq!(
        texts(&reader.read(&drawn("slanted.png")).unwrap()),
        ["Harbour ferries"]
    );
    // What was read before changes nothing.
    assert_eq!(reader.read(&drawn("sign.png")).unwrap(), sign);
}

#[test]
fn a_line_lies_where_it_was_drawn() {
    let sign = reader().read(&drawn("sign.png")).unwrap();
    let [top_left, top_right, bottom_right, bottom_left] = sign[0].corners;
    // Drawn from 20 to about 280 of 320 pixels, and from 28 to 58 of 140.
    for (corner, [x, y]) in [
        (top_left, [20.0, 28.0]),
        (top_right, [280.0, 28.0]),
        (bottom_right, [280.0, 58.0]),
        (bottom_left, [20.0, 58.0]),
    ] {
        let (dx, dy) = (corner[0] * 320.0 - x, corner[1] * 140.0 - y);
        assert!(dx.abs() < 16.0 && dy.abs() < 12.0, "{corner:?} {dx} {dy}");
    }
    assert!(
        sign.iter().all(|line| (0.9..=1.0).contains(&line.confidence)),
        "{sign:?}"
    );
}

#[test]
fn print_is_read_whichever_way_the_picture_is_turned() {
    let mut reader = reader();
    let mut picture = drawn("slanted.png");
    for turns in 1..4 {
        picture = turned(&picture);
        assert_eq!(
            texts(&reader.read(&picture).unwrap()),
            ["Harbour ferries"],
            "{turns}"
        );
    }
}

#[test]
fn pictures_of_odd_sizes_and_of_nothing_have_no_print() {
    let mut reader = reader();
    for (width, height) in [(1, 1), (1, 5000), (16_000, 10), (2, 3), (640, 480), (33, 31)] {
        for shade in [0, 255] {
            let picture = Picture::new(width, height, vec![shade; (width * height * 3) as usize]).unwrap();
            assert_eq!(reader.read(&picture).unwrap(), [], "{width} x {height}, {shade}");
        }
    }
}

#[test]
fn noise_is_read_in_bounded_time() {
    let mut reader = reader();
    let mut state = 1_u32;
    let mut noise = || {
        state = state.wrapping_mul(1_664_525).wrapping_add(1_013_904_223);
        if state >> 31 == 0 { 0 } else { 255 }
    };
    for (width, height) in [(400, 300), (3000, 20), (7, 900)] {
        let rgb = (0..width * height * 3).map(|_| noise()).collect();
        reader.read(&Picture::new(width, height, rgb).unwrap()).unwrap();
    }
}

#[test]
fn a_package_that_was_changed_is_refused_with_the_name_of_the_file() {
    let models = tempfile::tempdir().unwrap();
    let (base, print) = (models.path().join("base"), models.path().join("print"));
    std::fs::create_dir(&base).unwrap();
    std::fs::create_dir(&print).unwrap();
    let committed = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../models/print");
    for name in ["model.toml", "det.onnx", "rec.onnx", "characters.txt"] {
        std::fs::copy(committed.join(name), print.join(name)).unwrap();
    }
    std::fs::write(print.join("characters.txt"), "a\n").unwrap();
    let package = PrintPackage::find(&base).unwrap().unwrap();
    let error = Reader::load(&package).err().unwrap().to_string();
    assert!(
        error.contains("characters.txt is damaged or was changed"),
        "{error}"
    );
}
