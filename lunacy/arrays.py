"""The arrays that modules hand to each other."""

from __future__ import annotations

import numpy as np
import numpy.typing as npt

Vectors = npt.NDArray[np.float32]  # (n, dim), unit rows
Rows = npt.NDArray[np.int64]  # (n,): positions in the store
Scores = npt.NDArray[np.float64]  # (n,)

NONE: Rows = np.empty(0, np.int64)
