"""Golden vectors: real inputs with the embeddings that the original implementations give."""

import subprocess
import tempfile
from pathlib import Path

import numpy as np
import onnxruntime
import soundfile
from PIL import Image
from safetensors.numpy import save_file

from . import reference
from .concepts import Concepts
from .parts import Parts
from .tower import AudioTower, TextTower, open_picture, pixels, unit

TEXTS = [
    "dog",
    "A brown hen stands in the grass beside a red barn.",
    "The sound of rain on a tin roof, with thunder far away.",
    "Ein Glockenspiel spielt; une cloche sonne. 鐘が鳴る。 🔔",
    "NASA's rocket, STS-135 (2011): lift-off at 11:29!",
    "The harvest begins when the nights turn cold. " * 60,
]

# From scikit-image's sample data, all in the public domain or CC0; (name, longer side in pixels).
PICTURES = [("astronaut.png", 300), ("chelsea.png", 320), ("coffee.png", 280), ("rocket.jpg", 240)]

# From pygame's examples, in the public domain.
SOUNDS = ["house_lo.ogg", "boom.wav", "car_door.wav", "whiff.wav"]

SAMPLE_RATE = 16_000


def picture_inputs(parts: Parts) -> list[np.ndarray]:
    """RGB pictures, u8 [height, width, 3]."""
    pictures = []
    for name, side in PICTURES:
        image = open_picture(parts.folder / "skimage/data" / name)
        image.thumbnail((side, side), Image.Resampling.LANCZOS)
        pictures.append(np.asarray(image))
    return pictures


def sound_inputs(parts: Parts) -> list[np.ndarray]:
    """Mono sounds at 16 kHz, i16."""
    sounds = []
    for name in SOUNDS:
        samples, rate = soundfile.read(parts.folder / "pygame/examples/data" / name, dtype="float32")
        mono = samples if samples.ndim == 1 else samples.mean(axis=1)
        times = np.arange(int(len(mono) * SAMPLE_RATE / rate)) * rate / SAMPLE_RATE
        resampled = np.interp(times, np.arange(len(mono)), mono)
        sounds.append((np.clip(resampled, -1, 1) * 32767).astype(np.int16)[: 6 * SAMPLE_RATE])
    return sounds


def text_features(parts: Parts, tower: TextTower) -> np.ndarray:
    """What the 32-bit MiniLM gives for TEXTS."""
    original = reference.MiniLm(parts.text_weights)
    return np.stack([original.pooled(tower.tokens(text)) for text in TEXTS]).astype(np.float32)


def picture_features(parts: Parts, torch_python: Path) -> np.ndarray:
    """What the authors' PyTorch code gives for the pictures."""
    inputs = np.stack([pixels(Image.fromarray(picture)) for picture in picture_inputs(parts)])
    with tempfile.TemporaryDirectory() as scratch:
        given, found = Path(scratch, "given.npy"), Path(scratch, "found.npy")
        np.save(given, inputs)
        command = [torch_python, "-c", reference.EFFICIENTNET, parts.image_checkpoint, given, found]
        subprocess.run([str(word) for word in command], check=True)
        return np.load(found)


def sound_probabilities(parts: Parts) -> np.ndarray:
    """What the original graph gives for the sounds, [sounds, 527]."""
    session = onnxruntime.InferenceSession(str(parts.sound_graph))
    rows = []
    for sound in sound_inputs(parts):
        samples = sound.astype(np.float32) / 32768
        if len(samples) < AudioTower.TILE_BELOW:
            samples = np.resize(samples, AudioTower.TILE_BELOW)
        rows.append(session.run(["logits"], {"waveform": samples[None]})[0][0])
    return np.stack(rows)


def sound_embeddings(head: Concepts, probabilities: np.ndarray) -> np.ndarray:
    """The head's embeddings from the original's probabilities rather than from pooled features."""
    probabilities = np.clip(probabilities.astype(np.float64), 1e-30, 1 - 1e-12)
    logits = np.log(probabilities) - np.log1p(-probabilities)
    after_classifier = Concepts(
        np.eye(logits.shape[1]), np.zeros(1), head.labels, head.activation, head.temperature, head.top
    )
    return after_classifier.embed(logits)


def write(path: Path, parts: Parts, text: TextTower, picture: Concepts, sound: Concepts, torch_python: Path) -> None:
    """Writes golden.safetensors."""
    tensors: dict[str, np.ndarray] = {}

    def add(track: str, inputs: list[np.ndarray], embeddings: np.ndarray) -> None:
        for number, (given, embedding) in enumerate(zip(inputs, embeddings, strict=True)):
            tensors[f"{track}.{number}.input"] = np.ascontiguousarray(given)
            tensors[f"{track}.{number}.embedding"] = embedding.astype(np.float32)

    add("text", [np.frombuffer(text.encode(), np.uint8) for text in TEXTS], unit(text_features(parts, text)))
    add("visual", picture_inputs(parts), picture.embed(picture_features(parts, torch_python)))
    add("audio", sound_inputs(parts), sound_embeddings(sound, sound_probabilities(parts)))
    save_file(tensors, path)
