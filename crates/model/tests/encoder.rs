//! The encoder and the pool on the package of the checkout.

#![allow(clippy::unwrap_used, reason = "clippy knows tests, but not their helpers")]

use std::fs;
use std::ops::ControlFlow;
use std::path::Path;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

use sensorium_media::{Limits, Picture, Sample};
use sensorium_model::{Encoder, Encoding, Error, Package, Pool, Scorer};
use sensorium_types::{Direction, Embedding, Segment, Track};

fn package() -> Arc<Package> {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../models/base");
    Arc::new(Package::open(&folder).unwrap())
}

fn picture(shade: u8) -> Picture {
    let pixels = (0..300 * 200).flat_map(|pixel: u32| [(pixel % 256) as u8, shade, (pixel / 300) as u8]);
    Picture::new(300, 200, pixels.collect()).unwrap()
}

fn tone(pitch: f32, seconds: usize) -> Sample {
    let samples =
        (0..seconds * 16_000).map(|at| (at as f32 * pitch / 16_000.0 * std::f32::consts::TAU).sin() * 0.5);
    Sample::Sound(samples.collect())
}

fn assert_same(a: &Encoding, b: &Encoding) {
    assert!(
        a.embedding.dot(&b.embedding) > 0.999_99,
        "{}",
        a.embedding.dot(&b.embedding)
    );
}

#[test]
fn what_a_sample_gives_does_not_depend_on_its_companions() {
    let mut encoder = Encoder::new(package(), 1);
    let samples = [
        Sample::Text("a hen".into()),
        Sample::Picture(picture(10)),
        tone(440.0, 12),
        Sample::Text("a much longer sentence about a brown hen in the yard behind the barn".into()),
        Sample::Picture(picture(200)),
        tone(880.0, 3),
        tone(220.0, 12),
    ];
    let together = encoder.encode(&samples).unwrap();
    assert_eq!(together.len(), samples.len());
    for (sample, encoding) in samples.iter().zip(&together) {
        let alone = encoder.encode(std::slice::from_ref(sample)).unwrap();
        assert_same(encoding, &alone[0]);
    }
}

#[test]
fn a_window_has_the_mean_of_the_features_of_its_frames_shared_or_not() {
    let mut encoder = Encoder::new(package(), 1);
    let frames = [10, 100, 200].map(|shade| Arc::new(picture(shade)));
    let shared = [
        Sample::Frames(frames[..2].to_vec()),
        Sample::Frames(frames[1..].to_vec()),
    ];
    let apart = [10, 100].map(|shade| Sample::Picture(picture(shade)));
    let windows = encoder.encode(&shared).unwrap();
    let pictures = encoder.encode(&apart).unwrap();
    for (feature, (a, b)) in windows[0]
        .features
        .iter()
        .zip(pictures[0].features.iter().zip(&pictures[1].features))
    {
        assert!((feature - (a + b) / 2.0).abs() < 1e-4);
    }
}

#[test]
fn a_short_sound_is_repeated_and_a_long_one_cut() {
    let mut encoder = Encoder::new(package(), 1);
    let encodings = encoder.encode(&[tone(440.0, 1), tone(440.0, 5)]).unwrap();
    let long = encoder.encode(&[tone(440.0, 10), tone(440.0, 30)]).unwrap();
    assert_same(&long[0], &long[1]);
    // A whole number of waves fits into a second, so that both are the same five seconds.
    assert_same(&encodings[0], &encodings[1]);
    let blip = encoder.encode(&[Sample::Sound(vec![0.5])]).unwrap();
    let package = package();
    let blocks = &package.manifest().blocks;
    let length: usize = blocks.iter().map(|block| block.dimension).sum();
    let made = &blip[0].embedding.as_slice()[..length];
    let square: f32 = made.iter().map(|x| x * x).sum();
    assert!((square - blocks.len() as f32).abs() < 1e-4);
}

#[test]
fn the_pool_gives_each_file_its_segments_in_order() {
    let folder = tempfile::tempdir().unwrap();
    let sentences: Vec<String> = (0..40)
        .map(|number| format!("Sentence number {number} about hens."))
        .collect();
    let files: Vec<_> = (0..3)
        .map(|file| {
            let path = folder.path().join(format!("{file}.jsonl"));
            let lines = sentences
                .iter()
                .map(|text| format!("{{\"text\": \"{file}: {text}\"}}\n"));
            fs::write(&path, lines.collect::<String>()).unwrap();
            path
        })
        .chain([folder.path().join("absent.txt")])
        .collect();
    let mut pool = Pool::new(package(), Limits::default(), 2);
    let mut found = vec![None; files.len()];
    pool.files(files.iter().cloned().enumerate(), |index, file| {
        let texts = file.map(|file| {
            file.segments
                .into_iter()
                .map(|segment| segment.text.unwrap())
                .collect()
        });
        found[index] = Some(texts.map_err(|error: sensorium_media::Error| error.to_string()));
    })
    .unwrap();
    for (file, texts) in found[..3].iter().enumerate() {
        let expected: Vec<String> = sentences.iter().map(|text| format!("{file}: {text}")).collect();
        assert_eq!(texts, &Some(Ok(expected)));
    }
    assert!(
        found[3]
            .as_ref()
            .unwrap()
            .as_ref()
            .unwrap_err()
            .contains("absent.txt: cannot be read")
    );
    let encodings = pool.texts(&sentences).unwrap();
    assert_eq!(encodings.len(), sentences.len());
    let alone = pool.texts(&sentences[7..8]).unwrap();
    assert_same(&encodings[7], &alone[0]);
}

#[test]
fn views_of_a_picture_come_instead_of_it_in_their_order_and_other_files_have_none() {
    let folder = tempfile::tempdir().unwrap();
    let (note, broken) = (folder.path().join("note.txt"), folder.path().join("broken.png"));
    fs::write(&note, "a hen").unwrap();
    fs::write(&broken, b"\x89PNG\r\n\x1a\nno picture").unwrap();
    let drawing = folder.path().join("drawing.svg");
    fs::write(
        &drawing,
        r#"<svg xmlns="http://www.w3.org/2000/svg" width="9" height="9"/>"#,
    )
    .unwrap();
    let mut pool = Pool::new(package(), Limits::default(), 2);
    // More than are encoded together.
    let shades: Vec<u8> = (0..20).map(|number| number * 12).collect();
    let mut found = [None, None, None];
    pool.views(
        [note, broken, drawing].into_iter().enumerate(),
        |_, _| shades.iter().map(|shade| picture(*shade)),
        |index, file| found[index] = Some(file.map(|file| file.segments).map_err(|_| ())),
    )
    .unwrap();
    let found: Vec<_> = found.into_iter().map(Option::unwrap).collect();
    assert!(found[0].as_ref().unwrap().is_empty());
    assert!(found[1].is_err());
    let samples: Vec<Sample> = shades
        .iter()
        .map(|shade| Sample::Picture(picture(*shade)))
        .collect();
    let expected = Encoder::new(package(), 1).encode(&samples).unwrap();
    let views = found[2].as_ref().unwrap();
    assert_eq!(views.len(), expected.len());
    for (view, expected) in views.iter().zip(&expected) {
        assert_same(&view.encoding, expected);
    }
}

#[test]
fn who_breaks_off_gets_no_further_file() {
    let folder = tempfile::tempdir().unwrap();
    let note = folder.path().join("note.txt");
    fs::write(&note, "a hen").unwrap();
    let mut pool = Pool::new(package(), Limits::default(), 2);
    let taken = AtomicUsize::new(0);
    let files = (0..2000).map(|number| {
        taken.fetch_add(1, Ordering::Relaxed);
        (number, note.clone())
    });
    let mut done = 0;
    let count = |_, _| {
        done += 1;
        ControlFlow::Break(())
    };
    pool.files_as(files, |_| (), count).unwrap();
    assert_eq!(done, 1);
    assert!(taken.into_inner() < 2000);
}

#[test]
fn a_model_that_cannot_be_loaded_ends_the_work_with_its_error() {
    let folder = tempfile::tempdir().unwrap();
    for name in ["model.toml", "tokenizer.json"] {
        fs::copy(package().folder().join(name), folder.path().join(name)).unwrap();
    }
    let broken = Arc::new(Package::open(folder.path()).unwrap());
    let note = folder.path().join("note.txt");
    fs::write(&note, "a hen\n\n".repeat(5000)).unwrap();
    let mut pool = Pool::new(broken, Limits::default(), 2);
    let error = pool.files([((), note)], |(), _| ()).unwrap_err();
    assert!(matches!(error, Error::Read { .. }), "{error}");
    assert!(pool.texts(&["a hen".into()]).is_err());
}

#[test]
fn the_best_segment_answers_for_its_item() {
    let scorer = Scorer::new(&package());
    let axis = |index: usize| {
        let mut vector = vec![0.0; package().space().dimension()];
        vector[index] = 1.0;
        Embedding::from_vec(vector)
    };
    let direction: Direction = "text:video".parse().unwrap();
    let text = (Segment::whole(Track::Text), axis(0));
    let query = scorer.query(direction, [(&text.0, &text.1)]);
    let windows = [
        (Segment::window(Track::Visual, 0.0, 8.0), axis(1)),
        (Segment::window(Track::Visual, 4.0, 12.0), axis(0)),
    ];
    let parts = windows.iter().map(|(segment, embedding)| (segment, embedding));
    let found = scorer.compare(&query, parts).unwrap();
    assert_eq!((found.segment, found.similarity), (1, 1.0));
    assert!(scorer.compare(&query, []).is_none());
}
