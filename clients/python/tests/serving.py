"""A real server on a small collection, which all tests share. $SENSORIUM names the binary."""

from __future__ import annotations

import atexit
import json
import os
import shutil
import struct
import subprocess
import tempfile
import wave
import zlib
from dataclasses import dataclass
from functools import cache
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from sensorium import Client

SIGN = Path(__file__).parents[3] / "crates/model/tests/print/sign.png"
"""A picture in which NO PARKING and "8 am to 6 pm" are to be read."""

RATE = 16_000
SECONDS = 25


@dataclass(frozen=True)
class Server:
    """Where a server listens, its keys, and the folder of what it was given to index."""

    url: str
    write_key: str
    read_key: str
    pack: Path

    def client(self) -> Client:
        return Client(self.url, self.write_key)


@cache
def server() -> Server:
    """The server, started with an empty index that then takes the pack in. It ends with the tests."""
    scratch = tempfile.TemporaryDirectory(prefix="sensorium-client-")
    atexit.register(scratch.cleanup)
    folder = Path(scratch.name)
    pack = folder / "pack"
    make_pack(pack)
    keys = [json.loads(sensorium("key", access, "--json")) for access in ("write", "read")]
    sensorium("eval", folder / "pack" / "pairs.jsonl", "--out", folder / "card", "--json")
    process = subprocess.Popen(
        [
            binary(), "serve", "--json", "--port", "0", "--index", folder / "index", "--cache", folder / "cache", "--card", folder / "card", "--print",
            *(f"--key={key['hash']}" for key in keys),
        ],
        stdout=subprocess.PIPE,
        stderr=subprocess.DEVNULL,
    )  # fmt: skip
    atexit.register(process.wait)
    atexit.register(process.terminate)
    assert process.stdout is not None
    address = json.loads(process.stdout.readline())["address"]
    started = Server(address, keys[0]["key"], keys[1]["key"], pack)
    with started.client() as client:
        client.index(pack)
    return started


def binary() -> str:
    found = os.environ.get("SENSORIUM")
    if not found:
        raise SystemExit("the tests drive the real server: let SENSORIUM name the binary (see `make test-client`)")
    return found


def sensorium(*arguments: str | Path) -> bytes:
    return subprocess.run([binary(), *arguments], check=True, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL).stdout


def make_pack(folder: Path) -> None:
    """Texts, pictures, a sound and records; `pairs.jsonl` has pairs of them, which are records as well."""
    folder.mkdir()
    (folder / "dog.txt").write_text("A dog barks in the yard.\n")
    (folder / "boat.txt").write_text("A red boat lies at the pier in the evening.\n")
    (folder / "long.txt").write_text("\n\n".join(f"In chapter {n}, " + "the rain falls on the roof. " * 60 for n in range(4)))
    (folder / "notes.jsonl").write_text('{"text": "a whale sings in the deep", "author": "Ada", "year": 2024}\n')
    rows, columns = np.mgrid[0:120, 0:160]
    sky = np.stack([255 - rows, 120 + rows // 2, np.full_like(rows, 90)], axis=-1)
    (folder / "sky.png").write_bytes(png(sky))
    board = np.repeat(((rows // 20 + columns // 20) % 2 * 255)[..., np.newaxis], 3, axis=-1)
    (folder / "board.png").write_bytes(png(board))
    shutil.copy(SIGN, folder)
    make_sound(folder / "noise.wav")
    pairs = [
        {"id": "1", "text": "an evening sky", "image": "sky.png"},
        {"id": "2", "text": "a chess board", "image": "board.png"},
    ]
    (folder / "pairs.jsonl").write_text("".join(json.dumps(pair) + "\n" for pair in pairs))


def png(pixels: NDArray[np.int64]) -> bytes:
    """`pixels` of shape (rows, columns, 3) as a PNG."""

    def chunk(kind: bytes, content: bytes) -> bytes:
        return struct.pack(">I", len(content)) + kind + content + struct.pack(">I", zlib.crc32(kind + content))

    rows, columns, _ = pixels.shape
    lines = np.concatenate([np.zeros((rows, 1)), pixels.reshape(rows, -1)], axis=1).astype(np.uint8)
    head = struct.pack(">IIBBBBB", columns, rows, 8, 2, 0, 0, 0)
    return b"\x89PNG\r\n\x1a\n" + chunk(b"IHDR", head) + chunk(b"IDAT", zlib.compress(lines.tobytes())) + chunk(b"IEND", b"")


def make_sound(path: Path) -> None:
    """Silence with two seconds of noise in it."""
    samples = np.zeros(RATE * SECONDS)
    samples[RATE * 12 : RATE * 14] = np.random.default_rng(1).normal(0, 0.2, RATE * 2)
    with wave.open(str(path), "wb") as sound:
        sound.setnchannels(1)
        sound.setsampwidth(2)
        sound.setframerate(RATE)
        sound.writeframes((samples.clip(-1, 1) * 32767).astype("<i2").tobytes())
