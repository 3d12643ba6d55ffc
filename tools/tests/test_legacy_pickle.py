"""The checkpoint reader: what it reads, and what it refuses to run."""

import io
import os
import pickle
import struct
import tempfile
import unittest
from collections import OrderedDict
from pathlib import Path

import numpy as np

from base import legacy_pickle


class FloatStorage:
    """Stands for torch.FloatStorage in the pickles made here."""


FloatStorage.__module__ = "torch"


class Rebuilt:
    """A tensor as PyTorch pickles it: a call with a storage and its geometry."""

    def __init__(self, key: str, count: int, offset: int, shape: tuple, strides: tuple):
        self.storage, self.geometry = ("storage", FloatStorage, key, "cpu", count, None), (offset, shape, strides)


class Pickler(pickle._Pickler):
    """Writes the names of PyTorch's classes without having them."""

    def persistent_id(self, value: object) -> tuple | None:
        return value if isinstance(value, tuple) and value[:1] == ("storage",) else None

    def save(self, value: object, save_persistent_id: bool = True) -> None:
        if value is FloatStorage:
            self.write(b"ctorch\nFloatStorage\n")
        elif isinstance(value, Rebuilt):
            self.write(b"ctorch._utils\n_rebuild_tensor_v2\n")
            super().save((value.storage, *value.geometry, False, OrderedDict()))
            self.write(b"R")
        else:
            super().save(value, save_persistent_id)


def checkpoint(tensors: dict[str, Rebuilt], storages: dict[str, np.ndarray]) -> bytes:
    file = io.BytesIO()
    for value in (legacy_pickle.MAGIC, legacy_pickle.VERSION, {"little_endian": True}):
        pickle.dump(value, file, protocol=2)
    Pickler(file, protocol=2).dump(tensors)
    pickle.dump(list(storages), file, protocol=2)
    for values in storages.values():
        file.write(struct.pack("<q", len(values)) + values.astype("<f4").tobytes())
    return file.getvalue()


def load(content: bytes) -> dict[str, np.ndarray]:
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder, "checkpoint.pth")
        path.write_bytes(content)
        return legacy_pickle.load_state_dict(path)


class LegacyPickle(unittest.TestCase):
    def test_tensors_are_read_with_their_strides(self) -> None:
        tensors = {"plain": Rebuilt("0", 6, 0, (2, 3), (3, 1)), "turned": Rebuilt("0", 6, 0, (3, 2), (1, 3))}
        found = load(checkpoint(tensors, {"0": np.arange(6)}))
        np.testing.assert_array_equal(found["plain"], [[0, 1, 2], [3, 4, 5]])
        np.testing.assert_array_equal(found["turned"], [[0, 3], [1, 4], [2, 5]])

    def test_a_tensor_beyond_its_storage_is_refused(self) -> None:
        with self.assertRaisesRegex(ValueError, "beyond its storage"):
            load(checkpoint({"x": Rebuilt("0", 6, 0, (1000, 1000), (1000, 1))}, {"0": np.arange(6)}))

    def test_code_in_a_checkpoint_is_not_run(self) -> None:
        class Hostile:
            def __reduce__(self) -> tuple:
                return os.system, ("touch /tmp/should-not-exist",)

        with self.assertRaisesRegex(pickle.UnpicklingError, "no place in a state dict"):
            load(pickle.dumps(Hostile(), protocol=2))
