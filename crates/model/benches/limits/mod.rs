//! What the machine allows: the bare session of ONNX Runtime on tensors that are ready.

use std::path::{Path, PathBuf};
use std::process::Command;
use std::time::Instant;

use ort::session::{HasSelectedOutputs, OutputSelector, RunOptions, Session};
use ort::value::Tensor;
use sensorium_model::{Package, Runtime};
use sensorium_types::Track;

/// How long `work` takes.
pub(crate) fn seconds(work: impl FnOnce()) -> f64 {
    let started = Instant::now();
    work();
    started.elapsed().as_secs_f64()
}

/// Sessions, run on tensors that are ready.
pub(crate) struct Bare {
    sessions: Vec<Session>,
    track: Track,
}

impl Bare {
    /// A session a core.
    pub(crate) fn new(package: &Package, track: Track, threads: usize) -> Self {
        Self::open(package, track, threads, 1)
    }

    /// One session on all cores.
    #[allow(dead_code, reason = "not every benchmark needs it")]
    pub(crate) fn single(package: &Package, track: Track, threads: usize) -> Self {
        Self::open(package, track, 1, threads)
    }

    fn open(package: &Package, track: Track, sessions: usize, threads: usize) -> Self {
        let graph = &package.manifest().towers.common(track).unwrap().graph;
        let bytes = package.read(graph).unwrap();
        let runtime = Runtime::load().unwrap();
        Self {
            sessions: (0..sessions)
                .map(|_| runtime.session(graph, &bytes, threads).unwrap())
                .collect(),
            track,
        }
    }

    /// Runs the graph so often, all sessions together.
    pub(crate) fn run(&mut self, inferences: usize) {
        let each = inferences.div_ceil(self.sessions.len());
        let track = self.track;
        std::thread::scope(|scope| {
            for session in &mut self.sessions {
                scope.spawn(move || {
                    let only_pooled = only_pooled();
                    for _ in 0..each {
                        let inputs = match track {
                            Track::Visual => ort::inputs!["pixels" => zeros(&[1, 3, 260, 260])],
                            Track::Audio => ort::inputs!["waveform" => zeros(&[1, 160_000])],
                            Track::Text => ort::inputs![
                                "input_ids" => Tensor::from_array(([1, TOKENS], vec![2000i64; TOKENS])).unwrap(),
                                "attention_mask" => Tensor::from_array(([1, TOKENS], vec![1i64; TOKENS])).unwrap(),
                            ],
                        };
                        session.run_with_options(inputs, &only_pooled).unwrap();
                    }
                });
            }
        });
    }
}

/// The output that the encoder asks for; tokens would be further work.
fn only_pooled() -> RunOptions<HasSelectedOutputs> {
    let pooled = OutputSelector::no_default().with("pooled");
    RunOptions::new().unwrap().with_outputs(pooled)
}

/// As many as a sentence of a dozen words has, special ones included.
const TOKENS: usize = 17;

fn zeros(shape: &[usize]) -> Tensor<f32> {
    let length = shape.iter().product();
    Tensor::from_array((shape, vec![0.1f32; length])).unwrap()
}

/// Makes a file with ffmpeg.
pub(crate) fn ffmpeg(folder: &Path, name: &str, words: &[&str]) -> PathBuf {
    let path = folder.join(name);
    let status = Command::new("ffmpeg")
        .args(["-nostdin", "-v", "error"])
        .args(words)
        .arg(&path)
        .status();
    assert!(status.unwrap().success());
    path
}
