#!/usr/bin/env python3
"""Adds the block `kinds`, in which sounds and pictures find each other, behind the others of a package.

Usage: add_kinds.py --data DIR --package DIR --out DIR [--parts DIR]

Nothing is trained. `--data` is the folder of the training data, for calibration.
"""

import argparse
import hashlib
import shutil
import tomllib
from pathlib import Path

import numpy as np
import tomli_w
from PIL import Image
from safetensors.numpy import load_file, save_file

from base import calibration, kinds
from base.concepts import Concepts
from base.efficientnet import SIDE
from base.parts import Parts
from base.tower import AudioTower, TextTower, VisualTower, pixels

ROOT = Path(__file__).resolve().parent.parent
VERSION = "0.4.0"
MODALITIES = ("text", "image", "audio", "video")
# The directions in which the block stands for `concepts`.
DIRECTIONS = {"audio.image": "audio.visual", "image.audio": "visual.audio"}
GOLDEN = "golden.safetensors"


def main() -> None:
    """Copies the package and adds the block."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--data", type=Path, required=True)
    parser.add_argument("--package", type=Path, required=True)
    parser.add_argument("--out", type=Path, required=True)
    parser.add_argument("--parts", type=Path, default=ROOT / "target/parts")
    options = parser.parse_args()
    parts = Parts(options.parts)
    parts.fetch()
    out: Path = options.out
    shutil.copytree(options.package, out)
    manifest = tomllib.loads((out / "model.toml").read_text())
    towers = {"text": TextTower(out), "visual": VisualTower(out), "audio": AudioTower(out)}

    sound, picture = (concepts_head(out, manifest, track) for track in ("audio", "visual"))
    sound, picture = kinds.heads(
        towers["text"].embed, sound, picture, parts.sound_classes(), list(parts.picture_synsets().values())
    )
    heads = {"text": kinds.silent_head(manifest["towers"]["text"]["features"]), "visual": picture, "audio": sound}
    for track, head in heads.items():
        save_file(head.tensors(), out / f"{track}-{kinds.NAME}.safetensors")
    # As stored, in half floats.
    heads = {track: stored(out, track, head) for track, head in heads.items()}
    save_file(golden(load_file(out / GOLDEN), manifest, towers, heads), out / GOLDEN)

    table = calibration.measure(options.data, towers, {"visual": heads["visual"].embed, "audio": heads["audio"].embed})
    extend(manifest, heads, table)
    for name in [*manifest["files"], *(f"{track}-{kinds.NAME}.safetensors" for track in heads)]:
        manifest["files"][name] = hashlib.sha256((out / name).read_bytes()).hexdigest()
    manifest["files"] = dict(sorted(manifest["files"].items()))
    comment = "# Made by tools/make_base.py, tools/train_base.py and tools/add_kinds.py; see MODEL_CARD.md.\n"
    (out / "model.toml").write_text(comment + tomli_w.dumps(manifest))


def concepts_head(folder: Path, manifest: dict, track: str) -> Concepts:
    """The head for `concepts` of the tower for `track`."""
    settings = {name: value for name, value in manifest["towers"][track]["heads"]["concepts"].items() if name != "kind"}
    return Concepts(**single(load_file(folder / settings.pop("file"))), **settings)


def stored(folder: Path, track: str, head: Concepts) -> Concepts:
    """`head` with the tensors in its file."""
    return Concepts(**single(load_file(folder / f"{track}-{kinds.NAME}.safetensors")), **head.settings())


def single(tensors: dict[str, np.ndarray]) -> dict[str, np.ndarray]:
    return {name: tensor.astype(np.float32) for name, tensor in tensors.items()}


def golden(tensors: dict[str, np.ndarray], manifest: dict, towers: dict, heads: dict) -> dict[str, np.ndarray]:
    """The golden vectors with the block behind the others; `towers` and `heads` as Python runs them."""
    before = sum(block["dimension"] for block in manifest["blocks"])
    for name in [name for name in tensors if name.endswith(".embedding")]:
        track, given = name.split(".")[0], tensors[name.replace(".embedding", ".input")]
        added = np.zeros(kinds.DIMENSION)
        if name == "visual.0.embedding":
            # Sharpened labels tell how a picture was made smaller: one is given at the size of the tower.
            given = np.asarray(Image.fromarray(given).resize((SIDE, SIDE), Image.Resampling.BICUBIC))
            tensors["visual.0.input"] = np.ascontiguousarray(given)
        if track == "visual":
            pooled = towers[track].session.run(["pooled"], {"pixels": pixels(Image.fromarray(given))[None]})[0]
            added = heads[track].embed(pooled[:, : heads[track].weight.shape[1]])[0]
        elif track == "audio":
            added = heads[track].embed(towers[track].features([given.astype(np.float32) / 32768]))[0]
        # Behind the blocks are the hubs, which look at the first blocks alone.
        tensors[name] = np.concatenate([tensors[name][:before], added, tensors[name][before:]]).astype(np.float32)
    return tensors


def extend(manifest: dict, heads: dict[str, Concepts], table: dict[str, tuple[float, float]]) -> None:
    """Puts the block into the manifest, in the directions in which it counts instead of `concepts`."""
    for block in manifest["blocks"]:
        if block["name"] == "concepts":
            block.setdefault("weights", {}).update(dict.fromkeys(DIRECTIONS, 0.0))
    pairs = [f"{query}.{target}" for query in MODALITIES for target in MODALITIES]
    weights = {pair: 1.0 if pair in DIRECTIONS else 0.0 for pair in pairs}
    manifest["blocks"].append({"name": kinds.NAME, "dimension": kinds.DIMENSION, "weights": weights})
    for track, head in heads.items():
        file = f"{track}-{kinds.NAME}.safetensors"
        manifest["towers"][track]["heads"][kinds.NAME] = {"kind": "concepts", "file": file, **head.settings()}
    for direction, tracks in DIRECTIONS.items():
        mean, deviation = table[tracks]
        manifest["calibration"][f"{direction}/{tracks}"] = {"mean": mean, "deviation": deviation}
    manifest["calibration"] = dict(sorted(manifest["calibration"].items()))
    manifest["version"] = VERSION


if __name__ == "__main__":
    main()
