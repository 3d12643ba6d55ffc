#!/usr/bin/env python3
"""Adds the block `kinds`, in which sounds, pictures and texts find each other, behind the others of a package.

Usage: add_kinds.py --data DIR --package DIR --out DIR [--heads DIR] [--parts DIR]

Nothing is trained. `--data` is the folder of the training data, for calibration. `--heads` is another package that
`sensorium learn` made with the same towers: the heads for `pairs` of texts and pictures, and the banks by which hubs are
known, are taken from it. Those of sounds, which are compared among themselves alone, stay.
"""

import argparse
import hashlib
import shutil
import tomllib
from pathlib import Path

import numpy as np
from PIL import Image
from safetensors.numpy import load_file, save_file

from base import calibration, hubs, kinds
from base.concepts import Concepts
from base.efficientnet import SIDE
from base.manifest import files, write
from base.parts import Parts
from base.space import TRACKS, Space
from base.tower import AudioTower, TextTower, VisualTower, pixels

ROOT = Path(__file__).resolve().parent.parent
VERSION = "0.7.0"
# The weights of blocks in the directions in which the new one counts or the package has others.
WEIGHTS = {
    "concepts": {"audio.image": 0.0, "image.audio": 0.0},
    "pairs": {"text.image": 2.0, "image.text": 2.5},
    kinds.NAME: {
        "text.image": 0.55,
        "text.audio": 1.0,
        "text.video": 1.0,
        "image.audio": 1.0,
        "audio.text": 1.0,
        "audio.image": 1.0,
        "audio.video": 1.0,
        "video.text": 1.0,
        "video.image": 0.5,
        "video.audio": 0.5,
    },
}
# How much of the nearness of hubs is taken back.
SHARES = {"text.image": 0.75, "image.text": 0.6}
HEADS = ("text-pairs.safetensors", "visual-pairs.safetensors", "hubs.safetensors")
GOLDEN, HUBS = "golden.safetensors", "hubs.safetensors"


def main() -> None:
    """Copies the package and adds the block."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--data", type=Path, required=True)
    parser.add_argument("--package", type=Path, required=True)
    parser.add_argument("--out", type=Path, required=True)
    parser.add_argument("--heads", type=Path)
    parser.add_argument("--parts", type=Path, default=ROOT / "target/parts")
    options = parser.parse_args()
    parts = Parts(options.parts)
    parts.fetch()
    out: Path = options.out
    shutil.copytree(options.package, out)
    for name in HEADS if options.heads else ():
        shutil.copy(options.heads / name, out)
    manifest = tomllib.loads((out / "model.toml").read_text())
    towers = {"text": TextTower(out), "visual": VisualTower(out), "audio": AudioTower(out)}

    sound, picture = (concepts_head(out, manifest, track) for track in ("audio", "visual"))
    things = list(parts.picture_synsets().values())
    heads = kinds.heads(towers["text"].embed, sound, picture, parts.sound_classes(), things)
    extend(manifest, heads)
    manifest["hubs"]["shares"].update(SHARES)
    for track, head in heads.items():
        save(out / manifest["towers"][track]["heads"][kinds.NAME]["file"], head)
    # With the heads as stored, in half floats.
    space = Space(out, manifest)
    banks = hubs.banks(space, load_file(out / HUBS))
    save_file(banks, out / HUBS)
    save_file(golden(load_file(out / GOLDEN), space, towers, banks), out / GOLDEN)
    manifest["calibration"].update(moments(options.data, space, towers, banks))
    manifest["calibration"] = dict(sorted(manifest["calibration"].items()))

    manifest["files"] = {path.name: hashlib.sha256(path.read_bytes()).hexdigest() for path in files(out)}
    write(out, manifest)


def concepts_head(folder: Path, manifest: dict, track: str) -> Concepts:
    """The head for `concepts` of the tower for `track`."""
    settings = {name: value for name, value in manifest["towers"][track]["heads"]["concepts"].items() if name != "kind"}
    tensors = load_file(folder / settings.pop("file"))
    return Concepts(**{name: tensor.astype(np.float32) for name, tensor in tensors.items()}, **settings)


def extend(manifest: dict, heads: dict[str, Concepts]) -> None:
    """Puts the block and the weights into the manifest; in directions that are not named the block does not count."""
    nothing = {f"{query}.{target}": 0.0 for query in TRACKS for target in TRACKS}
    manifest["blocks"].append({"name": kinds.NAME, "dimension": kinds.DIMENSION, "weights": nothing})
    for block in manifest["blocks"]:
        block.setdefault("weights", {}).update(WEIGHTS[block["name"]])
    for track, head in heads.items():
        own = {"file": f"{track}-{kinds.NAME}.safetensors"}
        # The classifier is that of the head for `concepts`.
        shared = {"file": f"{track}-concepts.safetensors", "labels": kinds.NAME}
        file = own if track == "text" else shared
        manifest["towers"][track]["heads"][kinds.NAME] = {"kind": "concepts", **file, **head.settings()}
    manifest["version"] = VERSION


def save(path: Path, head: Concepts) -> None:
    """Writes the head, or where another that has the same classifier is there its labels beside those of that."""
    tensors = head.tensors()
    save_file({**load_file(path), kinds.NAME: tensors["labels"]} if path.exists() else tensors, path)


def golden(
    tensors: dict[str, np.ndarray], space: Space, towers: dict, banks: dict[str, np.ndarray]
) -> dict[str, np.ndarray]:
    """The golden vectors, as Python makes all blocks, and the hubs anew."""
    for name in [name for name in tensors if name.endswith(".embedding")]:
        track, given = name.split(".")[0], tensors[name.replace(".embedding", ".input")]
        if name == "visual.0.embedding":
            # Sharpened labels tell how a picture was made smaller: one is given at the size of the tower.
            given = np.asarray(Image.fromarray(given).resize((SIDE, SIDE), Image.Resampling.BICUBIC))
            tensors["visual.0.input"] = np.ascontiguousarray(given)
        blocks = space.embed(track, features(towers, track, given))[0]
        near = [
            space.nearness(direction, banks[direction], blocks[None])[0] if track in found(direction) else 0.0
            for direction in sorted(banks)
        ]
        tensors[name] = np.concatenate([blocks, near]).astype(np.float32)
    return tensors


def features(towers: dict, track: str, given: np.ndarray) -> np.ndarray:
    """The pooled features of a golden input, [1, features]."""
    if track == "visual":
        return towers[track].session.run(["pooled"], {"pixels": pixels(Image.fromarray(given))[None]})[0]
    if track == "audio":
        return towers[track].features([given.astype(np.float32) / 32768])
    return towers[track].features([given.tobytes().decode()])


def found(direction: str) -> list[str]:
    """The tracks of what is found in `direction`."""
    return TRACKS[direction.split(".")[1]]


def moments(data: Path, space: Space, towers: dict, banks: dict[str, np.ndarray]) -> dict[str, dict[str, float]]:
    """What unrelated segments score in the directions that have weights here."""
    vectors = {
        "text": space.embed("text", towers["text"].features(calibration.texts(data))),
        "visual": space.embed("visual", towers["visual"].pooled(calibration.pictures(data))),
        "audio": space.embed("audio", towers["audio"].features(calibration.sounds(data))),
    }
    table = {}
    for direction in sorted({direction for weights in WEIGHTS.values() for direction in weights}):
        for query in TRACKS[direction.split(".")[0]]:
            for target in found(direction):
                products = space.products(direction, vectors[query], vectors[target])
                if direction in banks:
                    share = space.manifest["hubs"]["shares"][direction]
                    products = products - share * space.nearness(direction, banks[direction], vectors[target])
                mean, deviation = calibration.moments(products)
                table[f"{direction}/{query}.{target}"] = {"mean": mean, "deviation": deviation}
    return table


if __name__ == "__main__":
    main()
