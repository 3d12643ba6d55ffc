"""all-MiniLM-L6-v2 (Wang et al. 2020, arXiv:2002.10957; sentence-transformers) as an ONNX graph.

The graph of the part has weights of 8 bits with a scale for each column, widened when it is loaded. It is kept as it
is; mean pooling is added, and the token types, which are all zero, are made inside.
"""

from pathlib import Path

import onnx
from onnx import TensorProto, helper

from .graph import floats, integers

FEATURES = 384
MAX_TOKENS = 256


def build(path: Path) -> onnx.ModelProto:
    """`input_ids`, `attention_mask` [N, T] to `pooled` [N, 384] (masked mean) and `tokens` [N, T, 384]."""
    model = onnx.load(path)
    graph = model.graph
    states = graph.output[0].name
    before = [
        helper.make_node("Sub", ["input_ids", "input_ids"], ["token_type_ids"], name="token_types"),
    ]
    axes = helper.make_tensor("pool_axes", TensorProto.INT64, [1], [2])
    rows = helper.make_tensor("pool_rows", TensorProto.INT64, [1], [1])
    after = [
        helper.make_node("Identity", [states], ["tokens"], name="tokens"),
        helper.make_node("Cast", ["attention_mask"], ["pool_mask"], to=TensorProto.FLOAT, name="pool_mask"),
        helper.make_node("Unsqueeze", ["pool_mask", "pool_axes"], ["pool_weights"], name="pool_weights"),
        helper.make_node("Mul", [states, "pool_weights"], ["pool_kept"], name="pool_kept"),
        helper.make_node("ReduceSum", ["pool_kept", "pool_rows"], ["pool_sum"], keepdims=0, name="pool_sum"),
        helper.make_node("ReduceSum", ["pool_weights", "pool_rows"], ["pool_count"], keepdims=0, name="pool_count"),
        helper.make_node("Div", ["pool_sum", "pool_count"], ["pooled"], name="pooled"),
    ]
    nodes = before + list(graph.node) + after
    rebuilt = helper.make_graph(
        nodes,
        "minilm",
        [integers("input_ids", ["batch", "length"]), integers("attention_mask", ["batch", "length"])],
        [floats("pooled", ["batch", FEATURES]), floats("tokens", ["batch", "length", FEATURES])],
        [*graph.initializer, axes, rows],
    )
    result = helper.make_model(rebuilt, opset_imports=model.opset_import, producer_name="")
    result.ir_version = 9
    onnx.checker.check_model(result)
    return result
