//! The memory of a process with all that it starts, seen from outside.

use std::collections::HashMap;
use std::fs;
use std::process::{Command, Output, Stdio};
use std::sync::atomic::{AtomicBool, Ordering};
use std::thread;
use std::time::{Duration, Instant};

/// What a command gave and took.
pub(crate) struct Measured {
    pub(crate) output: Output,
    /// The most memory that it and its helpers held at a time, in bytes.
    pub(crate) peak: u64,
    pub(crate) time: Duration,
}

/// Runs `command` to its end.
pub(crate) fn measure(command: &mut Command) -> Measured {
    let started = Instant::now();
    command.stdout(Stdio::piped()).stderr(Stdio::piped());
    let child = command.spawn().unwrap();
    let root = child.id();
    let ended = AtomicBool::new(false);
    thread::scope(|scope| {
        let sampler = scope.spawn(|| {
            let mut peak = 0;
            while !ended.load(Ordering::Relaxed) {
                peak = peak.max(resident(root));
                thread::sleep(Duration::from_millis(30));
            }
            peak
        });
        let output = child.wait_with_output().unwrap();
        ended.store(true, Ordering::Relaxed);
        Measured {
            output,
            peak: sampler.join().unwrap(),
            time: started.elapsed(),
        }
    })
}

/// The resident memory of the process `root` and of all below it, in bytes.
fn resident(root: u32) -> u64 {
    let entries = fs::read_dir("/proc").unwrap().flatten();
    let pids = entries.filter_map(|entry| entry.file_name().to_str()?.parse().ok());
    let processes: HashMap<u32, Process> = pids.filter_map(|pid| Some((pid, Process::read(pid)?))).collect();
    let Some(top) = processes.get(&root) else {
        return 0;
    };
    let is_below = |process: &Process| {
        let parents = std::iter::successors(Some(process), |process| processes.get(&process.parent));
        parents.take(16).any(|process| process.parent == root)
    };
    // Until it runs a program of its own, a new process has the memory of its parent.
    let below = processes
        .values()
        .filter(|process| process.name != top.name && is_below(process));
    top.resident + below.map(|process| process.resident).sum::<u64>()
}

struct Process {
    name: String,
    parent: u32,
    resident: u64,
}

impl Process {
    /// What `/proc` says of it, as long as there is one: `7 (name) S 1 …`.
    fn read(pid: u32) -> Option<Self> {
        let stat = fs::read_to_string(format!("/proc/{pid}/stat")).ok()?;
        let (name, rest) = stat.rsplit_once(") ")?;
        let mut fields = rest.split(' ');
        Some(Self {
            name: name.split_once('(')?.1.to_owned(),
            parent: fields.nth(1)?.parse().ok()?,
            // In pages.
            resident: fields.nth(19)?.parse::<u64>().ok()? * 4096,
        })
    }
}
