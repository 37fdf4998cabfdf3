"""OpenVINO: the fastest engine on a CPU."""

from __future__ import annotations

import os
import sys
from collections import deque
from collections.abc import Callable
from functools import lru_cache
from typing import Any

import numpy as np
import numpy.typing as npt

from lunacy.embedding.engines.batches import Batch, batches
from lunacy.embedding.engines.engine import Floats
from lunacy.embedding.token_arrays import Tokens
from lunacy.errors import ModelError

Pool = Callable[[npt.NDArray[np.float32], npt.NDArray[np.int64]], Floats]  # (b, width, d), (b, width) -> (b, dim)

_HINTS = {"float32": "f32", "bfloat16": "bf16"}
_POLL_MS = 50
_BATCH_SIZE = 16  # texts
_MAX_TOKENS = 2**10  # of a batch, padding included: products of more rows are no faster, and more is padded


class OpenVino:
    """A transformer as a graph of OpenVINO, and what pools its hidden states."""

    def __init__(
        self,
        graph: Any,
        pool: Pool,
        *,
        dim: int,
        pad: int,
        products: str = "float32",
        batch_size: int | None = None,
        is_hurried: bool = False,
    ) -> None:
        """`graph`: an openvino.Model. `products`: what matrices are multiplied in, float32 or bfloat16; the rest is in
        float32. `is_hurried`: all cores for each batch, instead of a batch for each core.
        """
        openvino = import_openvino()
        _require_own_threads()
        self.arithmetic = f"cpu {products} openvino"
        self._pool, self._dim, self._pad = pool, dim, pad
        self._batch_size = batch_size or _BATCH_SIZE
        hint = "LATENCY" if is_hurried else "THROUGHPUT"
        settings = {"INFERENCE_PRECISION_HINT": _HINTS[products], "PERFORMANCE_HINT": hint}
        if n_threads := os.environ.get("OMP_NUM_THREADS"):  # as torch has it: one of several that share the machine
            settings["INFERENCE_NUM_THREADS"] = n_threads
        compiled = openvino.Core().compile_model(graph, "CPU", settings)
        n_streams = int(compiled.get_property("OPTIMAL_NUMBER_OF_INFER_REQUESTS"))
        self._requests = [compiled.create_infer_request() for _ in range(n_streams + 1)]  # one waits while others run

    def run(self, tokens: Tokens) -> Floats:
        """(n, dim) float32, in order. Raises ModelError in a forked child."""
        _require_own_threads()
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
        out[batch.rows] = self._pool(request.get_output_tensor(0).data, batch.mask)
        return request


def multiplies_bfloat16() -> bool:
    """Whether the processor multiplies matrices in bfloat16 itself (AVX-512 BF16, AMX), faster or not."""
    return "BF16" in import_openvino().Core().get_property("CPU", "OPTIMIZATION_CAPABILITIES")


@lru_cache(maxsize=1)
def _process() -> int:
    """The process in which OpenVINO first ran; a forked child inherits the number, but not the threads."""
    return os.getpid()


def _require_own_threads() -> None:
    if _process() != os.getpid():
        raise ModelError(
            "a forked process cannot run a model after its parent did",
            hint="let each child ask its first text itself, or start the children with spawn",
        )


def import_openvino() -> Any:
    """OpenVINO without its telemetry, which else reports every import and translation over the network.

    It does without the package where that cannot be imported; a program that imported OpenVINO before has chosen.
    """
    if "openvino" not in sys.modules:
        sys.modules["openvino_telemetry"] = None  # type: ignore[assignment]  # documented: the import fails
    import openvino

    return openvino
