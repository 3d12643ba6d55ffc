"""Pictures with texts, read and made ready for training on them whole."""

import json
import os
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import onnxruntime
from PIL import Image

from .efficientnet import SIDE
from .tower import TextTower, open_picture

# Texts that are encoded by one thread at a time.
TEXTS = 256


@dataclass
class Pairs:
    """Pictures [N, 3, 260, 260] in bytes, distinct texts [T, 384], and `rows` of these: those from `own[i]` up to
    `own[i + 1]` are the texts of picture i."""

    pictures: np.ndarray
    texts: np.ndarray
    rows: np.ndarray
    own: np.ndarray
    # Pictures of one class are no negatives of each other.
    classes: np.ndarray


def read(path: Path, package: Path, items: int | None = None) -> Pairs:
    """The pairs of a file of lines of JSON, the texts encoded by the tower in `package`."""
    lines = [json.loads(line) for line in path.read_text(encoding="utf8").splitlines()][:items]
    texts = [line["text"] if isinstance(line["text"], list) else [line["text"]] for line in lines]
    distinct = sorted({text for own in texts for text in own}, key=lambda text: (len(text), text))
    number = {text: index for index, text in enumerate(distinct)}
    labels = [line.get("label", str(index)) for index, line in enumerate(lines)]
    with ThreadPoolExecutor(os.cpu_count()) as threads:
        pictures = list(threads.map(_pixels, (path.parent / line["image"] for line in lines)))
        tower = _single_threaded(package)
        parts = [distinct[start : start + TEXTS] for start in range(0, len(distinct), TEXTS)]
        features = list(threads.map(tower.features, parts))
    return Pairs(
        np.stack(pictures),
        np.concatenate(features),
        np.array([number[text] for own in texts for text in own]),
        np.cumsum([0, *map(len, texts)]),
        np.unique(labels, return_inverse=True)[1],
    )


def _pixels(path: Path) -> np.ndarray:
    picture = open_picture(path).resize((SIDE, SIDE), Image.Resampling.BICUBIC)
    return np.asarray(picture).transpose(2, 0, 1)


def _single_threaded(package: Path) -> TextTower:
    """The tower, to be run by many threads at once."""
    options = onnxruntime.SessionOptions()
    options.intra_op_num_threads = 1
    tower = TextTower(package)
    tower.session = onnxruntime.InferenceSession(str(package / "text.onnx"), options)
    return tower
