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


def build(weights: Weights) -> onnx.ModelProto:
    """`pixels` [N, 3, 260, 260] to `pooled` [N, 1280] and `tokens` [N, 81, 1280], the grid row by row."""
    graph = Graph("efficientnet_lite2")
    graph.constant("zero", np.float32(0))
    graph.constant("six", np.float32(6))
    x, size = _convolution(graph, weights, "pixels", SIDE, "_conv_stem", "_bn0", stride=2)
    number = 0
    for stage in STAGES:
        for repeat in range(stage.repeats):
            x, size = _block(graph, weights, x, size, f"_blocks.{number}", stage, repeat == 0)
            number += 1
    x, size = _convolution(graph, weights, x, size, "_conv_head", "_bn1")
    assert size == GRID
    pooled = graph.add("GlobalAveragePool", [x], "pooled_map")
    graph.add("Flatten", [pooled], "pooled")
    shape = graph.constant("flat", np.array([0, FEATURES, GRID * GRID], np.int64))
    rows = graph.add("Reshape", [x, shape], "rows")
    graph.add("Transpose", [rows], "tokens", perm=[0, 2, 1])
    return graph.model(
        [floats("pixels", ["batch", 3, SIDE, SIDE])],
        [floats("pooled", ["batch", FEATURES]), floats("tokens", ["batch", GRID * GRID, FEATURES])],
    )


def _block(
    graph: Graph, weights: Weights, x: str, size: int, name: str, stage: Stage, first: bool
) -> tuple[str, int]:
    """An inverted residual block: widen, convolve each channel, project; add the input where shapes agree."""
    start = x
    if stage.expand > 1:
        x, size = _convolution(graph, weights, x, size, f"{name}._expand_conv", f"{name}._bn0")
    stride = stage.stride if first else 1
    x, size = _convolution(graph, weights, x, size, f"{name}._depthwise_conv", f"{name}._bn1", stride=stride)
    x, size = _convolution(graph, weights, x, size, f"{name}._project_conv", f"{name}._bn2", relu=False)
    if not first:
        x = graph.add("Add", [x, start], f"{name}.sum")
    return x, size


def _convolution(
    graph: Graph,
    weights: Weights,
    x: str,
    size: int,
    name: str,
    norm: str,
    stride: int = 1,
    relu: bool = True,
) -> tuple[str, int]:
    """A convolution with its batch normalisation and, unless it is a projection, a ReLU6."""
    kernel = weights[f"{name}.weight"]
    scale = weights[f"{norm}.weight"] / np.sqrt(weights[f"{norm}.running_var"] + EPSILON)
    bias = weights[f"{norm}.bias"] - weights[f"{norm}.running_mean"] * scale
    width = kernel.shape[2]
    out = -(-size // stride)
    # TensorFlow's "same": the odd pixel of padding goes to the right and the bottom.
    padding = max((out - 1) * stride + width - size, 0)
    before, after = padding // 2, padding - padding // 2
    y = graph.add(
        "Conv",
        [
            x,
            graph.half(f"{name}.weight", kernel * scale[:, None, None, None]),
            graph.constant(f"{name}.bias", bias.astype(np.float32)),
        ],
        f"{name}.out",
        kernel_shape=[width, width],
        strides=[stride, stride],
        pads=[before, before, after, after],
        group=kernel.shape[0] if kernel.shape[1] == 1 and "depthwise" in name else 1,
    )
    if relu:
        y = graph.add("Clip", [y, "zero", "six"], f"{name}.relu6")
    return y, out
