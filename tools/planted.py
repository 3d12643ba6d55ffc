"""Measures moments: sounds of two seconds, hidden in files of ten minutes, half of them sounds and half videos.

Usage: planted.py --data DIR [--binary FILE] [--model DIR] [--work DIR] [--count 30] [--minutes 10]

The sounds are of the fold of ESC-10 that nothing is trained on. Each is asked for by the recording that it was cut from, by another
recording of its class, and by the name of its class. It counts as found when its file is among the first five answers
and the best moment of that lies within two seconds of it.
"""

import argparse
import json
import subprocess
from collections import defaultdict
from pathlib import Path

import numpy as np
import soundfile

from base.pairs import HELD_OUT_FOLD, table

RATE = 16_000
SECONDS = 2
TOLERANCE = 2
FIRST = 5
COLOURS = ("pink", "brown", "white")


def main() -> None:
    """Makes the files, indexes them, asks."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--data", type=Path, required=True)
    parser.add_argument("--binary", type=Path, default=Path("target/release/sensorium"))
    parser.add_argument("--model", type=Path, default=Path("models/base"))
    parser.add_argument("--work", type=Path, default=Path("target/planted"))
    parser.add_argument("--count", type=int, default=30)
    parser.add_argument("--minutes", type=int, default=10)
    options = parser.parse_args()
    (options.work / "media").mkdir(parents=True, exist_ok=True)
    random = np.random.default_rng(0)
    by_class = defaultdict(list)
    for file, name, source in table(options.data / "audio.tsv"):
        if source == "esc10" and Path(file).name.startswith(f"{HELD_OUT_FOLD}-"):
            by_class[name].append(options.data / file)
    names = sorted(by_class)
    found = dict.fromkeys(["the same recording", "another of the class", "the name of the class"], 0)
    events = []
    for number in range(options.count):
        name = names[number % len(names)]
        recordings = by_class[name]
        recording = recordings[number // len(names) % len(recordings)]
        other = recordings[(number // len(names) + 1) % len(recordings)]
        at = float(random.uniform(10, options.minutes * 60 - 10))
        event = options.work / f"{number}.wav"
        soundfile.write(event, loudest(recording), RATE)
        path = hide(event, at, number, options)
        events.append((path, at, recording, other, name))
    sensorium(options, "index", str(options.work / "media"))
    for path, at, recording, other, name in events:
        queries = [["--audio", str(recording)], ["--audio", str(other)], [name, "--no-words"]]
        for kind, query in zip(found, queries, strict=True):
            words = [*query, "--to", "audio,video", "--moments", "-n", str(FIRST)]
            answer = json.loads(sensorium(options, "search", "--json", *words))
            found[kind] += any(is_found(hit, path, at) for hit in answer["hits"])
    for kind, count in found.items():
        print(f"{kind}: {count} of {options.count}")


def loudest(path: Path) -> np.ndarray:
    """The two seconds of a recording that have the most power, at a peak of a half."""
    samples, rate = soundfile.read(path, dtype="float32", always_2d=True)
    times = np.arange(int(len(samples) * RATE / rate)) * rate / RATE
    mono = np.interp(times, np.arange(len(samples)), samples.mean(axis=1))
    mono = np.pad(mono, (0, max(0, SECONDS * RATE - len(mono))))
    power = np.convolve(mono**2, np.ones(SECONDS * RATE), "valid")
    start = int(power.argmax())
    part = mono[start : start + SECONDS * RATE]
    return (part / max(np.abs(part).max(), 1e-6) / 2).astype(np.float32)


def hide(event: Path, at: float, number: int, options: argparse.Namespace) -> Path:
    """A file with noise, in which the event is heard from `at` on."""
    noise = f"anoisesrc=color={COLOURS[number % 3]}:amplitude=0.02:seed={number}:d={options.minutes * 60}:r={RATE}"
    late = f"[1:a]adelay={int(at * 1000)}[late];[0:a][late]amix=inputs=2:duration=first:normalize=0"
    command = ["ffmpeg", "-nostdin", "-v", "error", "-y", "-f", "lavfi", "-i", noise, "-i", str(event)]
    path = options.work / "media" / (f"{number}.flac" if number % 2 else f"{number}.mp4")
    if not number % 2:
        command += ["-f", "lavfi", "-i", f"life=s=160x120:r=5:seed={number}", "-map", "2:v"]
        late += "[sound]"
        command += ["-map", "[sound]", "-shortest"]
    subprocess.run([*command, "-filter_complex", late, "-t", str(options.minutes * 60), str(path)], check=True)
    return path


def sensorium(options: argparse.Namespace, *words: str) -> str:
    """What the command prints."""
    place = ["--index", str(options.work / "index"), "--model", str(options.model)]
    return subprocess.run(
        [str(options.binary), *words, *place], check=True, stdout=subprocess.PIPE, encoding="utf8"
    ).stdout


def is_found(hit: dict, path: Path, at: float) -> bool:
    """Whether a hit is the file, and its best moment is the event."""
    if hit["path"] != str(path.resolve()) or not hit["moments"]:
        return False
    return at - TOLERANCE <= hit["moments"][0]["peak"] <= at + SECONDS + TOLERANCE


if __name__ == "__main__":
    main()
