//! Panics of decoders.

use std::any::Any;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::path::Path;

use crate::{Cause, Error, Result};

/// What `decode` gives for the file at `path`, or an error when it panics: a fault in a decoder concerns one file.
///
/// # Errors
/// Those of `decode`, and [`Cause::Panicked`].
pub fn contained<T>(path: &Path, decode: impl FnOnce() -> Result<T>) -> Result<T> {
    // What it shares with other threads are queues and accounts of memory, which a panic leaves whole.
    catch_unwind(AssertUnwindSafe(decode)).unwrap_or_else(|panic| {
        let cause = Cause::Panicked(said(&*panic).to_owned());
        Err(Error::new(path, cause))
    })
}

/// The message of a panic.
fn said(panic: &(dyn Any + Send)) -> &str {
    let literal = panic.downcast_ref::<&str>().copied();
    literal
        .or(panic.downcast_ref::<String>().map(String::as_str))
        .unwrap_or("it does not say why")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_decoder_that_panics_is_an_error_of_its_file() {
        let path = Path::new("a.png");
        let found = contained(path, || -> Result<()> { panic!("row {}", 7) });
        assert_eq!(found.unwrap_err().to_string(), "a.png: the decoder failed: row 7");
        let found = contained(path, || -> Result<()> { panic!("oh") });
        assert_eq!(found.unwrap_err().to_string(), "a.png: the decoder failed: oh");
        assert_eq!(contained(path, || Ok(3)).unwrap(), 3);
    }
}
