"""Runs the graphs of a package as the Rust side does, for labels, calibration and measurements."""

from collections.abc import Iterator
from pathlib import Path

import numpy as np
import onnxruntime
from PIL import Image
from tokenizers import Tokenizer

from . import efficientnet, minilm

BATCH = 16


def unit(vectors: np.ndarray) -> np.ndarray:
    """`vectors` at unit length along the last axis."""
    return vectors / np.maximum(np.linalg.norm(vectors, axis=-1, keepdims=True), 1e-12)


class TextTower:
    """Texts to pooled features."""

    def __init__(self, folder: Path):
        self.tokenizer = Tokenizer.from_file(str(folder / "tokenizer.json"))
        self.tokenizer.no_padding()
        self.tokenizer.enable_truncation(minilm.MAX_TOKENS)
        self.session = onnxruntime.InferenceSession(str(folder / "text.onnx"))

    def tokens(self, text: str) -> list[int]:
        """The token numbers of `text`, special ones included."""
        return self.tokenizer.encode(text).ids

    def features(self, texts: list[str]) -> np.ndarray:
        """[texts, 384]"""
        order = sorted(range(len(texts)), key=lambda index: len(texts[index]))
        features = np.zeros((len(texts), minilm.FEATURES), np.float32)
        for start in range(0, len(order), BATCH):
            chosen = order[start : start + BATCH]
            rows = [self.tokens(texts[index]) for index in chosen]
            longest = max(map(len, rows))
            ids = np.array([row + [0] * (longest - len(row)) for row in rows])
            mask = np.array([[1] * len(row) + [0] * (longest - len(row)) for row in rows])
            features[chosen] = self.session.run(["pooled"], {"input_ids": ids, "attention_mask": mask})[0]
        return features

    def embed(self, texts: list[str]) -> np.ndarray:
        """Unit vectors, [texts, 384]."""
        return unit(self.features(texts))


def open_picture(path: Path) -> Image.Image:
    """The picture at `path`, over white."""
    image = Image.open(path).convert("RGBA")
    white = Image.new("RGBA", image.size, (255, 255, 255, 255))
    return Image.alpha_composite(white, image).convert("RGB")


def pixels(image: Image.Image) -> np.ndarray:
    """The input of the visual tower, [3, 260, 260]."""
    side = efficientnet.SIDE
    squashed = image.resize((side, side), Image.Resampling.BICUBIC)
    return ((np.asarray(squashed, np.float32) - 127) / 128).transpose(2, 0, 1)


class VisualTower:
    """Pictures to pooled features."""

    def __init__(self, folder: Path):
        self.session = onnxruntime.InferenceSession(str(folder / "visual.onnx"))

    def pooled(self, paths: list[Path]) -> np.ndarray:
        """All that heads look at, [pictures, 1280 or, with tuned blocks, 2560]."""
        return np.concatenate(list(self.batches(paths, "pooled")))

    def features(self, paths: list[Path]) -> np.ndarray:
        """What the labels' head looks at, [pictures, 1280]."""
        return self.pooled(paths)[:, : efficientnet.FEATURES]

    def batches(self, paths: list[Path], output: str) -> Iterator[np.ndarray]:
        """An output of the graph, batch by batch."""
        for start in range(0, len(paths), BATCH):
            batch = np.stack([pixels(open_picture(path)) for path in paths[start : start + BATCH]])
            yield self.session.run([output], {"pixels": batch})[0]


class AudioTower:
    """Sounds to pooled features: one window of at most ten seconds each."""

    WINDOW = 160_000
    TILE_BELOW = 80_000

    def __init__(self, folder: Path):
        self.session = onnxruntime.InferenceSession(str(folder / "audio.onnx"))

    def features(self, sounds: list[np.ndarray]) -> np.ndarray:
        """[sounds, 192] for mono sounds at 16 kHz, of which the first window counts."""
        return np.concatenate(list(self.each(sounds, "pooled")))

    def each(self, sounds: list[np.ndarray], output: str) -> Iterator[np.ndarray]:
        """An output of the graph, sound by sound."""
        for sound in sounds:
            window = sound[: self.WINDOW]
            if len(window) < self.TILE_BELOW:
                window = np.resize(window, self.TILE_BELOW)
            yield self.session.run([output], {"waveform": window[None].astype(np.float32)})[0]
