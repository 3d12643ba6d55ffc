//! What the README says of queries, said by tests: each sentence names the tests that hold it, and each command runs.

#![allow(clippy::unwrap_used, clippy::expect_used, reason = "tests may panic")]

mod common;

use std::collections::BTreeSet;
use std::fs;
use std::io::Cursor;
use std::path::{Path, PathBuf};
use std::process::Command as Shell;
use std::sync::OnceLock;

use common::index::Place;
use common::{checkout, ffmpeg, run, run_json, sensorium};
use exif::experimental::Writer;
use exif::{Field, In, Rational, Tag};
use serde_json::Value;

/// Where the section about queries begins, and how its last paragraph does.
const FIRST: &str = "A query may have any number of parts.";
const LAST: &str = "A score of 0.5 stands for";

fn readme() -> String {
    fs::read_to_string(checkout().join("README.md")).unwrap()
}

/// The paragraphs of the section.
fn section(readme: &str) -> Vec<String> {
    let start = readme.find(FIRST).expect("the first sentence of the section");
    let last = start + readme[start..].find(LAST).expect("its last paragraph");
    let end = last + readme[last..].find("\n\n").expect("its end");
    readme[start..end]
        .split("\n\n")
        .map(|paragraph| paragraph.replace('\n', if paragraph.starts_with('|') { "\n" } else { " " }))
        .collect()
}

/// The sentences of a paragraph, or the rows of a table.
fn sentences(paragraph: &str) -> Vec<String> {
    if paragraph.starts_with('|') {
        // Behind the head and its line.
        return paragraph.lines().skip(2).map(str::to_owned).collect();
    }
    let mut sentences = Vec::new();
    let (mut start, mut quoted, mut depth) = (0, false, 0);
    let characters: Vec<(usize, char)> = paragraph.char_indices().collect();
    for (number, (place, character)) in characters.iter().enumerate() {
        match character {
            '`' => quoted = !quoted,
            '(' if !quoted => depth += 1,
            ')' if !quoted => depth -= 1,
            '.' if !quoted && depth == 0 => {
                let next = characters.get(number + 1).map(|(_, next)| *next);
                if next.is_none_or(|next| next == ' ') {
                    sentences.push(paragraph[start..=*place].trim().to_owned());
                    start = place + 1;
                }
            }
            _ => {}
        }
    }
    sentences.extend(Some(paragraph[start..].trim().to_owned()).filter(|rest| !rest.is_empty()));
    sentences
}

/// The commands of the block above the section that has them: up to the blank line in it.
fn commands(readme: &str) -> Vec<String> {
    let above = &readme[..readme.find(FIRST).expect("the section")];
    let block = above.rsplit("```sh\n").next().expect("a block of commands");
    let block = &block[..block.find("```").expect("its end")];
    let lines = block.lines().filter(|line| !line.is_empty());
    lines
        .map(|line| line.split("  #").next().unwrap().trim().to_owned())
        .collect()
}

#[test]
fn every_sentence_of_the_query_section_is_an_executed_test() {
    let readme = readme();
    let said: Vec<String> = section(&readme).iter().flat_map(|part| sentences(part)).collect();
    let table = fs::read_to_string(checkout().join("crates/cli/tests/readme.tsv")).unwrap();
    let mut held = BTreeSet::new();
    for line in table.lines() {
        let (sentence, tests) = line.split_once('\t').expect("a sentence, a tab, and tests");
        assert!(
            said.iter().any(|known| known == sentence),
            "readme.tsv has a sentence that the README has not: {sentence}"
        );
        assert!(held.insert(sentence), "twice: {sentence}");
        for test in tests.split(", ") {
            let (file, name) = test.split_once("::").expect("file::test");
            let source = fs::read_to_string(checkout().join("crates/cli/tests").join(file)).unwrap();
            // Right behind the attribute, so that nothing keeps it from being run.
            assert!(
                source.contains(&format!("#[test]\nfn {name}() {{")),
                "{file} has no test {name}"
            );
        }
    }
    let missing: Vec<&String> = said.iter().filter(|said| !held.contains(said.as_str())).collect();
    assert!(missing.is_empty(), "sentences without a test: {missing:#?}");
    assert!(said.len() > 20);
}

/// A home with some pictures and sounds by the names that the README has.
fn home(folder: &Path) -> PathBuf {
    let home = folder.join("home");
    for (from, to) in [
        ("photos/hen.webp", "Pictures/hen.jpg"),
        ("photos/cow.png", "Pictures/cow.jpg"),
        ("photos/sportscar2.jpg", "Pictures/car.jpg"),
        ("photos/dog.webp", "Pictures/private/dog.jpg"),
        ("sounds/rooster.ogg", "Music/rooster.ogg"),
        ("sounds/goat.opus", "Music/goat.opus"),
        ("photos/lion.jpg", "cat.jpg"),
        ("photos/firetruck.webp", "street.jpg"),
    ] {
        let to = home.join(to);
        fs::create_dir_all(to.parent().unwrap()).unwrap();
        fs::copy(checkout().join("demo").join(from), to).unwrap();
    }
    fs::create_dir(home.join("Videos")).unwrap();
    home
}

#[test]
fn every_command_above_the_query_section_runs() {
    let folder = tempfile::tempdir().unwrap();
    let home = home(folder.path());
    let bin = folder.path().join("bin");
    fs::create_dir(&bin).unwrap();
    std::os::unix::fs::symlink(env!("CARGO_BIN_EXE_sensorium"), bin.join("sensorium")).unwrap();
    let commands = commands(&readme());
    assert!(commands.len() > 12, "{commands:?}");
    for command in &commands {
        let path = std::env::var("PATH").unwrap();
        // What a program does with the JSON is its own matter; `.hits[].path` is looked at here.
        let (command, piped) = match command.split_once(" | ") {
            Some((command, program)) => (command, Some(program)),
            None => (command.as_str(), None),
        };
        let output = Shell::new("sh")
            .args(["-c", command])
            .current_dir(&home)
            .env("HOME", &home)
            .env("XDG_DATA_HOME", home.join(".local/share"))
            .env("PATH", format!("{}:{path}", bin.display()))
            .env("SENSORIUM_MODEL", checkout().join("models/base"))
            .env("ORT_DYLIB_PATH", checkout().join(".runtime/libonnxruntime.so"))
            .env_remove("SENSORIUM_INDEX")
            .output()
            .unwrap();
        let text = |bytes: &[u8]| String::from_utf8_lossy(bytes).into_owned();
        assert!(
            output.status.success(),
            "{command}: {}{}",
            text(&output.stdout),
            text(&output.stderr)
        );
        if let Some(program) = piped {
            assert_eq!(program, "jq -r .hits[].path");
            let answer: Value = serde_json::from_slice(&output.stdout).unwrap();
            assert!(answer["hits"][0]["path"].is_string(), "{answer}");
        }
    }
    assert_eq!(
        fs::read_dir(home.join("maps")).unwrap().count(),
        4,
        "a heat map of each picture"
    );
}

fn search(place: &Place, words: &[&str]) -> Value {
    run_json(place.command("search").arg("--json").args(words), 0)
}

fn hits(answer: &Value) -> &Vec<Value> {
    answer["hits"].as_array().unwrap()
}

fn names(answer: &Value) -> BTreeSet<String> {
    let name = |hit: &Value| {
        hit["path"]
            .as_str()
            .unwrap()
            .rsplit('/')
            .next()
            .unwrap()
            .to_owned()
    };
    hits(answer).iter().map(name).collect()
}

/// How many standard deviations a hit is above unrelated items: a score is a logistic curve of it that is one half at 3.
fn deviations(hit: &Value) -> f64 {
    let score = hit["score"].as_f64().unwrap();
    3.0 + (score / (1.0 - score)).ln()
}

/// The pictures, sounds and videos of the demo pack, indexed once.
fn demo_place() -> &'static Place {
    static PLACE: OnceLock<Place> = OnceLock::new();
    PLACE.get_or_init(|| {
        let place = Place::empty();
        let demo = checkout().join("demo").canonicalize().unwrap();
        let mut index = place.command("index");
        run(
            index.args(["photos", "sounds", "videos"].map(|part| demo.join(part))),
            0,
        );
        place
    })
}

#[test]
fn the_score_is_the_weighted_mean_of_the_parts_less_what_is_not_wanted() {
    let place = demo_place();
    let of = |words: &[&str], name: &str| {
        let answer = search(
            place,
            &[words, &["--no-words", "--to", "image", "-n", "100"]].concat(),
        );
        let is_it = |hit: &&Value| hit["path"].as_str().unwrap().ends_with(name);
        deviations(hits(&answer).iter().find(is_it).unwrap())
    };
    for name in ["hen.webp", "cow.png", "violin.png"] {
        let (hen, farm) = (of(&["a hen"], name), of(&["a farm"], name));
        let both = of(&["a hen", "--weight", "2", "--text", "a farm"], name);
        assert!(
            (both - (2.0 * hen + farm) / 3.0).abs() < 0.02,
            "{name}: {hen} {farm} {both}"
        );
        let less = of(&["a hen", "--without", "a farm", "--weight", "0.5"], name);
        assert!(
            (less - (hen - 0.5 * farm.max(0.0))).abs() < 0.02,
            "{name}: {hen} {farm} {less}"
        );
    }
}

#[test]
fn a_confidence_is_that_of_the_best_of_as_many_unrelated_items() {
    let place = demo_place();
    let status = run_json(place.command("status").arg("--json"), 0);
    let vectors: f64 = status["segments"]
        .as_object()
        .unwrap()
        .values()
        .map(|n| n.as_f64().unwrap())
        .sum();
    let answer = search(place, &["a hen", "--no-words", "-n", "50"]);
    for hit in hits(&answer) {
        let above = 0.5 * libm::erfc(deviations(hit) / std::f64::consts::SQRT_2);
        let expected = (vectors * (-above).ln_1p()).exp();
        let confidence = hit["confidence"].as_f64().unwrap();
        assert!((confidence - expected).abs() < 1e-3, "{expected} {hit}");
    }
}

#[test]
fn what_is_less_sure_stands_behind_a_line_and_what_is_nothing_is_called_so() {
    let place = demo_place();
    let told = |text: &str| {
        run(
            place.command("search").args([text, "--to", "image", "-n", "20"]),
            0,
        )
    };
    let (out, error) = told("a hen");
    let lines: Vec<&str> = out.lines().map(str::trim).collect();
    let line = lines.iter().position(|line| *line == "less sure:").unwrap();
    assert!(
        line > 0 && line < lines.len() - 1 && error.is_empty(),
        "{out}{error}"
    );
    let answer = search(place, &["a hen", "--to", "image", "-n", "20"]);
    let sure = hits(&answer)
        .iter()
        .filter(|hit| hit["confidence"].as_f64().unwrap() >= 0.5)
        .count();
    let before = lines[..line].iter().filter(|line| line.contains("image")).count();
    assert_eq!(before, sure);
    assert_eq!(answer["no_match"], false);

    let nothing = "the quarterly report of an insurance company";
    let (out, error) = told(nothing);
    assert_eq!(search(place, &[nothing, "--to", "image"])["no_match"], true);
    assert!(
        error.contains("nothing matches") && out.lines().count() >= 20,
        "{out}{error}"
    );
    assert!(!out.contains("less sure"));
}

#[test]
fn without_words_a_name_makes_no_difference() {
    let place = Place::new();
    fs::copy(place.media.join("hen.webp"), place.media.join("zebra.webp")).unwrap();
    fs::remove_file(place.media.join("hen.webp")).unwrap();
    place.index(0);
    let score =
        |words: &[&str]| hits(&search(&place, &[words, &["--to", "image"]].concat()))[0]["score"].clone();
    let by_meaning = score(&["a zebra", "--no-words"]);
    assert!(score(&["a zebra"]).as_f64() > by_meaning.as_f64());
    fs::rename(place.media.join("zebra.webp"), place.media.join("a.webp")).unwrap();
    place.index(0);
    assert_eq!(score(&["a zebra", "--no-words"]), by_meaning);
}

#[test]
fn tags_and_fields_and_subtitles_are_found_by_their_words() {
    let place = Place::empty();
    let song = [
        "-f",
        "lavfi",
        "-i",
        "sine=d=2",
        "-metadata",
        "artist=Xylander Quux",
    ];
    ffmpeg(&song, &place.media.join("a.flac"));
    place.write("b.srt", "1\n00:00:01,000 --> 00:00:02,000\nthe wompel sleeps\n");
    for number in 0..20 {
        place.write(&format!("{number}.txt"), &format!("a note of {number} ships"));
    }
    place.write(
        "c.jsonl",
        "{\"text\": \"rain\", \"keywords\": [\"blorft\"]}\n{\"text\": \"snow\", \"shelf\": 4711}\n",
    );
    place.index(0);
    for (word, name) in [
        ("quux", "a.flac"),
        ("wompel", "b.srt"),
        ("blorft", "c.jsonl#1"),
        ("4711", "c.jsonl#2"),
    ] {
        let answer = search(&place, &[word]);
        let first = &hits(&answer)[0];
        assert!(first["path"].as_str().unwrap().ends_with(name), "{word}: {first}");
        assert_eq!(first["words"][0], word);
    }
}

#[test]
fn what_lasts_longer_than_a_window_is_also_cut_in_short_ones() {
    let folder = tempfile::tempdir().unwrap();
    let lengths = |name: &str, source: &str| -> BTreeSet<u64> {
        let file = folder.path().join(name);
        ffmpeg(&["-f", "lavfi", "-i", source], &file);
        let embedded = run_json(sensorium().arg("embed").arg(&file), 0);
        let segments = embedded["items"][0]["segments"].as_array().unwrap_or_else(|| {
            panic!("{embedded}");
        });
        let length = |segment: &Value| {
            let time = |name: &str| segment[name].as_f64().unwrap();
            (time("end") - time("start")).round() as u64
        };
        segments.iter().map(length).collect()
    };
    assert_eq!(lengths("short.wav", "sine=d=9"), [9].into());
    let long = lengths("long.wav", "sine=d=16");
    assert!(
        long.contains(&10) && long.iter().any(|length| *length < 10),
        "{long:?}"
    );
    assert_eq!(lengths("short.mp4", "testsrc=d=7:s=64x48"), [7].into());
    let long = lengths("long.mp4", "testsrc=d=13:s=64x48");
    assert!(
        long.contains(&8) && long.iter().any(|length| *length < 8),
        "{long:?}"
    );
}

#[test]
fn every_sound_and_video_has_moments_with_a_peak_and_a_curve() {
    let place = demo_place();
    let answer = search(
        place,
        &["a rooster crows", "--to", "audio,video", "--moments", "-n", "30"],
    );
    for hit in hits(&answer) {
        let curve = hit["curve"].as_array().unwrap();
        assert!(
            !curve.is_empty() && curve.iter().all(|stretch| stretch["score"].is_f64()),
            "{hit}"
        );
        for moment in hit["moments"].as_array().unwrap() {
            let time = |name: &str| moment[name].as_f64().unwrap();
            assert!(
                time("start") <= time("peak") && time("peak") < time("end"),
                "{hit}"
            );
        }
    }
    assert!(hits(&answer).iter().any(|hit| hit["moments"][0]["peak"].is_f64()));
    let pictures = search(
        place,
        &["a rooster crows", "--to", "image", "--moments", "-n", "1"],
    );
    assert!(hits(&pictures)[0]["moments"].is_null());
}

/// A JPEG with what a camera writes.
fn photo(path: &Path) {
    let mut jpeg = Cursor::new(Vec::new());
    image::RgbImage::new(400, 200)
        .write_to(&mut jpeg, image::ImageFormat::Jpeg)
        .unwrap();
    let jpeg = jpeg.into_inner();
    let text = |text: &str| exif::Value::Ascii(vec![text.as_bytes().to_vec()]);
    let angle =
        |degrees: u32| exif::Value::Rational([degrees, 30, 0].map(|num| Rational { num, denom: 1 }).to_vec());
    let fields = [
        (Tag::Make, text("NIKON")),
        (Tag::Model, text("NIKON Z 6")),
        (Tag::LensModel, text("NIKKOR 50mm")),
        (Tag::Artist, text("Ann")),
        (Tag::ImageDescription, text("A harbour")),
        (Tag::DateTimeOriginal, text("2024:06:01 12:30:00")),
        (Tag::GPSLatitude, angle(33)),
        (Tag::GPSLatitudeRef, text("S")),
        (Tag::GPSLongitude, angle(18)),
        (Tag::GPSLongitudeRef, text("E")),
    ];
    let fields = fields.map(|(tag, value)| Field {
        tag,
        ifd_num: In::PRIMARY,
        value,
    });
    let mut writer = Writer::new();
    fields.iter().for_each(|field| writer.push_field(field));
    let mut tiff = Cursor::new(Vec::new());
    writer.write(&mut tiff, false).unwrap();
    let exif = [&b"Exif\0\0"[..], tiff.get_ref()].concat();
    let length = u16::try_from(exif.len() + 2).unwrap().to_be_bytes();
    fs::write(
        path,
        [&jpeg[..2], &[0xff, 0xe1], &length, &exif, &jpeg[2..]].concat(),
    )
    .unwrap();
}

/// A photo, a song, a clip and some records, indexed once.
fn media() -> &'static Place {
    static PLACE: OnceLock<Place> = OnceLock::new();
    PLACE.get_or_init(make_media)
}

fn make_media() -> Place {
    let place = Place::empty();
    photo(&place.media.join("photo.jpg"));
    fs::create_dir(place.media.join("2024")).unwrap();
    let tags = [
        "title=Blackbird",
        "artist=Ann",
        "album=White",
        "genre=Folk",
        "date=1968-11-22",
    ];
    let mut song = vec!["-f", "lavfi", "-i", "sine=d=2"];
    tags.iter().for_each(|tag| song.extend(["-metadata", tag]));
    ffmpeg(&song, &place.media.join("2024/song.flac"));
    let clip = [
        "-f",
        "lavfi",
        "-i",
        "testsrc=s=64x48:d=130:r=1",
        "-metadata",
        "comment=Harbour",
    ];
    ffmpeg(&clip, &place.media.join("clip.mp4"));
    place.write(
        "rows.jsonl",
        "{\"text\": \"one\", \"year\": 1999, \"name\": \"Bo\", \"shelf\": \"A-7\"}\n{\"text\": \"two\", \"year\": 2005}\n",
    );
    place.index(0);
    place
}

/// What is found where `condition` is asked for.
fn fulfilling(place: &Place, condition: &str) -> Vec<String> {
    let answer = search(place, &["anything", "-n", "99", "--where", condition]);
    names(&answer).into_iter().collect()
}

const PHOTO: &str = "photo.jpg";
const SONG: &str = "song.flac";
const CLIP: &str = "clip.mp4";
const ROWS: [&str; 2] = ["rows.jsonl#1", "rows.jsonl#2"];

fn assert_fulfil(place: &Place, cases: &[(&str, &[&str])]) {
    for (condition, expected) in cases {
        let mut expected = expected.to_vec();
        expected.sort_unstable();
        assert_eq!(fulfilling(place, condition), expected, "{condition}");
    }
}

#[test]
fn conditions_compare_match_patterns_and_are_joined() {
    let place = media();
    assert_fulfil(
        place,
        &[
            ("year = 1999", &[ROWS[0]]),
            ("year != 1999", &[ROWS[1]]),
            ("year < 2005", &[ROWS[0]]),
            ("year <= 2005", &ROWS),
            ("year > 1999", &[ROWS[1]]),
            ("year >= 1999", &ROWS),
            ("name ~ \"*.jp?\"", &[PHOTO]),
            ("name !~ \"*.j*\"", &[SONG, CLIP]),
            ("year = 1999 or modality = image", &[ROWS[0], PHOTO]),
            ("year >= 1999 and not year = 1999", &[ROWS[1]]),
            ("(year = 1999 or year = 2005) and year > 2000", &[ROWS[1]]),
            ("MODALITY = Image AND Camera ~ \"nikon*\"", &[PHOTO]),
        ],
    );
}

#[test]
fn conditions_ask_where_what_and_how_large_it_is() {
    let place = media();
    let folder = format!("folder = \"{}\"", place.media.join("2024").display());
    let path = format!("path = \"{}\"", place.media.join("clip.mp4").display());
    assert_fulfil(
        place,
        &[
            (&path, &[CLIP]),
            ("path ~ \"2024/*\"", &[SONG]),
            (&folder, &[SONG]),
            ("folder ~ \"2024\"", &[SONG]),
            ("name = photo.jpg", &[PHOTO]),
            ("record = 2", &[ROWS[1]]),
            ("modality = video", &[CLIP]),
            ("format = JPEG", &[PHOTO]),
            ("size > 5MB", &[]),
            ("size < 5MB and modality = image", &[PHOTO]),
            ("modified >= 2024-06-01", &[PHOTO, SONG, CLIP, ROWS[0], ROWS[1]]),
            ("modified < 2024-06-01", &[]),
            ("width = 400 and height = 200", &[PHOTO]),
            ("width = 64", &[CLIP]),
            ("duration > 2min", &[CLIP]),
            ("duration <= 2", &[SONG]),
        ],
    );
}

#[test]
fn conditions_ask_what_cameras_tags_and_records_say() {
    let place = media();
    assert_fulfil(
        place,
        &[
            ("camera ~ \"nikon*\"", &[PHOTO]),
            ("lens ~ \"*50mm\"", &[PHOTO]),
            ("artist = Ann", &[PHOTO, SONG]),
            ("description = \"a harbour\"", &[PHOTO]),
            ("latitude < -33 and longitude > 18", &[PHOTO]),
            ("taken > 2024", &[]),
            ("title = Blackbird and album = White and genre = folk", &[SONG]),
            ("date = 1968", &[SONG]),
            ("comment = harbour", &[CLIP]),
            ("shelf = A-7", &[ROWS[0]]),
            ("field.name = Bo", &[ROWS[0]]),
        ],
    );
}

#[test]
fn a_day_a_month_or_a_year_stands_for_all_of_it() {
    let place = media();
    let cases: [(&str, &[&str]); 5] = [
        ("taken = 2024-06-01", &[PHOTO]),
        ("taken = 2024-06", &[PHOTO]),
        ("taken = 2024", &[PHOTO]),
        ("taken = 2024-05", &[]),
        ("taken = 2024-06-02", &[]),
    ];
    assert_fulfil(place, &cases);
}

#[test]
fn a_field_that_is_missing_fulfils_no_comparison_but_its_not() {
    let place = media();
    let without = [PHOTO, SONG, CLIP, ROWS[1]];
    assert_fulfil(
        place,
        &[
            ("shelf != B", &[ROWS[0]]),
            ("shelf !~ B", &[ROWS[0]]),
            ("not shelf = A-7", &without),
            ("not shelf != B", &without),
        ],
    );
}

#[test]
fn of_several_places_one_has_to_fulfil_the_whole_condition() {
    let place = Place::empty();
    place.write("a/one.txt", "the same words");
    place.write("b/two.txt", "the same words");
    place.index(0);
    assert_fulfil(
        &place,
        &[
            ("folder ~ \"a\" and name = one.txt", &["one.txt"]),
            ("folder ~ \"b\" and name = two.txt", &["one.txt"]),
            ("folder ~ \"a\" and name = two.txt", &[]),
        ],
    );
}

#[test]
fn a_second_look_changes_the_order_only_where_it_found_more() {
    let place = demo_place();
    let order = |words: &[&str]| -> Vec<Value> {
        let answer = search(place, &[words, &["--no-words", "-n", "40"]].concat());
        hits(&answer).iter().map(|hit| hit["path"].clone()).collect()
    };
    let demo = |file: &str| checkout().join("demo").join(file).display().to_string();
    let (photo, sound) = (demo("photos/hen.webp"), demo("sounds/rooster.ogg"));
    for same in [
        &["--image", &photo, "--to", "image"][..],
        &["--image", &photo, "--to", "audio"],
        &["--audio", &sound, "--to", "audio"],
        &["a brown hen on the grass", "--to", "image"],
    ] {
        assert_eq!(order(same), order(&[same, &["--rerank"]].concat()), "{same:?}");
    }
    for learned in [
        &["a brown hen on the grass", "--to", "audio"][..],
        &["a brown hen on the grass", "--to", "video"],
    ] {
        assert_ne!(
            order(learned),
            order(&[learned, &["--rerank"]].concat()),
            "{learned:?}"
        );
    }
}

#[test]
fn an_explanation_tells_where_windows_and_words_count() {
    let place = demo_place();
    let maps = place.index.join("../maps");
    let words = [
        "a red car",
        "--explain",
        "--heat-maps",
        maps.to_str().unwrap(),
        "-n",
        "5",
    ];
    let pictures = search(place, &[&words[..], &["--to", "image"]].concat());
    for hit in hits(&pictures) {
        let evidence = &hit["explain"];
        assert_eq!(
            evidence["heat_map"]["weights"].as_array().unwrap().len(),
            25,
            "25 places"
        );
        let words = evidence["words"].as_array().unwrap();
        assert_eq!(words.len(), 3);
        assert!(
            words
                .iter()
                .all(|word| word["rank_without"].is_u64() || word["rank_without"].is_null())
        );
        assert!(maps.join(format!("{}.png", hit["rank"])).exists());
    }
    let clips = search(media(), &["a test picture", "--explain", "--to", "video"]);
    let windows = hits(&clips)[0]["explain"]["windows"].as_array().unwrap();
    let score = |window: &Value| window["score"].as_f64().unwrap();
    assert!(
        windows.len() > 1 && windows.is_sorted_by(|a, b| score(a) >= score(b)),
        "{windows:?}"
    );
    let (out, _) = run(place.command("search").args(words).args(["--to", "image"]), 0);
    assert!(
        out.contains("rank without \"a\" ") && out.contains("\"red\" ") && out.contains("looked at "),
        "{out}"
    );
}

#[test]
fn an_exact_copy_need_not_stand_above_a_match_of_another_medium() {
    let place = demo_place();
    let photos = fs::read_dir(checkout().join("demo/photos")).unwrap();
    let mut photos: Vec<PathBuf> = photos.map(|photo| photo.unwrap().path()).collect();
    photos.sort();
    let stands_below = photos.iter().any(|photo| {
        let photo = photo.canonicalize().unwrap().display().to_string();
        let answer = search(place, &["--image", &photo, "-n", "1"]);
        hits(&answer)[0]["path"] != *photo
    });
    assert!(stands_below);
}
