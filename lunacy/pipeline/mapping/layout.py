"""Neighbours -> places in two dimensions, by t-SNE (L. van der Maaten, G. Hinton, 2008) as openTSNE computes it.

Of t-SNE, UMAP and PaCMAP it keeps the most neighbours together, and needs the least memory (docs/map.md). Its time is
proportional to the number of papers, by an interpolation of the repulsive forces (G. Linderman and others, 2019).
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import numpy as np
import numpy.typing as npt

from lunacy.derived.graph import Lists
from lunacy.errors import MissingExtra
from lunacy.progress import Progress, Report

NEIGHBOURS = 15  # of each paper; more keep fewer of the ten nearest together
_LEAST = 50  # papers: with fewer, the principal components will do
_SPREAD = 1e-4  # of the first places: so near that forces, not these, decide
_PHASES = ((250, 12.0, 0.5), (500, 1.5, 0.8))  # turns, exaggeration of the attraction, momentum
_JOBS = 1  # threads: only the attraction would use more, and waits longer for them than it gains
_FEW = 8000  # papers: with fewer, a tree takes less time than an interpolation
_TELL = 5  # turns between two reports
_MARGIN = 0.02  # of the unit square, on each side

Places = npt.NDArray[np.float64]  # (n, 2)


def require_library() -> None:
    """Raises MissingExtra without openTSNE."""
    try:
        import openTSNE  # noqa: F401
    except ImportError:
        raise MissingExtra("openTSNE, which lays out the map,", "map") from None


def laid_out(lists: Lists, first: Places, seed: int, progress: Report) -> Places:
    """The places of n papers: those that are neighbours come to lie together. The same for the same `seed`.

    `lists`: the neighbours of each, by position, from 0 to n - 1. `first`: (n, 2): where they begin, of which only the
    proportions matter.
    """
    spread = first[:, 0].std() if len(lists) >= _LEAST else 0.0
    if not spread > 0:
        return first
    from openTSNE import TSNEEmbedding
    from openTSNE.affinity import PerplexityBasedNN
    from openTSNE.nearest_neighbors import PrecomputedNeighbors

    lists = _complete(lists)
    distances = np.sqrt(np.maximum(2 - 2 * lists.cosines.astype(np.float64), 0))
    k = lists.rows.shape[1]
    neighbours = PrecomputedNeighbors(lists.rows.astype(np.int64), distances)
    affinities = PerplexityBasedNN(perplexity=k / 3, knn_index=neighbours, n_jobs=_JOBS, random_state=seed)
    total, done = sum(turns for turns, *_others in _PHASES), 0
    places = TSNEEmbedding(
        first * (_SPREAD / spread),
        affinities,
        negative_gradient_method="bh" if len(lists) < _FEW else "fft",  # Barnes and Hut's tree, or the interpolation
        n_jobs=_JOBS,
        random_state=seed,
    )
    for turns, exaggeration, momentum in _PHASES:
        with _reported(done, total, progress) as options:
            places = places.optimize(turns, exaggeration=exaggeration, momentum=momentum, **options)
        done += turns
    return np.array(places, np.float64)


@contextmanager
def _reported(done: int, total: int, progress: Report) -> Iterator[dict[str, Any]]:
    """The options of `optimize` that make it report how many of all turns are done."""
    turns = done

    def tell(_turn: int, _error: float, _places: Places) -> bool:
        nonlocal turns
        turns += _TELL
        progress(Progress("laying out the map", turns, total))
        return False  # go on

    yield {"callbacks": [tell], "callbacks_every_iters": _TELL, "use_callbacks": True}


def _complete(lists: Lists) -> Lists:
    """As many neighbours for each: where a list ends early, its last one again, or the paper itself, as far away."""
    rows, cosines = lists.rows[:, :NEIGHBOURS].copy(), lists.cosines[:, :NEIGHBOURS].copy()
    rows[:, 0] = np.where(rows[:, 0] < 0, np.arange(len(rows)), rows[:, 0])
    for column in range(1, rows.shape[1]):
        is_short = rows[:, column] < 0
        rows[is_short, column] = rows[is_short, column - 1]
        cosines[is_short, column] = cosines[is_short, column - 1]
    return Lists(rows, cosines)


def in_unit_square(places: Places) -> npt.NDArray[np.float32]:
    """(n, 2): the same picture, from 0 to below 1, with a margin."""
    if not len(places):
        return np.empty((0, 2), np.float32)
    low, high = places.min(axis=0), places.max(axis=0)
    side = max(float((high - low).max()), 1e-12)
    scaled = (places - (low + high) / 2) / side * (1 - 2 * _MARGIN) + 0.5
    return np.asarray(scaled, np.float32)
