"""sentence-transformers as it comes, and the peak of a device: what a benchmark compares with."""

from __future__ import annotations

import time
from collections.abc import Sequence

import numpy as np
import torch

from lunacy.arrays import Vectors
from lunacy.embedding.loaded import load_model

_SIDE = {"cpu": 1024, "cuda": 8192, "mps": 2048}  # of the matrices whose product is timed
_REPEATS = 10


class PlainEncode:
    """`SentenceTransformer.encode`, as its documentation shows it."""

    def __init__(self, model: str, *, device: str) -> None:
        self._model = load_model(model, device=device).model
        n_weights = sum(p.numel() for name, p in self._model.named_parameters() if "embeddings" not in name)
        self.flops_per_token = 2.0 * n_weights  # a multiplication and an addition a weight; attention not counted

    def encode(self, texts: Sequence[str], batch_size: int) -> Vectors:
        """(n, dim) float32, unit rows."""
        found = self._model.encode(
            list(texts), batch_size=batch_size, show_progress_bar=False, normalize_embeddings=True
        )
        return np.asarray(found, np.float32)


def measure_peak_flops(arithmetic: str) -> float:
    """Operations a second of a large matrix product, on the device and in the number format of `arithmetic`."""
    device, dtype_name, *_ = arithmetic.split()
    dtype = getattr(torch, dtype_name)
    side = _SIDE[device]
    left, right = (torch.randn(side, side, device=device).to(dtype) for _ in range(2))
    best_s = float("inf")
    for _ in range(_REPEATS):
        started = time.perf_counter()
        left @ right
        if device == "cuda":
            torch.cuda.synchronize()
        best_s = min(best_s, time.perf_counter() - started)
    return 2.0 * side**3 / best_s
