"""What unrelated segments score: mean and deviation of the inner products of each pair of tracks."""

import csv
from collections.abc import Callable, Mapping
from pathlib import Path

import numpy as np
import soundfile

from .tower import AudioTower, TextTower, VisualTower

Towers = Mapping[str, TextTower | VisualTower | AudioTower]
# For each track, unit vectors for pooled features.
Heads = Mapping[str, Callable[[np.ndarray], np.ndarray]]

# Segments of each track that are compared, each with all of another track.
SAMPLES = 400


def measure(data: Path, towers: Towers, heads: Heads) -> dict[str, tuple[float, float]]:
    """For `query.target` of the tracks that have a head, (mean, deviation), from training data."""
    given = {"text": texts, "visual": pictures, "audio": sounds}
    vectors = {track: head(towers[track].features(given[track](data))) for track, head in heads.items()}
    table = {}
    for query, queries in vectors.items():
        for target, targets in vectors.items():
            products = queries @ targets.T
            if query == target:
                products = products[~np.eye(len(products), dtype=bool)]
            table[f"{query}.{target}"] = moments(products)
    return table


def moments(products: np.ndarray) -> tuple[float, float]:
    """Mean and deviation, as the manifest has them."""
    return round(float(products.mean()), 4), round(float(products.std()), 4)


def _rows(path: Path) -> list[list[str]]:
    with path.open(newline="") as file:
        return list(csv.reader(file, delimiter="\t", quoting=csv.QUOTE_NONE))


def _spread(rows: list, count: int) -> list:
    """`count` of `rows`, evenly spread."""
    return [rows[index * len(rows) // count] for index in range(count)]


def texts(data: Path) -> list[str]:
    """Captions of pictures and of sounds, half and half."""
    captions = [row[1] for row in _rows(data / "flickr8k/train.tsv")]
    of_sounds = (data / "text/audiocaps_train_captions.txt").read_text().splitlines()
    return _spread(captions, SAMPLES // 2) + _spread(of_sounds, SAMPLES // 2)


def pictures(data: Path) -> list[Path]:
    """Scenes and single things, half and half."""
    scenes = [data / "flickr8k/train" / row[0] for row in _rows(data / "flickr8k/train.tsv")]
    things = [data / row[0] for row in _rows(data / "imagenet_samples.tsv")]
    return _spread(scenes, SAMPLES // 2) + _spread(things, SAMPLES // 2)


def sounds(data: Path) -> list[np.ndarray]:
    paths = [data / row[0] for row in _rows(data / "audio.tsv")]
    return [soundfile.read(path, dtype="float32")[0] for path in _spread(paths, SAMPLES)]
