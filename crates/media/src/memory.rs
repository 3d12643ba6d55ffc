use std::fmt;
use std::sync::{Arc, Condvar, Mutex, MutexGuard, PoisonError};

/// A bound on the bytes that are held at a time, by however many threads. Clones share it.
#[derive(Clone)]
pub struct Memory(Arc<Account>);

/// The bound alone: limits that are equal are shown alike, whatever is held just now.
impl fmt::Debug for Memory {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Memory({})", self.limit())
    }
}

#[derive(Debug)]
struct Account {
    limit: u64,
    used: Mutex<u64>,
    freed: Condvar,
    /// Held by the one that waits, so that what needs much is not passed by for ever.
    turn: Mutex<()>,
}

/// Some bytes of a [`Memory`], given back when it is dropped.
#[derive(Debug)]
pub struct Share {
    memory: Memory,
    bytes: u64,
}

impl Memory {
    /// A bound of `limit` bytes.
    pub fn new(limit: u64) -> Self {
        Self(Arc::new(Account {
            limit,
            used: Mutex::new(0),
            freed: Condvar::new(),
            turn: Mutex::new(()),
        }))
    }

    /// How many bytes there are in all.
    pub fn limit(&self) -> u64 {
        self.0.limit
    }

    /// Waits until `bytes` are free. What is larger than the limit waits until it is alone.
    pub fn take(&self, bytes: u64) -> Share {
        let fits = |used: u64| used == 0 || used.saturating_add(bytes) <= self.0.limit;
        let _turn = lock(&self.0.turn);
        let mut used = lock(&self.0.used);
        while !fits(*used) {
            used = self.0.freed.wait(used).unwrap_or_else(PoisonError::into_inner);
        }
        *used += bytes;
        Share {
            memory: self.clone(),
            bytes,
        }
    }
}

/// Equal are those of the same limit, whoever shares them.
impl PartialEq for Memory {
    fn eq(&self, other: &Self) -> bool {
        self.limit() == other.limit()
    }
}

impl Drop for Share {
    fn drop(&mut self) {
        let account = &self.memory.0;
        *lock(&account.used) -= self.bytes;
        account.freed.notify_all();
    }
}

/// What is locked here is right even when a thread has panicked.
fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

#[cfg(test)]
mod tests {
    use std::sync::atomic::{AtomicU64, Ordering};

    use super::*;

    #[test]
    fn no_more_than_the_limit_is_out_at_a_time_unless_one_alone_is_larger() {
        let memory = Memory::new(10);
        let out = AtomicU64::new(0);
        std::thread::scope(|scope| {
            for bytes in [3, 4, 25, 5, 10, 1, 0] {
                let (memory, out) = (&memory, &out);
                scope.spawn(move || {
                    for _ in 0..100 {
                        let share = memory.take(bytes);
                        let now = out.fetch_add(bytes, Ordering::SeqCst) + bytes;
                        assert!(now <= 10 || now == 25, "{now}");
                        out.fetch_sub(bytes, Ordering::SeqCst);
                        drop(share);
                    }
                });
            }
        });
        assert_eq!(*memory.0.used.lock().unwrap(), 0);
    }
}
