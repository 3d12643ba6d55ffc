"""The banks of queries by which hubs are known, with the block that was added to the space."""

from pathlib import Path

import numpy as np

from .pairs import table
from .space import Space
from .tower import VisualTower

# Queries of the bank of pictures, from scenes and from things.
SCENES, THINGS = 750, 250


def banks(data: Path, space: Space, visual: VisualTower, old: dict[str, np.ndarray]) -> dict[str, np.ndarray]:
    """The banks `old` of a space that lacks the last block, with that. Which pictures were in the bank is not known any
    more; it is filled anew from training data."""
    # A text's first block is its pooled features at unit length, from which its head makes the last.
    texts = old["text.image"].astype(np.float32)
    first = space.manifest["blocks"][0]["dimension"]
    found = {
        "image.text": space.embed("visual", visual.pooled(pictures(data))),
        "text.image": np.concatenate([texts, space.heads["text"][-1](texts[:, :first])], axis=1),
    }
    return {direction: bank.astype(np.float16, order="C") for direction, bank in found.items()}


def pictures(data: Path) -> list[Path]:
    """Scenes and things drawn by lot."""
    scenes = sorted({data / "flickr8k/train" / file for file, _ in table(data / "flickr8k/train.tsv")})
    things = [data / file for name in ("imagenet_samples", "caltech101") for file, _ in table(data / f"{name}.tsv")]
    random = np.random.default_rng(0)
    drawn = [(paths, random.permutation(len(paths))[:count]) for paths, count in ((scenes, SCENES), (things, THINGS))]
    return [paths[index] for paths, indices in drawn for index in indices]
