//! Sound and video, through ffmpeg as processes of their own.

mod probe;
mod sound;
mod video;
mod window;

use std::ffi::OsString;
use std::path::Path;

use sensorium_types::Modality;

use self::sound::Sound;
use self::video::Video;
use self::window::Windows;
use crate::process::ffmpeg_url;
use crate::{Cause, Error, Limits, Media, Result, Target};

/// Containers that hold their media themselves. Left out are playlists and scripts, which name other files, and
/// raw streams that any noise would pass for.
const DEMUXERS: &str = "mov,mp4,m4a,3gp,3g2,mj2,matroska,webm,avi,flv,asf,mpeg,mpegts,mpegvideo,ogg,\
    wav,w64,flac,mp3,aac,ac3,eac3,dts,aiff,au,caf,amr,ape,wv,tta,tak,mpc,mpc8,rm,ivf,dv,mxf,nut,m4v,\
    h264,hevc,av1,obu,voc,oma,aea,loas,truehd,mlp,vivo,nsv,swf,gxf,avr,sox,smk,bink,3g2,xwma,dsf,iff";

/// Opens the file at `path`, a sound or a video by what its streams are. `format` is what is known of it.
pub(crate) fn open(path: &Path, format: &str, limits: &Limits, target: &Target) -> Result<Media> {
    let failed = |cause| Error::new(path, cause);
    let streams = probe::probe(path, format, limits).map_err(failed)?;
    if let Some(seconds) = streams.seconds.filter(|&seconds| seconds > limits.seconds) {
        return Err(failed(too_long(seconds, limits)));
    }
    let source = Source {
        path: path.to_owned(),
        format: format.to_owned(),
        limits: limits.clone(),
    };
    let sound = |index| {
        let sound = Sound::new(source.clone(), index, target.sample_rate);
        Windows::new(source.clone(), sound, target.sound_windows)
    };
    let video = |index| {
        let video = Video::new(source.clone(), index, streams.seconds, target);
        Windows::new(source.clone(), video, target.video_windows)
    };
    match (streams.video, streams.audio) {
        (None, None) => Err(failed(Cause::Nothing("neither sound nor moving pictures in it"))),
        (None, Some(audio)) => Ok(Media::new(Modality::Audio, format, sound(audio))),
        (Some(index), audio) => {
            let pictures = target.visual_track.then(|| video(index));
            let sound = audio.filter(|_| target.audio_track).map(sound);
            let pieces = pictures.into_iter().flatten().chain(sound.into_iter().flatten());
            Ok(Media::new(Modality::Video, format, pieces))
        }
    }
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
struct Source {
    path: std::path::PathBuf,
    format: String,
    limits: Limits,
}

impl Source {
    fn error(&self, cause: Cause) -> Error {
        Error::new(&self.path, cause)
    }

    fn damaged(&self, detail: &str) -> Cause {
        Cause::Damaged {
            format: self.format.clone(),
            detail: detail.to_owned(),
        }
    }

    fn bounds(&self) -> crate::process::Bounds {
        crate::process::Bounds {
            time: self.limits.time,
            memory: self.limits.process_bytes,
        }
    }

    /// The arguments of ffmpeg up to and with the input.
    fn input(&self, level: &str) -> Vec<OsString> {
        let mut args: Vec<OsString> = [
            "-nostdin",
            "-nostats",
            "-hide_banner",
            "-v",
            level,
            "-threads",
            "2",
        ]
        .map(Into::into)
        .into();
        args.extend(safe_input(&self.path));
        args
    }
}

/// The input of ffmpeg or ffprobe: the one file, read by no demuxer that follows references.
fn safe_input(path: &Path) -> Vec<OsString> {
    let mut args: Vec<OsString> = [
        "-protocol_whitelist",
        "file,pipe",
        "-format_whitelist",
        DEMUXERS,
        "-i",
    ]
    .map(Into::into)
    .into();
    args.push(ffmpeg_url(path));
    args
}
