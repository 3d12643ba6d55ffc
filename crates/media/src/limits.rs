use std::time::Duration;

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
    /// Wall-clock time that decoding one sound or video may take, waiting for its reader included.
    pub time: Duration,
    /// Wall-clock time that decoding one picture or document may take; waiting for its reader does not count.
    pub picture_time: Duration,
    /// Address space of a decoder that runs as a process of its own, in bytes.
    pub process_bytes: u64,
}

impl Default for Limits {
    fn default() -> Self {
        Self {
            file_bytes: 16 << 30,
            text_bytes: 64 << 20,
            pixels: 128 << 20,
            seconds: 12.0 * 3600.0,
            field_chars: 8192,
            time: Duration::from_secs(6 * 3600),
            picture_time: Duration::from_secs(20),
            process_bytes: 3 << 30,
        }
    }
}

/// Changes whenever the same file would be cut into other segments than before.
pub const WINDOWING_VERSION: u32 = 2;

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
    /// How sounds and the audio track of videos are cut.
    pub sound_windows: Windowing,
    /// How the visual track of videos is cut.
    pub video_windows: Windowing,
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
            sound_windows: Windowing {
                seconds: 10.0,
                hop: 5.0,
            },
            video_windows: Windowing {
                seconds: 8.0,
                hop: 4.0,
            },
            frame_rate: 1.0,
            visual_track: true,
            audio_track: true,
        }
    }
}
