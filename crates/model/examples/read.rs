//! Reads the print in pictures: `read FOLDER_OF_A_MODEL [--side N] PICTURE...` prints a JSON document a picture. `tools/print_rate.py`
//! measures with it.

#![allow(clippy::print_stdout, reason = "what it is for")]

use std::path::{Path, PathBuf};
use std::time::Instant;

use sensorium_media::{Limits, Sample, Target};
use sensorium_model::{PrintPackage, PrintedLine, Reader};
use serde_json::{Value, json};

type Failure = Box<dyn std::error::Error>;

fn main() -> Result<(), Failure> {
    let mut arguments = std::env::args_os().skip(1).map(PathBuf::from).peekable();
    let base = arguments
        .next()
        .ok_or("usage: read FOLDER_OF_A_MODEL [--side N] PICTURE...")?;
    let mut target = Target {
        picture_side: Reader::PICTURE_SIDE,
        ..Target::default()
    };
    if arguments
        .next_if(|argument| argument.as_os_str() == "--side")
        .is_some()
    {
        let side = arguments.next().ok_or("--side needs a number")?;
        target.picture_side = side.to_string_lossy().parse()?;
    }
    let package = PrintPackage::find(&base)?
        .ok_or_else(|| format!("{} is not there", PrintPackage::place(&base).display()))?;
    let mut reader = Reader::load(&package)?;
    for path in arguments {
        println!("{}", read(&mut reader, &path, &target)?);
    }
    Ok(())
}

fn read(reader: &mut Reader, path: &Path, target: &Target) -> Result<Value, Failure> {
    let started = Instant::now();
    let mut lines = Vec::new();
    for piece in sensorium_media::open(path, &Limits::default(), target)? {
        if let Sample::Picture(picture) = piece?.sample {
            lines.extend(reader.read(&picture)?.iter().map(line));
        }
    }
    let ms = started.elapsed().as_millis() as u64;
    Ok(json!({ "path": path, "ms": ms, "lines": lines }))
}

fn line(line: &PrintedLine) -> Value {
    json!({ "text": line.text, "confidence": line.confidence, "corners": line.corners })
}
