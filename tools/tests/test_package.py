"""The package in the checkout: whole, small enough, and what the recipe describes."""

import hashlib
import tomllib
import unittest
from pathlib import Path

import numpy as np
import onnxruntime

from base import manifest
from base.tower import TextTower

PACKAGE = Path(__file__).resolve().parents[2] / "models/base"


class Package(unittest.TestCase):
    def test_every_file_has_the_hash_in_the_manifest(self) -> None:
        listed = tomllib.loads((PACKAGE / "model.toml").read_text())["files"]
        self.assertEqual(list(listed), [path.name for path in manifest.files(PACKAGE)])
        for name, digest in listed.items():
            self.assertEqual(hashlib.sha256((PACKAGE / name).read_bytes()).hexdigest(), digest, name)

    def test_it_stays_below_70_megabytes(self) -> None:
        self.assertLess(sum(path.stat().st_size for path in PACKAGE.iterdir()), 70_000_000)

    def test_a_text_does_not_depend_on_its_companions(self) -> None:
        tower = TextTower(PACKAGE)
        texts = ["a hen", "a much longer sentence about a brown hen that walks about in the yard"]
        together, alone = tower.embed(texts), np.concatenate([tower.embed([text]) for text in texts])
        self.assertLess(np.abs(together - alone).max(), 1e-4)

    def test_graphs_give_pooled_features_and_tokens(self) -> None:
        for name, features, tokens in [("text", 384, 384), ("visual", 2560, 1280), ("audio", 192, 192)]:
            session = onnxruntime.InferenceSession(str(PACKAGE / f"{name}.onnx"))
            shapes = {output.name: output.shape for output in session.get_outputs()}
            self.assertEqual(shapes["pooled"][1:], [features], name)
            self.assertEqual(shapes["tokens"][-1], tokens, name)
