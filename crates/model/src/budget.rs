use std::sync::{Arc, Condvar, Mutex, PoisonError};

/// A bound on the bytes of decoded samples that wait to be encoded, however many files they come from.
#[derive(Debug)]
pub(crate) struct Budget {
    limit: usize,
    used: Mutex<usize>,
    freed: Condvar,
}

/// A share of a [`Budget`], given back when it is dropped.
#[derive(Debug)]
pub(crate) struct Share {
    budget: Arc<Budget>,
    bytes: usize,
}

impl Budget {
    pub(crate) fn new(limit: usize) -> Arc<Self> {
        Arc::new(Self {
            limit,
            used: Mutex::new(0),
            freed: Condvar::new(),
        })
    }

    /// Waits until `bytes` are free. What is larger than the whole budget waits until it is alone.
    pub(crate) fn take(self: &Arc<Self>, bytes: usize) -> Share {
        let fits = |used: usize| used == 0 || used.saturating_add(bytes) <= self.limit;
        // The number is right even when a thread has panicked.
        let mut used = self.used.lock().unwrap_or_else(PoisonError::into_inner);
        while !fits(*used) {
            used = self.freed.wait(used).unwrap_or_else(PoisonError::into_inner);
        }
        *used += bytes;
        Share {
            budget: Arc::clone(self),
            bytes,
        }
    }
}

impl Drop for Share {
    fn drop(&mut self) {
        let used = &self.budget.used;
        *used.lock().unwrap_or_else(PoisonError::into_inner) -= self.bytes;
        self.budget.freed.notify_all();
    }
}

#[cfg(test)]
mod tests {
    use std::sync::atomic::{AtomicUsize, Ordering};

    use super::*;

    #[test]
    fn no_more_than_the_limit_is_out_at_a_time_unless_one_alone_is_larger() {
        let budget = Budget::new(10);
        let out = AtomicUsize::new(0);
        std::thread::scope(|scope| {
            for bytes in [3, 4, 25, 5, 10, 1, 0] {
                let (budget, out) = (&budget, &out);
                scope.spawn(move || {
                    for _ in 0..100 {
                        let share = budget.take(bytes);
                        let now = out.fetch_add(bytes, Ordering::SeqCst) + bytes;
                        assert!(now <= 10 || now == 25, "{now}");
                        out.fetch_sub(bytes, Ordering::SeqCst);
                        drop(share);
                    }
                });
            }
        });
        assert_eq!(*budget.used.lock().unwrap(), 0);
    }
}
