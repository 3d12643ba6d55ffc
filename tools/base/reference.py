"""Original implementations, for golden vectors: independent of the graphs that the package holds.

Sound needs none here: the original is the ONNX file of the part itself.
"""

import math
from pathlib import Path

import numpy as np
from safetensors.numpy import load_file

HEADS = 12
LAYERS = 6
EPSILON = 1e-12

_erf = np.vectorize(math.erf, otypes=[np.float64])


class MiniLm:
    """all-MiniLM-L6-v2 in plain f64 arithmetic, from the 32-bit weights."""

    def __init__(self, path: Path):
        self.weights = {name: tensor.astype(np.float64) for name, tensor in load_file(path).items()}

    def pooled(self, ids: list[int]) -> np.ndarray:
        """The mean token state of one text, [384]."""
        embeddings = [
            self.weights["embeddings.word_embeddings.weight"][ids],
            self.weights["embeddings.position_embeddings.weight"][: len(ids)],
            self.weights["embeddings.token_type_embeddings.weight"][:1],
        ]
        states = self._norm("embeddings.LayerNorm", sum(embeddings))
        for layer in range(LAYERS):
            states = self._layer(f"encoder.layer.{layer}", states)
        return states.mean(axis=0)

    def _layer(self, name: str, states: np.ndarray) -> np.ndarray:
        attended = self._linear(f"{name}.attention.output.dense", self._attention(f"{name}.attention.self", states))
        states = self._norm(f"{name}.attention.output.LayerNorm", states + attended)
        inner = self._linear(f"{name}.intermediate.dense", states)
        inner = inner * 0.5 * (1 + _erf(inner / math.sqrt(2)))
        return self._norm(f"{name}.output.LayerNorm", states + self._linear(f"{name}.output.dense", inner))

    def _attention(self, name: str, states: np.ndarray) -> np.ndarray:
        query, key, value = (
            self._linear(f"{name}.{part}", states).reshape(len(states), HEADS, -1).transpose(1, 0, 2)
            for part in ("query", "key", "value")
        )
        scores = query @ key.transpose(0, 2, 1) / math.sqrt(query.shape[2])
        weights = np.exp(scores - scores.max(axis=2, keepdims=True))
        weights /= weights.sum(axis=2, keepdims=True)
        return (weights @ value).transpose(1, 0, 2).reshape(states.shape)

    def _linear(self, name: str, x: np.ndarray) -> np.ndarray:
        return x @ self.weights[f"{name}.weight"].T + self.weights[f"{name}.bias"]

    def _norm(self, name: str, x: np.ndarray) -> np.ndarray:
        centred = x - x.mean(axis=-1, keepdims=True)
        scaled = centred / np.sqrt((centred**2).mean(axis=-1, keepdims=True) + EPSILON)
        return scaled * self.weights[f"{name}.weight"] + self.weights[f"{name}.bias"]


# Run by a Python that has PyTorch 1.13 and efficientnet_lite_pytorch 0.1.0: the authors' own code and loader.
EFFICIENTNET = """
import sys, numpy, torch
from efficientnet_lite_pytorch import EfficientNet
model = EfficientNet.from_name("efficientnet-lite2")
model.load_state_dict(torch.load(sys.argv[1], map_location="cpu"))
model.eval()
with torch.no_grad():
    grid = model.extract_features(torch.from_numpy(numpy.load(sys.argv[2])))
numpy.save(sys.argv[3], grid.mean((2, 3)).numpy())
"""
