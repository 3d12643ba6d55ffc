"""Heads of the kind "concepts": convex combinations of label embeddings (ConSE, Norouzi et al. 2013).

The figures behind the choices are in ../README.md.
"""

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np

from .tower import unit

Embed = Callable[[list[str]], np.ndarray]


@dataclass
class Concepts:
    """A head with its tensors; the fields are those of `model.toml` and of the head's file."""

    weight: np.ndarray
    bias: np.ndarray
    labels: np.ndarray
    activation: str
    temperature: float
    top: int
    norm_weight: np.ndarray | None = None
    norm_bias: np.ndarray | None = None
    norm_epsilon: float = 1e-6

    def embed(self, features: np.ndarray) -> np.ndarray:
        """Unit vectors of the space for pooled features, [N, D]."""
        logits = (self._normalised(features) @ self.weight.T + self.bias) / self.temperature
        weights = self._activated(logits)
        np.put_along_axis(weights, np.argsort(-logits, axis=1)[:, self.top :], 0, axis=1)
        return unit(weights @ self.labels)

    def _normalised(self, features: np.ndarray) -> np.ndarray:
        features = features[:, : self.weight.shape[1]]
        if self.norm_weight is None:
            return features
        centred = features - features.mean(axis=1, keepdims=True)
        variance = (centred**2).mean(axis=1, keepdims=True)
        return centred / np.sqrt(variance + self.norm_epsilon) * self.norm_weight + self.norm_bias

    def _activated(self, logits: np.ndarray) -> np.ndarray:
        if self.activation == "sigmoid":
            return 1 / (1 + np.exp(-logits))
        weights = np.exp(logits - logits.max(axis=1, keepdims=True))
        return weights / weights.sum(axis=1, keepdims=True)

    def tensors(self) -> dict[str, np.ndarray]:
        """What the head's file holds; the large ones as f16, row by row, as safetensors takes them for granted."""
        tensors = {
            "weight": self.weight.astype(np.float16, order="C"),
            "bias": self.bias.astype(np.float32),
            "labels": self.labels.astype(np.float16, order="C"),
        }
        if self.norm_weight is not None:
            tensors["norm_weight"] = self.norm_weight.astype(np.float32)
            tensors["norm_bias"] = self.norm_bias.astype(np.float32)
        return tensors

    def settings(self) -> dict[str, str | float | int]:
        """What `model.toml` says of the head, besides kind and file."""
        settings: dict[str, str | float | int] = {
            "activation": self.activation,
            "temperature": self.temperature,
            "top": self.top,
        }
        if self.norm_weight is not None:
            settings["norm_epsilon"] = self.norm_epsilon
        return settings


def picture_labels(embed: Embed, lemmas: list[list[str]]) -> np.ndarray:
    """One unit vector for each class of pictures, from the names of its synset.

    Four views of a class are averaged: its first name, all its names alone, all in one text, and a caption.
    """
    first = embed([names[0] for names in lemmas])
    alone = np.stack([unit(embed(names).mean(axis=0)) for names in lemmas])
    together = embed([", ".join(names) for names in lemmas])
    caption = embed([f"a photo of a {names[0]}" for names in lemmas])
    return unit(first + alone + together + caption)


def picture_head(embed: Embed, weights: dict[str, np.ndarray], lemmas: list[list[str]]) -> Concepts:
    """The head for pictures: the ImageNet classifier."""
    return Concepts(
        weight=weights["_fc.weight"],
        bias=weights["_fc.bias"],
        labels=picture_labels(embed, lemmas),
        activation="softmax",
        temperature=1.5,
        top=50,
    )


def sound_head(embed: Embed, classifier: dict[str, np.ndarray], names: list[str]) -> Concepts:
    """The head for sounds: the AudioSet classifier."""
    return Concepts(
        weight=classifier["weight"],
        bias=classifier["bias"],
        labels=embed(names),
        activation="sigmoid",
        temperature=1.5,
        top=20,
        norm_weight=classifier["norm_weight"],
        norm_bias=classifier["norm_bias"],
        norm_epsilon=float(f"{float(classifier['epsilon']):.6g}"),
    )
