"""The label heads, on numbers that can be worked out by hand."""

import unittest

import numpy as np

from base.concepts import Concepts, picture_labels

AXES = np.eye(3)


def head(**settings) -> Concepts:
    weight = np.array([[1.0, 0.0], [0.0, 1.0], [1.0, 1.0]])
    given = {"bias": np.array([0.0, 0.0, -2.0]), "activation": "softmax", "temperature": 0.5, "top": 2}
    return Concepts(weight=weight, labels=AXES, **(given | settings))


class Heads(unittest.TestCase):
    def test_the_most_probable_labels_are_weighed(self) -> None:
        # Logits 1, .5, -.5 are divided by the temperature: 2, 1, -1; the last is not among the top two.
        expected = np.array([np.exp(2), np.exp(1), 0])
        found = head().embed(np.array([[1.0, 0.5]]))[0]
        np.testing.assert_allclose(found, expected / np.linalg.norm(expected), atol=1e-9)

    def test_sigmoid_takes_each_label_for_itself(self) -> None:
        expected = 1 / (1 + np.exp(-np.array([2.0, 1.0, -1.0])))
        found = head(activation="sigmoid", top=3).embed(np.array([[1.0, 0.5]]))[0]
        np.testing.assert_allclose(found, expected / np.linalg.norm(expected), atol=1e-9)

    def test_a_layer_normalisation_comes_first(self) -> None:
        # (3, 1) becomes (1, -1), then (2, -1): the first label leads by far.
        norm = {"norm_weight": np.array([2.0, 2.0]), "norm_bias": np.array([0.0, 1.0]), "norm_epsilon": 0.0}
        found = head(top=1, **norm).embed(np.array([[3.0, 1.0]]))[0]
        np.testing.assert_allclose(found, [1, 0, 0], atol=1e-9)

    def test_a_class_stands_between_its_names(self) -> None:
        places = {"a": AXES[0], "b": AXES[1], "a, b": AXES[2], "a photo of a a": AXES[0]}
        found = picture_labels(lambda texts: np.stack([places[text] for text in texts]), [["a", "b"]])[0]
        expected = 2 * AXES[0] + (AXES[0] + AXES[1]) / np.sqrt(2) + AXES[2]
        np.testing.assert_allclose(found, expected / np.linalg.norm(expected), atol=1e-9)
