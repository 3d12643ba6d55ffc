//! The catalogue, for many requests at a time.

use std::sync::{Arc, Mutex};

use sensorium_store::Catalog;
use tokio::sync::Semaphore;

use crate::problem::{Problem, Result};

/// Requests that read at a time; others wait.
const AT_A_TIME: usize = 8;

/// Handles on a catalogue, of which each is used by one request at a time.
#[derive(Clone)]
pub(crate) struct Readers {
    idle: Arc<Mutex<Vec<Box<dyn Catalog>>>>,
    permits: Arc<Semaphore>,
}

impl Readers {
    /// More of `catalog`.
    pub(crate) fn new(catalog: Box<dyn Catalog>) -> Self {
        Self {
            idle: Arc::new(Mutex::new(vec![catalog])),
            permits: Arc::new(Semaphore::new(AT_A_TIME)),
        }
    }

    /// What `read` finds in the catalogue.
    pub(crate) async fn read<T: Send + 'static>(
        &self,
        read: impl FnOnce(&dyn Catalog) -> Result<T> + Send + 'static,
    ) -> Result<T> {
        let _permit = self.permits.acquire().await.map_err(Problem::internal)?;
        let readers = self.clone();
        tokio::task::spawn_blocking(move || {
            let catalog = readers.take()?;
            let found = read(&*catalog);
            readers.idle.lock().map_err(Problem::internal)?.push(catalog);
            found
        })
        .await
        .map_err(Problem::internal)?
    }

    /// An idle handle, or a new one. The last stays, so that others can be made of it.
    fn take(&self) -> Result<Box<dyn Catalog>> {
        let mut idle = self.idle.lock().map_err(Problem::internal)?;
        match idle.len() {
            0 => Err(Problem::internal("there is no handle on the catalogue")),
            1 => Ok(idle[0].another()?),
            _ => idle.pop().ok_or_else(Problem::busy),
        }
    }
}
