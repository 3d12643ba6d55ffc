"""Measures how many words of made-up voices are heard wrongly, and how long that takes.

Usage: speech_rate.py --listen BINARY --base DIR [--work DIR] [--piper PYTHON VOICE] [--without-words FILE...]

BINARY is the example `listen` of crates/model (`cargo build --release --package sensorium-model --example listen`), DIR the folder of the
base package. The sentences of speech/sentences.txt are read by the voices of espeak-ng, flite and festival that are there, and by
a voice of Piper, run by a Python of its own; eight sentences make a sound, with pauses, and each sound is also mixed with pink
noise. Words are compared in lower case without punctuation. For files without words it is counted in how many some are heard.
"""

import argparse
import json
import re
import shutil
import subprocess
import tempfile
from collections import defaultdict
from collections.abc import Callable, Iterable
from pathlib import Path

import numpy as np
import soundfile

from base.distance import distance

RATE = 16_000
TOGETHER = 8
PAUSE = 0.6
NOISES = {"clean": None, "20 dB": 20, "10 dB": 10, "0 dB": 0}

Say = Callable[[str, Path], None]


def run(*command: str, text: str = "") -> None:
    subprocess.run(command, input=text.encode(), stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL, check=True)


def espeak(voice: str, speed: int, pitch: int) -> Say:
    return lambda text, out: run("espeak-ng", "-v", voice, f"-s{speed}", f"-p{pitch}", "-w", str(out), text)


def flite(voice: str) -> Say:
    return lambda text, out: run("flite", "-voice", voice, "-t", text, "-o", str(out))


def festival(voice: str) -> Say:
    return lambda text, out: run("text2wave", "-eval", f"(voice_{voice})", "-o", str(out), text=text)


def piper(python: str, voice: str) -> Say:
    return lambda text, out: run(python, "-m", "piper", "-m", voice, "-f", str(out), text=text)


def voices(options: argparse.Namespace) -> dict[str, Say]:
    """The voices that this machine has."""
    found: dict[str, Say] = {}
    if shutil.which("espeak-ng"):
        found["espeak en-us"] = espeak("en-us", 150, 50)
        found["espeak en-gb, fast"] = espeak("en-gb", 190, 40)
        found["espeak en-us+f3"] = espeak("en-us+f3", 150, 65)
    if shutil.which("flite"):
        found |= {f"flite {name}": flite(name) for name in ("slt", "rms", "awb")}
    if shutil.which("text2wave"):
        found |= {f"festival {name}": festival(name) for name in ("cmu_us_slt_arctic_hts", "ked_diphone")}
    if options.piper:
        found["piper joe"] = piper(*options.piper)
    return found


def spoken(say: Say, text: str) -> np.ndarray:
    with tempfile.TemporaryDirectory() as scratch:
        raw, out = Path(scratch, "raw.wav"), Path(scratch, "out.wav")
        say(text, raw)
        run("ffmpeg", "-v", "error", "-i", str(raw), "-ac", "1", "-ar", str(RATE), str(out))
        samples, _ = soundfile.read(out, dtype="float32")
    return samples * (0.1 / np.sqrt(np.mean(samples**2)))


def noisy(samples: np.ndarray, decibels: float | None, chance: np.random.Generator) -> np.ndarray:
    """With pink noise that is so many decibels below the speech."""
    if decibels is None:
        return samples
    waves = np.fft.rfft(chance.standard_normal(len(samples)))
    noise = np.fft.irfft(waves / np.sqrt(np.maximum(np.arange(len(waves)), 20)), len(samples))
    scale = np.sqrt(np.mean(samples**2) / np.mean(noise**2)) * 10 ** (-decibels / 20)
    return samples + noise * scale


def make_sounds(options: argparse.Namespace, work: Path) -> dict[Path, tuple[str, str, str]]:
    """The sounds, each with its voice, its noise and its words."""
    sentences = (Path(__file__).parent / "speech/sentences.txt").read_text().splitlines()
    groups = [sentences[at : at + TOGETHER] for at in range(0, len(sentences), TOGETHER)]
    pause = np.zeros(int(PAUSE * RATE), np.float32)
    sounds = {}
    for voice, say in voices(options).items():
        for number, group in enumerate(groups):
            clean: np.ndarray | None = None
            for noise, decibels in NOISES.items():
                path = work / f"{voice} {number} {noise}.wav".replace(" ", "-")
                sounds[path] = voice, noise, " ".join(group)
                if path.exists():
                    continue
                if clean is None:
                    clean = np.concatenate([part for text in group for part in (spoken(say, text), pause)])
                mixed = noisy(clean, decibels, np.random.default_rng(number))
                soundfile.write(path, mixed / max(1, np.abs(mixed).max()), RATE)
    return sounds


def listen(options: argparse.Namespace, files: Iterable[Path]) -> list[dict]:
    command = [options.listen, options.base, *map(str, files)]
    printed = subprocess.run(command, stdout=subprocess.PIPE, check=True).stdout
    return [json.loads(line) for line in printed.splitlines()]


def words(text: str) -> list[str]:
    return re.sub(r"[^a-z' ]", " ", text.lower()).split()


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--listen", required=True)
    parser.add_argument("--base", required=True)
    parser.add_argument("--work", type=Path, default=Path("target/speech"))
    parser.add_argument("--piper", nargs=2, metavar=("PYTHON", "VOICE"))
    parser.add_argument("--without-words", nargs="*", type=Path, default=[])
    options = parser.parse_args()
    options.work.mkdir(parents=True, exist_ok=True)

    sounds = make_sounds(options, options.work)
    wrong: dict[tuple[str, str], list[int]] = defaultdict(lambda: [0, 0])
    seconds = cpu = 0.0
    for heard in listen(options, sounds):
        voice, noise, text = sounds[Path(heard["file"])]
        expected = words(text)
        found = words(" ".join(line["text"] for line in heard["lines"]))
        for key in ((voice, noise), ("all", noise)):
            wrong[key][0] += distance(expected, found)
            wrong[key][1] += len(expected)
        seconds, cpu = seconds + heard["seconds"], cpu + heard["cpu"]
    print("| voice |", " | ".join(NOISES), "|")
    for voice in dict.fromkeys(voice for voice, _ in wrong):
        shares = (wrong[voice, noise] for noise in NOISES)
        print(f"| {voice} |", " | ".join(f"{bad / all:.3f}" for bad, all in shares), "|")
    print(f"{seconds:.0f} s of sound took {cpu:.0f} s of one core: {cpu / seconds:.4f}")

    if options.without_words:
        heard = listen(options, options.without_words)
        some = [file for file in heard if file["lines"]]
        seconds, cpu = sum(file["seconds"] for file in heard), sum(file["cpu"] for file in heard)
        print(f"words in {len(some)} of {len(heard)} files without; {seconds:.0f} s took {cpu:.0f} s")
        for file in some:
            print(f"  {Path(file['file']).name}: {' / '.join(line['text'] for line in file['lines'])}")


if __name__ == "__main__":
    main()
