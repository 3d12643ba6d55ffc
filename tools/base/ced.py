"""CED-tiny (Dinkel et al. 2023, arXiv:2308.11957) as an ONNX graph that ends before its classifier."""

from pathlib import Path

import numpy as np
import onnx
from onnx import helper, numpy_helper

from .graph import floats

FEATURES = 192
SAMPLE_RATE = 16_000


def build(path: Path) -> onnx.ModelProto:
    """`waveform` [N, samples] to `pooled` [N, 192] and `tokens` [N, T, 192]."""
    model = onnx.load(path)
    graph = model.graph
    pool = next(node for node in graph.node if "mean" in node.output)
    after = _nodes_after(graph, "mean")
    kept = [node for node in graph.node if node.output[0] not in after]
    # The part lists what widens the weights last; a graph should be in order.
    kept.sort(key=lambda node: node.op_type != "DequantizeLinear")
    ends = [
        helper.make_node("Identity", ["mean"], ["pooled"], name="pooled"),
        helper.make_node("Identity", [pool.input[0]], ["tokens"], name="tokens"),
    ]
    used = {name for node in kept for name in node.input}
    rebuilt = helper.make_graph(
        kept + ends,
        "ced_tiny",
        list(graph.input),
        [floats("pooled", ["batch_size", FEATURES]), floats("tokens", ["batch_size", "length", FEATURES])],
        [tensor for tensor in graph.initializer if tensor.name in used],
    )
    result = helper.make_model(rebuilt, opset_imports=model.opset_import, producer_name="")
    result.ir_version = model.ir_version
    onnx.checker.check_model(result)
    return result


def classifier(path: Path) -> dict[str, np.ndarray]:
    """The layer normalisation and the linear layer that follow `pooled`."""
    graph = onnx.load(path).graph
    tensors = {tensor.name: numpy_helper.to_array(tensor) for tensor in graph.initializer}
    dequantised = {node.output[0]: node for node in graph.node if node.op_type == "DequantizeLinear"}

    def value(name: str) -> np.ndarray:
        if name in tensors:
            return tensors[name]
        node = dequantised[name]
        axis = next((a.i for a in node.attribute if a.name == "axis"), 1)
        quantised, scale, zero = (tensors[i] for i in node.input)
        shape = [1] * quantised.ndim
        if scale.ndim:
            shape[axis] = -1
        return (quantised.astype(np.float32) - zero.reshape(shape)) * scale.reshape(shape)

    norm = next(node for node in graph.node if node.op_type == "LayerNormalization" and node.input[0] == "mean")
    linear = next(node for node in graph.node if node.op_type == "Gemm")
    weight = value(linear.input[1])
    transposed = next((a.i for a in linear.attribute if a.name == "transB"), 0)
    epsilon = next((a.f for a in norm.attribute if a.name == "epsilon"), 1e-5)
    return {
        "weight": weight if transposed else weight.T,
        "bias": value(linear.input[2]),
        "norm_weight": value(norm.input[1]),
        "norm_bias": value(norm.input[2]),
        "epsilon": np.float32(epsilon),
    }


def _nodes_after(graph: onnx.GraphProto, name: str) -> set[str]:
    """The outputs of all nodes that need the tensor `name`."""
    after: set[str] = set()
    for node in graph.node:
        if any(i == name or i in after for i in node.input):
            after.update(node.output)
    return after
