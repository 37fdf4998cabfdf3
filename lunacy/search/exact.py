"""Exact search: a quick scan finds candidates, float64 rescoring decides, and the end of the list is proved.

A scan in float32 is off by some 1e-7 a score, one by codes is too high by up to some 0.15, and how either breaks ties
depends on its threads and blocks. So we fetch more rows than are asked for, score again in float64 each one that can
belong to the list, and accept the list only when nothing that was not fetched can; else we fetch twice as many. Ties go
to the lower row.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from lunacy.arrays import Rows, Scores, Vectors
from lunacy.filter import Filter
from lunacy.search.candidates import Candidates, candidates_of
from lunacy.search.scan import Fetched, fetch
from lunacy.store import View

ROUNDING = 1e-5  # more than float32 is off in a dot product of unit vectors of some thousand dimensions
MARGIN = 8  # rows fetched beyond k: room for self, a few ties and rounding, so that one pass nearly always does
_BLOCK = 1024  # queries at a time: bounds memory
_GPU_BLOCK = 2**14  # the same on a GPU, to which all rows go once for each block
_RESCORED_FLOATS = 2**22  # at a time: bounds memory
_FIRST_OTHERS = 256  # candidates that are scored before it is looked which of the rest still can belong


@dataclass(frozen=True, slots=True)
class Found:
    """The best rows for one query: best first, ties by lower row."""

    rows: Rows  # (k,) int64
    scores: Scores  # (k,) cosines
    recall: float | None = None  # the share of the true best that is expected among them; None: they are the best


def search(
    view: View,
    queries: Vectors,
    k: int,
    *,
    without: Sequence[int] | None = None,
    include_withdrawn: bool = False,
    wanted: Filter | None = None,
    device: str | None = None,
) -> list[Found]:
    """The `k` nearest rows of each query, (n, dim) float32 unit rows, over the papers of `view` that are `wanted`.

    `without`: for each query one row to leave out (the paper itself), or -1. `device`: of torch, for products on a GPU.
    A list is shorter than `k` only when no more papers qualify.
    """
    return search_candidates(
        view, candidates_of(view, wanted, include_withdrawn), queries, k, rows_left_out(without, len(queries)), device
    )


def rows_left_out(without: Sequence[int] | None, n_queries: int) -> Rows:
    """(n,): the row that each query leaves out, -1 for none."""
    return np.full(n_queries, -1) if without is None else np.asarray(without, np.int64)


def search_candidates(
    view: View,
    by_segment: Sequence[Candidates],
    queries: Vectors,
    k: int,
    left_out: Rows,
    device: str | None = None,
) -> list[Found]:
    """As `search`, over the candidates of some segments alone; `left_out`: (n,), -1 for none."""
    found: list[Found] = []
    size = _BLOCK if device is None else _GPU_BLOCK
    for start in range(0, len(queries), size):
        block = slice(start, start + size)
        found += _search_block(view, by_segment, queries[block], k, left_out[block], device)
    return found


def _search_block(
    view: View, by_segment: Sequence[Candidates], queries: Vectors, k: int, left_out: Rows, device: str | None
) -> list[Found]:
    found: list[Found | None] = [None] * len(queries)
    undecided = np.arange(len(queries))
    n_fetched, turn = k + MARGIN, 0
    while len(undecided):
        if device is None:
            fetched = fetch(by_segment, queries[undecided], n_fetched, turn)
        else:
            fetched = _fetch_on(device, by_segment, queries[undecided], n_fetched)
        fetched.uppers[fetched.rows == left_out[undecided, None]] = -np.inf
        step = max(1, _RESCORED_FLOATS // (n_fetched * queries.shape[1]))
        for start in range(0, len(undecided), step):
            block = slice(start, start + step)
            part = Fetched(fetched.uppers[block], fetched.rows[block], fetched.limits[block])
            decided = _decide(view, queries[undecided[block]], part, k, n_fetched)
            for query, one in zip(undecided[block].tolist(), decided, strict=True):
                found[query] = one
        undecided = np.array([query for query in undecided.tolist() if found[query] is None], np.int64)
        n_fetched, turn = 2 * n_fetched, turn + 1
    return [one for one in found if one is not None]


def nearest_to_all(by_segment: Sequence[Candidates], vectors: Vectors, n: int) -> Found:
    """The `n` rows whose least product with any of (m, dim) `vectors` is highest, by a scan of all rows in float32."""
    rows, scores = np.empty(0, np.int64), np.empty(0, np.float32)
    for candidates in by_segment:
        able = np.zeros(candidates.n_rows, np.bool_)
        able[slice(None) if candidates.allowed is None else candidates.allowed] = True
        able[candidates.hidden] = False
        for start, block in candidates.segment.blocks():
            here = np.flatnonzero(able[start : start + len(block)])
            least = (block[here] @ vectors.T).min(axis=1)  # (b,)
            rows = np.concatenate([rows, here + start + candidates.first_row])
            scores = np.concatenate([scores, least])
            if len(rows) > n:
                best = np.argpartition(-scores, n - 1)[:n]
                rows, scores = rows[best], scores[best]
    return Found(rows, scores.astype(np.float64))


def _fetch_on(device: str, by_segment: Sequence[Candidates], queries: Vectors, n: int) -> Fetched:
    from lunacy.search.gpu import fetch_on  # torch: seconds

    return fetch_on(device, by_segment, queries, n)


def _decide(view: View, queries: Vectors, fetched: Fetched, k: int, n: int) -> list[Found | None]:
    """The best `k` for each query; None where a row that was not fetched could belong to them."""
    order = _best_places(fetched.uppers, n)
    uppers = np.take_along_axis(fetched.uppers, order, axis=1)  # (q, n): those that are scored first
    rows = np.take_along_axis(fetched.rows, order, axis=1)
    scores = np.where(uppers > -np.inf, rescore(view, queries, rows, uppers > -np.inf), -np.inf)
    n_found = scores.shape[1]
    least = -np.partition(-scores, k - 1, axis=1)[:, k - 1] if n_found >= k else np.full(len(queries), -np.inf)
    others = fetched.uppers > -np.inf  # (q, c): those that could still belong
    np.put_along_axis(others, order, False, axis=1)
    others &= fetched.uppers + ROUNDING >= least[:, None]
    decided: list[Found | None] = []
    for query, limit in enumerate(fetched.limits.tolist()):
        candidates, exact = rows[query], scores[query]
        if others[query].any():
            mine = fetched.rows[query, others[query]], fetched.uppers[query, others[query]]
            candidates, exact = _with_others(view, queries[query], candidates, exact, *mine, k)
        best = np.lexsort((candidates, -exact))[:k]
        best = best[exact[best] > -np.inf]
        is_proved = limit == -np.inf or (len(best) == k and exact[best[-1]] > limit + ROUNDING)
        decided.append(Found(candidates[best], exact[best]) if is_proved else None)
    return decided


def _with_others(
    view: View, query: Vectors, rows: Rows, scores: Scores, others: Rows, uppers: npt.NDArray[np.float32], k: int
) -> tuple[Rows, Scores]:
    """`rows` with their `scores`, and those of `others` that could still be among the best `k`: the likeliest first.

    Each that is scored may show that more of the others cannot be.
    """
    order = np.argsort(-uppers)
    others, uppers = others[order], uppers[order]
    start, n = 0, _FIRST_OTHERS
    while True:
        least = -np.partition(-scores, k - 1)[k - 1] if len(scores) >= k else -np.inf
        able = np.searchsorted(-uppers, ROUNDING - least, side="right")  # how many of the others, at most
        end = min(start + n, int(able))
        if end <= start:
            return rows, scores
        rows = np.concatenate([rows, others[start:end]])
        scores = np.concatenate([scores, rescore(view, query[None], others[None, start:end])[0]])
        start, n = end, min(4 * n, _RESCORED_FLOATS // len(query))


def _best_places(uppers: npt.NDArray[np.float32], n: int) -> Rows:
    """The indexes of the `n` highest of each row of (q, c): (q, n), in no order."""
    if uppers.shape[1] <= n:
        return np.tile(np.arange(uppers.shape[1]), (len(uppers), 1))
    return np.argpartition(-uppers, n - 1, axis=1)[:, :n]


def rescore(view: View, queries: Vectors, rows: Rows, valid: npt.NDArray[np.bool_] | None = None) -> Scores:
    """Cosines in float64 of (q, dim) queries with the vectors at (q, c) rows; 0 where not `valid`."""
    if valid is None:
        valid = np.ones(rows.shape, np.bool_)
    vectors = np.zeros((*rows.shape, queries.shape[1]), np.float64)  # (q, c, dim)
    vectors[valid] = view.vectors(rows[valid])
    vectors *= queries[:, None, :]
    exact: Scores = vectors.sum(axis=-1)  # row by row, so that equal vectors get equal scores
    return exact
