use std::fs::{File, OpenOptions, TryLockError};
use std::io::{Read as _, Seek as _, Write as _};
use std::path::Path;

use crate::files::LOCK;
use crate::{Error, Result};

/// The right to write to the index in a folder, which one process has at a time.
///
/// The system takes it back when the process ends, however it ends.
#[derive(Debug)]
pub struct WriterLock {
    // Locked as long as it is open.
    _file: File,
}

impl WriterLock {
    /// Takes the lock of the index in `folder`.
    ///
    /// # Errors
    /// [`Error::Busy`] when another process has it, [`Error::ReadOnly`] when the folder cannot be written.
    pub fn acquire(folder: &Path) -> Result<Self> {
        let path = folder.join(LOCK);
        let failed = |error| Error::from_io(&path, error);
        let mut file = OpenOptions::new()
            .read(true)
            .write(true)
            .create(true)
            .truncate(false)
            .open(&path)
            .map_err(failed)?;
        match file.try_lock() {
            Ok(()) => {}
            Err(TryLockError::WouldBlock) => {
                let mut owner = String::new();
                // The name of the owner is a courtesy; without it the message is still right.
                let _ = (&file).take(100).read_to_string(&mut owner);
                let owner = owner.trim();
                return Err(Error::Busy {
                    folder: folder.to_owned(),
                    owner: if owner.is_empty() {
                        "unknown".into()
                    } else {
                        owner.into()
                    },
                });
            }
            Err(TryLockError::Error(error)) => return Err(failed(error)),
        }
        let name = format!("process {}\n", std::process::id());
        // On a full disk the lock holds all the same.
        let _ = file
            .set_len(0)
            .and_then(|()| file.rewind())
            .and_then(|()| file.write_all(name.as_bytes()));
        Ok(Self { _file: file })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_second_writer_is_told_who_the_first_is() {
        let folder = tempfile::tempdir().unwrap();
        let first = WriterLock::acquire(folder.path()).unwrap();
        let error = WriterLock::acquire(folder.path()).unwrap_err().to_string();
        assert!(
            error.contains(&format!("process {}", std::process::id())),
            "{error}"
        );
        drop(first);
        WriterLock::acquire(folder.path()).unwrap();
    }
}
