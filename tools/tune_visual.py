"""Tunes the last blocks of the visual tower on pictures with texts.

Usage: TORCH tune_visual.py --labels DIR --pairs DIR --out FILE [--device cuda] [--recipe NAME ...] [--judge FILE ...]
                            [--views N] [--before FILE] [--minutes M] [--items N]

TORCH is a Python with torch, numpy, onnx, onnxruntime, safetensors, tokenizers and pillow. `--labels` is the package
that make_base.py makes without `--tuned`, `--pairs` a folder with scenes.jsonl, things.jsonl and scenes-dev.jsonl as
base/pairs.py writes them. Each recipe is tried; FILE (.npz), what make_base.py takes as `--tuned`, is that which finds
most in scenes-dev.jsonl. FILE-NAME.npz are all of them, and a table on standard output says what each of them finds,
in the pairs of `--judge`, too. On a GPU a recipe takes a minute.
"""

import argparse
import sys
import time
from pathlib import Path

import numpy as np
import onnx
import torch
from safetensors.numpy import load_file

from base import material
from base.judging import Labels, judge
from base.tail import Front, Tail
from base.tuning import Recipe, Views, look, tune

JUDGE = "scenes-dev"
# A recipe of its own, or the mean of so many of the best before.
RECIPES: dict[str, Recipe | int] = {
    "plain": Recipe(),
    "mixed": Recipe(mixed=True, left_out=0.2),
    "both": Recipe(both=True, mixed=True),
    "strong": Recipe(rate=3e-4, left_out=0.2, mixed=True, decay=0.05),
    "mean-of-3": 3,
}


def main() -> None:
    """Looks, tunes by each recipe, judges, writes."""
    options = arguments()
    torch.manual_seed(0)
    torch.set_float32_matmul_precision("high")
    device = torch.device(options.device)
    weights = stored(options.labels / "visual.onnx")
    head = load_file(options.labels / "visual-concepts.safetensors")
    labels = Labels(*(torch.tensor(head[name]).float().to(device) for name in ("weight", "bias", "labels")))
    front, frozen = Front(weights).to(device).eval(), Tail(weights).to(device).eval()

    def seen(path: Path, views: int, share: float) -> Views:
        pairs = material.read(path, options.labels, options.items)
        tell(f"{path.stem} is read")
        return look(front, frozen, pairs, views, device, share * options.minutes * 60, tell)

    sets = [
        seen(options.pairs / "scenes.jsonl", options.views, share=0.3),
        seen(options.pairs / "things.jsonl", options.views // 2, share=0.08),
    ]
    judges = {path.stem: seen(path, 0, share=1) for path in [options.pairs / f"{JUDGE}.jsonl", *options.judge]}
    print("| recipe | of | heads alone: text->image | image->text | with labels: text->image | image->text | at |")

    def judged(name: str, tail: Tail) -> float:
        found = judge(tail, sets, judges, labels, tell)
        for of, recall in found.items():
            print(f"| {name} | {of} | {recall} | {time.monotonic() - BEGAN:.0f} s |", flush=True)
        return float(np.mean(found[JUDGE].together))

    if options.before:
        judged("before", Tail(dict(np.load(options.before))).to(device).eval())
    results: list[tuple[float, dict[str, np.ndarray]]] = []
    for number, name in enumerate(options.recipe):
        recipe = RECIPES[name]
        if isinstance(recipe, Recipe):
            left = options.minutes * 60 - (time.monotonic() - BEGAN)
            tail = tune(weights, sets, recipe, left / (len(options.recipe) - number) * 0.75, tell)
        else:
            best = sorted(results, key=lambda result: -result[0])[:recipe]
            tail = Tail(mean([tail for _, tail in best])).to(device).eval()
        np.savez(options.out.with_name(f"{options.out.stem}-{name}.npz"), **tail.weights())
        found = judged(name, tail)
        if all(found > other for other, _ in results):
            np.savez(options.out, **tail.weights())
        results.append((found, tail.weights()))


def arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--labels", type=Path, required=True)
    parser.add_argument("--pairs", type=Path, required=True)
    parser.add_argument("--out", type=Path, required=True)
    parser.add_argument("--device", default="cuda" if torch.cuda.is_available() else "cpu")
    parser.add_argument("--recipe", nargs="+", choices=RECIPES, default=["plain"])
    parser.add_argument("--judge", type=Path, nargs="*", default=[], help="more pairs to judge by")
    parser.add_argument("--views", type=int, default=32, help="random views of each scene; of things half as many")
    parser.add_argument("--before", type=Path, help="a file that was tuned before, to be judged too")
    parser.add_argument("--minutes", type=float, default=60.0, help="for everything; recipes get shorter to fit")
    parser.add_argument("--items", type=int, help="of each set only so many, to try it out")
    options = parser.parse_args()
    if isinstance(RECIPES[options.recipe[0]], int):
        parser.error(f"{options.recipe[0]} is the mean of recipes before it; name some before it")
    return options


def stored(path: Path) -> dict[str, np.ndarray]:
    """The weights of the tower's graph."""
    found = {tensor.name: onnx.numpy_helper.to_array(tensor) for tensor in onnx.load(str(path)).graph.initializer}
    return {name.removesuffix("_f16"): value.astype(np.float32) for name, value in found.items() if name[0] == "_"}


def mean(tails: list[dict[str, np.ndarray]]) -> dict[str, np.ndarray]:
    """The mean of weights that began as the same."""
    return {name: np.mean([tail[name].astype(np.float32) for tail in tails], axis=0) for name in tails[0]}


def tell(line: str) -> None:
    """On a terminal in place; a line every ten seconds elsewhere."""
    if sys.stderr.isatty():
        print(f"\r\033[K{line}", end="", file=sys.stderr, flush=True)
    elif time.monotonic() - tell.last > 10:
        tell.last = time.monotonic()
        print(f"{time.monotonic() - BEGAN:.0f} s: {line}", file=sys.stderr, flush=True)


BEGAN = time.monotonic()
tell.last = 0.0

if __name__ == "__main__":
    main()
