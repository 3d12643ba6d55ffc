//! What one file may cost, as can be typed behind many commands.

use std::time::Duration;

use clap::Args;
use sensorium_media::{Limits, Memory};

/// What one file may cost.
#[derive(Debug, Args)]
#[command(next_help_heading = "Limits for one file")]
pub(crate) struct LimitArgs {
    /// Largest picture, sound or video, in bytes
    #[arg(long, env = "SENSORIUM_MAX_BYTES", value_name = "BYTES", default_value_t = Limits::default().file_bytes)]
    max_bytes: u64,
    /// Largest text, in bytes, also as it comes out of a document
    #[arg(long, env = "SENSORIUM_MAX_TEXT_BYTES", value_name = "BYTES", default_value_t = Limits::default().text_bytes)]
    max_text_bytes: u64,
    /// Longest field of a JSONL, CSV or TSV record, in characters
    #[arg(long, env = "SENSORIUM_MAX_FIELD", value_name = "CHARS", default_value_t = Limits::default().field_chars)]
    max_field: usize,
    /// Most pixels of a picture or a frame
    #[arg(long, env = "SENSORIUM_MAX_PIXELS", value_name = "PIXELS", default_value_t = Limits::default().pixels)]
    max_pixels: u64,
    /// Longest sound or video, in seconds
    #[arg(long, env = "SENSORIUM_MAX_SECONDS", value_name = "SECONDS", default_value_t = Limits::default().seconds)]
    max_seconds: f64,
    /// Longest time that decoding a sound or a video may take, in seconds; none may take much longer than it lasts
    #[arg(long, env = "SENSORIUM_MAX_TIME", value_name = "SECONDS", default_value_t = Limits::default().time.as_secs())]
    max_time: u64,
    /// Longest time that decoding a picture or a document may take, in seconds
    #[arg(long, env = "SENSORIUM_MAX_PICTURE_TIME", value_name = "SECONDS", default_value_t = Limits::default().picture_time.as_secs())]
    max_picture_time: u64,
    /// Most memory that decoders hold at a time, those that are processes of their own included, in bytes
    #[arg(long, env = "SENSORIUM_MAX_MEMORY", value_name = "BYTES", default_value_t = Limits::default().memory.limit())]
    max_memory: u64,
}

impl From<&LimitArgs> for Limits {
    fn from(args: &LimitArgs) -> Self {
        Self {
            file_bytes: args.max_bytes,
            text_bytes: args.max_text_bytes,
            field_chars: args.max_field,
            pixels: args.max_pixels,
            seconds: args.max_seconds,
            time: Duration::from_secs(args.max_time),
            picture_time: Duration::from_secs(args.max_picture_time),
            memory: Memory::new(args.max_memory),
        }
    }
}
