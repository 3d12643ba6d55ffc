//! Pooled features on disk, so that contents are encoded once and memory stays small.

use std::collections::HashMap;
use std::fs::{File, OpenOptions};
use std::io::{self, BufReader, Read, Seek as _, SeekFrom, Write as _};
use std::os::unix::fs::FileExt as _;
use std::path::{Path, PathBuf};
use std::time::UNIX_EPOCH;

use half::f16;
use half::slice::HalfFloatSliceExt as _;
use sensorium_types::{Segment, Span, Track};

use crate::{Error, Result};

const MAGIC: &[u8; 16] = b"sensorium-bank-2";

/// Bytes that end a record and tell whether it is whole.
const CHECK: usize = 8;

/// Bytes that tell of a row: its track, when it starts and ends, and how many values it has.
const ROW: usize = 1 + 8 + 8 + 4;

/// More would be no record of ours.
const MOST_ROWS: usize = 1 << 20;
const MOST_VALUES: usize = 1 << 18;

/// What a content is known by: the words, or the place, size and time of a file.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub(crate) struct ContentKey([u8; 32]);

impl ContentKey {
    /// The key of a text.
    pub(crate) fn text(text: &str) -> Self {
        Self(blake3::derive_key("sensorium text content", text.as_bytes()))
    }

    /// The key of a file; one that cannot be looked at has a key that no other state of it has.
    pub(crate) fn file(path: &Path, modality: sensorium_types::Modality) -> Self {
        use std::os::unix::ffi::OsStrExt as _;
        let stamp = path.metadata().and_then(|metadata| {
            let modified = metadata.modified()?.duration_since(UNIX_EPOCH);
            Ok((metadata.len(), modified.unwrap_or_default().as_nanos()))
        });
        let mut hasher = blake3::Hasher::new_derive_key("sensorium file content");
        hasher.update(format!("{modality} {:?} ", stamp.ok()).as_bytes());
        hasher.update(path.as_os_str().as_bytes());
        Self(*hasher.finalize().as_bytes())
    }

    /// The key of the view with this number of the picture that has this key.
    pub(crate) fn view(&self, number: u16, seed: u64) -> Self {
        let mut hasher = blake3::Hasher::new_derive_key("sensorium view of a picture");
        hasher.update(&self.0);
        hasher.update(format!("{number} {seed}").as_bytes());
        Self(*hasher.finalize().as_bytes())
    }
}

/// Where the features of one segment are.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(crate) struct Row {
    /// The track of the segment.
    pub(crate) track: Track,
    /// When it is, where it has a time.
    pub(crate) span: Option<Span>,
    offset: u64,
    values: usize,
}

impl Row {
    /// The segment itself.
    pub(crate) fn segment(&self) -> Segment {
        Segment {
            track: self.track,
            span: self.span,
        }
    }
}

/// A file of pooled features, as half floats, by content.
///
/// It only grows. A record that was not written to its end is cut off when the file is opened again.
#[derive(Debug)]
pub(crate) struct FeatureBank {
    path: PathBuf,
    file: File,
    end: u64,
    contents: HashMap<ContentKey, Vec<Row>>,
}

impl FeatureBank {
    /// Opens the bank at `path` for the features of `space`; what is there of another space is thrown away.
    pub(crate) fn open(path: &Path, space: &str) -> Result<Self> {
        let open = || {
            let file = OpenOptions::new()
                .read(true)
                .write(true)
                .create(true)
                .truncate(false)
                .open(path)?;
            let mut bank = Self {
                path: path.to_owned(),
                file,
                end: 0,
                contents: HashMap::new(),
            };
            let header = [MAGIC, blake3::hash(space.as_bytes()).as_bytes().as_slice()].concat();
            if !bank.scan(&header)? {
                bank.file.set_len(0)?;
                bank.append(&header)?;
            }
            Ok(bank)
        };
        open().map_err(Error::file(path))
    }

    /// Whether the file begins with `header`; then all whole records behind it are known.
    fn scan(&mut self, header: &[u8]) -> io::Result<bool> {
        let mut reader = BufReader::new(&self.file);
        let mut found = vec![0; header.len()];
        if reader.read_exact(&mut found).is_err() || found != header {
            return Ok(false);
        }
        let mut end = header.len() as u64;
        while let Some((key, rows, length)) = read_record(&mut reader, end)? {
            self.contents.insert(key, rows);
            end += length;
        }
        self.file.set_len(end)?;
        self.end = end;
        Ok(true)
    }

    fn append(&mut self, bytes: &[u8]) -> io::Result<()> {
        self.file.seek(SeekFrom::Start(self.end))?;
        self.file.write_all(bytes)?;
        self.end += bytes.len() as u64;
        Ok(())
    }

    /// Keeps the features of the segments of a content.
    pub(crate) fn insert(&mut self, key: ContentKey, segments: &[(Segment, Vec<f32>)]) -> Result<()> {
        let mut record = key.0.to_vec();
        record.extend((segments.len() as u32).to_le_bytes());
        for (segment, values) in segments {
            record.push(code(segment.track));
            for time in times(segment.span) {
                record.extend(time.to_le_bytes());
            }
            record.extend((values.len() as u32).to_le_bytes());
        }
        let mut rows = Vec::with_capacity(segments.len());
        for (segment, values) in segments {
            rows.push(Row {
                track: segment.track,
                span: segment.span,
                offset: self.end + record.len() as u64,
                values: values.len(),
            });
            record.extend(
                values
                    .iter()
                    .flat_map(|value| f16::from_f32(*value).to_le_bytes()),
            );
        }
        let check = blake3::hash(&record);
        record.extend(&check.as_bytes()[..CHECK]);
        self.append(&record).map_err(Error::file(&self.path))?;
        self.contents.insert(key, rows);
        Ok(())
    }

    /// The segments of a content, when it is here.
    pub(crate) fn rows(&self, key: &ContentKey) -> Option<&[Row]> {
        self.contents.get(key).map(Vec::as_slice)
    }

    /// Appends what is kept of `row` to `values`.
    pub(crate) fn read(&self, row: &Row, values: &mut Vec<f32>) -> Result<()> {
        self.read_first(row, row.values, values)
    }

    /// Appends the first `count` of the values that are kept of `row`: the pooled features, before any tokens.
    pub(crate) fn read_first(&self, row: &Row, count: usize, values: &mut Vec<f32>) -> Result<()> {
        let mut bytes = vec![0; 2 * count.min(row.values)];
        self.file
            .read_exact_at(&mut bytes, row.offset)
            .map_err(Error::file(&self.path))?;
        let (pairs, _) = bytes.as_chunks::<2>();
        let halves: Vec<f16> = pairs.iter().map(|&pair| f16::from_le_bytes(pair)).collect();
        let start = values.len();
        values.resize(start + halves.len(), 0.0);
        halves.convert_to_f32_slice(&mut values[start..]);
        Ok(())
    }
}

/// The record at `offset` and its length; `None` at the end, and for one that is not whole.
fn read_record(reader: &mut impl Read, offset: u64) -> io::Result<Option<(ContentKey, Vec<Row>, u64)>> {
    let mut record = vec![0; 36];
    if !filled(reader, &mut record)? {
        return Ok(None);
    }
    let number = |bytes: &[u8]| {
        bytes
            .iter()
            .rev()
            .fold(0, |sum, byte| sum << 8 | usize::from(*byte))
    };
    let count = number(&record[32..36]);
    let head = record.len();
    if count > MOST_ROWS {
        return Ok(None);
    }
    record.resize(head + ROW * count, 0);
    if !filled(reader, &mut record[head..])? {
        return Ok(None);
    }
    let mut rows = Vec::with_capacity(count);
    let mut place = record.len();
    let (list, _) = record[head..].as_chunks::<ROW>();
    for row in list {
        let (Some(track), values) = (track(row[0]), number(&row[17..])) else {
            return Ok(None);
        };
        if values > MOST_VALUES {
            return Ok(None);
        }
        rows.push(Row {
            track,
            span: span(&row[1..9], &row[9..17]),
            offset: offset + place as u64,
            values,
        });
        place += 2 * values;
    }
    let start = record.len();
    record.resize(place + CHECK, 0);
    if !filled(reader, &mut record[start..])? {
        return Ok(None);
    }
    let (content, check) = record.split_at(place);
    if blake3::hash(content).as_bytes()[..CHECK] != *check {
        return Ok(None);
    }
    let mut key = [0; 32];
    key.copy_from_slice(&content[..32]);
    Ok(Some((ContentKey(key), rows, record.len() as u64)))
}

/// Whether `reader` had enough to fill `bytes`.
fn filled(reader: &mut impl Read, bytes: &mut [u8]) -> io::Result<bool> {
    match reader.read_exact(bytes) {
        Err(error) if error.kind() == io::ErrorKind::UnexpectedEof => Ok(false),
        result => result.map(|()| true),
    }
}

fn code(track: Track) -> u8 {
    match track {
        Track::Text => 0,
        Track::Visual => 1,
        Track::Audio => 2,
    }
}

/// When a segment starts and ends; what has no time has none that is a number.
fn times(span: Option<Span>) -> [f64; 2] {
    span.map_or([f64::NAN; 2], |span| [span.start, span.end])
}

fn span(start: &[u8], end: &[u8]) -> Option<Span> {
    let time = |bytes: &[u8]| Some(f64::from_le_bytes(bytes.try_into().ok()?));
    let (start, end) = (time(start)?, time(end)?);
    (start < end).then_some(Span { start, end })
}

fn track(code: u8) -> Option<Track> {
    Track::ALL.into_iter().find(|track| self::code(*track) == code)
}

#[cfg(test)]
mod tests {
    use super::*;

    type Segments = Vec<(Segment, Vec<f32>)>;

    fn contents() -> Vec<(ContentKey, Segments)> {
        vec![
            (
                ContentKey::text("a"),
                vec![(Segment::whole(Track::Text), vec![1.0, -2.0])],
            ),
            (
                ContentKey::text("b"),
                vec![
                    (Segment::whole(Track::Visual), vec![0.5; 3]),
                    (Segment::window(Track::Audio, 2.0, 6.5), vec![0.25]),
                ],
            ),
            (ContentKey::text("c"), vec![]),
        ]
    }

    fn read(bank: &FeatureBank, key: &ContentKey) -> Option<Segments> {
        let rows = bank.rows(key)?.iter().map(|row| {
            let mut values = Vec::new();
            bank.read(row, &mut values).unwrap();
            (row.segment(), values)
        });
        Some(rows.collect())
    }

    #[test]
    fn what_was_kept_is_there_after_opening_again_and_not_in_another_space() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("features");
        let mut bank = FeatureBank::open(&path, "a space").unwrap();
        for (key, segments) in contents() {
            bank.insert(key, &segments).unwrap();
        }
        for bank in [bank, FeatureBank::open(&path, "a space").unwrap()] {
            for (key, segments) in contents() {
                assert_eq!(read(&bank, &key), Some(segments));
            }
        }
        let other = FeatureBank::open(&path, "another").unwrap();
        assert!(contents().iter().all(|(key, _)| other.rows(key).is_none()));
    }

    #[test]
    fn a_record_that_was_cut_or_changed_is_forgotten_and_those_before_it_stay() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("features");
        let mut bank = FeatureBank::open(&path, "s").unwrap();
        let (first, second) = (contents().remove(0), contents().remove(1));
        bank.insert(first.0, &first.1).unwrap();
        let start = bank.end as usize;
        bank.insert(second.0, &second.1).unwrap();
        let whole = std::fs::read(&path).unwrap();
        let mut damaged: Vec<Vec<u8>> = (start..whole.len()).map(|end| whole[..end].to_vec()).collect();
        for place in start..whole.len() {
            let mut bytes = whole.clone();
            bytes[place] ^= 0x55;
            damaged.push(bytes);
        }
        for bytes in damaged {
            std::fs::write(&path, &bytes).unwrap();
            let mut bank = FeatureBank::open(&path, "s").unwrap();
            assert_eq!(read(&bank, &first.0).as_ref(), Some(&first.1));
            assert_eq!(read(&bank, &second.0), None);
            bank.insert(second.0, &second.1).unwrap();
            let again = FeatureBank::open(&path, "s").unwrap();
            assert_eq!(read(&again, &second.0).as_ref(), Some(&second.1));
        }
    }
}
