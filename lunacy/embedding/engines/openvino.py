"""OpenVINO: the fastest engine on a CPU, from the extra `lunacy[cpu]`."""

from __future__ import annotations

import copy
import os
import sys
from collections import deque
from typing import Any

import numpy as np
import torch
from torch import Tensor, nn

from lunacy.embedding.engines.batches import Batch, batches, pad_id, pool
from lunacy.embedding.engines.engine import Floats
from lunacy.embedding.model_parts import ModelParts, Unsupported
from lunacy.embedding.quiet import quiet
from lunacy.embedding.token_arrays import Tokens

_HINTS = {torch.float32: "f32", torch.bfloat16: "bf16"}
_POLL_MS = 50
_BATCH_SIZE = 16  # texts; measured best on 2 cores (MiniLM, abstracts)
_MAX_TOKENS = 2**12  # of a batch, padding included


class OpenVino:
    """A transformer translated by OpenVINO, with the head in torch."""

    def __init__(self, parts: ModelParts, *, dtype: torch.dtype = torch.float32, batch_size: int | None = None) -> None:
        """`dtype`: of the matrix products, float32 or bfloat16; the rest is in float32.

        Raises ImportError without openvino, Unsupported for a model that it cannot translate.
        """
        openvino = import_openvino()
        self.arithmetic = f"cpu {str(dtype).removeprefix('torch.')} openvino"
        self._dim, self._pad = parts.dim, pad_id(parts.tokenizer)
        self._head = copy.deepcopy(parts.head).eval()
        self._batch_size = batch_size or _BATCH_SIZE
        translated = _translate(parts)
        settings = {"INFERENCE_PRECISION_HINT": _HINTS[dtype], "PERFORMANCE_HINT": "THROUGHPUT"}
        if n_threads := os.environ.get("OMP_NUM_THREADS"):  # as torch has it: one of several that share the machine
            settings["INFERENCE_NUM_THREADS"] = n_threads
        compiled = openvino.Core().compile_model(translated, "CPU", settings)
        n_streams = int(compiled.get_property("OPTIMAL_NUMBER_OF_INFER_REQUESTS"))
        self._requests = [compiled.create_infer_request() for _ in range(n_streams + 1)]  # one waits while others run

    @torch.inference_mode()
    def run(self, tokens: Tokens) -> Floats:
        """(n, dim) float32, in order."""
        out = np.empty((len(tokens), self._dim), np.float32)
        free = list(self._requests)
        running: deque[tuple[Any, Batch]] = deque()
        for batch in batches(tokens, self._batch_size, _MAX_TOKENS, pad=self._pad):
            if not free:
                free.append(self._finish(running.popleft(), out))
            request = free.pop()
            request.start_async({"input_ids": batch.ids, "attention_mask": batch.mask}, share_inputs=True)
            running.append((request, batch))
        while running:
            self._finish(running.popleft(), out)
        return out

    def _finish(self, one: tuple[Any, Batch], out: Floats) -> Any:
        request, batch = one
        while not request.wait_for(_POLL_MS):
            pass  # so that Ctrl-C is heard
        hidden = torch.from_numpy(request.get_output_tensor(0).data)  # (b, width, d)
        out[batch.rows] = pool(self._head, hidden, torch.from_numpy(batch.mask)).numpy()
        return request


def import_openvino() -> Any:
    """OpenVINO without its telemetry, which else reports every import and translation over the network.

    It does without the package where that cannot be imported; a program that imported OpenVINO before has chosen.
    """
    if "openvino" not in sys.modules:
        sys.modules["openvino_telemetry"] = None  # type: ignore[assignment]  # documented: the import fails
    import openvino

    return openvino


class _LastHidden(nn.Module):
    """A transformer with two inputs and one output, as OpenVINO translates it."""

    def __init__(self, transformer: Any) -> None:
        super().__init__()
        self._transformer = transformer

    def forward(self, input_ids: Tensor, attention_mask: Tensor) -> Tensor:
        hidden: Tensor = self._transformer(input_ids=input_ids, attention_mask=attention_mask).last_hidden_state
        return hidden


def _translate(parts: ModelParts) -> Any:
    openvino = import_openvino()
    example = torch.full((2, 8), pad_id(parts.tokenizer) + 1)
    mask = torch.ones_like(example)
    mask[1, 5:] = 0  # else the mask may be taken for one that masks nothing
    with quiet():  # tracing warns of what transformers asks of shapes, and touches properties that nobody needs
        try:
            return openvino.convert_model(
                _LastHidden(parts.transformer).eval(), example_input={"input_ids": example, "attention_mask": mask}
            )
        except (RuntimeError, ValueError, TypeError) as error:
            raise Unsupported(f"OpenVINO cannot translate it ({str(error).strip().splitlines()[0]})") from error
