"""The pairs that models/base is trained on and judged by, out of the folder of the training data."""

import csv
import hashlib
import json
import re
from collections.abc import Iterable, Iterator, Mapping
from pathlib import Path

from .parts import Synset

# The fold of ESC-10 that is left out, to judge by.
HELD_OUT_FOLD = "4"

Row = dict[str, object]


def write(data: Path, folder: Path, synsets: Mapping[str, Synset]) -> tuple[dict[Path, float], list[Path]]:
    """Writes the pairs into `folder`; returns the training sets with their shares of the batches, and the judges.

    `synsets` says more than one word of the things whose pictures are named by a number of WordNet.
    """
    folder.mkdir(parents=True, exist_ok=True)

    def put(name: str, rows: Iterable[Row]) -> Path:
        path = folder / f"{name}.jsonl"
        with path.open("w", encoding="utf8") as file:
            file.writelines(json.dumps(row) + "\n" for row in rows)
        return path

    train = {
        put("scenes", captioned(data, "train")): 6.0,
        put("things", [*classes(data, "imagenet_samples", synsets), *classes(data, "caltech101", synsets)]): 2.0,
        put("sounds", (row for row, held_out in sounds(data) if not held_out)): 2.0,
    }
    judges = [
        put("scenes-dev", captioned(data, "dev")),
        put("sounds-dev", (row for row, held_out in sounds(data) if held_out)),
        # Class names teach heads of sounds little about sentences: real clips with captions have a say.
        data / "clips.jsonl",
    ]
    return train, judges


def captioned(data: Path, split: str) -> Iterator[Row]:
    """Photos of Flickr8k with their captions."""
    captions: dict[str, list[str]] = {}
    for file, caption in table(data / f"flickr8k/{split}.tsv"):
        captions.setdefault(file, []).append(caption)
    for file, texts in captions.items():
        yield {"text": texts, "image": str((data / "flickr8k" / split / file).resolve())}


def classes(data: Path, name: str, synsets: Mapping[str, Synset]) -> Iterator[Row]:
    """Photos with texts that name or explain what is on them."""
    for file, label in table(data / f"{name}.tsv"):
        number = re.search(r"n\d{8}", Path(file).name)
        synset = synsets.get(number.group()) if number else None
        yield {
            "text": list(dict.fromkeys(texts(label, synset))),
            "image": str((data / file).resolve()),
            "label": label.lower(),
        }


def texts(name: str, synset: Synset | None) -> Iterator[str]:
    """A thing by its name, in a caption, in a sentence, by its other names, and explained."""
    article = "an" if name[0].lower() in "aeiou" else "a"
    yield from (name, f"a photo of {article} {name}", f"{article.capitalize()} {name}.")
    if synset:
        yield from synset.names
        yield from (f"{name}, {synset.gloss}", synset.gloss)


def sounds(data: Path) -> Iterator[tuple[Row, bool]]:
    """Sounds with their names, and whether each is held out: a fold of ESC-10, and a fifth of the names of effects."""
    for file, text, source in table(data / "audio.tsv"):
        row: Row = {"text": text, "audio": str((data / file).resolve()), "label": text.lower()}
        yield row, is_held_out(Path(file).name, text, source)


def is_held_out(name: str, text: str, source: str) -> bool:
    """Whether a sound serves to judge by, and is not trained on."""
    if source == "esc10":
        return name.startswith(f"{HELD_OUT_FOLD}-")
    return source == "modsounds" and int(hashlib.md5(text.encode()).hexdigest(), 16) % 5 == 1


def table(path: Path) -> Iterator[list[str]]:
    """The rows of a file of columns with tabs between."""
    with path.open(encoding="utf8", newline="") as file:
        yield from (row for row in csv.reader(file, delimiter="\t", quoting=csv.QUOTE_NONE) if row)
