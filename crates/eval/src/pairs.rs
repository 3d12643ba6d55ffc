//! Pairs: items seen in several modalities, read from a JSONL file.

use std::collections::{BTreeMap, HashMap};
use std::fmt;
use std::fs::{self, File};
use std::io::{BufRead, BufReader};
use std::os::unix::fs::FileTypeExt as _;
use std::path::{Path, PathBuf};

use indexmap::IndexSet;
use sensorium_types::Modality;

use crate::Error;
use crate::line::{Line, Lines};

/// Longest pairs file, in bytes.
pub const MAX_FILE_BYTES: u64 = 256 << 20;

/// Most pairs that are left out before the file counts as none.
const MOST_REFUSED: usize = 100_000;

/// Something to be encoded: a text, or a file of one of the other modalities.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub enum Content {
    /// A text as it stands in the pairs file.
    Text(String),
    /// A file.
    File {
        /// Image, audio or video, as the pairs file has it; the file may turn out to be something else.
        modality: Modality,
        /// Where it is: the folder of the pairs file joined with the path of the pair.
        path: PathBuf,
    },
}

/// The number of a [`Content`] within its [`Pairs`]; equal contents have one number.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct ContentId(usize);

impl ContentId {
    /// Its position, below the number of [contents](Pairs::contents).
    pub fn index(self) -> usize {
        self.0
    }
}

/// One line of a pairs file: an item in several modalities.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Pair {
    /// Where it stands in the file, counted from 1.
    pub line: usize,
    /// The class that it belongs to.
    pub label: Option<String>,
    contents: BTreeMap<Modality, Vec<ContentId>>,
}

impl Pair {
    /// What it has of a modality: any number of texts, at most one of each other modality.
    pub fn contents(&self, modality: Modality) -> &[ContentId] {
        self.contents.get(&modality).map_or(&[], Vec::as_slice)
    }
}

/// A pair that was left out.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Refusal {
    /// Where it stands in the file, counted from 1.
    pub line: usize,
    /// What is wrong with it.
    pub cause: String,
}

/// Shown as `line 3: the cause`.
impl fmt::Display for Refusal {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "line {}: {}", self.line, self.cause)
    }
}

/// What to do about a pair that cannot be read.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum OnBad {
    /// Give up with an [`Error::Pair`].
    Fail,
    /// Leave the pair out and count it among the [refused](Pairs::refused).
    Skip,
}

/// The pairs of one file.
#[derive(Debug, Clone)]
pub struct Pairs {
    path: PathBuf,
    contents: IndexSet<Content>,
    items: Vec<Pair>,
    refused: Vec<Refusal>,
}

impl Pairs {
    /// Reads a JSONL file, or what comes out of a pipe.
    ///
    /// The files that its pairs name are not opened; see [`without`](Self::without) for those that turn out
    /// to be unreadable.
    ///
    /// # Errors
    /// [`Error::Read`] when the file cannot be read, [`Error::Device`] and [`Error::TooLong`] when it might have no
    /// end, otherwise as [`parse`](Self::parse).
    pub fn read(path: &Path, on_bad: OnBad) -> Result<Self, Error> {
        // Asked first because opening alone has effects on some devices.
        let kind = fs::metadata(path)
            .map_err(|source| read_error(path, source))?
            .file_type();
        if kind.is_char_device() || kind.is_block_device() {
            return Err(Error::Device {
                path: path.to_owned(),
            });
        }
        let file = File::open(path).map_err(|source| read_error(path, source))?;
        Self::parse_within(MAX_FILE_BYTES, BufReader::new(file), path, on_bad)
    }

    fn parse_within(limit: u64, reader: impl BufRead, path: &Path, on_bad: OnBad) -> Result<Self, Error> {
        let mut reader = reader.take(limit + 1);
        let pairs = Self::parse(&mut reader, path, on_bad);
        if reader.limit() == 0 {
            return Err(Error::TooLong {
                path: path.to_owned(),
                limit,
            });
        }
        pairs
    }

    /// Reads JSON lines as if they stood in the file `path`.
    ///
    /// # Errors
    /// [`Error::Pair`] on the first bad line if `on_bad` says so, [`Error::NoPairs`] when no good one is left.
    pub fn parse(reader: impl BufRead, path: &Path, on_bad: OnBad) -> Result<Self, Error> {
        let mut pairs = Self {
            path: path.to_owned(),
            contents: IndexSet::new(),
            items: Vec::new(),
            refused: Vec::new(),
        };
        for line in Lines::new(reader) {
            let (number, line) = line.map_err(|source| read_error(path, source))?;
            match line {
                Ok(line) => pairs.add(number, line),
                Err(cause) => pairs.refuse(number, cause, on_bad)?,
            }
        }
        pairs.or_error_when_empty()
    }

    /// Leaves out every pair that has one of the `unreadable` contents, given with the cause.
    ///
    /// The remaining contents keep their numbers.
    ///
    /// # Errors
    /// [`Error::Pair`] for the first such pair if `on_bad` says so, [`Error::NoPairs`] when none is left.
    pub fn without(mut self, unreadable: &HashMap<ContentId, String>, on_bad: OnBad) -> Result<Self, Error> {
        for item in std::mem::take(&mut self.items) {
            match item.contents.values().flatten().find_map(|id| unreadable.get(id)) {
                Some(cause) => self.refuse(item.line, cause.clone(), on_bad)?,
                None => self.items.push(item),
            }
        }
        self.refused.sort_by_key(|refusal| refusal.line);
        self.or_error_when_empty()
    }

    /// The pairs at the positions among [`items`](Self::items) that are `wanted`, possibly none. Contents keep their
    /// numbers.
    pub fn only(&self, mut wanted: impl FnMut(usize) -> bool) -> Self {
        let mut part = self.clone();
        let mut place = 0;
        part.items.retain(|_| {
            place += 1;
            wanted(place - 1)
        });
        part
    }

    /// The file they were read from.
    pub fn path(&self) -> &Path {
        &self.path
    }

    /// The pairs that can be used, in the order of the file.
    pub fn items(&self) -> &[Pair] {
        &self.items
    }

    /// The pairs that were left out, by line.
    pub fn refused(&self) -> &[Refusal] {
        &self.refused
    }

    /// Every distinct content, in the order of [`ContentId::index`].
    pub fn contents(&self) -> impl ExactSizeIterator<Item = &Content> {
        self.contents.iter()
    }

    /// The content of a number that these pairs gave out.
    pub fn content(&self, id: ContentId) -> &Content {
        &self.contents[id.0]
    }

    /// How a content is called in tables: a text in quotes, a file by its path as the pairs file has it.
    pub fn name(&self, id: ContentId) -> String {
        match self.content(id) {
            Content::Text(text) => format!("{text:?}"),
            Content::File { path, .. } => path
                .strip_prefix(self.folder())
                .unwrap_or(path)
                .display()
                .to_string(),
        }
    }

    fn folder(&self) -> &Path {
        self.path.parent().unwrap_or(Path::new(""))
    }

    fn add(&mut self, number: usize, line: Line) {
        let mut contents = BTreeMap::new();
        let texts = line.text.unwrap_or_default().into_iter();
        contents.insert(
            Modality::Text,
            texts.map(|text| self.intern(Content::Text(text))).collect(),
        );
        let files = [
            (Modality::Image, line.image),
            (Modality::Audio, line.audio),
            (Modality::Video, line.video),
        ];
        for (modality, path) in files {
            if let Some(path) = path {
                let path = self.folder().join(path);
                contents.insert(modality, vec![self.intern(Content::File { modality, path })]);
            }
        }
        self.items.push(Pair {
            line: number,
            label: line.label,
            contents,
        });
    }

    fn intern(&mut self, content: Content) -> ContentId {
        ContentId(self.contents.insert_full(content).0)
    }

    fn refuse(&mut self, line: usize, cause: String, on_bad: OnBad) -> Result<(), Error> {
        match on_bad {
            OnBad::Fail => Err(Error::Pair {
                path: self.path.clone(),
                line,
                cause,
            }),
            OnBad::Skip if self.refused.len() == MOST_REFUSED => Err(Error::TooBad {
                path: self.path.clone(),
                limit: MOST_REFUSED,
            }),
            OnBad::Skip => {
                self.refused.push(Refusal { line, cause });
                Ok(())
            }
        }
    }

    fn or_error_when_empty(self) -> Result<Self, Error> {
        if self.items.is_empty() {
            return Err(Error::NoPairs {
                refused: self.refused.len(),
                path: self.path,
            });
        }
        Ok(self)
    }
}

fn read_error(path: &Path, source: std::io::Error) -> Error {
    Error::Read {
        path: path.to_owned(),
        source,
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn parse(lines: &str, on_bad: OnBad) -> Result<Pairs, Error> {
        Pairs::parse(lines.as_bytes(), Path::new("set/pairs.jsonl"), on_bad)
    }

    #[test]
    fn paths_are_relative_to_the_pairs_file_unless_absolute() {
        let pairs = parse(r#"{"image": "a/1.jpg", "audio": "/b/1.ogg"}"#, OnBad::Fail).unwrap();
        let paths: Vec<_> = pairs.contents().cloned().collect();
        let file = |modality, path: &str| Content::File {
            modality,
            path: path.into(),
        };
        assert_eq!(
            paths,
            [
                file(Modality::Image, "set/a/1.jpg"),
                file(Modality::Audio, "/b/1.ogg")
            ]
        );
        let names: Vec<_> = [0, 1].map(|id| pairs.name(ContentId(id))).into();
        assert_eq!(names, ["a/1.jpg", "/b/1.ogg"]);
    }

    #[test]
    fn equal_contents_have_one_number() {
        let lines = r#"{"text": ["a", "b", "a"], "image": "1.jpg"}
            {"text": "b", "image": "1.jpg", "video": "1.jpg"}"#;
        let pairs = parse(lines, OnBad::Fail).unwrap();
        let ids = |item: usize, modality| -> Vec<usize> {
            pairs.items()[item]
                .contents(modality)
                .iter()
                .map(|id| id.index())
                .collect()
        };
        assert_eq!(ids(0, Modality::Text), [0, 1, 0]);
        assert_eq!(ids(1, Modality::Text), [1]);
        assert_eq!(
            (ids(0, Modality::Image), ids(1, Modality::Image)),
            (vec![2], vec![2])
        );
        assert_eq!(
            ids(1, Modality::Video),
            [3],
            "the same file in another role is encoded otherwise"
        );
    }

    #[test]
    fn blank_lines_byte_order_mark_and_carriage_returns_are_tolerated() {
        let lines =
            "\u{feff}{\"text\": \"a\", \"image\": \"1\"}\r\n\r\n  \n{\"text\": \"b\", \"image\": \"2\"}";
        let pairs = parse(lines, OnBad::Fail).unwrap();
        let numbers: Vec<_> = pairs.items().iter().map(|pair| pair.line).collect();
        assert_eq!(numbers, [1, 4]);
    }

    #[test]
    fn a_bad_line_is_an_error_with_file_line_and_cause_or_is_counted() {
        let lines = "{\"text\": \"a\", \"image\": \"1\"}\n{\"text\": \"b\"}";
        let error = parse(lines, OnBad::Fail).unwrap_err().to_string();
        assert!(
            error.starts_with("set/pairs.jsonl, line 2: has only one of"),
            "{error}"
        );
        let pairs = parse(lines, OnBad::Skip).unwrap();
        assert_eq!((pairs.items().len(), pairs.refused()[0].line), (1, 2));
    }

    #[test]
    fn an_id_names_nothing_and_may_be_repeated_or_of_any_kind() {
        let lines = r#"{"id": "1", "text": "a", "image": "1"}
            {"id": "1", "text": "b", "image": "2"}
            {"id": 1, "text": "c", "image": "3"}
            {"id": null, "text": "d", "image": "4"}
            {"id": " ", "text": "e", "image": "5"}"#;
        assert_eq!(parse(lines, OnBad::Fail).unwrap().items().len(), 5);
    }

    #[test]
    fn no_pairs_at_all_is_an_error() {
        assert!(matches!(
            parse("\n", OnBad::Fail),
            Err(Error::NoPairs { refused: 0, .. })
        ));
        assert!(matches!(
            parse("{}", OnBad::Skip),
            Err(Error::NoPairs { refused: 1, .. })
        ));
        assert!(matches!(
            Pairs::read(Path::new("missing"), OnBad::Skip),
            Err(Error::Read { .. })
        ));
    }

    #[test]
    fn what_may_have_no_end_is_not_read_to_the_end() {
        let device = Pairs::read(Path::new("/dev/zero"), OnBad::Skip);
        assert!(matches!(device, Err(Error::Device { .. })));
        let endless = || BufReader::new(std::io::repeat(b'\n'));
        let path = Path::new("pairs.jsonl");
        let blank = Pairs::parse_within(1000, endless(), path, OnBad::Skip);
        assert!(matches!(blank, Err(Error::TooLong { limit: 1000, .. })));
        let bad = "x\n".repeat(MOST_REFUSED + 1);
        assert!(matches!(parse(&bad, OnBad::Skip), Err(Error::TooBad { .. })));
    }

    #[test]
    fn every_pair_with_an_unreadable_file_is_dropped_and_counted() {
        let lines = r#"{"text": "a", "image": "1"}
            {"text": "b", "image": "2"}
            {"text": "c", "image": "1"}
            {}"#;
        let pairs = parse(lines, OnBad::Skip).unwrap();
        let bad = pairs.items()[0].contents(Modality::Image)[0];
        let unreadable = HashMap::from([(bad, "'set/1' is broken".to_owned())]);

        let error = pairs
            .clone()
            .without(&unreadable, OnBad::Fail)
            .unwrap_err()
            .to_string();
        assert!(
            error.starts_with("set/pairs.jsonl, line 1: 'set/1' is broken"),
            "{error}"
        );

        let left = pairs.without(&unreadable, OnBad::Skip).unwrap();
        assert_eq!(left.items().iter().map(|pair| pair.line).collect::<Vec<_>>(), [2]);
        assert_eq!(
            left.refused()
                .iter()
                .map(|refusal| refusal.line)
                .collect::<Vec<_>>(),
            [1, 3, 4]
        );
        assert_eq!(
            left.content(bad).clone(),
            Content::File {
                modality: Modality::Image,
                path: "set/1".into()
            }
        );
    }

    proptest! {
        #[test]
        fn no_bytes_make_the_parser_panic(bytes: Vec<u8>) {
            let _ = Pairs::parse(bytes.as_slice(), Path::new("pairs.jsonl"), OnBad::Skip);
        }

        #[test]
        fn no_json_makes_the_parser_panic(
            lines in "(\\{(\"(id|label|text|image|audio|video|x)\":(\"[a-z]?\"|\\[\"a\"\\]|\\[\\]|1|null|true),?){0,4}\\}?\n){0,5}"
        ) {
            let good_and_bad = lines.lines().count();
            if let Ok(pairs) = parse(&lines, OnBad::Skip) {
                prop_assert_eq!(pairs.items().len() + pairs.refused().len(), good_and_bad);
            }
        }

        #[test]
        fn what_is_written_is_read_back(
            texts in proptest::collection::vec("[^\\s]\\PC*", 1..4),
            file in "[^/]\\PC{0,20}",
            label in proptest::option::of("[^\\s]\\PC{0,20}"),
        ) {
            let line = serde_json::json!({"text": texts, "image": file, "label": label}).to_string();
            let pairs = parse(&line, OnBad::Fail).unwrap();
            let item = &pairs.items()[0];
            prop_assert_eq!(&item.label, &label);
            let read: Vec<_> = item.contents(Modality::Text).iter().map(|&id| pairs.content(id).clone()).collect();
            prop_assert_eq!(read, texts.into_iter().map(Content::Text).collect::<Vec<_>>());
            let image = pairs.content(item.contents(Modality::Image)[0]).clone();
            prop_assert_eq!(image, Content::File { modality: Modality::Image, path: Path::new("set").join(file) });
        }
    }
}
