"""EfficientNet-Lite2 (Tan and Le 2019, arXiv:1905.11946; the Lite variant of 2020) as an ONNX graph.

Batch normalisations are folded into the convolutions and weights are stored as f16. The classifier is left out: it is
part of a head.
"""

from dataclasses import dataclass

import numpy as np
import onnx

from .graph import Graph, floats

SIDE = 260
FEATURES = 1280
GRID = 9
EPSILON = 1e-3

Weights = dict[str, np.ndarray]

# The blocks from this one on, and the convolution behind them, are there a second time when they were tuned.
TUNED_FROM = 16


@dataclass(frozen=True)
class Stage:
    """A row of the architecture's table: blocks of one kind, of which the first may halve the size."""

    repeats: int
    kernel: int
    stride: int
    expand: int


STAGES = [
    Stage(1, 3, 1, 1),
    Stage(3, 3, 2, 6),
    Stage(3, 5, 2, 6),
    Stage(4, 3, 2, 6),
    Stage(4, 5, 1, 6),
    Stage(5, 5, 2, 6),
    Stage(1, 3, 1, 6),
]


@dataclass(frozen=True)
class Block:
    """An inverted residual block: widen, convolve each channel, project; add the input where shapes agree."""

    name: str
    stride: int
    expands: bool
    adds: bool


def blocks() -> list[Block]:
    """All blocks, in their order."""
    kinds = [(stage, repeat) for stage in STAGES for repeat in range(stage.repeats)]
    return [
        Block(f"_blocks.{number}", 1 if repeat else stage.stride, stage.expand > 1, repeat > 0)
        for number, (stage, repeat) in enumerate(kinds)
    ]


def folded(weights: Weights) -> Weights:
    """The weights with batch normalisations folded into the convolutions: `NAME.weight` and `NAME.bias`."""
    norms = {"_conv_stem": "_bn0", "_conv_head": "_bn1"}
    for block in blocks():
        names = ["expand", "depthwise", "project"] if block.expands else ["depthwise", "project"]
        for name in names:
            number = ["expand", "depthwise", "project"].index(name)
            norms[f"{block.name}._{name}_conv"] = f"{block.name}._bn{number}"
    result = {}
    for name, norm in norms.items():
        scale = weights[f"{norm}.weight"] / np.sqrt(weights[f"{norm}.running_var"] + EPSILON)
        result[f"{name}.weight"] = weights[f"{name}.weight"] * scale[:, None, None, None]
        result[f"{name}.bias"] = (weights[f"{norm}.bias"] - weights[f"{norm}.running_mean"] * scale).astype(np.float32)
    return result


def padding(size: int, kernel: int, stride: int) -> tuple[int, int]:
    """TensorFlow's "same": the odd pixel of padding goes to the right and the bottom."""
    total = max((-(-size // stride) - 1) * stride + kernel - size, 0)
    return total // 2, total - total // 2


def build(weights: Weights, tuned: Weights | None = None) -> onnx.ModelProto:
    """`pixels` [N, 3, 260, 260] to `pooled` [N, 1280] and `tokens` [N, 81, 1280], the grid row by row.

    `weights` are folded. With `tuned`, the last blocks are computed with these weights too: then `pooled` has what they
    give behind the other, [N, 2560], and `tokens` are theirs. Up to there both are one computation.
    """
    graph = Graph("efficientnet_lite2")
    graph.constant("zero", np.float32(0))
    graph.constant("six", np.float32(6))
    x, size = _convolution(graph, weights, "pixels", SIDE, "_conv_stem", stride=2)
    for block in blocks()[:TUNED_FROM]:
        x, size = _block(graph, weights, x, size, block)
    last = _tail(graph, weights, x, size)
    pooled = [_pooled(graph, last)]
    if tuned:
        last = _tail(graph, tuned, x, size, "tuned.")
        pooled.append(_pooled(graph, last, "tuned."))
    graph.add("Concat", pooled, "pooled", axis=1)
    shape = graph.constant("flat", np.array([0, FEATURES, GRID * GRID], np.int64))
    rows = graph.add("Reshape", [last, shape], "rows")
    graph.add("Transpose", [rows], "tokens", perm=[0, 2, 1])
    return graph.model(
        [floats("pixels", ["batch", 3, SIDE, SIDE])],
        [
            floats("pooled", ["batch", FEATURES * len(pooled)]),
            floats("tokens", ["batch", GRID * GRID, FEATURES]),
        ],
    )


def _tail(graph: Graph, weights: Weights, x: str, size: int, prefix: str = "") -> str:
    for block in blocks()[TUNED_FROM:]:
        x, size = _block(graph, weights, x, size, block, prefix)
    x, size = _convolution(graph, weights, x, size, "_conv_head", prefix=prefix)
    assert size == GRID
    return x


def _pooled(graph: Graph, x: str, prefix: str = "") -> str:
    return graph.add("Flatten", [graph.add("GlobalAveragePool", [x], f"{prefix}pooled_map")], f"{prefix}mean")


def _block(graph: Graph, weights: Weights, x: str, size: int, block: Block, prefix: str = "") -> tuple[str, int]:
    start, name = x, block.name
    if block.expands:
        x, size = _convolution(graph, weights, x, size, f"{name}._expand_conv", prefix=prefix)
    x, size = _convolution(graph, weights, x, size, f"{name}._depthwise_conv", stride=block.stride, prefix=prefix)
    x, size = _convolution(graph, weights, x, size, f"{name}._project_conv", relu=False, prefix=prefix)
    if block.adds:
        x = graph.add("Add", [x, start], f"{prefix}{name}.sum")
    return x, size


def _convolution(
    graph: Graph,
    weights: Weights,
    x: str,
    size: int,
    name: str,
    stride: int = 1,
    relu: bool = True,
    prefix: str = "",
) -> tuple[str, int]:
    """A convolution and, unless it is a projection, a ReLU6."""
    kernel = weights[f"{name}.weight"]
    width = kernel.shape[2]
    before, after = padding(size, width, stride)
    y = graph.add(
        "Conv",
        [
            x,
            graph.half(f"{prefix}{name}.weight", kernel),
            graph.constant(f"{prefix}{name}.bias", weights[f"{name}.bias"]),
        ],
        f"{prefix}{name}.out",
        kernel_shape=[width, width],
        strides=[stride, stride],
        pads=[before, before, after, after],
        group=kernel.shape[0] if kernel.shape[1] == 1 and "depthwise" in name else 1,
    )
    if relu:
        y = graph.add("Clip", [y, "zero", "six"], f"{prefix}{name}.relu6")
    return y, -(-size // stride)
