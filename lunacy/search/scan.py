"""Fetching candidates from segments, each way with the number of threads that suits it.

One query at a time is quickest with a thread a segment, over 8-bit codes where there are some; many at once are
quickest as matrix products over the float32 rows (tests/bench and `lunacy bench search` measure both).
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import faiss
import numpy as np
import numpy.typing as npt

from lunacy.arrays import NONE, Rows, Scores, Vectors
from lunacy.derived.codes import Coded, code
from lunacy.derived.faiss_threads import in_threads, multiply, one_thread_each
from lunacy.search.candidates import Candidates
from lunacy.search.products import QUERIES, ROWS, best_products

_faiss: Any = faiss  # its stubs lack what its wrappers add

_CODES_FETCH, _CODES_FETCH_MORE = 6, 200  # times as many candidates by codes, whose scores are too high, and more
_CODES_TURNS, _CODES_FETCH_AGAIN = 2, 4  # how often codes are asked, before the rows are; times as many the second time
_FEW = 0.1  # share of a segment's rows: scoring just those is quicker than scanning all and dropping the others
_FEW_AGAIN = 0.35  # the same when that was tried and the answers are not where the others are: than FAISS' bitmap
_FEW_CODES = 0.1  # the same with codes: those of just these rows, by the bitmap
_RARE = 0.003  # with codes: more vectors than these, each on a page of its own, take a disk longer than all codes


@dataclass(frozen=True, slots=True)
class Fetched:
    """Candidates for each query, in no order. What was not fetched scores at most the limit."""

    uppers: npt.NDArray[np.float32]  # (q, c): what a candidate scores at most, but for rounding; -inf: it is none
    rows: Rows  # (q, c)
    limits: Scores  # (q,): -inf when all was fetched


def fetch(by_segment: Sequence[Candidates], queries: Vectors, n: int, turn: int = 0) -> Fetched:
    """About the best `n` rows of each segment, as far as it has so many; the limits tell what they may lack.

    `turn`: how many tries were not enough.
    """
    if multiply(len(queries)):
        return _scan_many(by_segment, queries, n)
    coded = next((code(queries, one.codes.axes) for one in by_segment if one.codes), None)  # once for all segments
    found = in_threads(lambda candidates: _scan_few(candidates, queries, coded, n, turn), by_segment)
    return joined(found, len(queries))


def joined(found: Sequence[Fetched], n_queries: int) -> Fetched:
    """The candidates of all segments; none when there is no segment."""
    if not found:
        nothing = np.empty((n_queries, 0), np.int64)
        return Fetched(nothing.astype(np.float32), nothing, np.full(n_queries, -np.inf))
    return Fetched(
        np.concatenate([one.uppers for one in found], axis=1),
        np.concatenate([one.rows for one in found], axis=1),
        np.max([one.limits for one in found], axis=0),
    )


def _scan_few(candidates: Candidates, queries: Vectors, coded: Coded | None, n: int, turn: int) -> Fetched:
    """Row by row in one thread, for few queries; `coded`: where any segment has codes."""
    allowed, again = candidates.allowed, turn > 0
    codes = candidates.codes if turn < _CODES_TURNS else None
    share = 1.0 if allowed is None else len(allowed) / candidates.n_rows
    few = _RARE if codes else _FEW_AGAIN if again else _FEW
    if allowed is not None and (len(allowed) <= n or share <= few):
        return _score_allowed(candidates, allowed, queries, n)
    by_bitmap = again or (codes is not None and share <= _FEW_CODES)
    n_more = n if by_bitmap else int(n / share) + 1  # of the best, some are not allowed
    if codes is None:
        candidates.segment.in_order()
        return _search(candidates, candidates.segment.index, queries, n_more, by_bitmap=by_bitmap)
    assert coded is not None
    n_codes = (_CODES_FETCH * n_more + _CODES_FETCH_MORE) * (_CODES_FETCH_AGAIN if again else 1)
    found = _search(candidates, codes.index, coded.coordinates, n_codes, by_bitmap=by_bitmap)
    uppers = codes.most(coded, found.uppers).astype(np.float32)
    return Fetched(uppers, found.rows, codes.most(coded, found.limits[:, None])[:, 0])


def _scan_many(by_segment: Sequence[Candidates], queries: Vectors, n: int) -> Fetched:
    """By matrix products, for many queries: some thousand rows at a time."""
    parts = [
        (candidates, start)
        for candidates in by_segment
        for start in range(0, candidates.n_rows if candidates.allowed is None else len(candidates.allowed), ROWS)
    ]
    with one_thread_each():
        found = in_threads(lambda part: _multiplied(*part, queries, n), parts)
    return joined(found, len(queries))


def _multiplied(candidates: Candidates, start: int, queries: Vectors, n: int) -> Fetched:
    """The best `n` of ROWS rows of a segment from the one at `start`, or of those that are allowed."""
    if candidates.allowed is None:
        rows = candidates.segment.in_order()[start : start + ROWS]
        first, end = np.searchsorted(candidates.hidden, (start, start + len(rows)))
        hidden, positions = candidates.hidden[first:end] - start, None
    else:
        positions = candidates.allowed[start : start + ROWS]
        rows, hidden = candidates.segment.vectors(positions), NONE
    found = []
    for block in range(0, len(queries), QUERIES):
        scores, places = best_products(rows, queries[block : block + QUERIES], n, hidden)
        places = places + start if positions is None else positions[places]
        limits = _limits(scores, is_all=n >= len(rows))
        found.append(Fetched(scores, places + candidates.first_row, limits))
    return Fetched(
        np.concatenate([one.uppers for one in found]),
        np.concatenate([one.rows for one in found]),
        np.concatenate([one.limits for one in found]),
    )


def _search(
    candidates: Candidates, index: faiss.Index, queries: Vectors, n: int, *, by_bitmap: bool = False
) -> Fetched:
    """By FAISS' own scan of `index`, which has the segment's positions.

    What is not allowed is left out by a bitmap, or fetched and dropped: a scan with a bitmap takes up to four times as
    long, as it goes row by row.
    """
    params, n_there = None, index.ntotal
    wanted = np.ones(index.ntotal, np.bool_) if candidates.allowed is None else np.zeros(index.ntotal, np.bool_)
    wanted[candidates.hidden if candidates.allowed is None else candidates.allowed] = candidates.allowed is not None
    if by_bitmap and candidates.allowed is not None:
        selector = _faiss.IDSelectorBitmap(np.packbits(wanted, bitorder="little"))
        params, n_there = _faiss.SearchParameters(sel=selector), len(candidates.allowed)
    n = min(n, n_there)
    scores, positions = index.search(queries, n, params=params)  # (q, n) each, best first
    limits = _limits(scores, is_all=n == n_there)
    scores[~wanted[positions]] = -np.inf
    return Fetched(scores, positions + candidates.first_row, limits)


def _limits(scores: npt.NDArray[np.float32], *, is_all: bool) -> Scores:
    """`scores`: (q, n)."""
    return np.full(len(scores), -np.inf) if is_all else scores.min(axis=1).astype(np.float64)


def _score_allowed(candidates: Candidates, allowed: Rows, queries: Vectors, n: int) -> Fetched:
    """Score only the allowed rows, without copying them."""
    scores = np.empty((len(queries), len(allowed)), np.float32)
    first = np.zeros(len(allowed), np.int64)  # each with the one query
    index: Any = candidates.segment.index
    rows_at = index.get_xb()
    for query, into in zip(np.ascontiguousarray(queries), scores, strict=True):
        _faiss.pairwise_indexed_inner_product(
            index.d,
            len(allowed),
            faiss.swig_ptr(query),
            faiss.swig_ptr(first),
            rows_at,
            faiss.swig_ptr(allowed),
            faiss.swig_ptr(into),
        )
    rows = allowed + candidates.first_row
    if len(allowed) <= n:
        return Fetched(scores, np.tile(rows, (len(queries), 1)), np.full(len(queries), -np.inf))
    best = np.argpartition(-scores, n - 1, axis=1)[:, :n]  # (q, n)
    scores = np.take_along_axis(scores, best, axis=1)
    return Fetched(scores, rows[best], scores.min(axis=1).astype(np.float64))
