//! What an index of neighbours keeps on disk: a folder with a list of contents, and a file or two for each lane.
//!
//! A new state is written beside the old one, and becomes the state when the list names it; so a run that is cut off at any moment
//! leaves the old state or the new one. The list has the hash of every file: what is damaged is noticed before it is used.

use std::collections::BTreeMap;
use std::fs::{self, File};
use std::io::{BufReader, BufWriter, Read as _, Write as _};
use std::path::{Path, PathBuf};

use half::f16;
use sensorium_types::{ItemId, Modality, Track};
use serde::{Deserialize, Serialize};

use super::{Look, Witnesses};
use crate::files::{NEAR, NEAR_LIST};
use crate::halves::{half_bytes, halves};
use crate::{Catalog, ItemKey, Result, SegmentKey, StoredItem};

/// Grows with every change of what is written.
const FORMAT: u32 = 2;

/// The list of what is there.
#[derive(Debug, Serialize, Deserialize)]
pub(super) struct List {
    format: u32,
    /// The space of the vectors.
    pub(super) space: String,
    /// The last change of the catalogue that is in it.
    pub(super) sequence: u64,
    /// Some items, by which the catalogue is recognised.
    witnesses: Witnesses,
    pub(super) lanes: Vec<LaneFiles>,
}

/// The files of a lane.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub(super) struct LaneFiles {
    pub(super) modality: Modality,
    pub(super) track: Track,
    /// How many components each vector has.
    pub(super) dimension: usize,
    /// The length to which the graph brings all vectors.
    pub(super) reach: f32,
    /// The keys of each row.
    pub(super) keys: Piece,
    /// The vectors of the rows, one after the other, as half floats.
    pub(super) rows: Piece,
    /// The graph of a large lane.
    pub(super) graph: Option<Piece>,
}

/// A file.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub(super) struct Piece {
    name: String,
    bytes: u64,
    /// BLAKE3, in hexadecimal digits.
    hash: String,
}

impl List {
    pub(super) fn new(space: &str, sequence: u64, witnesses: Witnesses, lanes: Vec<LaneFiles>) -> Self {
        Self {
            format: FORMAT,
            space: space.to_owned(),
            sequence,
            witnesses,
            lanes,
        }
    }

    /// The list in the index `folder`; `None` when there is none that is known here.
    ///
    /// # Errors
    /// When it cannot be read.
    pub(super) fn read(folder: &Path) -> std::io::Result<Option<Self>> {
        let text = match fs::read_to_string(folder.join(NEAR).join(NEAR_LIST)) {
            Ok(text) => text,
            Err(error) if error.kind() == std::io::ErrorKind::NotFound => return Ok(None),
            Err(error) => return Err(error),
        };
        let (list, hash) = text.trim_end().rsplit_once('\n').unwrap_or_default();
        if blake3::hash(list.as_bytes()).to_hex().as_str() != hash {
            return Err(std::io::Error::other("the list of what is there is damaged"));
        }
        let list: Self = serde_json::from_str(list)?;
        Ok((list.format == FORMAT).then_some(list))
    }

    /// Makes this the state of the index in `folder`, and removes the files of earlier ones.
    ///
    /// # Errors
    /// When it cannot be written.
    pub(super) fn write(&self, folder: &Path) -> std::io::Result<()> {
        let near = folder.join(NEAR);
        File::open(&near)?.sync_all()?;
        let mut file = atomic_write_file::AtomicWriteFile::open(near.join(NEAR_LIST))?;
        let text = serde_json::to_string(self)?;
        // The list has the hashes of the files; behind it stands its own.
        write!(file, "{text}\n{}\n", blake3::hash(text.as_bytes()).to_hex())?;
        file.commit()?;
        for entry in fs::read_dir(&near)?.flatten() {
            let name = entry.file_name();
            let is_ours = name == NEAR_LIST || self.pieces().any(|piece| name == piece.name.as_str());
            if !is_ours {
                // Those who read it still can.
                let _ = fs::remove_file(entry.path());
            }
        }
        Ok(())
    }

    fn pieces(&self) -> impl Iterator<Item = &Piece> {
        self.lanes
            .iter()
            .flat_map(|lane| [&lane.keys, &lane.rows].into_iter().chain(&lane.graph))
    }

    /// Whether it was made of `catalog`: all that it remembers is the same there, or gone, but not all of it.
    ///
    /// # Errors
    /// When the store cannot be read.
    pub(super) fn is_of(&self, catalog: &dyn Catalog) -> Result<bool> {
        let keys: Vec<ItemKey> = self.witnesses.0.iter().map(|(key, _)| ItemKey(*key)).collect();
        let items = catalog.items(&keys)?;
        let known: BTreeMap<u64, ItemId> = self.witnesses.0.iter().copied().collect();
        let is_same = |item: &StoredItem| known.get(&item.key.0) == Some(&item.id);
        Ok(self.sequence <= catalog.sequence()? && !items.is_empty() && items.iter().all(is_same))
    }

    /// What is wrong with the files in the index `folder`, if anything: each is read whole.
    pub(super) fn damage(&self, folder: &Path) -> Option<String> {
        self.pieces().find_map(|piece| piece.damage(folder, true))
    }

    /// The same, of what has to be right before it is used, as far as `look` goes. The rows of large lanes are most of it; a wrong
    /// one is no danger.
    pub(super) fn danger(&self, folder: &Path, look: Look) -> Option<String> {
        let is_read = look == Look::Contents;
        self.lanes.iter().find_map(|lane| {
            let rows = || lane.rows.damage(folder, is_read && lane.graph.is_none());
            let rest = [&lane.keys].into_iter().chain(&lane.graph);
            rest.into_iter()
                .find_map(|piece| piece.damage(folder, is_read))
                .or_else(rows)
        })
    }
}

impl Piece {
    /// Where it is, in the index `folder`.
    pub(super) fn path(&self, folder: &Path) -> PathBuf {
        folder.join(NEAR).join(&self.name)
    }

    /// The file `name` in the index `folder`, which was written and is not to change any more.
    ///
    /// # Errors
    /// When it cannot be read or kept.
    pub(super) fn seal(folder: &Path, name: String) -> std::io::Result<Self> {
        let path = folder.join(NEAR).join(&name);
        let file = File::open(&path)?;
        file.sync_all()?;
        Ok(Self {
            bytes: file.metadata()?.len(),
            hash: hash(&path)?,
            name,
        })
    }

    /// What is wrong with it; its content is only looked at when that `is_read`.
    fn damage(&self, folder: &Path, is_read: bool) -> Option<String> {
        let path = self.path(folder);
        // A name is no path: the list itself may be damaged.
        let is_plain = Path::new(&self.name)
            .file_name()
            .is_some_and(|name| name == self.name.as_str());
        let bytes = fs::metadata(&path).map(|about| about.len());
        let told = match bytes {
            _ if !is_plain => "has a strange name".to_owned(),
            Err(error) => error.to_string(),
            Ok(bytes) if bytes != self.bytes => format!("has {bytes} bytes, not {}", self.bytes),
            Ok(_) if !is_read => return None,
            Ok(_) => match hash(&path) {
                Ok(hash) if hash == self.hash => return None,
                Ok(_) => "does not have the hash that it had".to_owned(),
                Err(error) => error.to_string(),
            },
        };
        Some(format!("{} {told}", path.display()))
    }
}

fn hash(path: &Path) -> std::io::Result<String> {
    let mut hasher = blake3::Hasher::new();
    hasher.update_mmap_rayon(path)?;
    Ok(hasher.finalize().to_hex().to_string())
}

/// Writes the keys of rows.
pub(super) fn write_keys(
    path: &Path,
    keys: impl Iterator<Item = (ItemKey, SegmentKey)>,
) -> std::io::Result<()> {
    let mut file = BufWriter::new(File::create(path)?);
    for (item, segment) in keys {
        file.write_all(&item.0.to_le_bytes())?;
        file.write_all(&segment.0.to_le_bytes())?;
    }
    file.flush()
}

/// Reads them.
pub(super) fn read_keys(path: &Path) -> std::io::Result<Vec<(ItemKey, SegmentKey)>> {
    let bytes = fs::read(path)?;
    let (keys, _) = bytes.as_chunks::<8>();
    let (pairs, _) = keys.as_chunks::<2>();
    let pairs = pairs.iter().map(|[item, segment]| {
        let key = |bytes: &[u8; 8]| u64::from_le_bytes(*bytes);
        (ItemKey(key(item)), SegmentKey(key(segment)))
    });
    Ok(pairs.collect())
}

/// Writes vectors, one after the other, behind those of the file `before`.
pub(super) fn write_rows<'a>(
    path: &Path,
    before: Option<&Path>,
    rows: impl Iterator<Item = &'a [f16]>,
) -> std::io::Result<()> {
    if let Some(before) = before {
        fs::copy(before, path)?;
    }
    let file = File::options().create(true).append(true).open(path)?;
    let mut file = BufWriter::new(file);
    for row in rows {
        file.write_all(&half_bytes(row))?;
    }
    file.flush()
}

/// Reads them, each of `dimension` components.
pub(super) fn read_rows(path: &Path, dimension: usize) -> std::io::Result<Vec<Vec<f16>>> {
    let mut file = BufReader::new(File::open(path)?);
    let mut rows = Vec::new();
    let mut bytes = vec![0; 2 * dimension];
    while !bytes.is_empty() && file.read_exact(&mut bytes).is_ok() {
        rows.push(halves(&bytes).collect());
    }
    Ok(rows)
}
