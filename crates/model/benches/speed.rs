//! How fast files become embeddings, beside the limits: the bare ONNX Runtime session on prepared tensors, and
//! the decoder alone.
//!
//! Each round measures all three, one after the other, so that a busy machine slows all of them; ratios are
//! medians over the rounds. A library for timing single functions would measure them in turns too far apart.

#![allow(
    clippy::unwrap_used,
    clippy::print_stdout,
    reason = "a benchmark may panic and print"
)]

mod limits;

use std::path::{Path, PathBuf};
use std::sync::Arc;

use sensorium_media::{Limits, open};
use sensorium_model::{Package, Pool};
use sensorium_types::Track;

use self::limits::{Bare, ffmpeg, seconds};

const ROUNDS: usize = 5;

/// What is measured: files or texts that the pool encodes, with the bare equivalents.
struct Case {
    name: &'static str,
    unit: &'static str,
    /// How many units one run handles.
    amount: f64,
    work: Work,
    /// How often the bare session runs for that, and on which tensors.
    inferences: usize,
    track: Track,
}

enum Work {
    Files(Vec<PathBuf>),
    Texts(Vec<String>),
}

fn main() {
    let checkout = Path::new(env!("CARGO_MANIFEST_DIR")).join("../..");
    let package = Arc::new(Package::open(&checkout.join("models/base")).unwrap());
    let threads = std::thread::available_parallelism().unwrap().get();
    let folder = tempfile::tempdir().unwrap();
    let cases = cases(folder.path(), &checkout.join("demo"));

    println!("{threads} cores, {ROUNDS} rounds, medians; a ratio of 1 means that nothing is lost\n");
    println!(
        "{:<24} {:>12} {:>14} {:>14} {:>8} {:>8}",
        "", "sensorium/s", "bare session/s", "bare decoder/s", "session", "limit"
    );
    for case in &cases {
        measure(case, &package, threads);
    }
    println!("\nsession: sensorium over the bare session. limit: sensorium over what both together allow.");
}

fn measure(case: &Case, package: &Arc<Package>, threads: usize) {
    let mut pool = Pool::new(Arc::clone(package), Limits::default(), threads);
    let mut bare = Bare::new(package, case.track, threads);
    // The first run loads the towers.
    run(&mut pool, &case.work);
    bare.run(case.inferences);
    let rounds: Vec<[f64; 3]> = (0..ROUNDS)
        .map(|_| {
            [
                seconds(|| run(&mut pool, &case.work)),
                seconds(|| bare.run(case.inferences)),
                seconds(|| decode(&case.work, package, threads)),
            ]
        })
        .collect();
    let median = |value: &dyn Fn(&[f64; 3]) -> f64| {
        let mut values: Vec<f64> = rounds.iter().map(value).collect();
        values.sort_by(f64::total_cmp);
        values[ROUNDS / 2]
    };
    let rate = |index: usize| median(&|round| case.amount / round[index]);
    let decoder = match case.work {
        Work::Files(_) => format!("{:.1}", rate(2)),
        Work::Texts(_) => "-".into(),
    };
    println!(
        "{:<24} {:>12.1} {:>14.1} {decoder:>14} {:>8.2} {:>8.2}",
        format!("{} ({})", case.name, case.unit),
        rate(0),
        rate(1),
        median(&|round| round[1] / round[0]),
        median(&|round| (round[1] + round[2]) / round[0]),
    );
}

fn run(pool: &mut Pool, work: &Work) {
    match work {
        Work::Files(files) => pool
            .files(files.iter().cloned().enumerate(), |_, file| {
                file.unwrap();
            })
            .unwrap(),
        Work::Texts(texts) => drop(pool.texts(texts).unwrap()),
    }
}

/// Decodes all files on all cores and throws the samples away.
fn decode(work: &Work, package: &Package, threads: usize) {
    let Work::Files(files) = work else { return };
    std::thread::scope(|scope| {
        for part in files.chunks(files.len().div_ceil(threads)) {
            scope.spawn(move || {
                for file in part {
                    for piece in open(file, &Limits::default(), &package.target()).unwrap() {
                        piece.unwrap();
                    }
                }
            });
        }
    });
}

fn cases(folder: &Path, demo: &Path) -> Vec<Case> {
    let photo = demo.join("photos/frog.jpg");
    let photo = photo.to_str().unwrap();
    let large = ffmpeg(
        folder,
        "large.jpg",
        &["-i", photo, "-vf", "scale=4000:3000,noise=alls=12"],
    );
    let small = ffmpeg(
        folder,
        "small.jpg",
        &["-i", photo, "-vf", "scale=640:480,noise=alls=12"],
    );
    let sound = ffmpeg(
        folder,
        "sound.ogg",
        &["-f", "lavfi", "-i", "anoisesrc=d=120:a=0.2"],
    );
    let film = [
        "-f",
        "lavfi",
        "-i",
        "testsrc2=s=1280x720:r=25:d=60",
        "-pix_fmt",
        "yuv420p",
    ];
    let film = ffmpeg(folder, "film.mp4", &film);
    let sentence =
        |number: usize| format!("A brown hen number {number} walks about in the yard behind a red barn.");
    let photos = |file: &Path, count| Work::Files(vec![file.to_owned(); count]);
    vec![
        Case {
            name: "photos of 12 megapixels",
            unit: "photos",
            amount: 32.0,
            work: photos(&large, 32),
            inferences: 32,
            track: Track::Visual,
        },
        Case {
            name: "photos of 640 pixels",
            unit: "photos",
            amount: 64.0,
            work: photos(&small, 64),
            inferences: 64,
            track: Track::Visual,
        },
        Case {
            name: "sound",
            unit: "s",
            amount: 480.0,
            work: photos(&sound, 4),
            // Windows of ten seconds, one every five.
            inferences: 4 * 23,
            track: Track::Audio,
        },
        Case {
            name: "video of 720 lines",
            unit: "s",
            amount: 120.0,
            work: photos(&film, 2),
            // One frame a second, each once.
            inferences: 2 * 60,
            track: Track::Visual,
        },
        Case {
            name: "sentences",
            unit: "",
            amount: 512.0,
            work: Work::Texts((100..612).map(sentence).collect()),
            inferences: 512,
            track: Track::Text,
        },
    ]
}
