"""Small helpers for building ONNX graphs."""

import numpy as np
import onnx
from onnx import TensorProto, helper, numpy_helper


class Graph:
    """Collects nodes and initialisers; tensors are named by what makes them."""

    def __init__(self, name: str):
        self.name = name
        self.nodes: list[onnx.NodeProto] = []
        self.initializers: list[onnx.TensorProto] = []

    def add(self, operator: str, inputs: list[str], output: str, **attributes) -> str:
        """Adds a node with one output and returns the output's name."""
        self.nodes.append(helper.make_node(operator, inputs, [output], name=output, **attributes))
        return output

    def constant(self, name: str, values: np.ndarray) -> str:
        """Adds an initialiser as it is."""
        self.initializers.append(numpy_helper.from_array(np.ascontiguousarray(values), name))
        return name

    def half(self, name: str, values: np.ndarray) -> str:
        """Adds an initialiser stored as f16. ONNX Runtime folds the Cast away when it loads the graph."""
        stored = self.constant(f"{name}_f16", values.astype(np.float16))
        return self.add("Cast", [stored], name, to=TensorProto.FLOAT)

    def model(self, inputs: list, outputs: list, opset: int = 17) -> onnx.ModelProto:
        """The checked model."""
        graph = helper.make_graph(self.nodes, self.name, inputs, outputs, self.initializers)
        model = helper.make_model(graph, opset_imports=[helper.make_opsetid("", opset)], producer_name="")
        model.ir_version = 9
        onnx.checker.check_model(model, full_check=True)
        return model


def floats(name: str, shape: list[int | str]) -> onnx.ValueInfoProto:
    """An f32 input or output."""
    return helper.make_tensor_value_info(name, TensorProto.FLOAT, shape)


def integers(name: str, shape: list[int | str]) -> onnx.ValueInfoProto:
    """An i64 input or output."""
    return helper.make_tensor_value_info(name, TensorProto.INT64, shape)
