"""Normalise vectors to length 1, and find those that cannot be."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import numpy.typing as npt

from lunacy.arrays import Vectors
from lunacy.errors import ModelError

_NORMS = (1e-12, 1e12)  # outside, float32 would lose digits, or overflow, on the way to a unit vector
_SHOWN = 60  # characters of a text


def lengths(vectors: npt.NDArray[np.floating]) -> npt.NDArray[np.floating]:
    """(n,): the norm of each row; NaN or Inf if any of its values is, 0 if all are."""
    with np.errstate(all="ignore"):  # what is wrong is looked for
        norms: npt.NDArray[np.floating] = np.sqrt(np.einsum("ij,ij->i", vectors, vectors))
    return norms


def faulty(norms: npt.NDArray[np.floating]) -> npt.NDArray[np.int64]:
    """The rows whose norm gives them no direction, ascending."""
    return np.flatnonzero(~((norms > _NORMS[0]) & (norms < _NORMS[1])))


def unit(vectors: npt.NDArray[np.floating], texts: Sequence[str] = ()) -> Vectors:
    """Each row divided by its norm: (n, dim) float32. `texts`: what the rows are of.

    Raises ModelError, naming the text, for a row of zeros or one that is not finite.
    """
    with np.errstate(over="ignore"):
        rows = np.ascontiguousarray(vectors, np.float32)
    norms = lengths(rows)
    if len(wrong := faulty(norms)):
        row = int(wrong[0])
        text = f" for the text {texts[row][:_SHOWN]!r}" if texts else ""
        if not np.any(rows[row]):
            raise ModelError(f"the model gave a vector of zeros{text}; leave that text out, or take another model")
        raise ModelError(f"the model gave a vector that is not finite{text}", hint="try another --device")
    return rows / norms[:, None]
