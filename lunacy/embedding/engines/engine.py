"""An engine runs a model: token ids in, vectors out. `Packed`, `Padded` and `OpenVino` are engines."""

from __future__ import annotations

from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from itertools import pairwise
from typing import Protocol

import numpy as np
import numpy.typing as npt

from lunacy.embedding.token_arrays import Tokens
from lunacy.errors import ModelError

Floats = npt.NDArray[np.float32]  # (n, dim), of any length


class Engine(Protocol):
    """A transformer and its head, on a device, in a number format."""

    @property
    def arithmetic(self) -> str:
        """Device, number format, way: `cuda float16 packed`."""

    def run(self, tokens: Tokens) -> Floats:
        """(n_rows, dim) float32 as the model's last module gives them, in order."""


class DataParallel:
    """An engine for each GPU: each embeds a share of the rows, in a thread."""

    def __init__(self, engines: Sequence[Engine]) -> None:
        self._engines = engines
        self.arithmetic = engines[0].arithmetic  # where the others run makes no difference
        self._threads = ThreadPoolExecutor(len(engines), "embed")

    def run(self, tokens: Tokens) -> Floats:
        """(n_rows, dim) float32, in order."""
        ends = np.linspace(0, tokens.bounds[-1], len(self._engines) + 1)  # shares of about as many tokens
        rows = [0, *np.searchsorted(tokens.bounds, ends[1:-1]).tolist(), len(tokens)]
        shares = [tokens.part(start, stop) for start, stop in pairwise(rows)]
        return np.concatenate(list(self._threads.map(lambda one, share: one.run(share), self._engines, shares)))


def no_memory(device: object, n_tokens: int) -> ModelError:
    """The error for a text that fits nowhere."""
    return ModelError(f"the memory of {device} does not hold one text of {n_tokens} tokens", hint="use --device cpu")
