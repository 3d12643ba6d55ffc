//! Files to embeddings: decoding and encoding side by side, on all cores.

use std::collections::{HashMap, HashSet};
use std::ops::ControlFlow;
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex};
use std::thread;

use crossbeam_channel::{Receiver, Sender, bounded, unbounded};
use sensorium_media::{Limits, Memory, Picture, Piece, Record, Sample, Share, Target, contained};
use sensorium_types::{Embedding, Fields, Modality, Segment};

use crate::{Encoder, Encoding, Package, Result};

/// Pieces of one file that are encoded together.
const BATCH: usize = 8;

/// Bytes of decoded samples that may wait to be encoded.
const WAITING_BYTES: u64 = 96 << 20;

/// Texts that are encoded together, also of different files.
const TEXT_BATCH: usize = 64;

/// More encoders than this would hold more copies of the weights than they gain; they get threads instead.
const MOST_ENCODERS: usize = 4;

/// A file, decoded and encoded; `E` is what is kept of each [`Encoding`].
#[derive(Debug)]
pub struct EncodedFile<E = Encoding> {
    /// What it is, by its content.
    pub modality: Modality,
    /// The name of its format, as in "JPEG".
    pub format: String,
    /// What it says of itself.
    pub facts: Fields,
    /// Its segments, in order.
    pub segments: Vec<EncodedSegment<E>>,
    /// Records that were refused while the others are fine.
    pub refused: Vec<sensorium_media::Error>,
}

/// One segment of a file.
#[derive(Debug)]
pub struct EncodedSegment<E = Encoding> {
    /// The record that it belongs to, in files of many records.
    pub record: Option<Record>,
    /// Track and time.
    pub segment: Segment,
    /// The passage, for text.
    pub text: Option<String>,
    /// What the model made of it.
    pub encoding: E,
}

impl EncodedSegment {
    /// What a [`Scorer`](crate::Scorer) compares.
    pub fn vector(&self) -> (&Segment, &Embedding) {
        (&self.segment, &self.encoding.embedding)
    }
}

/// Encoders for all cores of the machine. They keep their towers from one call to the next.
pub struct Pool {
    target: Target,
    limits: Limits,
    encoders: Vec<Encoder>,
}

impl Pool {
    /// A pool that uses `threads` cores (at least one). Nothing is loaded yet.
    pub fn new(package: Arc<Package>, limits: Limits, threads: usize) -> Self {
        let count = threads.clamp(1, MOST_ENCODERS);
        Self {
            target: package.target(),
            limits,
            encoders: (0..count)
                .map(|_| Encoder::new(Arc::clone(&package), threads / count))
                .collect(),
        }
    }

    /// A single encoder with `threads` threads: slower for many files, faster for one, and one copy of the
    /// weights.
    pub fn single(package: Arc<Package>, limits: Limits, threads: usize) -> Self {
        Self {
            target: package.target(),
            limits,
            encoders: vec![Encoder::new(package, threads)],
        }
    }

    /// Leaves the audio track of videos aside from now on.
    pub fn ignore_audio_tracks(&mut self) {
        self.target.audio_track = false;
    }

    /// Encodes `texts`, each as one segment, cut where the model's text tower ends.
    ///
    /// # Errors
    /// When the text tower is missing, cannot be loaded or fails.
    pub fn texts(&mut self, texts: &[String]) -> Result<Vec<Encoding>> {
        self.in_batches(texts, |encoder, samples| encoder.encode(samples))
    }

    /// The raw tokens of `texts`, as [`Encoder::text_tokens`] gives them.
    ///
    /// # Errors
    /// As [`texts`](Self::texts).
    pub fn text_tokens(&mut self, texts: &[String]) -> Result<Vec<Vec<f32>>> {
        self.in_batches(texts, |encoder, samples| encoder.text_tokens(samples))
    }

    /// What `encode` makes of each of `texts`, in their order.
    fn in_batches<T: Send>(
        &mut self,
        texts: &[String],
        encode: impl Fn(&mut Encoder, &[Sample]) -> Result<Vec<T>> + Sync,
    ) -> Result<Vec<T>> {
        let batches: Vec<&[String]> = texts.chunks(TEXT_BATCH).collect();
        let next = AtomicUsize::new(0);
        let (sender, receiver) = unbounded();
        thread::scope(|scope| {
            for encoder in self.encoders.iter_mut().take(batches.len()) {
                let (next, batches, sender, encode) = (&next, &batches, sender.clone(), &encode);
                scope.spawn(move || {
                    while let Some((index, batch)) = take(next, batches) {
                        let samples: Vec<_> = batch.iter().cloned().map(Sample::Text).collect();
                        let encoded = encode(encoder, &samples);
                        let failed = encoded.is_err();
                        if sender.send((index, encoded)).is_err() || failed {
                            return;
                        }
                    }
                });
            }
        });
        drop(sender);
        let mut encoded: Vec<_> = receiver.into_iter().collect();
        encoded.sort_unstable_by_key(|(index, _)| *index);
        let mut all = Vec::with_capacity(texts.len());
        for (_, batch) in encoded {
            all.extend(batch?);
        }
        Ok(all)
    }

    /// Decodes and encodes `files` and calls `done` on this thread with the name of each as it is finished, in
    /// no particular order. Files are taken from the iterator when there is a core for them.
    ///
    /// A file that cannot be decoded is given to `done` as an error and does not stop the others.
    ///
    /// # Errors
    /// When a tower is missing, cannot be loaded or fails; then the rest of the files is left out.
    pub fn files<N: Send, I>(
        &mut self,
        files: I,
        mut done: impl FnMut(N, sensorium_media::Result<EncodedFile>),
    ) -> Result<()>
    where
        I: IntoIterator<Item = (N, PathBuf)>,
        I::IntoIter: Send,
    {
        self.files_as(
            files,
            |encoding| encoding,
            |name, file| {
                done(name, file);
                ControlFlow::Continue(())
            },
        )
    }

    /// The same, until `done` breaks off. Only what `keep` makes of each encoding stays in memory until its file is
    /// finished: a file may have many thousand records.
    ///
    /// # Errors
    /// As [`files`](Self::files).
    pub fn files_as<N: Send, E: Send, I>(
        &mut self,
        files: I,
        keep: impl Fn(Encoding) -> E + Sync,
        done: impl FnMut(N, sensorium_media::Result<EncodedFile<E>>) -> ControlFlow<()>,
    ) -> Result<()>
    where
        I: IntoIterator<Item = (N, PathBuf)>,
        I::IntoIter: Send,
    {
        self.run(files, |_, piece| [piece], keep, done)
    }

    /// Decodes `files` and encodes, instead of each still picture, what `views` makes of it, in that order. Other files
    /// have no segments then.
    ///
    /// # Errors
    /// As [`files`](Self::files).
    pub fn views<N: Send, I, V>(
        &mut self,
        files: I,
        views: impl Fn(&N, Picture) -> V + Sync,
        mut done: impl FnMut(N, sensorium_media::Result<EncodedFile>),
    ) -> Result<()>
    where
        I: IntoIterator<Item = (N, PathBuf)>,
        I::IntoIter: Send,
        V: IntoIterator<Item = Picture>,
    {
        let pieces = |name: &N, piece: Piece| {
            let Piece {
                record,
                segment,
                sample,
            } = piece;
            let views = match sample {
                Sample::Picture(picture) => Some(views(name, picture)),
                _ => None,
            };
            let views = views.into_iter().flatten();
            views.map(move |view| Piece {
                record: record.clone(),
                segment: segment.clone(),
                sample: Sample::Picture(view),
            })
        };
        self.run(
            files,
            pieces,
            |encoding| encoding,
            |name, file| {
                done(name, file);
                ControlFlow::Continue(())
            },
        )
    }

    /// Encodes of each piece of `files` what `pieces` makes of it.
    fn run<N: Send, E: Send, I, P>(
        &mut self,
        files: I,
        pieces: impl Fn(&N, Piece) -> P + Sync,
        keep: impl Fn(Encoding) -> E + Sync,
        mut done: impl FnMut(N, sensorium_media::Result<EncodedFile<E>>) -> ControlFlow<()>,
    ) -> Result<()>
    where
        I: IntoIterator<Item = (N, PathBuf)>,
        I::IntoIter: Send,
        P: IntoIterator<Item = Piece>,
    {
        let files = Mutex::new(files.into_iter().enumerate());
        let count = self.encoders.len();
        let (target, limits) = (&self.target, &self.limits);
        thread::scope(|scope| {
            // Few bytes wait, so that memory is bounded however fast the decoders are.
            let (job_sender, jobs) = bounded::<Job>(TEXT_BATCH * count);
            let queue = Queue {
                jobs: job_sender,
                waiting: Memory::new(WAITING_BYTES),
            };
            let (event_sender, events) = bounded::<Event<N, E>>(2 * count);
            for _ in 0..count {
                let (files, pieces) = (&files, &pieces);
                let (queue, events) = (queue.clone(), event_sender.clone());
                // A poisoned lock means that another thread has panicked, which ends everything anyway.
                let next = || files.lock().ok()?.next();
                scope.spawn(move || {
                    while let Some((file, (name, path))) = next() {
                        let pieces = |piece| pieces(&name, piece);
                        let end = contained(&path, || decode(file, &path, limits, target, pieces, &queue));
                        if events.send(Event::Decoded(file, name, end)).is_err() {
                            return;
                        }
                    }
                });
            }
            for encoder in &mut self.encoders {
                let (jobs, events, keep) = (jobs.clone(), event_sender.clone(), &keep);
                scope.spawn(move || encode(encoder, keep, &jobs, &events));
            }
            drop((queue, jobs, event_sender));
            // Returning drops `events`, which stops the encoders and, through them, the decoders.
            collect(events, &mut done)
        })
    }
}

/// The next of `list`, for threads that share it.
fn take<'a, T>(next: &AtomicUsize, list: &'a [T]) -> Option<(usize, &'a T)> {
    let index = next.fetch_add(1, Ordering::Relaxed);
    Some((index, list.get(index)?))
}

/// The way from the decoders to the encoders.
#[derive(Clone)]
struct Queue {
    jobs: Sender<Job>,
    waiting: Memory,
}

/// Some pieces of one file, of which `first` is the place of the first.
struct Job {
    file: usize,
    first: usize,
    pieces: Vec<Piece>,
    /// Held until the pieces are encoded.
    share: Share,
}

enum Event<N, E> {
    /// A file is decoded to its end, or refused.
    Decoded(usize, N, sensorium_media::Result<Decoded>),
    /// Segments of a file, from place `first` on.
    Encoded {
        file: usize,
        first: usize,
        segments: Vec<EncodedSegment<E>>,
    },
    /// The model failed.
    Failed(crate::Error),
}

/// What is known of a file when all its pieces were sent off.
struct Decoded {
    modality: Modality,
    format: String,
    facts: Fields,
    pieces: usize,
    refused: Vec<sensorium_media::Error>,
}

fn decode<P: IntoIterator<Item = Piece>>(
    file: usize,
    path: &Path,
    limits: &Limits,
    target: &Target,
    pieces_of: impl Fn(Piece) -> P,
    queue: &Queue,
) -> sensorium_media::Result<Decoded> {
    let media = sensorium_media::open(path, limits, target)?;
    let mut decoded = Decoded {
        modality: media.modality(),
        format: media.format().to_owned(),
        facts: media.facts().clone(),
        pieces: 0,
        refused: Vec::new(),
    };
    let mut pieces = Vec::with_capacity(BATCH);
    for piece in media {
        match piece {
            Ok(piece) => {
                for piece in pieces_of(piece) {
                    pieces.push(piece);
                    if pieces.len() == BATCH && !decoded.send(file, &mut pieces, queue) {
                        return Ok(decoded);
                    }
                }
            }
            Err(error) if error.record.is_some() => decoded.refused.push(error),
            Err(error) => return Err(error),
        }
    }
    decoded.send(file, &mut pieces, queue);
    Ok(decoded)
}

impl Decoded {
    /// Whether somebody still listens; nobody does when the model has failed, which ends everything.
    fn send(&mut self, file: usize, pieces: &mut Vec<Piece>, queue: &Queue) -> bool {
        let first = self.pieces;
        self.pieces += pieces.len();
        let pieces = std::mem::take(pieces);
        if pieces.is_empty() {
            return true;
        }
        let bytes: usize = pieces.iter().map(|piece| piece.sample.bytes()).sum();
        let job = Job {
            file,
            first,
            share: queue.waiting.take(bytes as u64),
            pieces,
        };
        queue.jobs.send(job).is_ok()
    }
}

/// Encodes what comes, texts of several files together.
fn encode<N, E>(
    encoder: &mut Encoder,
    keep: impl Fn(Encoding) -> E,
    jobs: &Receiver<Job>,
    events: &Sender<Event<N, E>>,
) {
    while let Ok(job) = jobs.recv() {
        let mut batch = vec![job];
        let mut count = batch[0].pieces.len();
        while count < TEXT_BATCH
            && batch.last().is_some_and(Job::is_text)
            && let Ok(job) = jobs.try_recv()
        {
            count += job.pieces.len();
            batch.push(job);
        }
        for event in encode_batch(encoder, &keep, batch) {
            if events.send(event).is_err() {
                return;
            }
        }
    }
}

impl Job {
    /// Texts gain from being many, and are small.
    fn is_text(&self) -> bool {
        self.pieces
            .iter()
            .all(|piece| matches!(piece.sample, Sample::Text(_)))
    }
}

/// What became of each job of `batch`, in order; one failure when the model fails.
fn encode_batch<N, E>(
    encoder: &mut Encoder,
    keep: impl Fn(Encoding) -> E,
    batch: Vec<Job>,
) -> Vec<Event<N, E>> {
    let mut places = Vec::new();
    let mut samples = Vec::new();
    let mut jobs = Vec::with_capacity(batch.len());
    for job in batch {
        jobs.push((job.file, job.first, job.pieces.len(), job.share));
        for piece in job.pieces {
            places.push((piece.record, piece.segment));
            samples.push(piece.sample);
        }
    }
    let encodings = match encoder.encode(&samples) {
        Ok(encodings) => encodings,
        Err(error) => return vec![Event::Failed(error)],
    };
    let parts = places.into_iter().zip(samples).zip(encodings);
    let mut segments = parts.map(|(((record, segment), sample), encoding)| EncodedSegment {
        record,
        segment,
        text: match sample {
            Sample::Text(text) => Some(text),
            _ => None,
        },
        encoding: keep(encoding),
    });
    jobs.into_iter()
        .map(|(file, first, count, _)| Event::Encoded {
            file,
            first,
            segments: segments.by_ref().take(count).collect(),
        })
        .collect()
}

/// Puts the parts of each file together and calls `done` when it is whole.
fn collect<N, E>(
    events: Receiver<Event<N, E>>,
    done: &mut impl FnMut(N, sensorium_media::Result<EncodedFile<E>>) -> ControlFlow<()>,
) -> Result<()> {
    let mut parts: HashMap<usize, Vec<(usize, EncodedSegment<E>)>> = HashMap::new();
    let mut ends: HashMap<usize, (N, Decoded)> = HashMap::new();
    let mut refused: HashSet<usize> = HashSet::new();
    for event in events {
        let file = match event {
            Event::Failed(error) => return Err(error),
            Event::Decoded(file, name, Err(error)) => {
                // Batches of it may still be on their way.
                refused.insert(file);
                parts.remove(&file);
                if done(name, Err(error)).is_break() {
                    return Ok(());
                }
                continue;
            }
            Event::Decoded(file, name, Ok(end)) => {
                ends.insert(file, (name, end));
                file
            }
            Event::Encoded { file, .. } if refused.contains(&file) => continue,
            Event::Encoded {
                file,
                first,
                segments,
            } => {
                let placed = (first..).zip(segments);
                parts.entry(file).or_default().extend(placed);
                file
            }
        };
        let received = parts.get(&file).map_or(0, Vec::len);
        if ends.get(&file).is_some_and(|(_, end)| end.pieces == received)
            && let Some((name, end)) = ends.remove(&file)
        {
            let mut segments = parts.remove(&file).unwrap_or_default();
            segments.sort_unstable_by_key(|(place, _)| *place);
            let file = EncodedFile {
                modality: end.modality,
                facts: end.facts,
                format: end.format,
                segments: segments.into_iter().map(|(_, segment)| segment).collect(),
                refused: end.refused,
            };
            if done(name, Ok(file)).is_break() {
                return Ok(());
            }
        }
    }
    Ok(())
}
