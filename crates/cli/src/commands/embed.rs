//! `sensorium embed`

use std::io::BufWriter;
use std::path::{Path, PathBuf};

use anyhow::Context as _;
use atomic_write_file::AtomicWriteFile;
use npyz::WriterBuilder as _;
use sensorium_engine::Refused;
use sensorium_media::Cause;
use sensorium_model::{EncodedFile, EncodedSegment, Pool};
use sensorium_types::{Embedding, Modality, Segment, Track, path_text};
use serde::Serialize;

use crate::args::{Common, Embed};
use crate::output::{Outcome, Progress, print_json, say, say_refused};

/// What is printed.
#[derive(Serialize)]
struct Document {
    space: String,
    dimension: usize,
    items: Vec<Item>,
    ignored: Vec<String>,
    refused: Vec<Refused>,
}

#[derive(Serialize)]
struct Item {
    #[serde(skip_serializing_if = "Option::is_none")]
    path: Option<String>,
    modality: Modality,
    #[serde(skip_serializing_if = "Option::is_none")]
    format: Option<String>,
    segments: Vec<Row>,
}

#[derive(Serialize)]
struct Row {
    #[serde(skip_serializing_if = "Option::is_none")]
    record: Option<u64>,
    #[serde(flatten)]
    segment: Segment,
    #[serde(skip_serializing_if = "Option::is_none")]
    text: Option<String>,
    #[serde(flatten)]
    vector: Vector,
}

#[derive(Serialize)]
#[serde(rename_all = "lowercase")]
enum Vector {
    /// In this document.
    Vector(Embedding),
    /// In the `.npy` file, at this row.
    Row(usize),
}

pub(crate) fn run(common: &Common, options: &Embed) -> anyhow::Result<Outcome> {
    let package = super::package(common)?;
    let mut pool = Pool::new(package.clone(), (&options.limits).into(), common.threads());
    let mut document = Document {
        space: package.space().to_string(),
        dimension: package.space().dimension(),
        items: Vec::new(),
        ignored: Vec::new(),
        refused: Vec::new(),
    };
    let texts = pool.texts(&options.text)?;
    document
        .items
        .extend(options.text.iter().zip(texts).map(|(text, encoding)| Item {
            path: None,
            modality: Modality::Text,
            format: None,
            segments: vec![Row {
                record: None,
                segment: Segment::whole(Track::Text),
                text: Some(text.clone()),
                vector: Vector::Vector(encoding.embedding),
            }],
        }));
    for (path, file) in options.files.iter().zip(encode(&mut pool, &options.files)?) {
        match file {
            Ok(file) => document.add(path, file),
            Err(error) if matches!(error.cause, Cause::Unknown(_)) => {
                say(&format!("ignored {error}"));
                document.ignored.push(path_text(path).into_owned());
            }
            Err(error) => document.refused.push(Refused::from(&error)),
        }
    }
    document.refused.iter().for_each(say_refused);
    if let Some(path) = &options.npy {
        let rows = document.take_vectors();
        write_npy(path, &rows, document.dimension)?;
    }
    print_json(&document)?;
    Ok(if document.refused.is_empty() {
        Outcome::Done
    } else {
        Outcome::Refused
    })
}

/// Each of `files`, encoded or refused, in their order.
fn encode(pool: &mut Pool, files: &[PathBuf]) -> anyhow::Result<Vec<sensorium_media::Result<EncodedFile>>> {
    let mut progress = Progress::start("embedding files", files.len());
    let mut encoded = Vec::with_capacity(files.len());
    pool.files(files.iter().cloned().enumerate(), |index, file| {
        progress.step(1);
        encoded.push((index, file));
    })?;
    progress.finish();
    encoded.sort_unstable_by_key(|(index, _)| *index);
    Ok(encoded.into_iter().map(|(_, file)| file).collect())
}

impl Document {
    fn add(&mut self, path: &Path, file: EncodedFile) {
        self.refused.extend(file.refused.iter().map(Refused::from));
        self.items.push(Item {
            path: Some(path_text(path).into_owned()),
            modality: file.modality,
            format: Some(file.format),
            segments: file.segments.into_iter().map(Row::from).collect(),
        });
    }

    /// Takes the vectors out, in order, and leaves their places.
    fn take_vectors(&mut self) -> Vec<Embedding> {
        let mut taken = Vec::new();
        for row in self.items.iter_mut().flat_map(|item| &mut item.segments) {
            let place = Vector::Row(taken.len());
            if let Vector::Vector(embedding) = std::mem::replace(&mut row.vector, place) {
                taken.push(embedding);
            }
        }
        taken
    }
}

impl From<EncodedSegment> for Row {
    fn from(segment: EncodedSegment) -> Self {
        Self {
            record: segment.record.map(|record| record.number),
            segment: segment.segment,
            text: segment.text,
            vector: Vector::Vector(segment.encoding.embedding),
        }
    }
}

/// Writes the rows as a float32 matrix. The file appears whole or not at all.
fn write_npy(path: &Path, rows: &[Embedding], dimension: usize) -> anyhow::Result<()> {
    let write = || -> std::io::Result<()> {
        let mut file = AtomicWriteFile::open(path)?;
        let mut writer = npyz::WriteOptions::new()
            .default_dtype()
            .shape(&[rows.len() as u64, dimension as u64])
            .writer(BufWriter::new(&mut file))
            .begin_nd()?;
        writer.extend(rows.iter().flat_map(|row| row.as_slice().iter().copied()))?;
        writer.finish()?;
        file.commit()
    };
    write().with_context(|| format!("cannot write {}", path.display()))
}
