"""Trained heads of the kind "mlp", as the Rust side runs them."""

from dataclasses import dataclass

import numpy as np

from .tower import unit

EPSILON = 1e-5


@dataclass
class Perceptron:
    """A perceptron with one hidden layer beside a linear way around it, on normalised features; `tensors` by the names
    in the head's file."""

    tensors: dict[str, np.ndarray]

    def embed(self, features: np.ndarray) -> np.ndarray:
        """Unit vectors for pooled features, [N, D]."""
        given = self.tensors
        centred = features - features.mean(axis=1, keepdims=True)
        normalised = centred / np.sqrt((centred**2).mean(axis=1, keepdims=True) + EPSILON)
        normalised = normalised * given["norm_weight"] + given["norm_bias"]
        hidden = gelu(normalised @ given["hidden_weight"].T + given["hidden_bias"])
        around = normalised @ given["around_weight"].T
        return unit(hidden @ given["out_weight"].T + given["out_bias"] + around)


def gelu(x: np.ndarray) -> np.ndarray:
    """The Gaussian error linear unit by its approximation with a hyperbolic tangent."""
    return 0.5 * x * (1 + np.tanh(np.sqrt(2 / np.pi) * (x + 0.044715 * x**3)))
