"""BERT as OpenVINO's graph, made of the weights themselves: neither torch nor a translation, so it is there at once.

The model is that of arXiv:1810.04805, as `BertModel` of transformers computes it.
"""

from __future__ import annotations

from typing import Any

import numpy as np

from lunacy.embedding.engines.openvino import import_openvino
from lunacy.embedding.model_errors import Unsupported
from lunacy.embedding.plain_bert import PlainBert
from lunacy.embedding.weights import Weights

_UNUSED = ("pooler.dense.weight", "pooler.dense.bias", "embeddings.position_ids", "embeddings.token_type_ids")


def bert_graph(model: PlainBert, weights: Weights) -> Any:
    """(b, width) int64 ids and mask -> (b, width, dim) hidden states.

    Raises ImportError without openvino, Unsupported where the weights are not those that config.json describes.
    """
    if {name: shape for name, shape in weights.shapes.items() if name not in _UNUSED} != model.shapes:
        raise Unsupported("its weights are not those that config.json describes")
    return _Graph(model, weights).build()


class _Graph:
    """Nodes of OpenVINO, by the names that transformers gives the layers."""

    def __init__(self, model: PlainBert, weights: Weights) -> None:
        self._openvino = import_openvino()
        from openvino import opset13

        self._op = opset13
        self._model = model
        self._weights = weights

    def build(self) -> Any:
        op, model = self._op, self._model
        ids = op.parameter([-1, -1], np.int64, name="input_ids")
        mask = op.parameter([-1, -1], np.int64, name="attention_mask")
        seen = op.unsqueeze(op.convert(mask, "boolean"), np.array([1, 2]))  # (b, 1, 1, width): of all by all
        hidden = self._norm(self._embeddings(ids), "embeddings")
        for layer in (f"encoder.layer.{n}" for n in range(model.n_layers)):
            found = self._attention(hidden, seen, f"{layer}.attention.self")
            found = self._dense(found, f"{layer}.attention.output.dense")
            hidden = self._norm(op.add(found, hidden), f"{layer}.attention.output")
            inner = op.gelu(self._dense(hidden, f"{layer}.intermediate.dense"), "erf")
            hidden = self._norm(op.add(self._dense(inner, f"{layer}.output.dense"), hidden), f"{layer}.output")
        return self._openvino.Model([op.result(hidden)], [ids, mask], "bert")

    def _embeddings(self, ids: Any) -> Any:
        """Word, position and type 0 added up."""
        op, weights = self._op, self._weights
        places = (
            weights["embeddings.position_embeddings.weight"] + weights["embeddings.token_type_embeddings.weight"][0]
        )
        width = op.gather(op.shape_of(ids), np.array([1]), np.int64(0))
        here = op.slice(op.constant(places), np.array([0]), width, np.array([1]), np.array([0]))  # (width, dim)
        return op.add(op.gather(self._weight("embeddings.word_embeddings.weight"), ids, np.int64(0)), here)

    def _attention(self, hidden: Any, seen: Any, name: str) -> Any:
        op, model = self._op, self._model
        heads = np.array([0, 0, model.n_heads, model.width // model.n_heads])

        def split(part: str) -> Any:
            rows = op.reshape(self._dense(hidden, f"{name}.{part}"), heads, special_zero=True)
            return op.transpose(rows, np.array([0, 2, 1, 3]))  # (b, heads, width, d)

        query, key, value = map(split, ("query", "key", "value"))
        found = op.transpose(op.scaled_dot_product_attention(query, key, value, seen), np.array([0, 2, 1, 3]))
        return op.reshape(found, np.array([0, 0, model.width]), special_zero=True)

    def _dense(self, rows: Any, name: str) -> Any:
        product = self._op.matmul(rows, self._weight(f"{name}.weight"), False, True)
        return self._op.add(product, self._weight(f"{name}.bias"))

    def _norm(self, rows: Any, name: str) -> Any:
        even = self._op.mvn(rows, np.array([-1]), True, self._model.epsilon, "inside_sqrt")
        scaled = self._op.multiply(even, self._weight(f"{name}.LayerNorm.weight"))
        return self._op.add(scaled, self._weight(f"{name}.LayerNorm.bias"))

    def _weight(self, name: str) -> Any:
        return self._op.constant(self._weights[name], shared_memory=True)
