"""Judges a tuned tail: trains heads on what it gives and finds pictures by texts and texts by pictures. Needs torch."""

from dataclasses import dataclass

import numpy as np
import torch
from torch.nn import functional

from .tail import Tail
from .tuning import FEATURES, Model, Recipe, Tell, Views, train, tuned

# What `sensorium learn` is told by ../train_base.py, and the views that are used of scenes and of things.
HEADS = Recipe(epochs=60, hidden=768)
VIEWS = (9, 5)
# Of seconds.
LIMIT = 60.0
# Of the heads beside the labels, text->image and image->text.
WEIGHTS = (1.5, 3.0)
# What is taken back of the nearness of hubs, and of how many queries how many.
SHARE, BANK, NEAREST = 0.6, 600, 10


@dataclass
class Labels:
    """The head that joins pictures by the names of labels: `base.concepts` in torch."""

    weight: torch.Tensor
    bias: torch.Tensor
    labels: torch.Tensor
    temperature: float = 1.5
    top: int = 50

    def embed(self, pooled: torch.Tensor) -> torch.Tensor:
        """Unit vectors for features [N, 1280]."""
        weights = ((pooled.float() @ self.weight.T + self.bias) / self.temperature).softmax(1)
        best = weights.topk(self.top, dim=1)
        return functional.normalize((best.values[:, :, None] * self.labels[best.indices]).sum(1), dim=1)


@dataclass
class Recall:
    """At 1, 5 and 10, by heads alone and with labels and hubs."""

    alone: tuple[np.ndarray, np.ndarray]
    together: tuple[np.ndarray, np.ndarray]

    def __str__(self) -> str:
        def three(values: np.ndarray) -> str:
            return "/".join(f"{value:.3f}" for value in values)

        return " | ".join(three(values) for values in (*self.alone, *self.together))


def judge(
    tail: Tail, sets: list[Views], judges: dict[str, Views], labels: Labels, tell: Tell
) -> dict[str, Recall]:
    """Recall on each of `judges` by heads that are trained on `sets`."""
    device = sets[0].texts.device
    seen = [tuned(tail, given, count) for given, count in zip(sets, VIEWS, strict=True)]
    model = Model(None, 2 * FEATURES, HEADS).to(device)
    train(model, seen, HEADS, LIMIT, tell)
    with torch.no_grad():
        bank = sides(model, seen[0], labels)
        chance = np.random.default_rng(0)
        texts, pictures = (torch.from_numpy(chance.permutation(len(side[0]))[:BANK]).to(device) for side in bank)
        queries = [[block[texts] for block in bank[0]], [block[pictures] for block in bank[1]]]
        return {name: recall(model, tuned(tail, given, 1), labels, queries) for name, given in judges.items()}


def sides(model: Model, given: Views, labels: Labels) -> list[list[torch.Tensor]]:
    """Texts and pictures, each in the block of the labels and in that of the heads."""
    pooled = given.pooled[0].float()
    words, heads = functional.normalize(given.texts, dim=1), model.text(given.texts)
    return [[words, heads], [labels.embed(pooled[:, :FEATURES]), model.picture(pooled)]]


def recall(model: Model, given: Views, labels: Labels, bank: list[list[torch.Tensor]]) -> Recall:
    """Of the pictures that a text has and the texts that a picture has; `bank` has texts and pictures, as `sides`."""
    own = given.own.tolist()
    relevant = torch.zeros(len(given.texts), len(given), dtype=torch.bool, device=given.texts.device)
    for picture, (start, end) in enumerate(zip(own[:-1], own[1:], strict=True)):
        relevant[given.rows[start:end], picture] = True
    texts, pictures = sides(model, given, labels)
    plain = texts[1] @ pictures[1].T
    forwards = products(texts, pictures, WEIGHTS[0]) - SHARE * near(bank[0], pictures, WEIGHTS[0])
    backwards = products(pictures, texts, WEIGHTS[1]) - SHARE * near(bank[1], texts, WEIGHTS[1])
    return Recall(
        (at(plain, relevant), at(plain.T, relevant.T)), (at(forwards, relevant), at(backwards, relevant.T))
    )


def products(queries: list[torch.Tensor], targets: list[torch.Tensor], weight: float) -> torch.Tensor:
    """[queries, targets], the heads weighing `weight`."""
    return queries[0] @ targets[0].T + weight * queries[1] @ targets[1].T


def near(bank: list[torch.Tensor], targets: list[torch.Tensor], weight: float) -> torch.Tensor:
    """How near each target is to the nearest of the bank's queries."""
    found = products(bank, targets, weight)
    return found.topk(min(NEAREST, len(found)), dim=0).values.mean(0)


def at(scores: torch.Tensor, relevant: torch.Tensor) -> np.ndarray:
    """Recall at 1, 5 and 10 of rows of scores."""
    best = scores.masked_fill(~relevant, -torch.inf).amax(1, keepdim=True)
    rank = (scores > best).sum(1)
    return np.array([(rank < k).float().mean().item() for k in (1, 5, 10)])
