"""Reads the weights that CTranslate2 keeps in its `model.bin`, without CTranslate2.

The layout is that of `ModelSpec.save` in its `python/ctranslate2/specs/model_spec.py`, version 6; all numbers are little-endian.
"""

import struct
from pathlib import Path

import numpy as np

VERSION = 6

# The numbers of `DataType` in CTranslate2's `include/ctranslate2/types.h` that NumPy has, too.
TYPES = [np.float32, np.int8, np.int16, np.int32, np.float16]


def load(path: Path) -> dict[str, np.ndarray]:
    """The variables of a model by their names; another name of a variable is an entry of its own."""
    reader = _Reader(path.read_bytes())
    version = reader.number("I")
    if version != VERSION:
        raise ValueError(f"{path} has version {version} of its format, this reads version {VERSION}")
    reader.string()  # the name of the specification
    reader.number("I")  # and its revision
    variables = {}
    for _ in range(reader.number("I")):
        name = reader.string()
        variables[name] = reader.array()
    for _ in range(reader.number("I")):
        alias = reader.string()
        variables[alias] = variables[reader.string()]
    if reader.left():
        raise ValueError(f"{path} has {reader.left()} bytes too many")
    return variables


class _Reader:
    def __init__(self, data: bytes):
        self.data, self.at = data, 0

    def left(self) -> int:
        return len(self.data) - self.at

    def take(self, count: int) -> bytes:
        if count > self.left():
            raise ValueError("the file ends too early")
        self.at += count
        return self.data[self.at - count : self.at]

    def number(self, kind: str) -> int:
        (value,) = struct.unpack("<" + kind, self.take(struct.calcsize(kind)))
        return value

    def string(self) -> str:
        return self.take(self.number("H")).rstrip(b"\0").decode()

    def array(self) -> np.ndarray:
        shape = [self.number("I") for _ in range(self.number("B"))]
        kind = self.number("B")
        if kind >= len(TYPES):
            raise ValueError(f"unknown type {kind}")
        values = np.frombuffer(self.take(self.number("I")), np.dtype(TYPES[kind]).newbyteorder("<"))
        return values.reshape(shape)
