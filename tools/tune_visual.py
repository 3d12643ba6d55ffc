"""Tunes the last blocks of the visual tower on pictures with texts.

Usage: TORCH tune_visual.py --labels DIR --pairs DIR --out FILE [--work DIR] [--items N]

TORCH is a Python with torch 1.13.1, numpy below 2, onnx, onnxruntime, pillow and tokenizers. `--labels` is the package
that make_base.py makes without `--tuned`, `--pairs` a folder with scenes.jsonl and things.jsonl as base/pairs.py writes
them. FILE (.npz) is what make_base.py takes as `--tuned`. `--work` keeps what the frozen part of the tower gives, 1 GB.

Heads for pictures and texts are trained at the same time, by InfoNCE, and thrown away: `sensorium learn` trains better
ones on what the tuned blocks give. In between, heads are trained alone, so that the second round of tuning begins with
heads that fit.
"""

import argparse
import json
import math
import sys
import time
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import onnx
import onnxruntime
import torch
from PIL import Image, ImageEnhance
from torch import nn
from torch.nn import functional

from base import efficientnet, minilm
from base.tail import Tail
from base.tower import TextTower, open_picture, pixels

# Ways to see a picture besides as it is.
VIEWS = {"scenes": 4, "things": 1}
BATCH = 500
# How often a batch comes from the things.
THINGS = 0.15
DIMENSION = 512
HIDDEN = 1024
AVERAGING = 0.99


@dataclass
class Material:
    """Pictures with texts: `maps[view]` [N, 208, 9, 9], `texts` [M, 384], for each picture the rows of its texts."""

    maps: list[np.ndarray]
    texts: np.ndarray
    own: list[list[int]]
    # Pictures of one class are no negatives of each other.
    classes: np.ndarray


class Head(nn.Module):
    """The perceptron that `sensorium learn` trains."""

    def __init__(self, features: int):
        super().__init__()
        self.norm = nn.LayerNorm(features)
        self.hidden = nn.Linear(features, HIDDEN)
        self.out = nn.Linear(HIDDEN, DIMENSION)
        self.around = nn.Linear(features, DIMENSION)

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        """Unit vectors."""
        x = functional.dropout(self.norm(x), 0.25, self.training)
        hidden = functional.dropout(functional.gelu(self.hidden(x)), 0.5, self.training)
        return functional.normalize(self.around(x) + self.out(hidden), dim=-1)


class Model(nn.Module):
    """What is trained."""

    def __init__(self, weights: efficientnet.Weights):
        super().__init__()
        self.tail, self.picture, self.text = Tail(weights), Head(efficientnet.FEATURES), Head(minilm.FEATURES)
        self.sharpness = nn.Parameter(torch.tensor(math.log(20.0)))

    def loss(self, maps: np.ndarray, texts: np.ndarray, classes: np.ndarray, frozen: bool) -> torch.Tensor:
        """InfoNCE in both directions, with all pairs of one class as positives."""
        with torch.set_grad_enabled(not frozen):
            features = self.tail(torch.from_numpy(maps))
        pictures, words = self.picture(features), self.text(torch.from_numpy(texts).float())
        logits = pictures @ words.T * self.sharpness.exp().clamp(max=100)
        same = torch.from_numpy(classes[:, None] == classes[None]).float()
        target = same / same.sum(1, keepdim=True)
        forwards = (target * logits.log_softmax(1)).sum(1).mean()
        backwards = (target.T * logits.log_softmax(0)).sum(0).mean()
        return -(forwards + backwards) / 2


def main() -> None:
    """Encodes, tunes, writes."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--labels", type=Path, required=True)
    parser.add_argument("--pairs", type=Path, required=True)
    parser.add_argument("--out", type=Path, required=True)
    parser.add_argument("--work", type=Path, default=Path("target/tuning"))
    parser.add_argument("--items", type=int, help="of each set only so many, to try it out")
    options = parser.parse_args()
    torch.manual_seed(0)
    random = np.random.default_rng(0)
    options.work.mkdir(parents=True, exist_ok=True)
    frozen = Frozen(options.labels / "visual.onnx")
    sets = [material(name, options, frozen, TextTower(options.labels), random) for name in VIEWS]
    model = Model(frozen.weights)
    train(model, sets, random, epochs=15, rate=1e-3)
    train(model, sets, random, epochs=40, rate=1e-3, frozen=True)
    train(model, sets, random, epochs=20, rate=5e-4)
    np.savez(options.out, **model.tail.weights())


class Frozen:
    """The tower up to the blocks that are tuned."""

    def __init__(self, path: Path):
        model = onnx.load(str(path))
        self.output = f"_blocks.{efficientnet.TUNED_FROM - 1}._project_conv.out"
        model.graph.output.append(onnx.helper.make_tensor_value_info(self.output, onnx.TensorProto.FLOAT, None))
        self.session = onnxruntime.InferenceSession(model.SerializeToString())
        stored = {tensor.name: onnx.numpy_helper.to_array(tensor) for tensor in model.graph.initializer}
        self.weights = {name.removesuffix("_f16"): value.astype(np.float32) for name, value in stored.items()}

    def maps(self, pictures: list[Image.Image]) -> np.ndarray:
        """[N, 208, 9, 9]"""
        batch = np.stack([pixels(picture) for picture in pictures])
        return self.session.run([self.output], {"pixels": batch})[0]


def material(
    name: str, options: argparse.Namespace, frozen: Frozen, tower: TextTower, random: np.random.Generator
) -> Material:
    """The pairs of `NAME.jsonl`, encoded; maps that are in the folder for work already are taken from there."""
    lines = (options.pairs / f"{name}.jsonl").read_text(encoding="utf8").splitlines()
    rows = [json.loads(line) for line in lines][: options.items]
    texts = [text for row in rows for text in row["text"]]
    starts = np.cumsum([0, *(len(row["text"]) for row in rows)])
    maps = []
    for view in range(VIEWS[name] + 1):
        path = options.work / f"{name}-{len(rows)}-{view}.npy"
        if not path.exists():
            views = np.zeros((len(rows), 208, efficientnet.GRID, efficientnet.GRID), np.float16)
            for start in range(0, len(rows), 16):
                pictures = [open_picture(Path(row["image"])) for row in rows[start : start + 16]]
                seen = pictures if view == 0 else [seen_anew(picture, random) for picture in pictures]
                views[start : start + 16] = frozen.maps(seen)
                tell(f"{name}, view {view}: {start + len(pictures)} of {len(rows)}")
            np.save(path, views)
        maps.append(np.load(path, mmap_mode="r"))
    labels = [row.get("label", str(number)) for number, row in enumerate(rows)]
    return Material(
        maps=maps,
        texts=tower.features(texts),
        own=[list(range(*ends)) for ends in zip(starts[:-1], starts[1:], strict=True)],
        classes=np.unique(labels, return_inverse=True)[1],
    )


def seen_anew(picture: Image.Image, random: np.random.Generator) -> Image.Image:
    """Cut out, mirrored or not, in other colours."""
    width, height = picture.size
    area, ratio = width * height * random.uniform(0.4, 1), math.exp(random.uniform(math.log(0.75), math.log(4 / 3)))
    wide, high = min(int((area * ratio) ** 0.5), width), min(int((area / ratio) ** 0.5), height)
    left, top = random.integers(0, width - wide + 1), random.integers(0, height - high + 1)
    picture = picture.crop((left, top, left + wide, top + high))
    for enhance in (ImageEnhance.Brightness, ImageEnhance.Contrast, ImageEnhance.Color):
        picture = enhance(picture).enhance(random.uniform(0.75, 1.25))
    return picture.transpose(Image.Transpose.FLIP_LEFT_RIGHT) if random.random() < 0.5 else picture


def train(
    model: Model, sets: list[Material], random: np.random.Generator, epochs: int, rate: float, frozen: bool = False
) -> None:
    """Trains the heads and, unless `frozen`, the tail; the model ends as the moving average of its weights."""
    tail = [weight for weight in model.tail.parameters() if weight.requires_grad]
    heads = [*model.picture.parameters(), *model.text.parameters()]
    groups = [
        {"params": [] if frozen else tail, "highest": 1e-4, "weight_decay": 0.01},
        {"params": [weight for weight in heads if weight.ndim > 1], "highest": rate, "weight_decay": 0.1},
        {
            "params": [*(weight for weight in heads if weight.ndim < 2), model.sharpness],
            "highest": rate,
            "weight_decay": 0,
        },
    ]
    optimizer = torch.optim.AdamW([group for group in groups if group["params"]], betas=(0.9, 0.98))
    trained = [weight for group in optimizer.param_groups for weight in group["params"]]
    average = [weight.detach().clone() for weight in trained]
    scenes, things = sets
    steps = epochs * math.ceil(len(scenes.own) / BATCH)
    losses, began = [], time.monotonic()
    model.train()
    for step in range(steps):
        for group in optimizer.param_groups:
            group["lr"] = group["highest"] * min(1, (step + 1) / 50) * (1 + math.cos(math.pi * step / steps)) / 2
        loss = model.loss(*batch(things if random.random() < THINGS else scenes, random), frozen)
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()
        losses.append(loss.item())
        keep = min(AVERAGING, (1 + step) / (10 + step))
        with torch.no_grad():
            for mean, weight in zip(average, trained, strict=True):
                mean.mul_(keep).add_(weight, alpha=1 - keep)
        left = (time.monotonic() - began) / (step + 1) * (steps - step - 1)
        tell(f"step {step + 1} of {steps}: loss {np.mean(losses[-50:]):.3f}, {left:.0f} s left")
    with torch.no_grad():
        for mean, weight in zip(average, trained, strict=True):
            weight.copy_(mean)


def batch(material: Material, random: np.random.Generator) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Maps, texts and classes of some pictures, each in one of its views and with one of its texts."""
    items = np.sort(random.permutation(len(material.own))[:BATCH])
    views = random.integers(0, len(material.maps), len(items))
    maps = np.stack([material.maps[view][item] for view, item in zip(views, items, strict=True)])
    texts = [random.choice(material.own[item]) for item in items]
    return maps.astype(np.float32), material.texts[texts], material.classes[items]


def tell(line: str) -> None:
    """On a terminal in place; a line a minute elsewhere."""
    if sys.stderr.isatty():
        print(f"\r\033[K{line}", end="", file=sys.stderr, flush=True)
    elif time.monotonic() - tell.last > 60:
        tell.last = time.monotonic()
        print(line, file=sys.stderr, flush=True)


tell.last = 0.0

if __name__ == "__main__":
    main()
