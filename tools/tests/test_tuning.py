"""Pictures with texts as tuning reads them and, where torch is, the tuning of the visual tower's end."""

import importlib.util
import json
import tempfile
import unittest
from pathlib import Path

import numpy as np
from PIL import Image

from base import material
from base.efficientnet import SIDE

PACKAGE = Path(__file__).resolve().parents[2] / "models/base"
HAS_TORCH = importlib.util.find_spec("torch") is not None
if HAS_TORCH:
    import torch

    from base import judging, tuning


class Material(unittest.TestCase):
    def test_texts_are_encoded_once_and_pictures_know_theirs(self) -> None:
        with tempfile.TemporaryDirectory() as scratch:
            for name, colour in (("red", (200, 0, 0)), ("blue", (0, 0, 200))):
                Image.new("RGB", (30, 20), colour).save(Path(scratch, f"{name}.png"))
            lines = [
                {"image": "red.png", "text": ["a red sheet", "a sheet"], "label": "sheet"},
                {"image": "blue.png", "text": "a sheet", "label": "sheet"},
                {"image": "red.png", "text": "left out"},
            ]
            path = Path(scratch, "pairs.jsonl")
            path.write_text("\n".join(map(json.dumps, lines)))
            pairs = material.read(path, PACKAGE, items=2)
        self.assertEqual(pairs.pictures.shape, (2, 3, SIDE, SIDE))
        self.assertEqual([tuple(picture[:, 0, 0]) for picture in pairs.pictures], [(200, 0, 0), (0, 0, 200)])
        self.assertEqual(len(pairs.texts), 2)
        first, second = pairs.rows[: pairs.own[1]], pairs.rows[pairs.own[1] :]
        self.assertEqual((len(first), second.tolist()), (2, [first[1]]))
        self.assertEqual(pairs.classes[0], pairs.classes[1])


@unittest.skipUnless(HAS_TORCH, "needs torch")
class Training(unittest.TestCase):
    def views(self, count: int) -> "tuning.Views":
        """`count` pictures with a text of their own each, seen twice, which a linear map tells apart."""
        random = np.random.default_rng(0)
        texts = random.normal(size=(count, 384))
        pooled = texts @ random.normal(size=(384, 40)) + random.normal(size=(2, count, 40)) * 0.1
        given = [torch.from_numpy(values).float() for values in (pooled, texts)]
        return tuning.Views(None, *given, torch.arange(count), torch.arange(count + 1), torch.arange(count))

    def test_heads_learn_which_texts_belong_to_which_pictures(self) -> None:
        torch.manual_seed(0)
        given = self.views(60)
        recipe = tuning.Recipe(epochs=100, batch=30, hidden=32, dropout=0.0)
        model = tuning.Model(None, 40, recipe)

        def found() -> np.ndarray:
            with torch.no_grad():
                return judging.at(model.text(given.texts) @ model.picture(given.pooled[0]).T, torch.eye(60).bool())

        before = found()
        tuning.train(model, [given, given], recipe, 60, lambda line: None)
        self.assertLess(before[0], 0.5)
        self.assertGreater(found()[0], 0.9)

    def test_views_keep_shape_and_range(self) -> None:
        torch.manual_seed(0)
        pictures = torch.rand(4, 3, 20, 20) * 255
        seen = tuning.seen_anew(pictures)
        self.assertEqual(seen.shape, pictures.shape)
        self.assertTrue(0 <= seen.min() and seen.max() <= 255 and not torch.equal(seen, pictures))

    def test_recall_counts_what_stands_before_the_best_that_is_relevant(self) -> None:
        scores = torch.tensor([[3.0, 2.0, 1.0], [3.0, 2.0, 1.0]])
        relevant = torch.tensor([[False, True, True], [True, False, False]])
        np.testing.assert_allclose(judging.at(scores, relevant), [0.5, 1, 1])


if __name__ == "__main__":
    unittest.main()
