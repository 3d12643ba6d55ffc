"""Tunes the end of the visual tower on pictures with texts, and judges what came of it. Needs torch.

Heads for pictures and texts are trained at the same time, by InfoNCE, and thrown away: `sensorium learn` trains better
ones on what the tuned blocks give.
"""

import math
import time
from collections.abc import Callable
from dataclasses import dataclass, replace

import torch
from torch import nn
from torch.nn import functional

from . import minilm
from .efficientnet import FEATURES, GRID, Weights
from .material import Pairs
from .tail import Front, Tail

DIMENSION = 512
AVERAGING = 0.995
WARMING = 50
Tell = Callable[[str], None]


@dataclass(frozen=True)
class Recipe:
    """How to tune."""

    # Of scenes, with all weights of the tail and the heads; before that, so many with the heads alone.
    epochs: int = 100
    alone: int = 20
    batch: int = 500
    # Highest rates of the tail and of the heads.
    rate: float = 1e-4
    rate_of_heads: float = 1e-3
    decay: float = 0.01
    # How often a block is left out.
    left_out: float = 0.1
    # The head for pictures sees the features that are not tuned beside the tuned ones.
    both: bool = False
    # Half of the pictures have the mean of two of their texts.
    mixed: bool = False
    # How often a batch comes from the things.
    things: float = 0.15
    hidden: int = 1024
    dropout: float = 0.5


@dataclass
class Views:
    """Pairs on the device, their pictures seen in several ways."""

    # [views, N, 9, 9, 208]; none where `pooled` says everything.
    maps: torch.Tensor | None
    # [views, N, features]
    pooled: torch.Tensor
    texts: torch.Tensor
    rows: torch.Tensor
    own: torch.Tensor
    classes: torch.Tensor

    def __len__(self) -> int:
        return len(self.classes)


@dataclass
class Batch:
    """Some pictures, each in one view, with one text each."""

    maps: torch.Tensor | None
    pooled: torch.Tensor
    texts: torch.Tensor
    classes: torch.Tensor


def look(
    front: Front, tail: Tail, pairs: Pairs, count: int, device: torch.device, limit: float, tell: Tell, step: int = 250
) -> Views:
    """The pictures as they are and in `count` random views, or as many as `limit` seconds allow.

    `tail` is the one that is not tuned.
    """
    pictures = torch.from_numpy(pairs.pictures).to(device)
    number = len(pictures)
    half = torch.float16 if device.type == "cuda" else torch.float32
    maps = torch.empty((count + 1, number, GRID, GRID, 208), dtype=half, device=device)
    pooled = torch.empty((count + 1, number, FEATURES), dtype=half, device=device)
    wanted, began, view = count, time.monotonic(), 0
    with torch.no_grad():
        while view <= count:
            before = time.monotonic()
            for start in range(0, number, step):
                span = slice(start, start + step)
                x = pictures[span].float()
                found = front(((seen_anew(x) if view else x) - 127) / 128)
                maps[view, span] = found.permute(0, 2, 3, 1).to(half)
                pooled[view, span] = tail(found).to(half)
            if device.type == "cuda":
                torch.cuda.synchronize()
            view += 1
            # By the last one alone: the first takes long.
            now = time.monotonic()
            count = min(wanted, view - 1 + max(0, int((began + limit - now) / (now - before))))
            tell(f"view {view} of {count + 1}, {number} pictures")
    maps, pooled = maps[:view], pooled[:view]
    given = [torch.from_numpy(values).to(device) for values in (pairs.texts, pairs.rows, pairs.own, pairs.classes)]
    return Views(maps, pooled, *given)


def seen_anew(x: torch.Tensor) -> torch.Tensor:
    """Pictures in 0 to 255, each cut out somewhere, mirrored or not, in other colours."""

    def draw(low: float, high: float) -> torch.Tensor:
        return torch.rand(len(x), device=x.device) * (high - low) + low

    area, ratio = draw(0.4, 1), draw(math.log(0.75), math.log(4 / 3)).exp()
    wide, high = (area * ratio).sqrt().clamp(max=1), (area / ratio).sqrt().clamp(max=1)
    left, top = (1 - wide) * draw(0, 1), (1 - high) * draw(0, 1)
    mirrored = (draw(0, 1) < 0.5) * 2.0 - 1
    nothing = torch.zeros_like(wide)
    across = torch.stack([wide * mirrored, nothing, 2 * left + wide - 1], dim=1)
    down = torch.stack([nothing, high, 2 * top + high - 1], dim=1)
    grid = functional.affine_grid(torch.stack([across, down], dim=1), list(x.shape), align_corners=False)
    x = functional.grid_sample(x, grid, padding_mode="border", align_corners=False)
    luma = torch.tensor([0.299, 0.587, 0.114], device=x.device)[None, :, None, None]
    brightness, contrast, colour = (draw(0.75, 1.25)[:, None, None, None] for _ in range(3))
    x = (x * brightness).clamp(0, 255)
    middle = (x * luma).sum(1, keepdim=True).mean((2, 3), keepdim=True)
    x = (middle + (x - middle) * contrast).clamp(0, 255)
    grey = (x * luma).sum(1, keepdim=True)
    return (grey + (x - grey) * colour).clamp(0, 255)


class Head(nn.Module):
    """The perceptron that `sensorium learn` trains."""

    def __init__(self, features: int, recipe: Recipe):
        super().__init__()
        self.dropout = recipe.dropout
        self.norm = nn.LayerNorm(features)
        self.hidden = nn.Linear(features, recipe.hidden)
        self.out = nn.Linear(recipe.hidden, DIMENSION)
        self.around = nn.Linear(features, DIMENSION)

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        """Unit vectors."""
        x = functional.dropout(self.norm(x), self.dropout / 2, self.training)
        hidden = functional.dropout(functional.gelu(self.hidden(x)), self.dropout, self.training)
        return functional.normalize(self.around(x) + self.out(hidden), dim=-1)


class Model(nn.Module):
    """What is trained: heads, and the tail unless the views have no maps."""

    def __init__(self, tail: Tail | None, features: int, recipe: Recipe):
        super().__init__()
        self.tail, self.recipe = tail, recipe
        self.picture, self.text = Head(features, recipe), Head(minilm.FEATURES, recipe)
        self.sharpness = nn.Parameter(torch.tensor(math.log(20.0)))

    def features(self, maps: torch.Tensor | None, pooled: torch.Tensor) -> torch.Tensor:
        """What the head for pictures sees."""
        if maps is None or self.tail is None:
            return pooled.float()
        tuned = self.tail(maps.permute(0, 3, 1, 2))
        return torch.cat([pooled.float(), tuned], dim=1) if self.recipe.both else tuned

    def loss(self, batch: Batch, frozen: bool) -> torch.Tensor:
        """InfoNCE in both directions, with all pairs of one class as positives."""
        with torch.set_grad_enabled(not frozen):
            features = self.features(batch.maps, batch.pooled)
        pictures, words = self.picture(features), self.text(batch.texts)
        logits = pictures @ words.T * self.sharpness.exp().clamp(max=100)
        same = (batch.classes[:, None] == batch.classes[None]).float()
        target = same / same.sum(1, keepdim=True)
        forwards = (target * logits.log_softmax(1)).sum(1).mean()
        backwards = (target.T / target.sum(0)[:, None] * logits.T.log_softmax(1)).sum(1).mean()
        return -(forwards + backwards) / 2


def tune(weights: Weights, sets: list[Views], recipe: Recipe, limit: float, tell: Tell) -> Tail:
    """The tail that begins as `weights`, tuned in at most `limit` seconds on scenes and things."""
    device = sets[0].texts.device
    tail = Tail(weights, recipe.left_out)
    model = Model(tail, FEATURES * (2 if recipe.both else 1), recipe).to(device)
    began = time.monotonic()
    if recipe.alone:
        train(model, sets, replace(recipe, epochs=recipe.alone), limit / 3, tell, frozen=True)
    train(model, sets, recipe, limit - (time.monotonic() - began), tell)
    return model.tail.eval()


def train(model: Model, sets: list[Views], recipe: Recipe, limit: float, tell: Tell, frozen: bool = False) -> None:
    """Trains the heads and, unless `frozen`, the tail; the model ends as the moving average of its weights."""
    tail = [] if frozen or model.tail is None else [p for p in model.tail.parameters() if p.requires_grad]
    heads = [*model.picture.parameters(), *model.text.parameters()]
    groups = [
        {"params": tail, "highest": recipe.rate, "weight_decay": recipe.decay},
        {"params": [weight for weight in heads if weight.ndim > 1], "weight_decay": 0.1},
        {"params": [*(weight for weight in heads if weight.ndim < 2), model.sharpness], "weight_decay": 0},
    ]
    groups = [{"highest": recipe.rate_of_heads, **group} for group in groups if group["params"]]
    optimizer = torch.optim.AdamW(groups, betas=(0.9, 0.98))
    trained = [weight for group in optimizer.param_groups for weight in group["params"]]
    average = [weight.detach().clone() for weight in trained]
    scenes, things = sets
    wanted = steps = math.ceil(recipe.epochs * len(scenes) / recipe.batch / (1 - recipe.things))
    chance = torch.Generator().manual_seed(0)
    losses, began, before, step = [], time.monotonic(), time.monotonic(), 0
    model.train()
    while step < steps:
        for group in optimizer.param_groups:
            group["lr"] = group["highest"] * min(1, (step + 1) / WARMING) * (1 + math.cos(math.pi * step / steps)) / 2
        chosen = things if torch.rand(1, generator=chance).item() < recipe.things else scenes
        loss = model.loss(draw(chosen, recipe), frozen)
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()
        losses.append(loss.detach())
        keep = min(AVERAGING, (1 + step) / (10 + step))
        with torch.no_grad():
            for mean, weight in zip(average, trained, strict=True):
                mean.lerp_(weight, 1 - keep)
        step += 1
        if step % WARMING == 0:
            recent = torch.stack(losses[-WARMING:]).mean().item()
            # By the last ones alone: the first take long.
            now = time.monotonic()
            per_step = (now - before) / WARMING
            steps, before = min(wanted, step + max(0, int((began + limit - now) / per_step))), now
            tell(f"step {step} of {steps}: loss {recent:.3f}, {per_step * (steps - step):.0f} s left")
    with torch.no_grad():
        for mean, weight in zip(average, trained, strict=True):
            weight.copy_(mean)
    model.eval()


def draw(given: Views, recipe: Recipe) -> Batch:
    """Some pictures, each in one of its views and with one of its texts, or with the mean of two."""
    device = given.texts.device
    items = torch.randperm(len(given), device=device)[: recipe.batch]
    views = torch.randint(len(given.pooled), (len(items),), device=device)
    first, count = given.own[items], given.own[items + 1] - given.own[items]

    def texts() -> torch.Tensor:
        return given.texts[given.rows[first + (torch.rand(len(items), device=device) * count).long()]]

    words = texts()
    if recipe.mixed:
        words = torch.where(torch.rand(len(items), 1, device=device) < 0.5, words, (words + texts()) / 2)
    maps = None if given.maps is None else given.maps[views, items]
    return Batch(maps, given.pooled[views, items], words, given.classes[items])


def tuned(tail: Tail, given: Views, count: int, step: int = 1000) -> Views:
    """The first `count` views with the features that the tuned tail gives behind the others, and no maps."""
    pooled = given.pooled[:count]
    features = torch.empty_like(pooled)
    with torch.no_grad():
        for view in range(len(pooled)):
            for start in range(0, len(given), step):
                span = slice(start, start + step)
                features[view, span] = tail(given.maps[view, span].permute(0, 3, 1, 2)).to(pooled.dtype)
    return replace(given, maps=None, pooled=torch.cat([pooled, features], dim=2))
