use std::time::{Duration, Instant};

use crate::Cause;
use crate::memory::{Memory, Share};
use crate::process::Bounds;

/// What takes less memory than this to decode, in bytes, waits for no other file.
const SMALL: u64 = 16 << 20;

/// What a program that decodes is given at first, in bytes: enough for nearly all files, and several at a time.
const MODEST: u64 = 128 << 20;

/// What one file may cost. Beyond any of these it is refused with the limit in the message.
#[derive(Debug, Clone, PartialEq)]
pub struct Limits {
    /// Size of a picture, a sound or a video on disk, in bytes.
    pub file_bytes: u64,
    /// Size of a text file on disk, and of the text that comes out of a document, in bytes.
    pub text_bytes: u64,
    /// Pixels of a picture or of one video frame, width times height.
    pub pixels: u64,
    /// Length of a sound or a video, in seconds; what is longer is refused.
    pub seconds: f64,
    /// Characters of one field of a JSONL, CSV or TSV record.
    pub field_chars: usize,
    /// Wall-clock time that decoding one sound or video may take, waiting for its reader included. None may take
    /// much longer than it lasts.
    pub time: Duration,
    /// Wall-clock time that decoding one picture or document may take; waiting for its reader does not count.
    pub picture_time: Duration,
    /// Memory that decoders hold at a time, those that are processes of their own included. Files that are decoded
    /// with clones of these limits share it: what needs much waits for its turn, and what needs more is refused.
    pub memory: Memory,
}

impl Default for Limits {
    fn default() -> Self {
        Self {
            file_bytes: 16 << 30,
            text_bytes: 64 << 20,
            pixels: 128 << 20,
            seconds: 12.0 * 3600.0,
            field_chars: 8192,
            time: Duration::from_secs(2 * 3600),
            picture_time: Duration::from_secs(10),
            memory: Memory::new(512 << 20),
        }
    }
}

impl Limits {
    /// Waits for the `bytes` of memory that decoding a file takes; small ones need not wait.
    pub(crate) fn reserve(&self, bytes: u64) -> Result<Option<Share>, Cause> {
        let limit = self.memory.limit();
        if bytes > limit {
            return Err(Cause::Limit {
                what: "decoding it takes",
                found: format!("{bytes} bytes of memory"),
                limit: format!("{limit} bytes"),
            });
        }
        Ok((bytes > SMALL).then(|| self.memory.take(bytes)))
    }

    /// Runs a program that looks at a picture, a document or the head of a container: with modest memory or, if that
    /// fails, alone with all memory, in the time that is left.
    pub(crate) fn run<T>(&self, program: impl Fn(Bounds) -> Result<T, Cause>) -> Result<T, Cause> {
        let all = self.memory.limit();
        let modest = MODEST.min(all);
        let share = self.memory.take(modest);
        let started = Instant::now();
        let first = program(Bounds {
            time: self.picture_time,
            memory: modest,
        });
        if modest == all || !matches!(first, Err(Cause::Damaged { .. })) {
            return first;
        }
        drop(share);
        self.run_alone(started.elapsed(), program)
    }

    /// Runs such a program alone with all memory; `passed` of its time has passed.
    pub(crate) fn run_alone<T>(
        &self,
        passed: Duration,
        program: impl Fn(Bounds) -> Result<T, Cause>,
    ) -> Result<T, Cause> {
        let memory = self.memory.limit();
        let _share = self.memory.take(memory);
        let time = self.picture_time.saturating_sub(passed);
        program(Bounds { time, memory }).map_err(|cause| match cause {
            Cause::TooSlow(_) => Cause::TooSlow(self.picture_time),
            cause => cause,
        })
    }
}

/// Changes whenever the same file would be cut into other segments than before.
pub const WINDOWING_VERSION: u32 = 3;

/// How sound and video are cut: windows of `seconds`, one every `hop` seconds.
///
/// The last window is moved back so that it ends with the file, unless less than a tenth of a hop would
/// be new in it; a file shorter than one window is one window.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Windowing {
    /// Length of a window in seconds; more than zero.
    pub seconds: f64,
    /// Time from the start of one window to the start of the next, in seconds; at most `seconds`.
    pub hop: f64,
}

/// What the samples are wanted for: decoders give no more detail than the model can use.
#[derive(Debug, Clone, PartialEq)]
pub struct Target {
    /// A picture may be decoded at a reduced scale as long as its shorter side keeps this many pixels.
    pub picture_side: u32,
    /// Samples per second of decoded sound (mono).
    pub sample_rate: u32,
    /// How sounds and the audio track of videos are cut; at least one. All but the first are for what is longer than a
    /// window of the first, so that short events are found in it.
    pub sound_windows: Vec<Windowing>,
    /// How the visual track of videos is cut, likewise.
    pub video_windows: Vec<Windowing>,
    /// Frames per second taken from a video, besides those at scene changes.
    pub frame_rate: f64,
    /// Whether the visual track of a video is wanted.
    pub visual_track: bool,
    /// Whether the audio track of a video is wanted.
    pub audio_track: bool,
}

impl Default for Target {
    fn default() -> Self {
        Self {
            picture_side: 260,
            sample_rate: 16_000,
            sound_windows: vec![Windowing {
                seconds: 10.0,
                hop: 5.0,
            }],
            video_windows: vec![Windowing {
                seconds: 8.0,
                hop: 4.0,
            }],
            frame_rate: 1.0,
            visual_track: true,
            audio_track: true,
        }
    }
}
