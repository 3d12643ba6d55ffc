//! What can be typed behind `search`.

use std::path::PathBuf;

use clap::Args;
use sensorium_types::Modality;

use super::{IndexFolder, LimitArgs, weight};

#[derive(Debug, Args)]
#[command(after_help = "Examples:
  sensorium search 'a red boat at the pier'           in all media
  sensorium search 'rain on a roof' --to audio,video  in sounds and videos
  sensorium search --audio bark.wav --to image -n 5   pictures that go with a sound
  sensorium search 'at night' --image street.jpg      like this picture, at night
  sensorium search boat --weight 2 --text sunset      the boat counts twice as much
  sensorium search beach --without people             beaches that nobody is on
  sensorium search --like ~/Pictures/hen.jpg          more like what was found
  sensorium search applause --to audio,video --moments  when it is to be heard or seen
  sensorium search snow --where 'taken >= 2024-12 and camera ~ \"nikon*\"'
  sensorium search 'a hen' --json | jq -r .hits[].path

A condition compares fields by = != < <= > >= and, with * and ? in a pattern, by ~ and !~; and, or, not and brackets join
comparisons. Fields are path, folder, name, record, modality, format, size (5MB), modified (2024-06-01); what files say
of themselves, as width, height, duration (2min), taken, camera, title, artist; and the fields of JSONL records. One that
is missing fulfils no comparison.

A score of 0.5 stands for 3 standard deviations above unrelated items; scores of all modalities are comparable.")]
pub(crate) struct Search {
    /// What to look for, in words
    #[arg(value_name = "TEXT", required_unless_present_any = ["text", "image", "audio", "video", "like"])]
    pub(crate) query: Option<String>,
    /// More words, as a part of their own; repeatable
    #[arg(long, value_name = "TEXT")]
    pub(crate) text: Vec<String>,
    /// A picture; repeatable
    #[arg(long, value_name = "FILE")]
    pub(crate) image: Vec<PathBuf>,
    /// A sound; repeatable
    #[arg(long, value_name = "FILE")]
    pub(crate) audio: Vec<PathBuf>,
    /// A video; repeatable
    #[arg(long, value_name = "FILE")]
    pub(crate) video: Vec<PathBuf>,
    /// What answers shall not be like, in words; repeatable
    #[arg(long, value_name = "TEXT")]
    pub(crate) without: Vec<String>,
    /// A picture that answers shall not be like; repeatable
    #[arg(long, value_name = "FILE")]
    pub(crate) without_image: Vec<PathBuf>,
    /// More like this item of the index, by the id or the path that a search printed; repeatable
    #[arg(long, value_name = "ITEM")]
    pub(crate) like: Vec<String>,
    /// Not like this item of the index; repeatable
    #[arg(long, value_name = "ITEM")]
    pub(crate) unlike: Vec<String>,
    /// How much the part before it counts
    #[arg(long, value_name = "W", value_parser = weight)]
    pub(crate) weight: Vec<f32>,
    /// Only these: text, image, audio, video [default: all]
    #[arg(long, value_name = "MODALITY", value_delimiter = ',')]
    pub(crate) to: Vec<Modality>,
    /// Only what fulfils a condition, as in: modality = "video" and duration > 60
    #[arg(long = "where", value_name = "CONDITION")]
    pub(crate) condition: Option<String>,
    /// At most so many answers
    #[arg(short = 'n', value_name = "N", default_value_t = 10)]
    pub(crate) limit: usize,
    /// By meaning alone: let names, folders, captions and texts with the words of the query gain nothing
    #[arg(long)]
    pub(crate) no_words: bool,
    /// Rank the first 50 of each modality once more, by what the query attends to
    #[arg(long)]
    pub(crate) rerank: bool,
    /// Say when in a sound or a video it is: from, to, where best, and a score for every stretch
    #[arg(long)]
    pub(crate) moments: bool,
    /// Say why each answer was found: where the query looked, which windows mattered, what each word did
    #[arg(long)]
    pub(crate) explain: bool,
    /// With --explain, write the heat map over each picture into this folder, as RANK.png
    #[arg(long, value_name = "DIR", requires = "explain")]
    pub(crate) heat_maps: Option<PathBuf>,
    #[command(flatten)]
    pub(crate) index: IndexFolder,
    #[command(flatten)]
    pub(crate) limits: LimitArgs,
}
