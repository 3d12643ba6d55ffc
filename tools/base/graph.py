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

    def eight_bit_product(self, x: str, name: str, weight: np.ndarray) -> str:
        """`x` with the rows of `weight`, both as integers of 8 bits: each row of weights with a scale of its own, around 128, since
        with signed weights older machines overflow; `x` with the scale that it has at the time."""
        weight = weight.astype(np.float32)
        scale = np.maximum(np.abs(weight).max(axis=1) / 127, np.finfo(np.float32).tiny)
        rows = np.rint(weight / scale[:, None]) + 128
        rounded, x_scale, x_zero = (f"{name}/{part}" for part in ("x", "x_scale", "x_zero"))
        self.nodes.append(helper.make_node("DynamicQuantizeLinear", [x], [rounded, x_scale, x_zero], name=rounded))
        stored = self.constant(f"{name}/weight_u8", rows.T.astype(np.uint8))
        zero = self.constant(f"{name}/weight_zero", np.uint8(128))
        whole = self.add("MatMulInteger", [rounded, stored, x_zero, zero], f"{name}/whole")
        scales = self.add("Mul", [x_scale, self.constant(f"{name}/scale", scale)], f"{name}/scales")
        return self.add("Mul", [self.add("Cast", [whole], f"{name}/wide", to=TensorProto.FLOAT), scales], f"{name}/product")

    def eight_bit_row(self, name: str, row: str) -> str:
        """Row `row` [1] of the weights of the product `name`, `[1, width]`."""
        column = self.add("Gather", [f"{name}/weight_u8", row], f"{name}/column", axis=1)
        wide = self.add("Cast", [self.add("Transpose", [column], f"{name}/row")], f"{name}/wide_row", to=TensorProto.FLOAT)
        centred = self.add("Sub", [wide, self.constant(f"{name}/middle", np.float32(128))], f"{name}/centred_row")
        scale = self.add("Gather", [f"{name}/scale", row], f"{name}/row_scale")
        return self.add("Mul", [centred, scale], f"{name}/scaled_row")

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
