"""A transformer of torch, translated by OpenVINO, with the head in torch."""

from __future__ import annotations

import copy
from typing import Any

import numpy as np
import numpy.typing as npt
import torch
from torch import Tensor, nn

from lunacy.embedding.engines.batches import pad_id
from lunacy.embedding.engines.engine import Floats
from lunacy.embedding.engines.openvino import OpenVino, import_openvino
from lunacy.embedding.engines.pooling import pool
from lunacy.embedding.model_errors import Unsupported
from lunacy.embedding.model_parts import ModelParts
from lunacy.embedding.quiet import quiet


def translated(parts: ModelParts, *, dtype: torch.dtype = torch.float32, batch_size: int | None = None) -> OpenVino:
    """An engine for `parts`. `dtype`: of the matrix products, float32 or bfloat16.

    Raises ImportError without openvino, Unsupported for a model that it cannot translate.
    """
    graph = _translate(parts)
    head = copy.deepcopy(parts.head).eval()

    @torch.inference_mode()
    def pooled(hidden: npt.NDArray[np.float32], mask: npt.NDArray[np.int64]) -> Floats:
        vectors: Floats = pool(head, torch.from_numpy(hidden), torch.from_numpy(mask)).numpy()
        return vectors

    products = str(dtype).removeprefix("torch.")
    return OpenVino(graph, pooled, dim=parts.dim, pad=pad_id(parts.tokenizer), products=products, batch_size=batch_size)


class LastHidden(nn.Module):
    """A transformer with two inputs and one output, as OpenVINO and ONNX take it."""

    def __init__(self, transformer: Any) -> None:
        super().__init__()
        self._transformer = transformer

    def forward(self, input_ids: Tensor, attention_mask: Tensor) -> Tensor:
        hidden: Tensor = self._transformer(input_ids=input_ids, attention_mask=attention_mask).last_hidden_state
        return hidden


def example_of(tokenizer: Any) -> dict[str, Tensor]:
    """Two texts for it, by which it is traced."""
    ids = torch.full((2, 8), pad_id(tokenizer) + 1)
    mask = torch.ones_like(ids)
    mask[1, 5:] = 0  # else the mask may be taken for one that masks nothing
    return {"input_ids": ids, "attention_mask": mask}


def _translate(parts: ModelParts) -> Any:
    openvino = import_openvino()
    with quiet():  # tracing warns of what transformers asks of shapes, and touches properties that nobody needs
        try:
            return openvino.convert_model(
                LastHidden(parts.transformer).eval(), example_input=example_of(parts.tokenizer)
            )
        except (RuntimeError, ValueError, TypeError) as error:
            raise Unsupported(f"OpenVINO cannot translate it ({str(error).strip().splitlines()[0]})") from error
