//! How fast folders are indexed and queries answered, beside the limits measured in the same run: the bare
//! session of ONNX Runtime on prepared tensors, a scan of the memory that holds the vectors, a walk of the folder.
//!
//! What is compared is measured in turns, so that a busy machine slows both; figures are medians over the rounds.

#![allow(
    clippy::unwrap_used,
    clippy::print_stdout,
    reason = "a benchmark may panic and print"
)]

mod common;
#[path = "../../model/benches/limits/mod.rs"]
mod limits;

use std::fs;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::sync::Arc;
use std::time::Duration;

use half::f16;
use half::slice::HalfFloatSliceExt as _;
use rayon::prelude::*;
use sensorium_engine::{Query, Searcher};
use sensorium_media::Limits;
use sensorium_model::{Package, Pool};
use sensorium_types::{Modality, Track};

use self::common::{fill, quantile, query};
use self::limits::{Bare, ffmpeg, seconds};

const ROUNDS: usize = 3;

/// Runs this program again, for what needs a process of its own.
const JOB: &str = "SENSORIUM_BENCH_JOB";

fn main() {
    let checkout = Path::new(env!("CARGO_MANIFEST_DIR"))
        .join("../..")
        .canonicalize()
        .unwrap();
    let package = Arc::new(Package::open(&checkout.join("models/base")).unwrap());
    let threads = std::thread::available_parallelism().unwrap().get();
    match std::env::var_os(JOB) {
        None => {}
        Some(job) if job == "bare" => return Bare::single(&package, Track::Text, threads).run(1),
        Some(index) => return search_often(Path::new(&index), &package, threads),
    }
    let folder = tempfile::tempdir().unwrap();
    println!("\n{threads} cores, {ROUNDS} rounds, medians\n");
    indexing(folder.path(), &checkout.join("demo"), &package, threads);
    unchanged(folder.path());
    reranking(folder.path(), &checkout.join("demo"), &package, threads);
    for vectors in [1_000, 100_000] {
        searching(folder.path(), vectors, &package, threads);
    }
}

/// Files per second end to end, the start of the program and the loading of the model included.
fn indexing(folder: &Path, demo: &Path, package: &Arc<Package>, threads: usize) {
    println!(
        "{:<34} {:>8} {:>14} {:>8} {:>12}",
        "index", "files/s", "bare session/s", "ratio", "peak memory"
    );
    let mut bare = Bare::new(package, Track::Visual, threads);
    for (name, folder_name, size, count) in [
        ("photos of 640 pixels", "small", "640:480", 1024),
        ("photos of 12 megapixels", "large", "4000:3000", 128),
    ] {
        let media = photos(folder, demo, folder_name, size, count);
        bare.run(threads);
        let rounds: Vec<_> = (0..ROUNDS)
            .map(|_| {
                let limit = seconds(|| bare.run(count));
                let (time, memory) = index_anew(folder, std::slice::from_ref(&media));
                (count as f64 / time, count as f64 / limit, limit / time, memory)
            })
            .collect();
        print_indexing(name, count, &rounds);
        fs::remove_dir_all(media).unwrap();
    }
    let mixed: Vec<PathBuf> = ["photos", "sounds", "videos", "notes"]
        .map(|part| demo.join(part))
        .into();
    let files: Vec<PathBuf> = mixed
        .iter()
        .flat_map(|folder| fs::read_dir(folder).unwrap())
        .map(|entry| entry.unwrap().path())
        .collect();
    let rounds: Vec<_> = (0..ROUNDS)
        .map(|_| {
            // Here the limit is decoding and encoding without an index.
            let limit = seconds(|| {
                let mut pool = Pool::new(Arc::clone(package), Limits::default(), threads);
                pool.files(files.iter().cloned().enumerate(), |_, file| drop(file.unwrap()))
                    .unwrap();
            });
            let (time, memory) = index_anew(folder, &mixed);
            (
                files.len() as f64 / time,
                files.len() as f64 / limit,
                limit / time,
                memory,
            )
        })
        .collect();
    print_indexing("mixed (beside: without an index)", files.len(), &rounds);
}

/// A folder of `count` photos of one frog, each with other noise.
fn photos(folder: &Path, demo: &Path, name: &str, size: &str, count: usize) -> PathBuf {
    let photos = folder.join(name);
    fs::create_dir(&photos).unwrap();
    let photo = demo.join("photos/frog.jpg");
    let filter = format!("scale={size},noise=alls=12:allf=t");
    let count = count.to_string();
    let words = [
        "-loop",
        "1",
        "-i",
        photo.to_str().unwrap(),
        "-vf",
        &filter,
        "-frames:v",
        &count,
    ];
    ffmpeg(&photos, "%04d.jpg", &words);
    photos
}

fn print_indexing(name: &str, count: usize, rounds: &[(f64, f64, f64, u64)]) {
    println!(
        "{:<34} {:>8.1} {:>14.1} {:>8.2} {:>9} MiB",
        format!("{count} {name}"),
        median(rounds.iter().map(|round| round.0)),
        median(rounds.iter().map(|round| round.1)),
        median(rounds.iter().map(|round| round.2)),
        rounds.iter().map(|round| round.3).max().unwrap() >> 20,
    );
}

/// Seconds and peak memory of an indexing run from nothing.
fn index_anew(folder: &Path, media: &[PathBuf]) -> (f64, u64) {
    let index = folder.join("index");
    let _ = fs::remove_dir_all(&index);
    let mut peak = 0;
    let time = seconds(|| peak = run(sensorium("index", &index).args(media)));
    (time, peak)
}

fn sensorium(name: &str, index: &Path) -> Command {
    let mut command = Command::new(env!("CARGO_BIN_EXE_sensorium"));
    command
        .arg(name)
        .arg("--index")
        .arg(index)
        .stdout(Stdio::null())
        .stderr(Stdio::null());
    command
}

/// Runs the command and returns its peak memory in bytes.
fn run(command: &mut Command) -> u64 {
    let mut child = command.spawn().unwrap();
    let status = format!("/proc/{}/status", child.id());
    let mut peak = 0;
    while child.try_wait().unwrap().is_none() {
        let text = fs::read_to_string(&status).unwrap_or_default();
        let line = text.lines().find_map(|line| line.strip_prefix("VmHWM:"));
        let kibibytes = line.and_then(|line| line.trim().strip_suffix(" kB")?.parse::<u64>().ok());
        peak = peak.max(kibibytes.unwrap_or(0) << 10);
        std::thread::sleep(Duration::from_millis(2));
    }
    assert!(child.wait().unwrap().success());
    peak
}

/// A run with nothing to do, beside a walk that asks the size of each file.
fn unchanged(folder: &Path) {
    const FILES: usize = 10_000;
    let media = folder.join("many");
    for number in 0..FILES {
        let file = media.join(format!("{}/{number}.txt", number / 100));
        fs::create_dir_all(file.parent().unwrap()).unwrap();
        fs::write(file, format!("note {number}")).unwrap();
    }
    index_anew(folder, std::slice::from_ref(&media));
    let rounds: Vec<_> = (0..3 * ROUNDS)
        .map(|_| {
            let walk = seconds(|| {
                let files = walkdir::WalkDir::new(&media).into_iter();
                let bytes: u64 = files.map(|entry| entry.unwrap().metadata().unwrap().len()).sum();
                assert!(bytes > 0);
            });
            let time = seconds(|| {
                run(sensorium("index", &folder.join("index")).arg(&media));
            });
            (time, walk)
        })
        .collect();
    println!(
        "\nnothing changed over {FILES} files: {:.0} ms, the bare walk {:.0} ms",
        1000.0 * median(rounds.iter().map(|round| round.0)),
        1000.0 * median(rounds.iter().map(|round| round.1)),
    );
}

/// What the second look at the first 50 pictures takes, warm, beside the same search without it.
fn reranking(folder: &Path, demo: &Path, package: &Arc<Package>, threads: usize) {
    let media = photos(folder, demo, "seen-twice", "640:480", 100);
    index_anew(folder, &[media]);
    let index = folder.join("index");
    let mut searcher = Searcher::open(&index, package, Limits::default(), threads).unwrap();
    let mut search = |number, rerank| {
        let query = Query {
            rerank,
            ..query(number, vec![Modality::Image])
        };
        1000.0 * seconds(|| assert_eq!(searcher.search(query).unwrap().hits.len(), 10))
    };
    let rounds: Vec<_> = (0..100)
        .map(|number| (search(number, false), search(number, true)))
        .skip(10)
        .collect();
    println!(
        "\na second look at 50 pictures: p50 {:.1} ms, p95 {:.1} ms; the search without it p50 {:.1} ms",
        median(rounds.iter().map(|round| round.1)),
        quantile(rounds.iter().map(|round| round.1), 0.95),
        median(rounds.iter().map(|round| round.0)),
    );
}

/// Latency of text queries at `vectors` vectors, pictures and texts in equal parts.
fn searching(folder: &Path, vectors: usize, package: &Arc<Package>, threads: usize) {
    let index = folder.join(format!("index{vectors}"));
    let dimension = package.space().dimension();
    fill(&index, vectors, package);
    println!("\n{vectors} vectors: search by text, in milliseconds");
    let mut searcher = Searcher::open(&index, package, Limits::default(), threads).unwrap();
    let mut bare = Bare::single(package, Track::Text, threads);
    let mut matrix = vec![f16::ZERO; vectors * dimension];
    matrix.convert_from_f32_slice(&vec![0.5; vectors * dimension]);
    let scan = |share: usize| {
        let words = &matrix[..matrix.len() / share];
        let sum: u64 = words
            .par_chunks(1 << 16)
            .map(|part| part.iter().map(|x| u64::from(x.to_bits())).sum::<u64>())
            .sum();
        assert!(sum > 0);
    };
    for (name, to, share) in [
        ("warm, all", Modality::ALL.to_vec(), 1),
        ("warm, pictures only", vec![Modality::Image], 2),
    ] {
        let rounds: Vec<_> = (0..100)
            .map(|number| {
                let query = query(number, to.clone());
                let limit = seconds(|| bare.run(1)) + seconds(|| scan(share));
                let time = seconds(|| assert_eq!(searcher.search(query).unwrap().hits.len(), 10));
                (1000.0 * time, 1000.0 * limit)
            })
            .skip(10)
            .collect();
        let peak = run(&mut again(index.as_os_str())) >> 20;
        println!(
            "{name:<22} p50 {:>6.1}  p95 {:>6.1}  bare tower and memory scan {:>6.1}  ratio {:.2}  \
             peak memory {peak} MiB",
            median(rounds.iter().map(|round| round.0)),
            quantile(rounds.iter().map(|round| round.0), 0.95),
            median(rounds.iter().map(|round| round.1)),
            median(rounds.iter().map(|round| round.0 / round.1)),
        );
    }
    for (name, to) in [
        ("cold, all", "text,image,audio,video"),
        ("cold, pictures only", "image"),
    ] {
        let (mut peak, mut bare_peak) = (0, 0);
        let rounds: Vec<_> = (0..12)
            .map(|_| {
                let limit = seconds(|| bare_peak = run(&mut again("bare".as_ref())));
                let time = seconds(|| {
                    peak = run(sensorium("search", &index).args(["a brown hen", "--to", to]));
                });
                (1000.0 * time, 1000.0 * limit)
            })
            .collect();
        println!(
            "{name:<22} p50 {:>6.1}  p95 {:>6.1}  bare start, library, tower {:>6.1}  ratio {:.2}  \
             peak memory {} MiB (bare {} MiB)",
            median(rounds.iter().map(|round| round.0)),
            quantile(rounds.iter().map(|round| round.0), 0.95),
            median(rounds.iter().map(|round| round.1)),
            median(rounds.iter().map(|round| round.0 / round.1)),
            peak >> 20,
            bare_peak >> 20,
        );
    }
}

/// This program, for `job` alone.
fn again(job: &std::ffi::OsStr) -> Command {
    let mut command = Command::new(std::env::current_exe().unwrap());
    command.env(JOB, job);
    command
}

/// Warm queries, in a process that holds nothing else.
fn search_often(index: &Path, package: &Arc<Package>, threads: usize) {
    let mut searcher = Searcher::open(index, package, Limits::default(), threads).unwrap();
    for number in 0..20 {
        searcher.search(query(number, Modality::ALL.to_vec())).unwrap();
    }
}

fn median(values: impl Iterator<Item = f64>) -> f64 {
    quantile(values, 0.5)
}
