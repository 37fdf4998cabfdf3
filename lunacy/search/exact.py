"""Exact search: FAISS flat scans find candidates, float64 rescoring decides, and the end of the list is proved.

A flat scan in float32 is off by some 1e-7 a score, and how it breaks ties depends on its threads and blocks. So we
fetch a few rows more than are asked for, score them again in float64, and accept the list only when nothing that was
not fetched can belong to it; else we fetch twice as many. Ties go to the lower row.
"""

from __future__ import annotations

import os
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass

import faiss
import numpy as np
import numpy.typing as npt

from lunacy.store import OpenSegment, Rows, Vectors, View

Scores = npt.NDArray[np.float64]

_ROUNDING = 1e-5  # more than float32 is off in a dot product of unit vectors of some thousand dimensions
_MARGIN = 8  # rows fetched beyond k: room for self, a few ties and rounding, so that one pass nearly always does
_BLAS_FROM = 16  # queries: for fewer, one thread a segment is faster than FAISS' matrix products (tests/bench)
_BLOCK = 1024  # queries at a time: bounds memory


@dataclass(frozen=True, slots=True)
class Found:
    """The best rows for one query: best first, ties by lower row."""

    rows: Rows  # (k,) int64
    scores: Scores  # (k,) cosines


def search(
    view: View, queries: Vectors, k: int, *, without: Sequence[int] | None = None, include_withdrawn: bool = False
) -> list[Found]:
    """The `k` nearest rows of each query, (n, dim) float32 unit rows, over the papers of `view`.

    `without`: for each query one row to leave out (the paper itself), or -1. A list is shorter than `k` only when
    there are no more papers.
    """
    left_out = np.full(len(queries), -1) if without is None else np.asarray(without, np.int64)  # (n,)
    found: list[Found] = []
    for start in range(0, len(queries), _BLOCK):
        part = slice(start, start + _BLOCK)
        found += _search_block(view, queries[part], k, left_out[part], include_withdrawn)
    return found


def _search_block(view: View, queries: Vectors, k: int, left_out: Rows, include_withdrawn: bool) -> list[Found]:
    found: dict[int, Found] = {}
    undecided = np.arange(len(queries))
    n_fetched = k + _MARGIN
    while len(undecided):
        scores, rows, limits = _fetch(view.segments, queries[undecided], n_fetched, include_withdrawn)
        for place, query in enumerate(undecided.tolist()):
            candidates = rows[place][(scores[place] > -np.inf) & (rows[place] != left_out[query])]
            decided = _decide(view, queries[query], candidates, k, float(limits[place]))
            if decided is not None:
                found[query] = decided
        undecided = np.array([query for query in undecided.tolist() if query not in found], np.int64)
        n_fetched *= 2
    return [found[query] for query in range(len(queries))]


def _decide(view: View, query: npt.NDArray[np.float32], candidates: Rows, k: int, limit: float) -> Found | None:
    """The best `k` of `candidates`; None when a row that is not among them, scoring up to `limit`, could belong."""
    vectors = view.vectors(candidates).astype(np.float64)  # (c, dim)
    exact = (vectors * query).sum(axis=1)  # (c,): row by row, so that equal vectors get equal scores
    order = np.lexsort((candidates, -exact))[:k]
    if limit > -np.inf and (len(order) < k or exact[order[-1]] <= limit + _ROUNDING):
        return None
    return Found(candidates[order], exact[order])


def _fetch(
    segments: Sequence[OpenSegment], queries: Vectors, n: int, include_withdrawn: bool
) -> tuple[npt.NDArray[np.float32], Rows, Scores]:
    """The best rows by flat scan: scores (q, c), rows (q, c), and (q,) limits: no other live row scores higher.

    A score of -inf marks a row that does not count; a limit of -inf says that every row was fetched.
    """
    by_blas = len(queries) >= _BLAS_FROM
    faiss.cvar.distance_compute_blas_threshold = 1 if by_blas else 2**30  # its unit changed between FAISS versions
    if not by_blas:
        workers = min(len(segments), os.cpu_count() or 1) or 1
        with ThreadPoolExecutor(workers, initializer=faiss.omp_set_num_threads, initargs=(1,)) as pool:
            parts = list(pool.map(lambda segment: _scan(segment, queries, n, include_withdrawn), segments))
    else:
        parts = [_scan(segment, queries, n, include_withdrawn) for segment in segments]
    if not parts:
        empty = np.empty((len(queries), 0), np.float32)
        return empty, np.empty((len(queries), 0), np.int64), np.full(len(queries), -np.inf)

    scores = np.concatenate([part[0] for part in parts], axis=1)  # (q, segments * n)
    rows = np.concatenate([part[1] for part in parts], axis=1)
    limits = np.max([part[2] for part in parts], axis=0)  # (q,)
    if scores.shape[1] > n:
        order = np.argsort(-scores, axis=1)
        limits = np.maximum(limits, np.take_along_axis(scores, order[:, n : n + 1], axis=1)[:, 0])
        scores, rows = (np.take_along_axis(array, order[:, :n], axis=1) for array in (scores, rows))
    return scores, rows, limits


def _scan(
    segment: OpenSegment, queries: Vectors, n: int, include_withdrawn: bool
) -> tuple[npt.NDArray[np.float32], Rows, Scores]:
    n = min(n, segment.segment.n_rows)
    scores, positions = segment.index.search(queries, n)  # (q, n) each, best first
    whole = n == segment.segment.n_rows
    limits = np.full(len(queries), -np.inf) if whole else scores[:, -1].astype(np.float64)
    hidden = segment.dead if include_withdrawn else segment.dead_or_withdrawn
    if len(hidden):
        scores[np.isin(positions, hidden)] = -np.inf
    return scores, positions + segment.segment.first_row, limits
