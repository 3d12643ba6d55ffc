#!/usr/bin/env python3
"""Makes models/base: fetches the parts, builds graphs, heads and golden vectors, calibrates, writes model.toml."""

import argparse
import hashlib
import shutil
from pathlib import Path

import numpy as np
import onnx
from safetensors.numpy import save_file

from base import calibration, ced, concepts, efficientnet, golden, grid, legacy_pickle, manifest, minilm, moments
from base.parts import Parts
from base.principal import components
from base.tower import AudioTower, TextTower, VisualTower, unit

ROOT = Path(__file__).resolve().parent.parent


def arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--data", type=Path, required=True, help="folder of the training data, for calibration")
    parser.add_argument("--parts", type=Path, default=ROOT / "target/parts", help="where the parts are unpacked")
    parser.add_argument("--out", type=Path, default=ROOT / "models/base", help="the package's folder")
    parser.add_argument(
        "--torch-python", type=Path, required=True, help="a Python with torch and efficientnet_lite_pytorch"
    )
    parser.add_argument("--tuned", type=Path, help="the last blocks of the visual tower, as tune_visual.py writes them")
    return parser.parse_args()


def save_visual(data: Path, weights: efficientnet.Weights, tuned: Path | None, out: Path) -> None:
    """Writes visual.onnx, with the grid of tokens whose components come from pictures of `data`."""
    model = efficientnet.build(efficientnet.folded(weights), dict(np.load(tuned)) if tuned else None)
    onnx.save(model, out / "visual.onnx")
    photos = sorted((data / "flickr8k/train").glob("*.jpg"))[::5]
    things = sorted((data / "imagenet_samples").glob("*.jpg"))
    tokens = VisualTower(out).batches([*photos, *things], "tokens")
    onnx.save(grid.add(model, *components(tokens, grid.DIMENSION)), out / "visual.onnx")


def save_audio(data: Path, part: Path, out: Path) -> None:
    """Writes audio.onnx, with the moments whose components come from sounds of `data`."""
    model = ced.build(part)
    onnx.save(model, out / "audio.onnx")
    sounds = calibration.sounds(data)
    means = (moments.means(tokens) for tokens in AudioTower(out).each(sounds, "tokens"))
    onnx.save(moments.add(model, *components(means, moments.DIMENSION)), out / "audio.onnx")


def main() -> None:
    options = arguments()
    parts = Parts(options.parts)
    parts.fetch()
    out: Path = options.out
    out.mkdir(parents=True, exist_ok=True)

    weights = legacy_pickle.load_state_dict(parts.image_checkpoint)
    save_visual(options.data, weights, options.tuned, out)
    onnx.save(minilm.build(parts.text_graph), out / "text.onnx")
    save_audio(options.data, parts.sound_graph, out)
    shutil.copy(parts.tokenizer, out / "tokenizer.json")

    text = TextTower(out)
    picture = concepts.picture_head(text.embed, weights, parts.picture_classes())
    sound = concepts.sound_head(text.embed, ced.classifier(parts.sound_graph), parts.sound_classes())
    save_file(picture.tensors(), out / "visual-concepts.safetensors")
    save_file(sound.tensors(), out / "audio-concepts.safetensors")
    golden.write(out / "golden.safetensors", parts, text, picture, sound, options.torch_python)

    for path in manifest.files(out):
        path.chmod(0o644)

    towers = {"text": text, "visual": VisualTower(out), "audio": AudioTower(out)}
    table = calibration.measure(options.data, towers, {"text": unit, "visual": picture.embed, "audio": sound.embed})
    hashes = {path.name: hashlib.sha256(path.read_bytes()).hexdigest() for path in manifest.files(out)}
    (out / "model.toml").write_text(manifest.render(picture, sound, table, hashes, options.tuned is not None))
    size = sum(path.stat().st_size for path in out.iterdir())
    print(f"{out}: {size / 1e6:.1f} MB")


if __name__ == "__main__":
    main()
