//! Damaged and hostile files: each is refused for a cause of its own, nothing hangs, panics or floods.

#![allow(clippy::unwrap_used, reason = "clippy knows tests, but not their helpers")]

mod common;

use std::ffi::OsStr;
use std::fs;
use std::io::Write as _;
use std::os::unix::ffi::OsStrExt as _;
use std::os::unix::fs::{MetadataExt as _, PermissionsExt as _, symlink};
use std::path::{Path, PathBuf};

use common::memory::{Measured, measure};
use common::{binary, checkout, ffmpeg, run_json, sensorium};
use sensorium_types::path_text;
use serde_json::{Value, json};

/// Files with a part of the cause that each must be refused for.
struct Damage {
    folder: PathBuf,
    expected: Vec<(PathBuf, &'static str)>,
}

impl Damage {
    fn expect(&mut self, name: impl AsRef<OsStr>, cause: &'static str) -> PathBuf {
        let path = self.folder.join(name.as_ref());
        self.expected.push((path.clone(), cause));
        path
    }

    fn file(&mut self, name: impl AsRef<OsStr>, bytes: impl AsRef<[u8]>, cause: &'static str) {
        let path = self.expect(name, cause);
        fs::write(path, bytes).unwrap();
    }

    /// A good file made by ffmpeg, of which `keep` makes the damaged one.
    fn spoilt(&mut self, name: &str, words: &[&str], keep: impl Fn(Vec<u8>) -> Vec<u8>, cause: &'static str) {
        let path = self.expect(name, cause);
        ffmpeg(words, &path);
        let bytes = fs::read(&path).unwrap();
        fs::write(path, keep(bytes)).unwrap();
    }
}

fn half(bytes: Vec<u8>) -> Vec<u8> {
    bytes[..bytes.len() / 2].to_vec()
}

const PICTURE: [&str; 5] = ["-f", "lavfi", "-i", "testsrc=s=640x480:d=1", "-frames:v"];
const SOUND: [&str; 4] = ["-f", "lavfi", "-i", "sine=440:d=3"];
const FILM: [&str; 4] = ["-f", "lavfi", "-i", "testsrc=s=320x240:d=4:r=10"];

fn pictures(damage: &mut Damage) {
    let picture: Vec<&str> = [&PICTURE[..], &["1"]].concat();
    damage.spoilt("cut.jpg", &picture, half, "Premature end of JPEG file");
    damage.spoilt("cut.png", &picture, half, "cannot be decoded as PNG");
    damage.spoilt("cut.webp", &picture, half, "cannot be decoded as WEBP");
    damage.spoilt("cut.gif", &picture, half, "cannot be decoded as GIF");
    damage.spoilt("cut.bmp", &picture, half, "cannot be decoded as BMP");
    damage.spoilt("cut.tiff", &picture, half, "cannot be decoded as TIFF");
    let lying = |mut jpeg: Vec<u8>| {
        let header = jpeg.windows(2).position(|marker| marker == [0xff, 0xc0]).unwrap();
        jpeg[header + 5..header + 9].copy_from_slice(&[0xff, 0xff, 0xff, 0xff]);
        jpeg
    };
    damage.spoilt(
        "lying.jpg",
        &picture,
        lying,
        "the picture has 65535 x 65535 pixels",
    );
    let huge = |mut png: Vec<u8>| {
        png[16..20].copy_from_slice(&50_000u32.to_be_bytes());
        png[20..24].copy_from_slice(&50_000u32.to_be_bytes());
        let crc = crc32(&png[12..29]);
        png[29..33].copy_from_slice(&crc.to_be_bytes());
        png
    };
    damage.spoilt(
        "huge.png",
        &picture,
        huge,
        "50000 x 50000 pixels, more than the limit",
    );
    let wide = |mut gif: Vec<u8>| {
        gif[6..10].copy_from_slice(&[0xff; 4]);
        gif
    };
    damage.spoilt("wide.gif", &picture, wide, "65535 x 65535 pixels");
    damage.file(
        "noise.jpg",
        [0u8, 1, 2, 3, 0xfe].repeat(500),
        "data of no known kind",
    );
    damage.file(
        "zip.png",
        b"PK\x03\x04\x14\0\0\0\x08\0zip",
        "named like a picture but holds ZIP",
    );
    let heic = b"\0\0\0\x18ftypheic\0\0\0\0mif1heic\0\0\0\x08meta";
    damage.file("cut.heic", heic, "cannot be decoded as HEIC");
    let avif = b"\0\0\0\x18ftypavif\0\0\0\0mif1avif\0\0\0\x08meta";
    damage.file("cut.avif", avif, "cannot be decoded as AVIF");
}

fn drawings_and_documents(damage: &mut Damage) {
    let mut laughs = String::from("<?xml version='1.0'?><!DOCTYPE svg [<!ENTITY a 'ha'>");
    for (name, inner) in "bcdefghijk".chars().zip("abcdefghij".chars()) {
        laughs += &format!("<!ENTITY {name} '{}'>", format!("&{inner};").repeat(10));
    }
    laughs += "]><svg xmlns='http://www.w3.org/2000/svg' width='9' height='9'><text>&k;</text></svg>";
    damage.file("laughs.svg", laughs, "cannot be decoded as SVG");
    damage.expect("bomb.svgz", "the unpacked drawing has more than");
    let bomb = "import gzip,sys\n\
        f = gzip.open(sys.argv[1], 'wb')\n\
        f.write(b'<svg xmlns=\"http://www.w3.org/2000/svg\"><!--')\n\
        [f.write(b' ' * 10**7) for _ in range(30)]";
    python(bomb, &[], &damage.folder.join("bomb.svgz"));
    let bomb = damage.expect("bomb.svg", "the unpacked drawing has more than");
    fs::copy(damage.folder.join("bomb.svgz"), bomb).unwrap();
    for (extension, cause) in [
        ("svg", "named like a picture but holds"),
        ("svgz", "named like a picture but holds"),
        ("pdf", "named like a document but holds"),
    ] {
        damage.file(format!("words.{extension}"), "these are only words", cause);
        let noise = [0u8, 1, 2, 3, 0xfe].repeat(500);
        damage.file(format!("noise.{extension}"), noise, cause);
    }
    damage.file(
        "broken.pdf",
        "%PDF-1.7\nnothing of the kind",
        "cannot be decoded as PDF",
    );
    damage.expect("bomb.pdf", "limit of");
    let bomb = "import sys,zlib\n\
        z = zlib.compressobj(9)\n\
        line = b'BT /F1 12 Tf 72 720 Td (' + b'words ' * 15 + b') Tj ET\\n'\n\
        data = b''.join(z.compress(line * 10000) for _ in range(100)) + z.flush()\n\
        parts = [b'<</Type/Catalog/Pages 2 0 R>>', b'<</Type/Pages/Kids[3 0 R]/Count 1>>',\n\
        b'<</Type/Page/Parent 2 0 R/MediaBox[0 0 612 792]/Contents 4 0 R/Resources<</Font<</F1 5 0 R>>>>>>',\n\
        b'<</Length %d/Filter/FlateDecode>>stream\\n' % len(data) + data + b'\\nendstream',\n\
        b'<</Type/Font/Subtype/Type1/BaseFont/Helvetica>>']\n\
        out = b'%PDF-1.4\\n' + b''.join(b'%d 0 obj' % (i+1) + p + b'endobj\\n' for i, p in enumerate(parts))\n\
        open(sys.argv[1], 'wb').write(out + b'trailer<</Root 1 0 R/Size 6>>')";
    python(bomb, &[], &damage.folder.join("bomb.pdf"));
    damage.file("blank.txt", " \n\t\n", "has no text in it");
    damage.file(
        "broken.srt",
        "1\n00:00:02,000 --> 00:00:03,000\n\n",
        "no cue can be read",
    );
}

/// Texts that once took minutes or gigabytes. The pages say nothing, so that no model has work with them.
fn texts(damage: &mut Damage) {
    let nothing = "has no text in it";
    let page = |elements: String| format!("<html>{elements}");
    damage.file("deep.html", page("<div>".repeat(100_000)), nothing);
    let fonts = "<font size=i>".repeat(950) + &"<p>".repeat(3000);
    damage.file("fonts.html", page(fonts), nothing);
    damage.file("bold.html", page("<b> </b>".repeat(100_000)), nothing);
    damage.file("unmatched.html", page("<div></x>".repeat(25_000)), nothing);
    damage.file("items.html", page("<li><dd>".repeat(100_000)), nothing);
    let cells = ",".repeat(30 << 20);
    damage.file("cells.csv", cells, "more than the limit of 1048576 bytes");
}

fn sounds_and_videos(damage: &mut Damage) {
    damage.file("silent.wav", wav(1, 16, &[]), "a sound track without samples");
    let nan: Vec<u8> = f32::NAN.to_le_bytes().repeat(20_000);
    damage.file("nan.wav", wav(3, 32, &nan), "samples that are not numbers");
    let hollow = |mut flac: Vec<u8>| {
        let half = flac.len() / 8;
        flac[half..].fill(0);
        flac.truncate(half + 64);
        flac[42..].fill(0x55);
        flac
    };
    damage.spoilt("hollow.flac", &SOUND, hollow, "cannot be decoded as");
    damage.spoilt("cut.mp4", &FILM, half, "moov atom not found");
    let frameless: Vec<&str> = [&FILM[..], &SOUND, &["-vf", "select=0"]].concat();
    damage.spoilt(
        "frameless.mkv",
        &frameless,
        |film| film,
        "a video track without frames",
    );
    damage.file(
        "words.mp4",
        "these are only words",
        "named like a video but holds text",
    );
    damage.file(
        "list.mp4",
        "#EXTM3U\n#EXTINF:1,\n/etc/passwd\n",
        "named like a video but holds text",
    );
    damage.file(
        "list.mkv",
        b"#EXTM3U\n#EXTINF:1,\n/etc/passwd\n\0\0\0",
        "named like a video but holds",
    );
    damage.file(
        "static.wav",
        [7u8, 0, 9].repeat(3000),
        "cannot be decoded as a sound",
    );
}

fn things_that_are_no_files(damage: &mut Damage) {
    damage.file("empty.jpg", "", "is empty");
    let fifo = damage.expect("fifo.jpg", "is a FIFO");
    let made = std::process::Command::new("mkfifo").arg(fifo).status().unwrap();
    assert!(made.success());
    let device = damage.expect("device.wav", "is a device");
    symlink("/dev/zero", device).unwrap();
    let ring = damage.expect("loop.png", "Too many levels of symbolic links");
    symlink(&ring, &ring).unwrap();
    let dangling = damage.expect("dangling.png", "No such file");
    symlink("nowhere", dangling).unwrap();
    let folder = damage.expect("folder.jpg", "is a folder");
    fs::create_dir(folder).unwrap();
    let socket = damage.expect("socket.wav", "is a socket");
    std::os::unix::net::UnixListener::bind(socket).unwrap();
    damage.file(
        OsStr::from_bytes(b"caf\xe9.jpg"),
        b"\0\x01\x02",
        "data of no known kind",
    );
    let locked = damage.expect("locked.txt", "Permission denied");
    fs::write(&locked, "secret").unwrap();
    fs::set_permissions(&locked, fs::Permissions::from_mode(0o000)).unwrap();
}

/// Files that would take gigabytes if one let them.
fn greedy(damage: &mut Damage) {
    damage.expect("grey.png", "decoding it takes");
    python(PNG, &["11500", "16", "4"], &damage.folder.join("grey.png"));
}

/// Draws the PNG in a file, which becomes an SVG.
const DRAWN: &str = "import sys,base64\n\
    data = base64.b64encode(open(sys.argv[1], 'rb').read()).decode()\n\
    open(sys.argv[1], 'w').write('<svg xmlns=\"http://www.w3.org/2000/svg\" '\n\
    'xmlns:xlink=\"http://www.w3.org/1999/xlink\" width=\"9\" height=\"9\"><image width=\"9\" height=\"9\" '\n\
    'xlink:href=\"data:image/png;base64,' + data + '\"/></svg>')";

/// Writes a square black PNG: side, bits of a sample, kind of colour.
const PNG: &str = "import sys,zlib,struct\n\
    side, bits, kind = map(int, sys.argv[1:4])\n\
    chunk = lambda name, data: struct.pack('>I', len(data)) + name + data + struct.pack('>I', zlib.crc32(name + data))\n\
    z = zlib.compressobj(1)\n\
    row = bytes(1 + (side * bits * {0: 1, 4: 2}[kind] + 7) // 8)\n\
    data = b''.join(z.compress(row) for _ in range(side)) + z.flush()\n\
    head = struct.pack('>IIBBBBB', side, side, bits, kind, 0, 0, 0)\n\
    open(sys.argv[4], 'wb').write(b'\\x89PNG\\r\\n\\x1a\\n' + chunk(b'IHDR', head) + chunk(b'IDAT', data) + chunk(b'IEND', b''))";

/// Every kind of damage, in `folder`.
fn all_damage(folder: &Path) -> Damage {
    let mut damage = Damage {
        folder: folder.canonicalize().unwrap(),
        expected: Vec::new(),
    };
    pictures(&mut damage);
    drawings_and_documents(&mut damage);
    texts(&mut damage);
    sounds_and_videos(&mut damage);
    things_that_are_no_files(&mut damage);
    greedy(&mut damage);
    assert!(damage.expected.len() >= 25);
    damage
}

/// Panics unless `document` lists exactly these as refused, each for its cause.
fn assert_refused(document: &Value, expected: &[(PathBuf, &str)]) {
    let refused = document["refused"].as_array().unwrap();
    for (path, expected) in expected {
        let path = path_text(path);
        let found = refused.iter().find(|refused| refused["path"] == path.as_ref());
        let cause = found.unwrap_or_else(|| panic!("{path} was not refused"))["cause"]
            .as_str()
            .unwrap();
        assert!(cause.contains(expected), "{path}: {cause}");
        assert!(cause.len() < 1000, "{path}: {cause}");
    }
    assert_eq!(refused.len(), expected.len());
}

/// The binary, which may not read what its owner may not read either, even when root runs the tests.
fn without_privileges() -> std::process::Command {
    if fs::metadata("/proc/self").unwrap().uid() != 0 {
        return binary();
    }
    let plain = binary();
    let mut command = std::process::Command::new("setpriv");
    command
        .arg("--bounding-set=-dac_override,-dac_read_search")
        .arg(plain.get_program());
    for (name, value) in plain.get_envs() {
        match value {
            Some(value) => command.env(name, value),
            None => command.env_remove(name),
        };
    }
    command
}

/// Runs `command`, which must refuse files, print JSON and stay below a gigabyte with all its helpers.
#[allow(clippy::print_stdout, reason = "to be read with --nocapture")]
fn run_within_a_gigabyte(command: &mut std::process::Command) -> Value {
    let Measured { output, peak, time } = measure(command);
    let out = String::from_utf8(output.stdout).unwrap();
    let err = String::from_utf8_lossy(&output.stderr);
    assert_eq!(output.status.code(), Some(3), "{out}\n{err}");
    println!("{} s, {} MB at most", time.as_secs(), peak / 1_000_000);
    assert!(peak < 1_000_000_000, "{peak} bytes");
    // Some 10 s on two cores; a hang would take far longer.
    assert!(time.as_secs() < 180, "{time:?}");
    serde_json::from_str(&out).unwrap()
}

#[test]
fn each_damaged_file_is_refused_for_its_own_cause_and_good_ones_are_embedded() {
    let folder = tempfile::tempdir().unwrap();
    let damage = all_damage(folder.path());
    let good = folder.path().join("good.txt");
    fs::write(&good, "a good file among bad ones").unwrap();
    let mut command = without_privileges();
    command
        .arg("embed")
        .args(damage.expected.iter().map(|(path, _)| path))
        .arg(&good);
    let document = run_within_a_gigabyte(&mut command);
    assert_refused(&document, &damage.expected);
    assert_eq!(document["items"].as_array().unwrap().len(), 1);
}

#[test]
fn good_files_among_damaged_ones_are_indexed_and_the_damaged_are_listed() {
    let folder = tempfile::tempdir().unwrap();
    let mut damage = all_damage(folder.path());
    // A folder is looked into, whatever its name.
    damage.expected.retain(|(_, cause)| *cause != "is a folder");
    let good = damage.folder.join("good");
    fs::create_dir(&good).unwrap();
    for name in [
        "photos/hen.webp",
        "sounds/goat.opus",
        "videos/hen-made-from-photo.mp4",
        "notes/farm-diary.md",
    ] {
        let path = checkout().join("demo").join(name);
        fs::copy(&path, good.join(path.file_name().unwrap())).unwrap();
    }
    let index = tempfile::tempdir().unwrap();
    let run = || {
        let mut command = without_privileges();
        command
            .arg("index")
            .arg(&damage.folder)
            .arg("--index")
            .arg(index.path());
        run_within_a_gigabyte(command.arg("--json"))
    };
    let report = run();
    assert_eq!(report["added"], 4);
    assert_refused(&report, &damage.expected);
    let again = run();
    assert_eq!((&again["added"], &again["unchanged"]), (&json!(0), &json!(4)));
    assert_refused(&again, &damage.expected);
}

#[test]
fn large_pictures_together_stay_within_a_gigabyte() {
    let folder = tempfile::tempdir().unwrap();
    let path = |name: &str| folder.path().join(name);
    python(PNG, &["7000", "16", "4"], &path("1.png"));
    python(PNG, &["22000", "1", "0"], &path("1.svg"));
    python(DRAWN, &[], &path("1.svg"));
    for number in 2..5 {
        for kind in ["png", "svg"] {
            fs::copy(path(&format!("1.{kind}")), path(&format!("{number}.{kind}"))).unwrap();
        }
    }
    let mut command = binary();
    // It is about memory: a slow machine may take its time.
    command.args(["embed", "--threads", "4", "--max-picture-time", "60"]);
    // One is missing, so that the exit code is that of refusals.
    let names = (1..6).flat_map(|number| ["png", "svg"].map(|kind| format!("{number}.{kind}")));
    let document = run_within_a_gigabyte(command.args(names.map(|name| path(&name))));
    let items = document["items"].as_array().unwrap().iter();
    let pictures = items.filter(|item| item["format"] == "PNG");
    assert_eq!(pictures.count(), 4);
}

#[test]
fn a_bad_record_does_not_spoil_the_others() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("notes.jsonl");
    let long = "x".repeat(10_000);
    fs::write(
        &path,
        format!("{{\"text\": \"a hen\"}}\n{{\"text\": \"{long}\"}}\n{{\"text\": \"a barn\"}}\n"),
    )
    .unwrap();
    let document = run_json(sensorium().arg("embed").arg(&path), 3);
    assert_eq!(document["refused"][0]["path"], format!("{}#2", path.display()));
    assert!(
        document["refused"][0]["cause"]
            .as_str()
            .unwrap()
            .contains("10000 characters")
    );
    let records: Vec<_> = document["items"][0]["segments"]
        .as_array()
        .unwrap()
        .iter()
        .map(|segment| segment["record"].as_u64().unwrap())
        .collect();
    assert_eq!(records, [1, 3]);
}

#[test]
fn limits_can_be_set_and_name_themselves() {
    let folder = tempfile::tempdir().unwrap();
    let sound = folder.path().join("long.wav");
    ffmpeg(&SOUND, &sound);
    let cause = |option: &str, value: &str| {
        let document = run_json(sensorium().arg("embed").arg(&sound).args([option, value]), 3);
        document["refused"][0]["cause"].as_str().unwrap().to_owned()
    };
    assert_eq!(
        cause("--max-seconds", "2"),
        "it lasts 3 s, more than the limit of 2 s"
    );
    assert!(cause("--max-bytes", "1000").ends_with("bytes, more than the limit of 1000 bytes"));
}

fn python(script: &str, args: &[&str], output: &Path) {
    let status = std::process::Command::new("python3")
        .arg("-c")
        .arg(script)
        .args(args)
        .arg(output)
        .status();
    assert!(status.unwrap().success());
}

/// A mono sound at 16 kHz; format 1 is whole numbers, 3 is floating point.
fn wav(format: u16, bits: u16, data: &[u8]) -> Vec<u8> {
    let mut wav = Vec::new();
    let bytes = u32::from(bits / 8);
    let size = u32::try_from(data.len()).unwrap();
    wav.write_all(b"RIFF").unwrap();
    wav.extend((36 + size).to_le_bytes());
    wav.extend(b"WAVEfmt \x10\0\0\0");
    wav.extend(format.to_le_bytes());
    wav.extend(1u16.to_le_bytes());
    wav.extend(16_000u32.to_le_bytes());
    wav.extend((16_000 * bytes).to_le_bytes());
    wav.extend((bits / 8).to_le_bytes());
    wav.extend(bits.to_le_bytes());
    wav.extend(b"data");
    wav.extend(size.to_le_bytes());
    wav.extend(data);
    wav
}

/// The checksum of PNG chunks.
fn crc32(bytes: &[u8]) -> u32 {
    !bytes.iter().fold(!0u32, |crc, &byte| {
        (0..8).fold(crc ^ u32::from(byte), |crc, _| {
            (crc >> 1) ^ (0xedb8_8320 * (crc & 1))
        })
    })
}
