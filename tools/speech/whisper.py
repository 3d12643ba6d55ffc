"""Whisper (Radford et al. 2022, arXiv:2212.04356) as two ONNX graphs: one hears a window, one says the next token."""

from dataclasses import dataclass

import numpy as np
import onnx
from base.graph import Graph, floats, integers
from onnx import TensorProto, helper

from . import mel

SECONDS = 30
SAMPLES = SECONDS * mel.SAMPLE_RATE
FRAMES = SAMPLES // mel.HOP
OPSET = 20

# The embeddings of tokens are the rows of the last product, too.
PROJECTION = "decoder/projection"

Weights = dict[str, np.ndarray]


@dataclass(frozen=True)
class Shape:
    """The sizes of a model."""

    width: int
    heads: int
    encoder_layers: int
    decoder_layers: int
    tokens: int
    """Most tokens of a text."""
    vocabulary: int

    @staticmethod
    def of(weights: Weights) -> "Shape":
        def layers(half: str) -> int:
            return len({name.split("/")[1] for name in weights if name.startswith(f"{half}/layer_") and name.count("/") > 2})

        vocabulary, width = weights["decoder/embeddings/weight"].shape
        heads = int(weights["decoder/num_heads"])
        tokens = len(weights["decoder/position_encodings/encodings"])
        return Shape(width, heads, layers("encoder"), layers("decoder"), tokens, vocabulary)

    @property
    def head(self) -> int:
        """The width of a head."""
        return self.width // self.heads


def encoder(weights: Weights) -> onnx.ModelProto:
    """`waveform` [1, SAMPLES] to the `keys` [heads, head, FRAMES / 2] and `values` [heads, FRAMES / 2, head] of each layer of the decoder."""
    net = _Net("whisper_encoder", weights)
    x = _convolutions(net, spectrogram(net.graph, "waveform"))
    for layer in range(net.shape.encoder_layers):
        prefix = f"encoder/layer_{layer}"
        query, keys, values = net.heads(net.norm(x, f"{prefix}/self_attention"), f"{prefix}/self_attention/linear_0", 3)
        x = net.plus(x, net.attention(query, net.turned(keys), values, f"{prefix}/self_attention/linear_1"))
        x = net.plus(x, net.feed_forward(x, prefix))
    x = net.norm(x, "encoder")
    outputs = []
    for layer in range(net.shape.decoder_layers):
        keys, values = net.heads(x, f"decoder/layer_{layer}/attention/linear_1", 2)
        net.graph.add("Identity", [net.turned(keys)], f"keys.{layer}")
        net.graph.add("Identity", [values], f"values.{layer}")
        sizes = net.shape.heads, net.shape.head, FRAMES // 2
        outputs.append(floats(f"keys.{layer}", list(sizes)))
        outputs.append(floats(f"values.{layer}", [sizes[0], sizes[2], sizes[1]]))
    return net.graph.model([floats("waveform", [1, SAMPLES])], outputs, OPSET)


def decoder(weights: Weights, eight_bits: bool = True) -> onnx.ModelProto:
    """One `token` [1], what the encoder gave, and `said_keys`, `said_values` [heads, past, head] of each layer, to the `logits` [vocabulary] of
    the next token and `new_keys`, `new_values` [heads, past + 1, head]. It waits for its weights more than it computes, so they have 8 bits where asked for."""
    net = _Net("whisper_decoder", weights, eight_bits)
    graph, sizes = net.graph, (net.shape.heads, net.shape.head)
    inputs, outputs = [integers("token", [1])], []
    x = _embedded(net)
    for layer in range(net.shape.decoder_layers):
        prefix = f"decoder/layer_{layer}"
        query, keys, values = net.heads(net.norm(x, f"{prefix}/self_attention"), f"{prefix}/self_attention/linear_0", 3)
        keys = graph.add("Concat", [f"said_keys.{layer}", keys], f"new_keys.{layer}", axis=1)
        values = graph.add("Concat", [f"said_values.{layer}", values], f"new_values.{layer}", axis=1)
        x = net.plus(x, net.attention(query, net.turned(keys), values, f"{prefix}/self_attention/linear_1"))
        (query,) = net.heads(net.norm(x, f"{prefix}/attention"), f"{prefix}/attention/linear_0", 1)
        x = net.plus(x, net.attention(query, f"keys.{layer}", f"values.{layer}", f"{prefix}/attention/linear_2"))
        x = net.plus(x, net.feed_forward(x, prefix))
        inputs.append(floats(f"keys.{layer}", [*sizes, FRAMES // 2]))
        inputs.append(floats(f"values.{layer}", [sizes[0], FRAMES // 2, sizes[1]]))
        for kind in ("keys", "values"):
            inputs.append(floats(f"said_{kind}.{layer}", [sizes[0], "past", sizes[1]]))
            outputs.append(floats(f"new_{kind}.{layer}", [sizes[0], "length", sizes[1]]))
    logits = net.product(net.norm(x, "decoder"), PROJECTION, weights["decoder/projection/weight"])
    graph.add("Reshape", [logits, graph.constant("flat", np.array([-1]))], "logits")
    return graph.model(inputs, [floats("logits", [net.shape.vocabulary]), *outputs], OPSET)


def spectrogram(graph: Graph, waveform: str) -> str:
    """[1, BANDS, FRAMES]: logarithms, not more than 8 powers of ten below the loudest, brought near to -1 .. 1."""
    channel = graph.add("Unsqueeze", [waveform, graph.constant("channel", np.array([1]))], "one_channel")
    half = mel.WINDOW // 2
    around = graph.constant("around", np.array([0, 0, half, 0, 0, half]))
    padded = graph.add("Pad", [channel, around], "padded", mode="reflect")
    basis = graph.constant("fourier", mel.fourier()[:, None].astype(np.float32))
    waves = graph.add("Conv", [padded, basis], "waves", strides=[mel.HOP])
    ends = [graph.constant(f"frames_{name}", np.array([at])) for name, at in [("from", 0), ("to", FRAMES), ("axis", 2)]]
    waves = graph.add("Slice", [waves, *ends], "whole_waves")
    power = graph.add("Mul", [waves, waves], "power")
    bands = graph.constant("bands", np.tile(mel.filters(), 2).astype(np.float32))
    energy = graph.add("MatMul", [bands, power], "energy")
    energy = graph.add("Max", [energy, graph.constant("least", np.float32(1e-10))], "heard_energy")
    level = graph.add("Mul", [graph.add("Log", [energy], "log"), graph.constant("log10", np.float32(1 / np.log(10)))], "level")
    loudest = graph.add("ReduceMax", [level], "loudest", keepdims=1)
    floor = graph.add("Sub", [loudest, graph.constant("eight", np.float32(8))], "floor")
    level = graph.add("Max", [level, floor], "bounded_level")
    level = graph.add("Add", [level, graph.constant("four", np.float32(4))], "raised_level")
    return graph.add("Mul", [level, graph.constant("quarter", np.float32(0.25))], "spectrogram")


def _convolutions(net: "_Net", x: str) -> str:
    """[1, FRAMES / 2, width]"""
    graph = net.graph
    for name, stride in [("conv1", 1), ("conv2", 2)]:
        weight, bias = (graph.half(f"encoder/{name}/{part}", net.weights[f"encoder/{name}/{part}"]) for part in ("weight", "bias"))
        x = graph.add("Conv", [x, weight, bias], f"{name}_out", strides=[stride], pads=[1, 1])
        x = graph.add("Gelu", [x], f"{name}_gelu")
    x = graph.add("Transpose", [x], "frames", perm=[0, 2, 1])
    return net.plus(x, graph.half("places", net.weights["encoder/position_encodings/encodings"]))


def _embedded(net: "_Net") -> str:
    """[1, 1, width]: the token and its place, which is how many were said before."""
    graph = net.graph
    place = graph.add("Shape", ["said_keys.0"], "place", start=1, end=2)
    places = graph.constant("places", net.weights["decoder/position_encodings/encodings"])
    place_row = graph.add("Cast", [graph.add("Gather", [places, place], "place_half")], "place_row", to=TensorProto.FLOAT)
    if net.eight_bits:
        token_row = graph.eight_bit_row(PROJECTION, "token")
    else:
        table = graph.constant("embeddings", net.weights["decoder/embeddings/weight"])
        token_row = graph.add("Cast", [graph.add("Gather", [table, "token"], "token_half")], "token_row", to=TensorProto.FLOAT)
    both = graph.add("Add", [token_row, place_row], "embedded_row")
    return graph.add("Unsqueeze", [both, graph.constant("batch", np.array([0]))], "embedded")


class _Net:
    """A graph and the parts that transformers are made of."""

    def __init__(self, name: str, weights: Weights, eight_bits: bool = False):
        self.graph, self.weights, self.shape = Graph(name), weights, Shape.of(weights)
        self.eight_bits = eight_bits

    def new(self, what: str) -> str:
        return f"{what}_{len(self.graph.nodes)}"

    def plus(self, x: str, y: str) -> str:
        return self.graph.add("Add", [x, y], self.new("sum"))

    def norm(self, x: str, prefix: str) -> str:
        parts = [self.graph.half(f"{prefix}/{part}", self.weights[f"{prefix}/layer_norm/{part}"]) for part in ("gamma", "beta")]
        return self.graph.add("LayerNormalization", [x, *parts], self.new("norm"), axis=-1, epsilon=1e-5)

    def product(self, x: str, name: str, weight: np.ndarray) -> str:
        """`x` with the rows of `weight`."""
        if self.eight_bits:
            return self.graph.eight_bit_product(x, name, weight)
        return self.graph.add("MatMul", [x, self.graph.half(f"{name}/weight", weight.T)], self.new("product"))

    def linear(self, x: str, name: str) -> str:
        bias = self.graph.half(f"{name}/bias", self.weights[f"{name}/bias"])
        return self.plus(self.product(x, name, self.weights[f"{name}/weight"]), bias)

    def heads(self, x: str, name: str, count: int) -> list[str]:
        """`count` linear functions of `x`, each [heads, length, head]."""
        split = self.graph.constant(self.new("split"), np.array([-1, count * self.shape.heads, self.shape.head]))
        rows = self.graph.add("Reshape", [self.linear(x, name), split], self.new("rows"))
        heads = self.graph.add("Transpose", [rows], self.new("heads"), perm=[1, 0, 2])
        if count == 1:
            return [heads]
        names = [f"{heads}_{part}" for part in range(count)]
        self.graph.nodes.append(helper.make_node("Split", [heads], names, axis=0, num_outputs=count))
        return names

    def turned(self, keys: str) -> str:
        return self.graph.add("Transpose", [keys], self.new("turned"), perm=[0, 2, 1])

    def attention(self, query: str, keys: str, values: str, name: str) -> str:
        """What each query sees, through the linear function `name`."""
        graph = self.graph
        scale = graph.constant(self.new("scale"), np.float32(self.shape.head**-0.5))
        scores = graph.add("MatMul", [graph.add("Mul", [query, scale], self.new("query")), keys], self.new("scores"))
        seen = graph.add("MatMul", [graph.add("Softmax", [scores], self.new("weights"), axis=-1), values], self.new("seen"))
        rows = graph.add("Transpose", [seen], self.new("seen_rows"), perm=[1, 0, 2])
        joined = graph.constant(self.new("joined"), np.array([1, -1, self.shape.width]))
        return self.linear(graph.add("Reshape", [rows, joined], self.new("seen_joined")), name)

    def feed_forward(self, x: str, prefix: str) -> str:
        inner = self.linear(self.norm(x, f"{prefix}/ffn"), f"{prefix}/ffn/linear_0")
        return self.linear(self.graph.add("Gelu", [inner], self.new("gelu")), f"{prefix}/ffn/linear_1")
