"""The block where sounds, pictures and texts meet."""

import tempfile
import unittest
from dataclasses import replace
from pathlib import Path

import numpy as np
from safetensors.numpy import load_file, save_file

import add_kinds
from base import hubs, kinds
from base.concepts import Concepts
from base.space import Space
from base.tower import unit

TRACKS = ("text", "visual", "audio")


def labels(count: int, seed: int) -> np.ndarray:
    return unit(np.random.default_rng(seed).normal(size=(count, 6)) + 1)


def classifier(seed: int) -> Concepts:
    random = np.random.default_rng(seed)
    weight, vectors = random.normal(size=(5, 6)), random.normal(size=(5, 3))
    return Concepts(weight, np.zeros(5), vectors, "softmax", temperature=1.0, top=2)


class Meeting(unittest.TestCase):
    def test_products_of_labels_are_their_sharpened_centred_similarities(self) -> None:
        sounds, things = labels(5, 0), labels(8, 1)
        heard, seen = kinds.meet(sounds, things, 5)
        found = heard @ seen.T
        np.testing.assert_allclose(found.mean(axis=0), 0, atol=1e-9)
        np.testing.assert_allclose(found.mean(axis=1), 0, atol=1e-9)
        sharp = np.exp(kinds.centred(sounds) @ kinds.centred(things).T / kinds.SHARPNESS)
        np.testing.assert_allclose(np.diff(np.diff(found, axis=0)), np.diff(np.diff(sharp, axis=0)), atol=1e-6)

    def test_duals_bring_weights_of_labels_back_out_of_products_with_them(self) -> None:
        vectors = np.random.default_rng(2).normal(size=(4, 4)) + 2 * np.eye(4)
        weights = np.array([0.1, 0.6, 0.2, 0.1])
        found = weights @ kinds.duals(vectors, ridge=1e-9) @ vectors.T
        np.testing.assert_allclose(found / found.sum(), weights, atol=1e-5)
        np.testing.assert_allclose(np.linalg.norm(kinds.duals(vectors), axis=1).mean(), 1)

    def test_a_text_is_nearest_to_the_label_that_it_says_whatever_its_length(self) -> None:
        names, vectors = np.eye(9), np.random.default_rng(4).normal(size=(9, 9))
        head = kinds.text_head(names, kinds.duals(vectors, ridge=1e-9))
        found = head.embed(names * 7)
        np.testing.assert_array_equal((found @ vectors.T).argmax(axis=1), np.arange(9))
        np.testing.assert_allclose(found, head.embed(names), atol=1e-3)


class Package(unittest.TestCase):
    def test_labels_are_stored_row_by_row(self) -> None:
        turned = np.arange(12.0).reshape(3, 4).T
        head = Concepts(np.eye(4), np.zeros(4), turned, "softmax", 1.0, 1)
        with tempfile.TemporaryDirectory() as scratch:
            save_file(head.tensors(), Path(scratch, "head.safetensors"))
            np.testing.assert_array_equal(load_file(Path(scratch, "head.safetensors"))["labels"], turned)

    def test_the_block_counts_in_the_directions_that_are_named_and_in_no_other(self) -> None:
        manifest = self.extended({})
        blocks = {block["name"]: block["weights"] for block in manifest["blocks"]}
        counted = {direction: weight for direction, weight in blocks[kinds.NAME].items() if weight}
        self.assertEqual(counted, {pair: weight for pair, weight in add_kinds.WEIGHTS[kinds.NAME].items() if weight})
        self.assertEqual(len(blocks[kinds.NAME]), 16)
        self.assertEqual(blocks["concepts"], add_kinds.WEIGHTS["concepts"])

    def test_heads_share_a_classifier_and_the_other_block_stays(self) -> None:
        heads = {track: replace(classifier(seed), labels=labels(5, seed)) for seed, track in enumerate(TRACKS)}
        features = np.random.default_rng(9).normal(size=(2, 6))
        with tempfile.TemporaryDirectory() as scratch:
            folder = Path(scratch)
            for seed, track in enumerate(TRACKS[1:], 1):
                save_file(classifier(seed).tensors(), folder / f"{track}-concepts.safetensors")
            manifest = self.extended(heads)
            for track, head in heads.items():
                add_kinds.save(folder / manifest["towers"][track]["heads"][kinds.NAME]["file"], head)
            space = Space(folder, manifest)
            for seed, track in enumerate(TRACKS[1:], 1):
                expected = np.concatenate([classifier(seed).embed(features), heads[track].embed(features)], axis=1)
                np.testing.assert_allclose(space.embed(track, features), expected, atol=1e-2)
            np.testing.assert_allclose(space.heads["text"][-1](features), heads["text"].embed(features), atol=1e-2)
            self.assertEqual(len(list(folder.iterdir())), 3)

    def test_banks_of_texts_have_the_block_and_those_of_pictures_nothing_in_it(self) -> None:
        old = {direction: np.float16(np.eye(4, 7)) for direction in ("text.image", "image.text")}
        space = Space.__new__(Space)
        space.manifest = {"blocks": [{"dimension": 6}, {"dimension": 1}, {"dimension": 2}]}
        space.heads = {"text": [unit, unit, lambda features: features[:, :2]]}
        found = hubs.banks(space, old)
        np.testing.assert_array_equal(found["text.image"], np.concatenate([old["text.image"], np.eye(4, 2)], axis=1))
        np.testing.assert_array_equal(found["image.text"], np.eye(4, 9))

    def extended(self, heads: dict[str, Concepts]) -> dict:
        """A manifest with the block beside `concepts`."""
        settings = classifier(0).settings()
        towers = {
            track: {"heads": {"concepts": {"kind": "concepts", "file": f"{track}-concepts.safetensors", **settings}}}
            for track in TRACKS
        }
        towers["text"]["heads"]["concepts"] = {"kind": "identity"}
        manifest = {"blocks": [{"name": "concepts", "dimension": 3}], "towers": towers}
        add_kinds.extend(manifest, heads)
        return manifest


class Scores(unittest.TestCase):
    def test_a_hub_is_known_by_the_nearest_queries_of_the_bank_with_the_weights_of_the_direction(self) -> None:
        space = Space.__new__(Space)
        space.manifest = {
            "blocks": [{"dimension": 1}, {"dimension": 2, "weights": {"text.image": 2.0}}],
            "hubs": {"nearest": 2},
        }
        bank = np.array([[1.0, 1.0, 0.0], [1.0, 0.0, 1.0], [0.0, 0.0, 0.0]])
        target = np.array([[0.5, 1.0, 0.25]])
        np.testing.assert_allclose(space.products("text.image", bank, target)[:, 0], [2.5, 1.0, 0.0])
        np.testing.assert_allclose(space.nearness("text.image", bank, target), [1.75])
        np.testing.assert_allclose(space.products("image.text", bank, target)[:, 0], [1.5, 0.75, 0.0])


if __name__ == "__main__":
    unittest.main()
