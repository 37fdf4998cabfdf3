"""A new layout begins where the papers were on the map before, and is turned and mirrored to fit it."""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np

from lunacy.arrays import Rows, Vectors
from lunacy.pipeline.mapping.layout import Places
from lunacy.store import View

_BLOCK = 2**14  # papers at a time: bounds memory


def principal_components(view: View, rows: Rows) -> Places:
    """(n, 2): the vectors at `rows` in the two directions in which they differ most."""
    dim, n = view.fingerprint.dim, max(len(rows), 1)
    sums, squares = np.zeros(dim), np.zeros((dim, dim))
    for block in blocks(view, rows):
        sums += block.sum(axis=0, dtype=np.float64)
        squares += block.T @ block
    mean = sums / n
    _values, directions = np.linalg.eigh(squares / n - np.outer(mean, mean))
    two = directions[:, :-3:-1]  # (dim, 2)
    two = two * np.sign(two[np.abs(two).argmax(axis=0), range(two.shape[1])])  # else a library decides on the side
    found = [block @ two - mean @ two for block in blocks(view, rows)]
    return np.concatenate([np.empty((0, two.shape[1])), *found])


def blocks(view: View, rows: Rows) -> Iterator[Vectors]:
    """The vectors at `rows`, some at a time."""
    return (view.vectors(rows[start : start + _BLOCK]) for start in range(0, len(rows), _BLOCK))


def turned_to(places: Places, before: Places) -> Places:
    """(n, 2): `places`, turned and mirrored so that they fit `before` best (P. Schoenemann, 1966).

    `before`: (n, 2), NaN for a paper that was not on it.
    """
    known = ~np.isnan(before[:, 0])
    if known.sum() < 2:
        return places
    now, then = places[known] - places[known].mean(axis=0), before[known] - before[known].mean(axis=0)
    left, _values, right = np.linalg.svd(now.T @ then)
    return np.asarray(places @ (left @ right), np.float64)
