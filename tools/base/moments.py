"""Adds to the graph of sounds what attention looks at: a few moments of a window, with few components each.

CED gives four tokens, one a band of frequencies, for each sixth of a second. A moment is the mean of those of an eighth
of the window, projected on its principal components, as `grid.py` does with the places of a picture.
"""

import numpy as np
import onnx
from onnx import TensorProto, helper, numpy_helper

from .ced import FEATURES
from .graph import floats

BANDS = 4
COUNT = 8
DIMENSION = 64


def add(model: onnx.ModelProto, mean: np.ndarray, projection: np.ndarray) -> onnx.ModelProto:
    """`model` with one more output, `grid` [N, 8, 64], in the order of time."""
    graph = model.graph
    initializers = {
        # Tokens are kept band by band.
        "moments_bands": np.array([0, BANDS, -1, FEATURES], np.int64),
        "moments_band_axis": np.array([1], np.int64),
        "moments_length_axis": np.array(1, np.int64),
        "moments_nothing": np.array(0, np.float32),
        "moments_one": np.array(1, np.float32),
        "moments_count": np.array(COUNT, np.float32),
        "moments_numbers": np.arange(COUNT, dtype=np.float32)[:, None],
        "moments_time_axis": np.array([1], np.int64),
        "moments_projection_f16": projection.astype(np.float16),
        # What the projection makes of the mean.
        "moments_offset": -(mean @ projection).astype(np.float32),
    }
    graph.initializer.extend(numpy_helper.from_array(value, name) for name, value in initializers.items())

    def node(kind: str, inputs: list[str], output: str, **attributes: object) -> onnx.NodeProto:
        return helper.make_node(kind, inputs, [output], name=output, **attributes)

    graph.node.extend(
        [
            node("Reshape", ["tokens", "moments_bands"], "moments_by_band"),
            node("ReduceMean", ["moments_by_band", "moments_band_axis"], "moments_times", keepdims=0),
            node("Shape", ["moments_times"], "moments_shape"),
            node("Gather", ["moments_shape", "moments_length_axis"], "moments_length_whole"),
            node("Cast", ["moments_length_whole"], "moments_length", to=TensorProto.FLOAT),
            node("Range", ["moments_nothing", "moments_length", "moments_one"], "moments_range"),
            node("Mul", ["moments_range", "moments_count"], "moments_scaled"),
            node("Div", ["moments_scaled", "moments_length"], "moments_share"),
            node("Floor", ["moments_share"], "moments_of_time"),
            node("Equal", ["moments_of_time", "moments_numbers"], "moments_member"),
            node("Cast", ["moments_member"], "moments_members", to=TensorProto.FLOAT),
            node("ReduceSum", ["moments_members", "moments_time_axis"], "moments_sum", keepdims=1),
            # A sound of less than eight times has moments without any.
            node("Max", ["moments_sum", "moments_one"], "moments_sizes"),
            node("Div", ["moments_members", "moments_sizes"], "moments_weights"),
            node("MatMul", ["moments_weights", "moments_times"], "moments_means"),
            node("Cast", ["moments_projection_f16"], "moments_projection", to=TensorProto.FLOAT),
            node("MatMul", ["moments_means", "moments_projection"], "moments_projected"),
            node("Add", ["moments_projected", "moments_offset"], "grid"),
        ]
    )
    graph.output.append(floats("grid", ["batch_size", COUNT, DIMENSION]))
    onnx.checker.check_model(model)
    return model


def means(tokens: np.ndarray) -> np.ndarray:
    """What the graph makes of `tokens` [N, T, 192] before the projection, [N, 8, 192]."""
    times = tokens.reshape(len(tokens), BANDS, -1, FEATURES).mean(axis=1)
    of_time = np.arange(times.shape[1]) * COUNT // times.shape[1]
    members = (of_time == np.arange(COUNT)[:, None]).astype(np.float32)
    return np.einsum("mt,ntf->nmf", members / np.maximum(members.sum(axis=1, keepdims=True), 1), times)
