//! What is there twice: the same content at several places, copies that were re-encoded or edited, and on request what is
//! merely similar.

mod groups;
mod heard;
mod make;
mod print;
mod seen;
mod similar;

use std::collections::BTreeMap;
use std::io;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use sensorium_media::Limits;
use sensorium_model::{CopyPackage, Package};
use sensorium_store::{Catalog, ItemKey, SqliteCatalog, StoredItem};
use sensorium_types::{ItemId, Location, Modality, Span, Track, path_text};
use serde::Serialize;

use crate::index::without_links;
use crate::{Error, Refused, Result};

/// Items looked up at once.
const BATCH: usize = 512;

/// How duplicates are looked for.
#[derive(Debug, Clone, PartialEq)]
pub struct DuplicateOptions {
    /// What reading one file may cost.
    pub limits: Limits,
    /// How many cores are used; at least one. What is compared is compared on rayon's global pool.
    pub threads: usize,
    /// The least cosine of two pictures that count as copies, 0 to 1.
    pub least: f32,
    /// Whether what is merely similar is looked for, too.
    pub similar: bool,
    /// Only items of these are compared.
    pub modalities: Vec<Modality>,
    /// Only what has a place at or below one of these is told; everything when there is none.
    pub paths: Vec<PathBuf>,
}

impl DuplicateOptions {
    /// The least cosine by default.
    pub const LEAST: f32 = 0.65;
}

/// How far it is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum DuplicateProgress {
    /// So many files have to be read.
    Reading(usize),
    /// So many items are compared by meaning.
    Asking(usize),
    /// So many more are done.
    Done(usize),
}

/// What is there twice.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct Duplicates {
    /// The same content at several places.
    pub exact: Vec<Copied>,
    /// Groups of copies that were re-encoded or edited.
    pub copies: Vec<Group>,
    /// Pairs that are merely similar, where that was asked for: no duplicates.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub similar: Option<Vec<Similar>>,
    /// How many files were read for it; what is known of the others was kept.
    pub read: usize,
    /// Where the package that tells copies of pictures would have to be; none when it is there.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub missing_package: Option<String>,
    /// What could not be read, and is not compared.
    pub refused: Vec<Refused>,
}

/// An item and where it is.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct Copied {
    /// The item.
    pub item: ItemId,
    /// What it is.
    pub modality: Modality,
    /// The size of its content in bytes.
    pub bytes: u64,
    /// Its pixels from left to right, as far as it says so.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub width: Option<u64>,
    /// Its pixels from top to bottom.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub height: Option<u64>,
    /// Its length in seconds.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub duration: Option<f64>,
    /// All places where it is found.
    pub paths: Vec<String>,
    /// Whether one of these is asked for.
    #[serde(skip)]
    is_asked_for: bool,
}

/// Items that are copies of each other, directly or by others of the group.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct Group {
    /// The longest sound or video, or else the picture with most pixels.
    pub largest: Copied,
    /// The others.
    pub others: Vec<CopyOf>,
}

/// An item that is a copy of another.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct CopyOf {
    /// The item.
    #[serde(flatten)]
    pub copy: Copied,
    /// The item of the group that it is most like, among the largest and those before it.
    pub of: ItemId,
    /// What is alike: what is seen or what is heard.
    pub track: Track,
    /// How alike, up to 1: the cosine of pictures and frames; of sounds, 1 less twice the share of differing bits.
    pub similarity: f32,
    /// The stretch of this item that is in the other, for sounds and videos.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub stretch: Option<Span>,
    /// Where that is in the other, when that is a sound or a video.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub there: Option<Span>,
    /// Seconds that it is later there than here, when both have times.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub offset: Option<f64>,
}

/// Two items that are merely similar.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct Similar {
    /// One of them.
    pub one: Copied,
    /// The other.
    pub other: Copied,
    /// How well the other answers when the first is the query, as `search` scores it.
    pub score: f64,
}

/// That two items have something in common.
#[derive(Debug, Clone, PartialEq)]
struct Link {
    items: [ItemKey; 2],
    track: Track,
    similarity: f32,
    /// Where it is in each; none in pictures.
    spans: [Option<Span>; 2],
}

/// Looks for what is there twice in the index in `folder`. By what copies are recognised is made for items that have none yet, and
/// kept; that may be stopped at any time and goes on where it was.
///
/// # Errors
/// As [`SqliteCatalog::open`]; [`Error::Path`] for a path where the index has nothing; as [`WriterLock::acquire`](sensorium_store::WriterLock::acquire) when something has to be made;
/// those of the model and the store.
pub fn duplicates(
    folder: &Path,
    package: &Arc<Package>,
    options: &DuplicateOptions,
    progress: &mut dyn FnMut(DuplicateProgress),
) -> Result<Duplicates> {
    let catalog = SqliteCatalog::open(folder)?;
    let scope = Scope::new(&catalog, options)?;
    let eyes = CopyPackage::find(package.folder())?;
    let made = make::make(folder, &catalog, eyes.as_ref(), options, progress)?;
    let mut links = Vec::new();
    if scope.has_track(Track::Audio) {
        links.extend(heard::links(&catalog)?);
    }
    if let Some(eyes) = eyes.as_ref().filter(|_| scope.has_track(Track::Visual)) {
        links.extend(seen::links(&catalog, eyes, options.least)?);
    }
    let similar = match options.similar {
        true => Some(similar::pairs(
            folder, package, &catalog, options, &scope, &links, progress,
        )?),
        false => None,
    };
    let missing = || path_text(&CopyPackage::place(package.folder())).into_owned();
    let exact = copied(&catalog, &scope, &catalog.at_several_places()?)?.into_values();
    Ok(Duplicates {
        exact: exact.filter(|item| item.is_asked_for).collect(),
        copies: groups::groups(&catalog, &scope, links)?,
        similar,
        read: made.read,
        missing_package: (eyes.is_none() && scope.has_track(Track::Visual)).then(missing),
        refused: made.refused,
    })
}

/// What is asked for.
struct Scope<'a> {
    modalities: &'a [Modality],
    /// Without links.
    paths: Vec<PathBuf>,
}

impl<'a> Scope<'a> {
    /// What `options` ask for.
    ///
    /// # Errors
    /// [`Error::Path`] for a path where the index has nothing.
    fn new(catalog: &dyn Catalog, options: &'a DuplicateOptions) -> Result<Self> {
        let mut paths = Vec::with_capacity(options.paths.len());
        for path in &options.paths {
            let resolved = without_links(path)?;
            if catalog.files(&resolved)?.is_empty() {
                let nothing = "nothing in the index is at or below it";
                return Err(Error::path(
                    path,
                    io::Error::new(io::ErrorKind::NotFound, nothing),
                ));
            }
            paths.push(resolved);
        }
        Ok(Self {
            modalities: &options.modalities,
            paths,
        })
    }

    fn has_track(&self, track: Track) -> bool {
        let mut modalities = self.modalities.iter();
        modalities.any(|modality| modality.tracks().contains(&track))
    }

    fn has_place(&self, item: &StoredItem) -> bool {
        let is_below = |place: &Location| self.paths.iter().any(|path| place.path.starts_with(path));
        self.paths.is_empty() || item.locations.iter().any(is_below)
    }
}

/// The items with these keys that are still there and of a modality that is asked for.
fn copied(catalog: &dyn Catalog, scope: &Scope<'_>, keys: &[ItemKey]) -> Result<BTreeMap<ItemKey, Copied>> {
    let mut told = BTreeMap::new();
    for batch in keys.chunks(BATCH) {
        let items = catalog.items(batch)?.into_iter();
        let items = items.filter(|item| scope.modalities.contains(&item.modality));
        told.extend(items.map(|item| (item.key, Copied::new(&item, scope))));
    }
    Ok(told)
}

impl Copied {
    fn new(item: &StoredItem, scope: &Scope<'_>) -> Self {
        let fact = |name: &str| item.facts.get(name);
        Self {
            item: item.id,
            modality: item.modality,
            bytes: item.bytes,
            width: fact("width").and_then(|width| width.as_u64()),
            height: fact("height").and_then(|height| height.as_u64()),
            duration: fact("duration").and_then(|duration| duration.as_f64()),
            paths: item.locations.iter().map(ToString::to_string).collect(),
            is_asked_for: scope.has_place(item),
        }
    }

    /// How much there is of it: its length, then its pixels, then its bytes.
    fn extent(&self) -> (f64, u64, u64) {
        let pixels = self.width.zip(self.height);
        let pixels = pixels.map_or(0, |(width, height)| width.saturating_mul(height));
        (self.duration.unwrap_or(0.0), pixels, self.bytes)
    }
}
