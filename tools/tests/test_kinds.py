"""The block where sounds and pictures meet."""

import tempfile
import unittest
from pathlib import Path

import numpy as np
from safetensors.numpy import load_file, save_file

import add_kinds
from base import kinds
from base.concepts import Concepts
from base.tower import unit


def labels(count: int, seed: int) -> np.ndarray:
    return unit(np.random.default_rng(seed).normal(size=(count, 6)) + 1)


class Meeting(unittest.TestCase):
    def test_products_of_labels_are_their_sharpened_centred_similarities(self) -> None:
        sounds, things = labels(5, 0), labels(8, 1)
        heard, seen = kinds.meet(sounds, things, 5)
        found = heard @ seen.T
        np.testing.assert_allclose(found.mean(axis=0), 0, atol=1e-9)
        np.testing.assert_allclose(found.mean(axis=1), 0, atol=1e-9)
        sharp = np.exp(kinds.centred(sounds) @ kinds.centred(things).T / kinds.SHARPNESS)
        np.testing.assert_allclose(np.diff(np.diff(found, axis=0)), np.diff(np.diff(sharp, axis=0)), atol=1e-6)

    def test_a_head_without_a_part_gives_zeros(self) -> None:
        self.assertFalse(kinds.silent_head(4).embed(np.ones((2, 4))).any())

    def test_labels_are_stored_row_by_row(self) -> None:
        turned = np.arange(12.0).reshape(3, 4).T
        head = Concepts(np.eye(4), np.zeros(4), turned, "softmax", 1.0, 1)
        with tempfile.TemporaryDirectory() as scratch:
            save_file(head.tensors(), Path(scratch, "head.safetensors"))
            np.testing.assert_array_equal(load_file(Path(scratch, "head.safetensors"))["labels"], turned)

    def test_the_block_counts_between_sounds_and_pictures_alone(self) -> None:
        towers = {track: {"heads": {}} for track in ("text", "visual", "audio")}
        manifest = {"blocks": [{"name": "concepts", "dimension": 4}], "towers": towers, "calibration": {}}
        heads = dict.fromkeys(towers, kinds.silent_head(4))
        add_kinds.extend(manifest, heads, {"audio.visual": (0.1, 0.2), "visual.audio": (0.1, 0.2)})
        concepts, added = manifest["blocks"]
        self.assertEqual(concepts["weights"], {"audio.image": 0.0, "image.audio": 0.0})
        counted = [pair for pair, weight in added["weights"].items() if weight]
        self.assertEqual(sorted(counted), ["audio.image", "image.audio"])


if __name__ == "__main__":
    unittest.main()
