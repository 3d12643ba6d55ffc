"""Adds to the visual graph what attention looks at: a coarse grid of tokens with few components.

The last map of the tower, 9x9x1280, would take 207 KB a picture. Its places are averaged to 5x5 and projected on their
principal components, which leaves 4.8 KB.
"""

import numpy as np
import onnx
from onnx import helper, numpy_helper

from .efficientnet import FEATURES, GRID
from .graph import floats

SIDE = 5
DIMENSION = 96


def add(model: onnx.ModelProto, mean: np.ndarray, projection: np.ndarray) -> onnx.ModelProto:
    """`model` with one more output, `grid` [N, 25, 96], row by row."""
    graph = model.graph
    # The last one: of the tuned blocks, where there are some.
    pool = [node for node in graph.node if node.op_type == "GlobalAveragePool"][-1]
    initializers = {
        "grid_flat": np.array([0, FEATURES, SIDE * SIDE], np.int64),
        "grid_projection_f16": projection.astype(np.float16),
        # What the projection makes of the mean.
        "grid_offset": -(mean @ projection).astype(np.float32),
    }
    graph.initializer.extend(numpy_helper.from_array(value, name) for name, value in initializers.items())
    window = {"kernel_shape": [3, 3], "strides": [2, 2], "pads": [1, 1, 1, 1], "count_include_pad": 0}
    assert (GRID + 1) // 2 == SIDE
    graph.node.extend(
        [
            helper.make_node("AveragePool", [pool.input[0]], ["grid_map"], name="grid_map", **window),
            helper.make_node("Reshape", ["grid_map", "grid_flat"], ["grid_rows"], name="grid_rows"),
            helper.make_node("Transpose", ["grid_rows"], ["grid_places"], name="grid_places", perm=[0, 2, 1]),
            helper.make_node(
                "Cast", ["grid_projection_f16"], ["grid_projection"], name="grid_projection", to=onnx.TensorProto.FLOAT
            ),
            helper.make_node("MatMul", ["grid_places", "grid_projection"], ["grid_projected"], name="grid_projected"),
            helper.make_node("Add", ["grid_projected", "grid_offset"], ["grid"], name="grid"),
        ]
    )
    graph.output.append(floats("grid", ["batch", SIDE * SIDE, DIMENSION]))
    onnx.checker.check_model(model, full_check=True)
    return model
