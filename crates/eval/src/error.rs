use std::io;
use std::path::PathBuf;

use sensorium_types::Direction;

/// Why an evaluation could not be made or written.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    /// The pairs file itself cannot be read.
    #[error("cannot read the pairs file '{}': {source}", path.display())]
    Read {
        /// The pairs file.
        path: PathBuf,
        /// What the system said.
        source: io::Error,
    },
    /// The pairs file is a device, which may have no end.
    #[error("cannot read the pairs file '{}': it is a device", path.display())]
    Device {
        /// The pairs file.
        path: PathBuf,
    },
    /// The pairs file is too long.
    #[error("the pairs file '{}' has more than {limit} bytes", path.display())]
    TooLong {
        /// The pairs file.
        path: PathBuf,
        /// How long it may be.
        limit: u64,
    },
    /// Hardly a pairs file.
    #[error("the pairs file '{}' has more than {limit} lines that cannot be read", path.display())]
    TooBad {
        /// The pairs file.
        path: PathBuf,
        /// How many may be left out.
        limit: usize,
    },
    /// One of its pairs cannot be read.
    #[error("{}, line {line}: {cause}; mend it, or leave such pairs out with --skip-bad", path.display())]
    Pair {
        /// The pairs file.
        path: PathBuf,
        /// The line of the pair, counted from 1.
        line: usize,
        /// What is wrong with it.
        cause: String,
    },
    /// There is no pair to evaluate.
    #[error("'{}' holds no usable pair ({refused} refused)", path.display())]
    NoPairs {
        /// The pairs file.
        path: PathBuf,
        /// How many pairs were refused.
        refused: usize,
    },
    /// A direction was asked for that the pairs do not allow.
    #[error("'{}' does not allow {direction}: {cause}", path.display())]
    Direction {
        /// The pairs file.
        path: PathBuf,
        /// What was asked for.
        direction: Direction,
        /// What the pairs lack.
        cause: String,
    },
    /// The pairs allow no direction at all.
    #[error("'{}' allows no direction: items need two modalities, or a label that others share", path.display())]
    NoDirections {
        /// The pairs file.
        path: PathBuf,
    },
    /// A file of the report cannot be written.
    #[error("cannot write '{}': {source}", path.display())]
    Write {
        /// The file or folder.
        path: PathBuf,
        /// What the system said.
        source: io::Error,
    },
}
