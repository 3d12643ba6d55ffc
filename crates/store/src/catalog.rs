use std::collections::BTreeSet;
use std::path::{Path, PathBuf};

use half::f16;
use sensorium_types::{Fields, ItemId, Line, Location, Modality, Segment, Span, Track};

use crate::{Condition, Result};

/// What is known of files and their content: the truth, from which everything else can be derived.
///
/// # Contract
/// - A [`write`](Self::write) is atomic, and what it returned from survives the end of the process.
/// - An item exists as long as a file holds it; when the last of its locations goes, so does all of it, at the end
///   of the write: what one step takes from a file, a later one may put into another.
/// - An item has segments of one generation. When a file brings those of another, all other files that hold the
///   item lose their stamp and content hash, so that they are looked at again.
/// - Readers see whole writes, at any time, also while another process writes.
/// - Keys are never used again.
///
/// `tests/contract/catalog.rs` checks every implementation.
pub trait Catalog: Send {
    /// Another handle on the same catalogue, for another thread.
    ///
    /// # Errors
    /// When it cannot be opened.
    fn another(&self) -> Result<Box<dyn Catalog>>;

    /// Applies `writes` in their order, all or none.
    ///
    /// # Errors
    /// When the store cannot be written; then nothing of them was.
    fn write(&mut self, writes: Vec<Write>) -> Result<Written>;

    /// The files at or below `path`, in the order of their paths' bytes.
    ///
    /// # Errors
    /// When the store cannot be read.
    fn files(&self, path: &Path) -> Result<Vec<IndexedFile>>;

    /// All that is refused, in the order of path and record.
    ///
    /// # Errors
    /// When the store cannot be read.
    fn refusals(&self) -> Result<Vec<(PathBuf, Refusal)>>;

    /// What is refused in the file whose items [`Write::Same`] would find, one with this content and the same
    /// extension that was indexed in `generation`; `None` when there is no such file.
    ///
    /// # Errors
    /// When the store cannot be read.
    fn same(
        &self,
        content: &Content,
        extension: &[u8],
        generation: &Generation,
    ) -> Result<Option<Vec<Refusal>>>;

    /// Calls `sink` with what changed in `space` after the change `sequence`, and returns the sequence of the
    /// last change. What it reports is of one moment. The vectors of an item come one after the other, behind
    /// its [`Change::Gone`] or behind a [`Change::Reset`]; the latter comes first of all after `sequence` 0 and
    /// one that the catalogue never had.
    ///
    /// # Errors
    /// When the store cannot be read, or `sink` fails.
    fn changes(&self, space: &str, sequence: u64, sink: &mut dyn FnMut(Change) -> Result<()>) -> Result<u64>;

    /// The items with these keys that exist, in the order of `keys`.
    ///
    /// # Errors
    /// When the store cannot be read.
    fn items(&self, keys: &[ItemKey]) -> Result<Vec<StoredItem>>;

    /// The item of this name.
    ///
    /// # Errors
    /// When the store cannot be read.
    fn find(&self, id: &ItemId) -> Result<Option<ItemKey>>;

    /// The items of the file at `path`, each with the number of its record where the file has records, in their order.
    ///
    /// # Errors
    /// When the store cannot be read.
    fn at(&self, path: &Path) -> Result<Vec<(Option<u64>, ItemKey)>>;

    /// The items of `modalities`, the last that came first, behind `before`: at most `limit`.
    ///
    /// # Errors
    /// When the store cannot be read.
    fn list(&self, modalities: &[Modality], before: Option<ItemKey>, limit: usize) -> Result<Vec<ItemKey>>;

    /// The segments of an item, in their order, behind `after`: at most `limit`.
    ///
    /// # Errors
    /// When the store cannot be read.
    fn segments_of(
        &self,
        item: ItemKey,
        after: Option<SegmentKey>,
        limit: usize,
    ) -> Result<Vec<StoredSegment>>;

    /// The sequence of the last change.
    ///
    /// # Errors
    /// When the store cannot be read.
    fn sequence(&self) -> Result<u64>;

    /// A number that is another one as soon as anything was written, through this or another handle: what was read before may not hold any
    /// more. Other handles have other numbers for the same state.
    ///
    /// # Errors
    /// When the store cannot be read.
    fn version(&self) -> Result<u64>;

    /// The segments with these keys that exist, in the order of `keys`.
    ///
    /// # Errors
    /// When the store cannot be read.
    fn segments(&self, keys: &[SegmentKey]) -> Result<Vec<StoredSegment>>;

    /// The segments of an item, in their order, with what the model made of them.
    ///
    /// # Errors
    /// When the store cannot be read.
    fn encoded(&self, item: ItemKey) -> Result<Vec<NewSegment>>;

    /// The segments of an item, in their order, each with its vector.
    ///
    /// # Errors
    /// When the store cannot be read.
    fn vectors(&self, item: ItemKey) -> Result<Vec<(Segment, Vec<f16>)>>;

    /// What is kept of a segment; nothing when it is not there or its features are not kept.
    ///
    /// # Errors
    /// When the store cannot be read.
    fn features(&self, segment: SegmentKey) -> Result<Vec<f16>>;

    /// The items of other generations than `generation`, in the order of their keys, behind `after`: at most
    /// `limit`.
    ///
    /// # Errors
    /// When the store cannot be read.
    fn stale(&self, generation: &Generation, after: Option<ItemKey>, limit: usize) -> Result<Vec<ItemKey>>;

    /// The items of which one place fulfils `condition`.
    ///
    /// # Errors
    /// When the store cannot be read.
    fn matching(&self, condition: &Condition) -> Result<BTreeSet<ItemKey>>;

    /// Where the words of `query` occur in names, folders, captions, tags, texts and transcripts: the best first, at most
    /// `limit`. Every word must occur; a text without words finds nothing.
    ///
    /// # Errors
    /// When the store cannot be read.
    fn words(&self, query: &str, limit: usize) -> Result<Vec<WordMatch>>;

    /// The items in whose names, folders, captions, tags or texts `word` occurs, at most `limit`; without case and accents.
    /// Captions are the fields of a record, tags what a content says of itself.
    ///
    /// # Errors
    /// When the store cannot be read.
    fn with_word(&self, word: &str, limit: usize) -> Result<BTreeSet<ItemKey>>;

    /// The lines of transcripts in which `word` occurs, also written as two words, at most `limit`; without case and accents.
    ///
    /// # Errors
    /// When the store cannot be read.
    fn lines_with_word(&self, word: &str, limit: usize) -> Result<Vec<(ItemKey, LineKey)>>;

    /// The lines with these keys that exist, in the order of `keys`.
    ///
    /// # Errors
    /// When the store cannot be read.
    fn lines(&self, keys: &[LineKey]) -> Result<Vec<Line>>;

    /// The transcripts of an item, each with its lines in their order.
    ///
    /// # Errors
    /// When the store cannot be read.
    fn transcripts(&self, item: ItemKey) -> Result<Vec<Transcript>>;

    /// The items of `modality` that have `track` but no transcript of it by `maker`, in the order of their keys.
    ///
    /// # Errors
    /// When the store cannot be read.
    fn without_transcript(&self, modality: Modality, track: Track, maker: &str) -> Result<Vec<ItemKey>>;

    /// The items of `modality` that have `track` but no fingerprint of it by `maker`, in the order of their keys.
    ///
    /// # Errors
    /// When the store cannot be read.
    fn without_fingerprint(&self, modality: Modality, track: Track, maker: &str) -> Result<Vec<ItemKey>>;

    /// Calls `sink` with the fingerprints of `track` by `maker`, in the order of their items' keys.
    ///
    /// # Errors
    /// When the store cannot be read, or `sink` fails.
    fn fingerprints(
        &self,
        track: Track,
        maker: &str,
        sink: &mut dyn FnMut(ItemKey, &[u8]) -> Result<()>,
    ) -> Result<()>;

    /// The items that are found at several places, in the order of their keys.
    ///
    /// # Errors
    /// When the store cannot be read.
    fn at_several_places(&self) -> Result<Vec<ItemKey>>;

    /// What made the items that there are.
    ///
    /// # Errors
    /// When the store cannot be read.
    fn generations(&self) -> Result<Vec<Generation>>;

    /// What there is.
    ///
    /// # Errors
    /// When the store cannot be read.
    fn summary(&self) -> Result<Summary>;

    /// Looks at everything and returns what is wrong, in words.
    ///
    /// # Errors
    /// When the store cannot be read at all.
    fn verify(&self) -> Result<Vec<String>>;
}

/// The key of an item within one catalogue.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct ItemKey(pub u64);

/// The key of a segment within one catalogue.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct SegmentKey(pub u64);

/// The key of a line of a transcript within one catalogue; lines of a transcript have keys that follow each other.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct LineKey(pub u64);

/// The BLAKE3 hash of the bytes of a file.
pub type Content = [u8; 32];

/// What made the segments and vectors of an item; another generation is made again.
#[derive(Debug, Clone, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct Generation {
    /// The embedding space, as `name@hash`.
    pub space: String,
    /// The version of the rules by which files are cut.
    pub windowing: u32,
}

impl Generation {
    /// That of a file whose items are of several: it is of none, and has to be looked at again.
    pub const SEVERAL: Self = Self {
        space: String::new(),
        windowing: 0,
    };
}

/// By what a file is known to be unchanged without reading it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Stamp {
    /// Its size in bytes.
    pub size: u64,
    /// When its content was last modified, in nanoseconds since 1970.
    pub modified: i64,
    /// When its content or its attributes last changed, in nanoseconds since 1970.
    pub changed: i64,
}

/// A file as it was last seen.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct IndexedFile {
    /// Its absolute path.
    pub path: PathBuf,
    /// By what a change is noticed.
    pub stamp: Stamp,
    /// The hash of its bytes, unless it was never read.
    pub content: Option<Content>,
    /// What came of it.
    pub state: FileState,
    /// The hash of the limits that refused it, where it was they: under others it may come in.
    pub limits: Option<[u8; 32]>,
    /// What it was read with, or what made all its items since; [`Generation::SEVERAL`] while some are left.
    pub generation: Generation,
    /// What was refused in it.
    pub refusals: Vec<Refusal>,
}

/// What came of a file.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum FileState {
    /// It holds items; some of its records may be refused.
    Indexed,
    /// It is refused, and will be as long as neither it nor the limits change.
    Refused,
    /// It is refused for a reason that may pass by itself: a missing program, a right to read.
    RefusedForNow,
    /// It is of a kind that is not searched.
    Ignored,
}

/// Why a file, or one record of it, holds no item.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub struct Refusal {
    /// The record, counted from 1, when the others are fine.
    pub record: Option<u64>,
    /// What is wrong.
    pub cause: String,
}

/// One step of a [`Catalog::write`].
#[derive(Debug, Clone, PartialEq)]
pub enum Write {
    /// A file and what it holds now, instead of what it held before.
    File(NewFile),
    /// A file whose content, under a name with the same extension, is in the catalogue, or was when the write began
    /// or at any step since: it holds the same items, and has the same refused records. Without such content the
    /// step does nothing and is told as [`Written::unfound`].
    Same {
        /// Its absolute path.
        path: PathBuf,
        /// By what a change is noticed.
        stamp: Stamp,
        /// The hash of its bytes.
        content: Content,
        /// What it would be read with.
        generation: Generation,
    },
    /// Forgets the file.
    Forget(PathBuf),
    /// New vectors of items, made of what is kept of them: their segments, texts and features stay. A file all of
    /// whose items are of `generation` then counts as read with it.
    Reencode {
        /// What made the vectors.
        generation: Generation,
        /// For each item a vector of each of its segments, in their order. One that is not there, has another
        /// number of segments or was cut by another windowing is left as it is.
        items: Vec<(ItemKey, Vec<Vec<f16>>)>,
    },
    /// A fingerprint, instead of the one that the track of its item had. Without such an item the step does nothing.
    Fingerprint(Fingerprint),
    /// A transcript, instead of the one that the track of its item had. Without such an item the step does nothing.
    Transcript(Transcript),
}

/// The words on a track of an item: what is said in its sound, or to be read in its pictures.
#[derive(Debug, Clone, PartialEq)]
pub struct Transcript {
    /// The item. Its transcript stays as long as it does, whatever its segments are.
    pub item: ItemKey,
    /// The track.
    pub track: Track,
    /// What made it, so that another maker can make it anew.
    pub maker: String,
    /// When, and which words; none where nothing is said or to be read.
    pub lines: Vec<(Option<Span>, String)>,
}

/// By what the copies of a track of an item are recognised.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Fingerprint {
    /// The item. Its fingerprint stays as long as it does, whatever its segments are.
    pub item: ItemKey,
    /// The track.
    pub track: Track,
    /// What made it; those of other makers are not compared with it.
    pub maker: String,
    /// The fingerprint as its maker writes it; empty when it can make none.
    pub bytes: Vec<u8>,
}

/// What a [`Catalog::write`] did.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Written {
    /// The sequence of the last change.
    pub sequence: u64,
    /// Which of the steps were a [`Write::Same`] that found no such content, counted from 0.
    pub unfound: Vec<usize>,
}

/// A file to be written.
#[derive(Debug, Clone, PartialEq)]
pub struct NewFile {
    /// What is known of it.
    pub file: IndexedFile,
    /// What it holds; nothing unless its state is [`FileState::Indexed`].
    pub items: Vec<NewItem>,
}

/// An item of a file.
#[derive(Debug, Clone, PartialEq)]
pub struct NewItem {
    /// Its name, by its content.
    pub id: ItemId,
    /// What it is.
    pub modality: Modality,
    /// The name of its format, as in "JPEG".
    pub format: String,
    /// The size of its content in bytes.
    pub bytes: u64,
    /// What the content says of itself, as its size in pixels or who sings.
    pub facts: Fields,
    /// Which record of the file it is.
    pub record: Option<u64>,
    /// What the record says beside its text.
    pub fields: Fields,
    /// Its segments, in order. They are kept only when the catalogue has none of this generation.
    pub segments: Vec<NewSegment>,
}

/// A segment and what the model made of it.
#[derive(Debug, Clone, PartialEq)]
pub struct NewSegment {
    /// Track and time.
    pub segment: Segment,
    /// The passage, for text.
    pub text: Option<String>,
    /// Its embedding.
    pub vector: Vec<f16>,
    /// The tower's pooled features; empty when they are not kept.
    pub features: Vec<f16>,
}

/// A change that concerns vectors.
#[derive(Debug, Clone, PartialEq)]
pub enum Change {
    /// Nothing has vectors any more; all that have some follow.
    Reset,
    /// The item has no vectors any more; new ones may follow.
    Gone(ItemKey),
    /// The item has this vector.
    Vector {
        /// The item.
        item: ItemKey,
        /// The segment.
        segment: SegmentKey,
        /// The modality of the item.
        modality: Modality,
        /// The track of the segment.
        track: Track,
        /// The embedding.
        vector: Vec<f16>,
    },
}

/// An item, as it is stored.
#[derive(Debug, Clone, PartialEq)]
pub struct StoredItem {
    /// Its key.
    pub key: ItemKey,
    /// Its name, by its content.
    pub id: ItemId,
    /// What it is.
    pub modality: Modality,
    /// The name of its format.
    pub format: String,
    /// The size of its content in bytes.
    pub bytes: u64,
    /// What the content says of itself.
    pub facts: Fields,
    /// What made its segments.
    pub generation: Generation,
    /// Where it is found, at least one place, in the order of the path's bytes and the record.
    pub locations: Vec<Location>,
}

/// A segment, as it is stored.
#[derive(Debug, Clone, PartialEq)]
pub struct StoredSegment {
    /// Its key.
    pub key: SegmentKey,
    /// The item that it is a part of.
    pub item: ItemKey,
    /// Track and time.
    pub segment: Segment,
    /// The passage, for text.
    pub text: Option<String>,
}

/// A place where words were found.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct WordMatch {
    /// The item.
    pub item: ItemKey,
    /// The passage; `None` when they are in its name, folder, caption, tags or transcripts.
    pub segment: Option<SegmentKey>,
    /// Relevance by BM25; higher is better.
    pub score: f32,
}

/// What a catalogue holds.
#[derive(Debug, Clone, PartialEq, Default)]
pub struct Summary {
    /// Items of each modality that there are, with their number.
    pub items: Vec<(Modality, u64)>,
    /// Segments of each track that there are, with their number.
    pub segments: Vec<(Track, u64)>,
    /// Files of each state that there are, with their number.
    pub files: Vec<(FileState, u64)>,
    /// What made the items, with their number.
    pub generations: Vec<(Generation, u64)>,
    /// Places where items are found.
    pub locations: u64,
    /// Bytes of all vectors.
    pub vector_bytes: u64,
    /// Bytes of all pooled features.
    pub feature_bytes: u64,
    /// Bytes of all fingerprints.
    pub fingerprint_bytes: u64,
    /// Tracks of which there are transcripts, with the number of items.
    pub transcripts: Vec<(Track, u64)>,
    /// The last change.
    pub sequence: u64,
}
