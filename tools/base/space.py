"""A package's space in Python: pooled features to embeddings, weighed and compared as the Rust side does."""

from collections.abc import Callable
from pathlib import Path

import numpy as np
from safetensors.numpy import load_file

from .concepts import Concepts
from .perceptron import Perceptron
from .tower import unit

TRACKS = {"text": ["text"], "image": ["visual"], "audio": ["audio"], "video": ["visual", "audio"]}
CLASSIFIER = ("weight", "bias", "norm_weight", "norm_bias")
Head = Callable[[np.ndarray], np.ndarray]


class Space:
    """The blocks that heads make, and the hubs behind them, by a manifest as `tomllib` reads it."""

    def __init__(self, folder: Path, manifest: dict):
        self.manifest = manifest
        self.heads = {
            track: [head(folder, manifest, track, block["name"]) for block in manifest["blocks"]]
            for track in manifest["towers"]
        }

    def embed(self, track: str, features: np.ndarray) -> np.ndarray:
        """All blocks of pooled features, [N, dimension of the blocks together]."""
        return np.concatenate([embed(features) for embed in self.heads[track]], axis=1)

    def products(self, direction: str, queries: np.ndarray, targets: np.ndarray) -> np.ndarray:
        """Inner products of embeddings, [queries, targets], where nothing is taken back of the nearness of hubs."""
        blocks = self.manifest["blocks"]
        weights = [np.full(block["dimension"], block.get("weights", {}).get(direction, 1.0)) for block in blocks]
        return queries * np.concatenate(weights) @ targets.T

    def nearness(self, direction: str, bank: np.ndarray, targets: np.ndarray) -> np.ndarray:
        """How near each target is to the nearest of the bank's queries, [targets]."""
        nearest = self.manifest["hubs"]["nearest"]
        return np.sort(self.products(direction, bank, targets), axis=0)[-nearest:].mean(axis=0)


def head(folder: Path, manifest: dict, track: str, block: str) -> Head:
    """What makes a block of the pooled features of the tower for `track`."""
    settings = dict(manifest["towers"][track]["heads"][block])
    kind = settings.pop("kind")
    if kind == "identity":
        return unit
    tensors = {name: tensor.astype(np.float32) for name, tensor in load_file(folder / settings.pop("file")).items()}
    if kind == "mlp":
        return Perceptron(tensors).embed
    labels = tensors[settings.pop("labels", "labels")]
    classifier = {name: tensors[name] for name in CLASSIFIER if name in tensors}
    return Concepts(**classifier, labels=labels, **settings).embed
