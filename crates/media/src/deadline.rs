//! The time that decoding inside this process may take. Processes outside have a watchdog instead.

use std::time::{Duration, Instant};

use crate::Cause;

/// When decoding has to be over. Loops over what a file holds ask it in every round.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Deadline {
    time: Duration,
    started: Instant,
}

impl Deadline {
    /// The end of `time`, which begins now.
    pub(crate) fn after(time: Duration) -> Self {
        Self {
            time,
            started: Instant::now(),
        }
    }

    /// Refuses to go on once the time is over.
    pub(crate) fn check(&self) -> Result<(), Cause> {
        if self.started.elapsed() > self.time {
            return Err(Cause::TooSlow(self.time));
        }
        Ok(())
    }

    /// What `step` gives each time, until it gives nothing. The time between two steps, in which their reader
    /// works, does not count.
    pub(crate) fn steps<T>(
        mut self,
        mut step: impl FnMut(&Deadline) -> Option<T>,
    ) -> impl Iterator<Item = T> {
        let mut paused = Instant::now();
        std::iter::from_fn(move || {
            self.started += paused.elapsed();
            let given = step(&self);
            paused = Instant::now();
            given
        })
    }
}

#[cfg(test)]
mod tests {
    use std::thread::sleep;

    use super::*;

    const TIME: Duration = Duration::from_millis(500);

    #[test]
    fn a_deadline_passes_and_names_the_time_that_was_allowed() {
        let deadline = Deadline::after(Duration::from_secs(3));
        assert!(deadline.check().is_ok());
        let over = Deadline {
            started: deadline.started - Duration::from_secs(4),
            ..deadline
        };
        assert_eq!(
            over.check().unwrap_err().to_string(),
            "took longer than the limit of 3 s to decode"
        );
    }

    #[test]
    fn only_the_time_within_steps_counts() {
        let slow_reader = Deadline::after(TIME).steps(|deadline| Some(deadline.check()));
        for step in slow_reader.take(4) {
            assert!(step.is_ok());
            sleep(TIME / 2);
        }
        let mut slow_steps = Deadline::after(TIME).steps(|deadline| {
            sleep(TIME / 2);
            Some(deadline.check())
        });
        assert!(slow_steps.nth(3).unwrap().is_err());
    }
}
