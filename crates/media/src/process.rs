//! Helper programs: decoders that run outside, without a shell, with limits on time and memory.

use std::ffi::OsString;
use std::io::{self, BufRead as _, BufReader, Read};
use std::os::unix::process::CommandExt as _;
use std::process::{Child, ChildStdout, Command, Stdio};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::mpsc::{self, RecvTimeoutError, Sender};
use std::thread::{self, JoinHandle};
use std::time::Duration;

use rustix::process::{Pid, Resource, Rlimit, Signal, kill_process_group, prlimit};

use crate::Cause;

/// How much of what a program says on standard error is kept for the message.
const KEPT_LINES: usize = 3;

/// No line of standard error may be longer, so that a program cannot fill the memory with one.
const LONGEST_LINE: u64 = 4096;

/// A program that may have to be installed.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Program {
    /// Its name on the `PATH`.
    pub(crate) name: &'static str,
    /// The command that installs it.
    pub(crate) remedy: &'static str,
}

pub(crate) const HEIF_CONVERT: Program = Program {
    name: "heif-convert",
    remedy: "sudo apt-get install libheif-examples",
};
pub(crate) const PDFTOTEXT: Program = Program {
    name: "pdftotext",
    remedy: "sudo apt-get install poppler-utils",
};
pub(crate) const RSVG_CONVERT: Program = Program {
    name: "rsvg-convert",
    remedy: "sudo apt-get install librsvg2-bin",
};

/// What a helper process may cost.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Bounds {
    /// Wall-clock time until it is killed.
    pub(crate) time: Duration,
    /// What it may hold for itself, in bytes; programs and libraries, which others share, do not count.
    pub(crate) memory: u64,
}

/// A running helper. Dropping it kills it.
pub(crate) struct Process {
    program: Program,
    bounds: Bounds,
    child: Child,
    stdout: ChildStdout,
    stderr: Option<JoinHandle<String>>,
    watchdog: Watchdog,
}

/// Why a helper did not do its work.
#[derive(Debug)]
pub(crate) enum Failure {
    /// It was killed after this time.
    TooSlow(Duration),
    /// It ended with an error and said this.
    Said(String),
}

impl Failure {
    /// The cause to report for a file of `format`.
    pub(crate) fn into_cause(self, format: &str) -> Cause {
        match self {
            Self::TooSlow(time) => Cause::TooSlow(time),
            Self::Said(detail) => Cause::Damaged {
                format: format.to_owned(),
                detail,
            },
        }
    }
}

impl Process {
    /// Starts `program` with `args`, reading nothing. `on_line` gets the beginning of each line of its standard error.
    pub(crate) fn start(
        program: Program,
        args: impl IntoIterator<Item = OsString>,
        bounds: Bounds,
        on_line: impl FnMut(&str) + Send + 'static,
    ) -> Result<Self, Cause> {
        let mut child = Command::new(program.name)
            .args(args)
            .stdin(Stdio::null())
            .stdout(Stdio::piped())
            .stderr(Stdio::piped())
            // Messages are matched and shown: one language.
            .env("LC_ALL", "C.UTF-8")
            .process_group(0)
            .spawn()
            .map_err(|error| match error.kind() {
                io::ErrorKind::NotFound => Cause::MissingProgram {
                    program: program.name,
                    remedy: program.remedy,
                },
                _ => Cause::Read(error),
            })?;
        let pid = Pid::from_child(&child);
        limit(pid, Resource::Data, bounds.memory);
        // No file that it writes may be larger either.
        limit(pid, Resource::Fsize, bounds.memory);
        // The watchdog dies with this process; the limit on computing time stays.
        limit(pid, Resource::Cpu, bounds.time.as_secs().saturating_mul(4).max(1));
        let (Some(stdout), Some(stderr)) = (child.stdout.take(), child.stderr.take()) else {
            return Err(Cause::Read(io::Error::other("the helper has no output")));
        };
        Ok(Self {
            program,
            bounds,
            child,
            stdout,
            stderr: Some(thread::spawn(move || read_lines(stderr, on_line))),
            watchdog: Watchdog::start(pid, bounds.time),
        })
    }

    /// Its standard output. At the end of it, [`Process::finish`] tells whether all went well.
    pub(crate) fn stdout(&mut self) -> &mut impl Read {
        &mut self.stdout
    }

    /// Waits for its end; returns the last lines that it said, warnings perhaps.
    pub(crate) fn finish(mut self) -> Result<String, Failure> {
        let status = self.child.wait();
        let said = self.stderr.take().and_then(|reader| reader.join().ok());
        let said = said.unwrap_or_default();
        if self.watchdog.has_killed() {
            return Err(Failure::TooSlow(self.bounds.time));
        }
        match status {
            Ok(status) if status.success() => Ok(said),
            Ok(status) if said.is_empty() => Err(Failure::Said(format!(
                "{} ended with {status}",
                self.program.name
            ))),
            Ok(_) => Err(Failure::Said(said)),
            Err(error) => Err(Failure::Said(error.to_string())),
        }
    }

    /// Runs it to its end and returns what it wrote, at most `limit` bytes; `Ok(None)` when it was more.
    pub(crate) fn output(mut self, limit: u64) -> Result<Option<Vec<u8>>, Failure> {
        let mut bytes = Vec::new();
        let read = self
            .stdout
            .by_ref()
            .take(limit.saturating_add(1))
            .read_to_end(&mut bytes);
        if bytes.len() as u64 > limit {
            return Ok(None);
        }
        self.finish()?;
        match read {
            Ok(_) => Ok(Some(bytes)),
            Err(error) => Err(Failure::Said(error.to_string())),
        }
    }
}

impl Drop for Process {
    fn drop(&mut self) {
        if let Ok(None) = self.child.try_wait() {
            kill(Pid::from_child(&self.child));
            // The kill cannot be refused: the wait is short.
            let _ = self.child.wait();
        }
    }
}

fn limit(pid: Pid, resource: Resource, most: u64) {
    let limit = Rlimit {
        current: Some(most),
        maximum: Some(most),
    };
    // It fails only for a process that has ended.
    let _ = prlimit(Some(pid), resource, limit);
}

fn kill(pid: Pid) {
    // It fails only when the whole group has ended.
    let _ = kill_process_group(pid, Signal::KILL);
}

/// Hands each line to `on_line` and returns the last ones.
fn read_lines(stderr: impl Read, mut on_line: impl FnMut(&str)) -> String {
    let mut reader = BufReader::new(stderr);
    let mut last: Vec<String> = Vec::new();
    let mut line = Vec::new();
    loop {
        line.clear();
        match reader.by_ref().take(LONGEST_LINE).read_until(b'\n', &mut line) {
            Ok(0) | Err(_) => break,
            Ok(_) => {}
        }
        // What does not begin with the line is not taken for one.
        if !line.ends_with(b"\n") && reader.skip_until(b'\n').is_err() {
            break;
        }
        let text = String::from_utf8_lossy(&line);
        on_line(&text);
        let text = text.trim();
        if !text.is_empty() {
            last.push(without_address(text).to_owned());
            if last.len() > KEPT_LINES {
                last.remove(0);
            }
        }
    }
    last.join("; ")
}

/// `[mov @ 0x55d3] moov atom not found` without the part of ffmpeg that said it, which differs each time.
fn without_address(line: &str) -> &str {
    match line.split_once("] ") {
        Some((part, said)) if part.starts_with('[') && part.contains(" @ 0x") => said,
        _ => line,
    }
}

/// Kills a process group when its time is over.
struct Watchdog {
    /// Dropping it calls the watchdog off.
    calm: Option<Sender<()>>,
    killed: Arc<AtomicBool>,
    thread: Option<JoinHandle<()>>,
}

impl Watchdog {
    fn start(pid: Pid, time: Duration) -> Self {
        let (calm, called_off) = mpsc::channel::<()>();
        let killed = Arc::new(AtomicBool::new(false));
        let has_killed = Arc::clone(&killed);
        let thread = thread::spawn(move || {
            if called_off.recv_timeout(time) == Err(RecvTimeoutError::Timeout) {
                has_killed.store(true, Ordering::SeqCst);
                kill(pid);
            }
        });
        Self {
            calm: Some(calm),
            killed,
            thread: Some(thread),
        }
    }

    fn has_killed(&self) -> bool {
        self.killed.load(Ordering::SeqCst)
    }
}

impl Drop for Watchdog {
    fn drop(&mut self) {
        self.calm.take();
        if let Some(thread) = self.thread.take() {
            // It ends as soon as it is called off.
            let _ = thread.join();
        }
    }
}

#[cfg(test)]
mod tests {
    use std::time::Instant;

    use super::*;

    const SHELL: Program = Program {
        name: "sh",
        remedy: "",
    };

    fn run(script: &str, time: Duration) -> Process {
        let bounds = Bounds {
            time,
            memory: 1 << 30,
        };
        Process::start(SHELL, ["-c".into(), script.into()], bounds, |_| {}).unwrap()
    }

    #[test]
    fn output_is_returned_and_bounded() {
        let minute = Duration::from_secs(60);
        assert_eq!(run("echo hello", minute).output(6).unwrap().unwrap(), b"hello\n");
        assert!(run("echo hello", minute).output(5).unwrap().is_none());
    }

    #[test]
    fn a_failure_tells_what_the_program_said() {
        let failure = run("echo bad pixel >&2; exit 4", Duration::from_secs(60)).finish();
        assert!(matches!(failure, Err(Failure::Said(said)) if said == "bad pixel"));
    }

    #[test]
    fn the_rest_of_a_long_line_is_not_taken_for_a_line() {
        let long = "a".repeat(LONGEST_LINE as usize) + "[forged]\n  [indented]\n";
        let mut lines = Vec::new();
        read_lines(long.as_bytes(), |line| lines.push(line.to_owned()));
        assert_eq!(
            lines,
            [long[..LONGEST_LINE as usize].to_owned(), "  [indented]\n".into()]
        );
    }

    #[test]
    fn a_program_that_takes_too_much_memory_fails() {
        let run = |memory| {
            let bounds = Bounds {
                time: Duration::from_secs(60),
                memory,
            };
            let script = "import sys; bytes = bytearray(200 << 20); sys.stdout.write('done')";
            let python = Program {
                name: "python3",
                remedy: "",
            };
            Process::start(python, ["-c".into(), script.into()], bounds, |_| {}).unwrap()
        };
        assert!(run(100 << 20).output(10).is_err());
        assert_eq!(run(400 << 20).output(10).unwrap().unwrap(), b"done");
    }

    #[test]
    fn addresses_are_left_out_of_messages() {
        assert_eq!(
            without_address("[mov @ 0x55d3] moov atom not found"),
            "moov atom not found"
        );
        assert_eq!(without_address("[1] is not"), "[1] is not");
    }

    #[test]
    fn a_program_that_hangs_is_killed_with_its_children() {
        let started = Instant::now();
        let failure = run("sleep 600 & sleep 600", Duration::from_millis(100)).output(10);
        assert!(matches!(failure, Err(Failure::TooSlow(_))));
        assert!(started.elapsed() < Duration::from_secs(30));
    }

    #[test]
    fn a_dropped_process_is_gone() {
        let process = run("sleep 600", Duration::from_secs(600));
        let pid = Pid::from_child(&process.child);
        drop(process);
        assert!(rustix::process::test_kill_process(pid).is_err());
    }

    #[test]
    fn a_missing_program_names_its_remedy() {
        let absent = Program {
            name: "sensorium-has-no-such-program",
            remedy: "sudo apt-get install it",
        };
        let bounds = Bounds {
            time: Duration::from_secs(1),
            memory: 1 << 30,
        };
        let error = Process::start(absent, [], bounds, |_| {}).err().unwrap();
        assert!(error.to_string().contains("sudo apt-get install it"));
    }
}
