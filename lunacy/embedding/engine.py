"""What runs a model: token ids in, vectors out. Packed, Padded and OpenVINO are engines."""

from __future__ import annotations

from typing import Protocol

import numpy as np
import numpy.typing as npt

from lunacy.embedding.tokens import Tokens

Floats = npt.NDArray[np.float32]  # (n, dim), of any length


class Engine(Protocol):
    """A transformer and its head, on a device, in a number format."""

    @property
    def arithmetic(self) -> str:
        """Device, number format, way: `cuda float16 packed`."""

    def run(self, tokens: Tokens) -> Floats:
        """(n_rows, dim) float32 as the model's last module gives them, in order."""
