//! Sound and video, through ffmpeg as processes of their own.

mod probe;
mod sound;
mod video;
mod window;

use std::ffi::OsString;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::{Duration, Instant};

use sensorium_types::Modality;

pub(crate) use self::probe::Streams;
use self::sound::Sound;
use self::video::Video;
use self::window::{Stream as _, Windows};
use crate::ffmpeg::decoding;
use crate::process::{Bounds, Failure};
use crate::{Cause, Error, Limits, Media, Result, Share, Target};

/// Containers that hold their media themselves, and streams that tell what they are. Left out are playlists and
/// scripts, which name other files, and raw streams that any noise would pass for.
const DEMUXERS: &str = "mov,matroska,avi,flv,asf,mpeg,mpegts,mpegvideo,mxf,rm,ogg,wav,flac,mp3,aac,ac3,aiff,au,amr,\
    ape,wv,mpc,mpc8,voc,avr,dsf,iff";

/// Time that even the shortest sound or video may take to decode.
const LEAST_TIME: Duration = Duration::from_secs(120);

/// How much slower than its reader hears or sees it a sound or a video may be decoded.
const MOST_SLOWNESS: f64 = 2.0;

/// Bytes for a second where the container does not say how long it lasts.
const BYTES_PER_SECOND: u64 = 8000;

/// Memory for each pixel of a frame: a decoder keeps some twenty frames to refer to.
const BYTES_PER_PIXEL: u64 = 32;

/// Memory for the filters of a video, in bytes.
const FILTERS: u64 = 64 << 20;

/// Opens the file at `path`, a sound or a video by what its streams are. `format` is what is known of it.
pub(crate) fn open(path: &Path, format: &str, limits: &Limits, target: &Target) -> Result<Media> {
    let (source, streams) = source(path, format, limits, target.visual_track)?;
    let (video, audio, facts) = (streams.video, streams.audio, streams.facts);
    let sound = |index| {
        let sound = Sound::new(source.clone(), index, target.sample_rate);
        Windows::new(source.clone(), sound, &target.sound_windows)
    };
    let Some(video) = video else {
        let audio =
            audio.ok_or_else(|| source.error(Cause::Nothing("neither sound nor moving pictures in it")))?;
        return Ok(Media::new(Modality::Audio, format, sound(audio)).with_facts(facts));
    };
    let sound = audio.filter(|_| target.audio_track).map(sound);
    if !target.visual_track {
        let pieces = sound.into_iter().flatten();
        return Ok(Media::new(Modality::Video, format, pieces).with_facts(facts));
    }
    let pictures = Video::new(source.clone(), video.index, streams.seconds, target);
    let pictures = Windows::new(source, pictures, &target.video_windows);
    // The pictures are as good without a sound that is not.
    let sound = sound.into_iter().flatten().map_while(|piece| match piece {
        Ok(piece) => Some(Ok(piece)),
        Err(error) => {
            tracing::warn!("{error}; its audio track is left out from there on");
            None
        }
    });
    Ok(Media::new(Modality::Video, format, pictures.chain(sound)).with_facts(facts))
}

/// The file at `path`, which is of `format`, and the streams that it has; `visual` tells whether its pictures will be decoded.
pub(crate) fn source(path: &Path, format: &str, limits: &Limits, visual: bool) -> Result<(Source, Streams)> {
    let failed = |cause| Error::new(path, cause);
    let streams = probe::probe(path, format, limits).map_err(failed)?;
    if let Some(seconds) = streams.seconds.filter(|&seconds| seconds > limits.seconds) {
        return Err(failed(too_long(seconds, limits)));
    }
    let memory = match streams.video.as_ref().filter(|_| visual) {
        Some(video) => streams.memory + FILTERS + video.pixels.saturating_mul(BYTES_PER_PIXEL),
        None => streams.memory,
    };
    let memory = memory.min(limits.memory.limit());
    let source = Source {
        path: path.to_owned(),
        format: format.to_owned(),
        limits: limits.clone(),
        memory,
        time: time(path, streams.seconds, limits).map_err(failed)?,
        _share: Arc::new(limits.memory.take(memory)),
        // The wait for memory does not count.
        started: Instant::now(),
    };
    Ok((source, streams))
}

/// The largest amplitude in each `step` samples of the audio stream `index` of `source`, at `rate` samples a second.
pub(crate) fn peaks(
    source: &Source,
    index: u32,
    rate: u32,
    step: usize,
) -> std::result::Result<Vec<f32>, Cause> {
    let mut sound = Sound::new(source.clone(), index, rate);
    let mut peaks = Vec::new();
    let mut samples = Vec::new();
    let loudest = |step: &[f32]| step.iter().fold(0.0, |peak: f32, sample| peak.max(sample.abs()));
    while sound.read()? {
        samples.extend(sound.take_samples());
        let whole = samples.len() - samples.len() % step;
        peaks.extend(samples[..whole].chunks(step).map(loudest));
        samples.drain(..whole);
    }
    peaks.extend(samples.chunks(step).map(loudest));
    Ok(peaks)
}

/// How long decoding the file at `path` may take, both tracks together.
fn time(path: &Path, seconds: Option<f64>, limits: &Limits) -> std::result::Result<Duration, Cause> {
    let seconds = match seconds {
        Some(seconds) => seconds,
        None => (std::fs::metadata(path)?.len() / BYTES_PER_SECOND) as f64,
    };
    let time = Duration::try_from_secs_f64(seconds * MOST_SLOWNESS).unwrap_or(Duration::MAX);
    Ok(time.max(LEAST_TIME).min(limits.time))
}

fn too_long(seconds: f64, limits: &Limits) -> Cause {
    Cause::Limit {
        what: "it lasts",
        found: format!("{seconds:.0} s"),
        limit: format!("{} s", limits.seconds),
    }
}

/// A file whose streams are decoded.
#[derive(Debug, Clone)]
pub(crate) struct Source {
    path: PathBuf,
    format: String,
    limits: Limits,
    /// What a decoder may hold, in bytes; there is one at a time.
    memory: u64,
    _share: Arc<Share>,
    /// How long all decoders together may take.
    time: Duration,
    started: Instant,
}

impl Source {
    pub(crate) fn error(&self, cause: Cause) -> Error {
        Error::new(&self.path, cause)
    }

    fn damaged(&self, detail: &str) -> Cause {
        Cause::Damaged {
            format: self.format.clone(),
            detail: detail.to_owned(),
        }
    }

    pub(crate) fn failed(&self, failure: Failure) -> Cause {
        match failure {
            // The last of the decoders had what the others left.
            Failure::TooSlow(_) => Cause::TooSlow(self.time),
            failure => failure.into_cause(&self.format),
        }
    }

    pub(crate) fn bounds(&self) -> Bounds {
        Bounds {
            time: self.time.saturating_sub(self.started.elapsed()),
            memory: self.memory,
        }
    }

    /// What a program that also encodes may cost.
    pub(crate) fn encoding_bounds(&self) -> Bounds {
        Bounds {
            memory: self.limits.memory.limit(),
            ..self.bounds()
        }
    }

    /// The arguments of ffmpeg up to and with the input, which is read from `seconds` on.
    pub(crate) fn input_from(&self, level: &str, seconds: f64) -> Vec<OsString> {
        let mut args = self.input(level);
        args.splice(0..0, ["-ss".into(), format!("{seconds:.3}").into()]);
        args
    }

    /// The arguments of ffmpeg up to and with the input.
    pub(crate) fn input(&self, level: &str) -> Vec<OsString> {
        decoding(&self.path, DEMUXERS, level)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_time_grows_with_what_is_decoded_and_has_a_limit() {
        let limits = Limits::default();
        let seconds = |promised| time(Path::new("."), Some(promised), &limits).unwrap().as_secs();
        assert_eq!((seconds(1.0), seconds(600.0)), (120, 1200));
        assert_eq!(seconds(1e300), limits.time.as_secs());
    }
}
