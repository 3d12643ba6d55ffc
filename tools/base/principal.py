"""Principal components of tokens, so that few numbers of each have to be kept."""

from collections.abc import Iterable

import numpy as np


def components(tokens: Iterable[np.ndarray], dimension: int) -> tuple[np.ndarray, np.ndarray]:
    """Mean [features] and whitened principal components [features, dimension] of batches of tokens [..., features]."""
    count, total, products = 0, 0.0, 0.0
    for batch in tokens:
        rows = batch.reshape(-1, batch.shape[-1]).astype(np.float32)
        count += len(rows)
        total = total + rows.sum(axis=0, dtype=np.float64)
        products = products + (rows.T @ rows).astype(np.float64)
    mean = total / count
    values, vectors = np.linalg.eigh(products / count - np.outer(mean, mean))
    order = np.argsort(-values)[:dimension]
    chosen = vectors[:, order]
    # The sign of a component is arbitrary: its largest part is positive, so that the same data give the same bytes.
    chosen *= np.sign(chosen[np.abs(chosen).argmax(axis=0), np.arange(dimension)])
    return mean.astype(np.float32), (chosen / np.sqrt(values[order])).astype(np.float32)
