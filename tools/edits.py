"""Measures `sensorium duplicates` on generated edits of photos and sounds.

Usage: edits.py --data DIR [--binary FILE] [--model DIR] [--work DIR] [--photos 60] [--sounds 60]

Originals, their edits and near misses (other photos and recordings of the same classes) go into one index. An edit counts as
found when it is in the group of its original. A false copy is a link between files that do not come from the same original.
Originals with an even number choose settings, those with an odd one are reported.
"""

import argparse
import io
import json
import random
import subprocess
from collections import defaultdict
from collections.abc import Iterable
from pathlib import Path

from PIL import Image, ImageDraw, ImageEnhance, ImageFont, ImageOps

from base.pairs import table


def crop(photo: Image.Image, share: float, chance: random.Random) -> Image.Image:
    """A part of the photo that has this share of its area."""
    width, height = (int(side * share**0.5) for side in photo.size)
    left, top = chance.randint(0, photo.width - width), chance.randint(0, photo.height - height)
    return photo.crop((left, top, left + width, top + height))


def recompressed(photo: Image.Image) -> Image.Image:
    """The photo after JPEG of quality 30."""
    file = io.BytesIO()
    photo.save(file, "JPEG", quality=30)
    return Image.open(file).convert("RGB")


def colour(photo: Image.Image) -> Image.Image:
    """More contrast, brighter, half the colour."""
    photo = ImageEnhance.Contrast(photo).enhance(1.3)
    return ImageEnhance.Color(ImageEnhance.Brightness(photo).enhance(1.25)).enhance(0.5)


def captioned(photo: Image.Image) -> Image.Image:
    """Words on white over the lowest sixth."""
    photo = photo.copy()
    draw = ImageDraw.Draw(photo)
    draw.rectangle((0, photo.height * 0.82, photo.width, photo.height), fill="white")
    font = ImageFont.load_default(size=max(12, photo.height // 10))
    draw.text((10, photo.height * 0.84), "When the weekend comes", fill="black", font=font)
    return photo


def edits_of_photo(photo: Image.Image, chance: random.Random) -> dict[str, Image.Image]:
    return {
        "recompressed": recompressed(photo),
        "scaled": photo.resize((photo.width // 3, photo.height // 3)),
        "crop 70 %": crop(photo, 0.7, chance),
        "crop 50 %": crop(photo, 0.5, chance),
        "colour": colour(photo),
        "caption": captioned(photo),
        "mirror": ImageOps.mirror(photo),
    }


def ffmpeg(*words: object) -> None:
    subprocess.run(["ffmpeg", "-nostdin", "-v", "error", "-y", *map(str, words)], check=True)


def edit_sound(path: Path, seconds: float, place: Path, photo: Path, chance: random.Random) -> None:
    """Writes the edits of a sound as PLACE~EDIT.EXTENSION; in the video, the photo is seen."""
    def out(edit: str, extension: str) -> str:
        return f"{place}~{edit}.{extension}"

    source = ["-i", path]
    ffmpeg(*source, "-af", "volume=-12dB", out("gain", "flac"))
    ffmpeg(*source, "-b:a", "64k", out("mp3", "mp3"))
    ffmpeg(*source, "-b:a", "32k", "-c:a", "libopus", out("opus", "opus"))
    ffmpeg("-ss", seconds * 0.3 * chance.random(), "-t", seconds * 0.7, *source, out("cut 70 %", "flac"))
    film = ["-loop", "1", "-framerate", "5", "-i", photo, "-t", seconds + 4]
    ffmpeg(*source, *film, "-filter_complex", "[0:a]adelay=2000|2000[a]", "-map", "1:v", "-vf", "scale=320:240", "-map", "[a]", out("video", "mp4"))


def length(path: Path) -> float:
    words = ["ffprobe", "-v", "error", "-show_entries", "format=duration", "-of", "csv=p=0", str(path)]
    return float(subprocess.run(words, check=True, stdout=subprocess.PIPE, encoding="utf8").stdout)


def chosen(rows: Iterable[list[str]], count: int, chance: random.Random) -> list[tuple[str, str]]:
    """Files with their classes: several of each class, so that there are near misses."""
    by_class = defaultdict(list)
    for file, name, *_ in rows:
        by_class[name].append(file)
    classes = sorted(name for name, files in by_class.items() if len(files) > 3)
    chance.shuffle(classes)
    files = [(file, name) for name in classes for file in chance.sample(by_class[name], 4)]
    return files[:count]


def main() -> None:
    """Makes the files, indexes them, asks, counts."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--data", type=Path, required=True)
    parser.add_argument("--binary", type=Path, default=Path("target/release/sensorium"))
    parser.add_argument("--model", type=Path, default=Path("models/base"))
    parser.add_argument("--work", type=Path, default=Path("target/edits"))
    parser.add_argument("--photos", type=int, default=60)
    parser.add_argument("--sounds", type=int, default=60)
    parser.add_argument("--least", default="0.5", help="as for the command; pairs below other limits are counted afterwards")
    options = parser.parse_args()
    chance = random.Random(0)
    media = options.work / "media"
    media.mkdir(parents=True, exist_ok=True)
    number = 0
    photos = sorted((options.data / "flickr8k/dev").glob("*.jpg"))
    scenes = [(str(path), "scene") for path in photos[: options.photos]]
    for file, _ in scenes + chosen(table(options.data / "caltech101.tsv"), options.photos, chance):
        photo = Image.open(options.data / file).convert("RGB")
        photo.save(media / f"{number}~original.png")
        for edit, edited in edits_of_photo(photo, chance).items():
            edited.save(media / f"{number}~{edit}.png")
        number += 1
    for file, _ in chosen(table(options.data / "audio.tsv"), options.sounds, chance):
        path = options.data / file
        seconds = min(length(path), 30)
        ffmpeg("-t", seconds, "-i", path, media / f"{number}~original.wav")
        edit_sound(media / f"{number}~original.wav", seconds, media / str(number), photos[-1 - number], chance)
        number += 1
    place = ["--index", str(options.work / "index"), "--model", str(options.model)]
    subprocess.run([options.binary, "index", media, *place], check=True)
    command = [options.binary, "duplicates", "--json", "--least", options.least, *place]
    answer = json.loads(subprocess.run(command, check=True, stdout=subprocess.PIPE, encoding="utf8").stdout)
    report(answer, media)


def report(answer: dict, media: Path) -> None:
    """Recall by edit, and false links, by half and least similarity."""
    def origin(path: str) -> tuple[int, str]:
        number, _, edit = Path(path).stem.partition("~")
        return int(number), edit

    places = {}
    links = []
    for group in answer["copies"]:
        for item in [group["largest"], *group["others"]]:
            places[item["item"]] = [origin(path) for path in item["paths"]]
        for item in group["others"]:
            links += [(a, b, item["similarity"], item["track"]) for a in places[item["item"]] for b in places[item["of"]]]
    for half, name in enumerate(["chosen on", "reported"]):
        for track, limits in (("visual", (0.5, 0.55, 0.6, 0.65, 0.7, 0.75)), ("audio", (0.0,))):
            for least in limits:
                found, false = set(), 0
                mine = [x for x in links if x[3] == track and x[2] >= least and half in (x[0][0] % 2, x[1][0] % 2)]
                for a, b, _, _ in mine:
                    if a[0] == b[0]:
                        found |= {a, b}
                    else:
                        false += 1
                right = len(mine) - false
                recall = defaultdict(list)
                for path in media.iterdir():
                    one = origin(path)
                    is_visual = path.suffix == ".png"
                    if one[0] % 2 == half and is_visual == (track == "visual"):
                        recall[one[1]].append(one in found)
                told = ", ".join(f"{edit} {sum(hits) / len(hits):.3f}" for edit, hits in sorted(recall.items()))
                print(f"{name} {track} {least}: precision {right / max(1, len(mine)):.3f} of {len(mine)}; {told}")


if __name__ == "__main__":
    main()
