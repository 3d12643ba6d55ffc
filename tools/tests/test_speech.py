"""The Whisper in graphs: its weights as CTranslate2 keeps them, its spectrogram, its decoder."""

import math
import struct
import tempfile
import unittest
from pathlib import Path

import numpy as np
import onnx
import onnxruntime
from base.graph import Graph, floats

from speech import ctranslate2, mel, whisper

# By faster-whisper 1.2.1 (a port of librosa's), of the sound in `chirp`: frame, then bands 0, 5, 11, 20, 40, 79.
GOLDEN_BANDS = [0, 5, 11, 20, 40, 79]
GOLDEN = {
    0: [0.8724, 0.9373, 1.0007, 0.707, 0.3073, -0.1926],
    100: [-0.6724, -0.6724, 1.3273, -0.6724, -0.6724, -0.6724],
    250: [-0.6724, -0.6724, 1.3272, 0.6282, -0.6724, -0.6724],
    299: [0.2098, 0.2405, 1.326, 1.0571, -0.3512, -0.6724],
    899: [-0.3702, -0.3682, -0.3585, -0.332, -0.0482, -0.6724],
    2999: [-0.6724, -0.6724, -0.6724, -0.6724, -0.6724, -0.6724],
}


def chirp() -> np.ndarray:
    time = np.arange(whisper.SAMPLES) / mel.SAMPLE_RATE
    tone = 0.3 * np.sin(2 * np.pi * 440 * time) * (time < 3)
    rising = 0.1 * np.sin(2 * np.pi * (200 + 100 * time) * time) * (time > 2) * (time < 9)
    return (tone + rising).astype(np.float32)


def session(model: onnx.ModelProto) -> onnxruntime.InferenceSession:
    return onnxruntime.InferenceSession(model.SerializeToString())


def tiny_weights(width: int = 16, vocabulary: int = 50) -> whisper.Weights:
    """A Whisper of one layer with weights by chance."""
    chance = np.random.default_rng(0)

    def some(*shape: int) -> np.ndarray:
        return (chance.standard_normal(shape) / np.sqrt(shape[-1])).astype(np.float16)

    weights = {
        "decoder/embeddings/weight": some(vocabulary, width),
        "decoder/num_heads": np.array(2),
        "decoder/position_encodings/encodings": some(8, width),
        "encoder/position_encodings/encodings": some(whisper.FRAMES // 2, width),
        "encoder/conv1/weight": some(width, mel.BANDS, 3),
        "encoder/conv1/bias": some(width),
        "encoder/conv2/weight": some(width, width, 3),
        "encoder/conv2/bias": some(width),
    }
    weights["decoder/projection/weight"] = weights["decoder/embeddings/weight"]
    attention = {"self_attention": [3, 1], "attention": [1, 2, 1]}
    for half, parts in [("encoder", ["self_attention"]), ("decoder", ["self_attention", "attention"])]:
        norms = [f"{half}/layer_norm", f"{half}/layer_0/ffn/layer_norm"]
        for part in parts:
            norms.append(f"{half}/layer_0/{part}/layer_norm")
            for number, factor in enumerate(attention[part]):
                weights[f"{half}/layer_0/{part}/linear_{number}/weight"] = some(factor * width, width)
                weights[f"{half}/layer_0/{part}/linear_{number}/bias"] = some(factor * width)
        for norm in norms:
            weights |= {f"{norm}/gamma": 1 + some(width), f"{norm}/beta": some(width)}
        for number, (rows, columns) in enumerate([(4 * width, width), (width, 4 * width)]):
            weights[f"{half}/layer_0/ffn/linear_{number}/weight"] = some(rows, columns)
            weights[f"{half}/layer_0/ffn/linear_{number}/bias"] = some(rows)
    return weights


def logits(decoder: onnxruntime.InferenceSession, heard: dict[str, np.ndarray], tokens: list[int]) -> np.ndarray:
    """What may follow `tokens`, said one after the other."""
    names = [output.name for output in decoder.get_outputs()]
    said = {f"said_{kind}.0": np.zeros((2, 0, 8), np.float32) for kind in ("keys", "values")}
    for token in tokens:
        found = dict(zip(names, decoder.run(None, {"token": np.array([token]), **heard, **said}), strict=True))
        said = {f"said_{kind}.0": found[f"new_{kind}.0"] for kind in ("keys", "values")}
    return found["logits"]


class Reference:
    """The decoder of Whisper in NumPy, all tokens at once."""

    def __init__(self, weights: whisper.Weights, heard: dict[str, np.ndarray]):
        self.weights, self.heard = weights, heard

    def get(self, name: str) -> np.ndarray:
        return self.weights[name].astype(np.float32)

    def linear(self, x: np.ndarray, name: str) -> np.ndarray:
        return x @ self.get(f"{name}/weight").T + self.get(f"{name}/bias")

    def norm(self, x: np.ndarray, name: str) -> np.ndarray:
        x = (x - x.mean(-1, keepdims=True)) / np.sqrt(x.var(-1, keepdims=True) + 1e-5)
        return x * self.get(f"{name}/layer_norm/gamma") + self.get(f"{name}/layer_norm/beta")

    @staticmethod
    def attention(query: np.ndarray, keys: np.ndarray, values: np.ndarray, mask: np.ndarray | float) -> np.ndarray:
        """Of two heads of 8 components."""
        seen = []
        for head in range(2):
            scores = query[:, head * 8 : head * 8 + 8] @ keys[head].T / np.sqrt(8) + mask
            weights = np.exp(scores - scores.max(-1, keepdims=True))
            seen.append(weights / weights.sum(-1, keepdims=True) @ values[head])
        return np.concatenate(seen, axis=1)

    def logits(self, tokens: list[int]) -> np.ndarray:
        count, layer = len(tokens), "decoder/layer_0"
        table = self.get("decoder/embeddings/weight")
        x = table[tokens] + self.get("decoder/position_encodings/encodings")[:count]
        parts = self.linear(self.norm(x, f"{layer}/self_attention"), f"{layer}/self_attention/linear_0")
        query, keys, values = np.split(parts, 3, axis=1)
        keys, values = (part.reshape(count, 2, 8).transpose(1, 0, 2) for part in (keys, values))
        mask = np.triu(np.full((count, count), -np.inf), 1)
        seen = self.attention(query, keys, values, mask)
        x = x + self.linear(seen, f"{layer}/self_attention/linear_1")
        query = self.linear(self.norm(x, f"{layer}/attention"), f"{layer}/attention/linear_0")
        seen = self.attention(query, self.heard["keys.0"].transpose(0, 2, 1), self.heard["values.0"], 0.0)
        x = x + self.linear(seen, f"{layer}/attention/linear_2")
        inner = self.linear(self.norm(x, f"{layer}/ffn"), f"{layer}/ffn/linear_0")
        erf = np.vectorize(math.erf)
        inner = inner * 0.5 * (1 + erf(inner / np.sqrt(2)))
        x = x + self.linear(inner, f"{layer}/ffn/linear_1")
        return self.norm(x, "decoder")[-1] @ table.T


class Ctranslate2(unittest.TestCase):
    def read(self, data: bytes) -> dict[str, np.ndarray]:
        with tempfile.TemporaryDirectory() as folder:
            path = Path(folder, "model.bin")
            path.write_bytes(data)
            return ctranslate2.load(path)

    def model(self, version: int = 6) -> bytes:
        def string(text: str) -> bytes:
            return struct.pack("<H", len(text) + 1) + text.encode() + b"\0"

        values = np.arange(6, dtype=np.float16)
        head = struct.pack("<I", version) + string("WhisperSpec") + struct.pack("<II", 3, 1)
        variable = string("table") + struct.pack("<BIIBI", 2, 2, 3, 4, values.nbytes) + values.tobytes()
        return head + variable + struct.pack("<I", 1) + string("projection") + string("table")

    def test_variables_and_their_other_names_are_read(self) -> None:
        read = self.read(self.model())
        self.assertEqual(list(read), ["table", "projection"])
        np.testing.assert_array_equal(read["projection"], np.arange(6).reshape(2, 3))

    def test_other_versions_and_broken_files_are_refused(self) -> None:
        for data, reason in [
            (self.model(version=7), "version 7"),
            (self.model()[:-1], "ends too early"),
            (self.model() + b"\0", "1 bytes too many"),
        ]:
            with self.assertRaisesRegex(ValueError, reason):
                self.read(data)


class Whisper(unittest.TestCase):
    def test_the_spectrogram_is_that_of_another_implementation(self) -> None:
        graph = Graph("spectrogram")
        whisper.spectrogram(graph, "waveform")
        outputs = [floats("spectrogram", [1, mel.BANDS, whisper.FRAMES])]
        model = graph.model([floats("waveform", [1, whisper.SAMPLES])], outputs, whisper.OPSET)
        ((found,),) = session(model).run(None, {"waveform": chirp()[None]})
        for frame, expected in GOLDEN.items():
            np.testing.assert_allclose(found[GOLDEN_BANDS, frame], expected, atol=2e-3, err_msg=f"frame {frame}")

    def test_tokens_one_by_one_give_what_all_at_once_give(self) -> None:
        weights = tiny_weights()
        encoder = session(whisper.encoder(weights))
        names = [output.name for output in encoder.get_outputs()]
        heard = dict(zip(names, encoder.run(None, {"waveform": chirp()[None]}), strict=True))
        self.assertEqual({name: value.shape for name, value in heard.items()}, {"keys.0": (2, 8, 1500), "values.0": (2, 1500, 8)})
        decoder, tokens = session(whisper.decoder(weights, eight_bits=False)), [7, 1, 30]
        expected = Reference(weights, heard).logits(tokens)
        np.testing.assert_allclose(logits(decoder, heard, tokens), expected, atol=1e-4)
        rounded = logits(session(whisper.decoder(weights)), heard, tokens)
        self.assertGreater(np.corrcoef(rounded, expected)[0, 1], 0.99)
