//! Prints what is said in sounds and videos, one JSON object a file: `listen BASE FILE...`, where BASE is the folder of the base
//! package, beside which the package `speech` lies. What it needs of the processor is there as `cpu`, in seconds.

#![allow(clippy::print_stdout, reason = "it is what the example does")]

use std::error::Error;
use std::io::Read as _;
use std::path::Path;
use std::process::{Command, Stdio};

use sensorium_model::{Listener, SpeechPackage};
use serde_json::json;

fn main() -> Result<(), Box<dyn Error>> {
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    let (base, files) = arguments.split_first().ok_or("usage: listen BASE FILE...")?;
    let package =
        SpeechPackage::find(Path::new(base))?.ok_or("there is no package: `make speech` makes it")?;
    let mut listener = Listener::load(&package)?;
    for file in files {
        let samples = decoded(file)?;
        let before = processor()?;
        let mut lines = Vec::new();
        for piece in samples.chunks(Listener::SAMPLE_RATE as usize) {
            lines.extend(listener.push(piece)?);
        }
        lines.extend(listener.finish()?);
        let cpu = processor()? - before;
        let lines: Vec<_> = lines
            .iter()
            .map(|line| json!({"start": line.span.start, "end": line.span.end, "text": line.text}))
            .collect();
        let seconds = samples.len() as f64 / f64::from(Listener::SAMPLE_RATE);
        println!(
            "{}",
            json!({"file": file, "seconds": seconds, "cpu": cpu, "lines": lines})
        );
    }
    Ok(())
}

/// The samples of a file, by ffmpeg.
fn decoded(file: &str) -> Result<Vec<f32>, Box<dyn Error>> {
    let rate = Listener::SAMPLE_RATE.to_string();
    let mut ffmpeg = Command::new("ffmpeg")
        .args([
            "-v", "error", "-nostdin", "-i", file, "-vn", "-ac", "1", "-ar", &rate, "-f", "f32le", "-",
        ])
        .stdout(Stdio::piped())
        .spawn()?;
    let mut bytes = Vec::new();
    ffmpeg.stdout.take().ok_or("no output")?.read_to_end(&mut bytes)?;
    if !ffmpeg.wait()?.success() {
        return Err(format!("{file} cannot be decoded").into());
    }
    Ok(bytes
        .as_chunks::<4>()
        .0
        .iter()
        .map(|&bytes| f32::from_le_bytes(bytes))
        .collect())
}

/// Seconds that this thread has computed, whatever else the machine does.
fn processor() -> Result<f64, Box<dyn Error>> {
    let statistics = std::fs::read_to_string("/proc/thread-self/schedstat")?;
    let nanoseconds = statistics.split_whitespace().next().ok_or("no statistics")?;
    Ok(nanoseconds.parse::<f64>()? / 1e9)
}
