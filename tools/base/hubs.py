"""The banks of queries by which hubs are known, with the block that was added to the space."""

import numpy as np

from .space import Space


def banks(space: Space, old: dict[str, np.ndarray]) -> dict[str, np.ndarray]:
    """The banks `old` of a space that lacks the last block, with that.

    Texts are encoded anew. Which pictures are in their bank is not known any more: the block says nothing of them.
    """
    # A text's first block is its pooled features at unit length, from which its head makes the last.
    texts, pictures = (old[direction].astype(np.float32) for direction in ("text.image", "image.text"))
    first, last = (space.manifest["blocks"][place]["dimension"] for place in (0, -1))
    found = {
        "text.image": np.concatenate([texts, space.heads["text"][-1](texts[:, :first])], axis=1),
        "image.text": np.concatenate([pictures, np.zeros((len(pictures), last))], axis=1),
    }
    return {direction: bank.astype(np.float16, order="C") for direction, bank in found.items()}
