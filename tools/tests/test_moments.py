"""The moments of a sound that attention looks at."""

import unittest
from pathlib import Path

import numpy as np
import onnx
import onnxruntime
from onnx import numpy_helper

from base import moments
from base.principal import components

PACKAGE = Path(__file__).resolve().parents[2] / "models/base"


class Moments(unittest.TestCase):
    def test_a_noise_is_in_the_moment_in_which_it_is_heard(self) -> None:
        session = onnxruntime.InferenceSession(str(PACKAGE / "audio.onnx"))
        random = np.random.default_rng(0)
        quiet = random.standard_normal(80_000).astype(np.float32) * 0.001
        heard = quiet.copy()
        heard[55_000:58_000] += random.standard_normal(3_000).astype(np.float32) * 0.3
        before, after = (session.run(["grid"], {"waveform": sound[None]})[0][0] for sound in (quiet, heard))
        self.assertEqual(before.shape, (moments.COUNT, moments.DIMENSION))
        differences = np.linalg.norm(after - before, axis=1)
        self.assertEqual(differences.argmax(), 55_000 * moments.COUNT // 80_000)

    def test_the_graph_gives_the_projected_means_of_the_tokens(self) -> None:
        path = str(PACKAGE / "audio.onnx")
        tensors = {tensor.name: numpy_helper.to_array(tensor) for tensor in onnx.load(path).graph.initializer}
        projection = tensors["moments_projection_f16"].astype(np.float32)
        session = onnxruntime.InferenceSession(path)
        random = np.random.default_rng(1)
        for length in (80_000, 97_123, 160_000):
            sound = random.standard_normal((1, length)).astype(np.float32) * 0.1
            tokens, grid = session.run(["tokens", "grid"], {"waveform": sound})
            expected = moments.means(tokens) @ projection + tensors["moments_offset"]
            self.assertLess(np.abs(grid - expected).max(), 1e-2)

    def test_components_are_white(self) -> None:
        rows = np.random.default_rng(2).standard_normal((5_000, 6)) @ np.diag([5, 4, 3, 2, 1, 0.1])
        mean, projection = components([rows[:2_000], rows[2_000:]], 3)
        projected = (rows - mean) @ projection
        self.assertLess(np.abs(np.cov(projected.T) - np.eye(3)).max(), 0.01)


if __name__ == "__main__":
    unittest.main()
