"""IVF: the rows lie in lists around centroids, and a question looks into the `nprobe` nearest lists alone.

An answer may lack a few of the best; how many was measured (lunacy/search/recall.py). Scores are true cosines. Where
the lists do not give enough answers that qualify (a filter, removed papers, a long list), the exact scan answers.
"""

from __future__ import annotations

import os
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any
from weakref import WeakKeyDictionary

import faiss
import numpy as np

from lunacy.cores import n_cores
from lunacy.filter import Filter
from lunacy.search.exact import Found, rescore, search_parts
from lunacy.search.parts import parts_of, qualify
from lunacy.search.scan import Part, in_threads, multiply
from lunacy.store import Rows, Vectors, View, caches

KIND = "ivf"
PAPERS, TEXTS = "papers", "texts"  # what a question is
_MARGIN = 16  # candidates beyond k
_MORE = 0.25  # the same, as a share of k
_DROPPED = 0.2  # share of the candidates that do not qualify: with more, the answers lie elsewhere
_BLOCK = 256  # queries at a time: bounds memory


@dataclass(frozen=True, slots=True)
class Ivf:
    """The lists, memory-mapped, and what was measured of them."""

    index: Any  # faiss.IndexIVF
    covered: frozenset[int]  # numbers of the segments that they were made from and that are still there
    facts: dict[str, Any]  # indexes/README.md

    def nprobe(self, asker: str) -> int:
        """How many lists give the wanted recall; `asker`: PAPERS or TEXTS."""
        return int(self.facts[asker]["nprobe"])

    def recall(self, asker: str, nprobe: int) -> float:
        """The recall that was measured with the most lists up to `nprobe`; 0 when none was."""
        return measured_recall(self.facts[asker], nprobe)


def measured_recall(facts: Mapping[str, Any], nprobe: int) -> float:
    """The recall that was measured with the most lists up to `nprobe`; 0 when none was."""
    measured = [(tried, recall) for tried, recall, *_ in facts["curve"] if tried <= nprobe]
    return float(max(measured, default=(0, 0.0))[1])


_opened: WeakKeyDictionary[View, Ivf | None] = WeakKeyDictionary()


def open_ivf(view: View) -> Ivf | None:
    """The lists of the index; None when there are none that fit this commit."""
    if view not in _opened:
        _opened[view] = _open(view)
    return _opened[view]


def _open(view: View) -> Ivf | None:
    for cache in view.caches:
        if cache.kind == KIND:
            there = {(segment.segment.number, segment.segment.sha256) for segment in view.segments}
            covered = frozenset(number for number, sha256 in cache.segments if (number, sha256) in there)
            path = caches.path_of(view.folder, cache) if covered else None
            if path is not None:
                return Ivf(map_lists(path), covered, dict(cache.facts))
    return None


def map_lists(path: Path) -> Any:
    """The FAISS index in a file, its lists memory-mapped."""
    index: Any = faiss.read_index(os.fspath(path), faiss.IO_FLAG_MMAP)
    lists: Any = faiss.downcast_InvertedLists(index.invlists)
    lists.prefetch_nthread = 0  # by default each search starts 32 threads that read ahead: 2 to 4 times as long
    return index


def search_ivf(
    view: View,
    ivf: Ivf,
    queries: Vectors,
    k: int,
    *,
    asker: str,
    nprobe: int | None = None,
    without: Sequence[int] | None = None,
    include_withdrawn: bool = False,
    wanted: Filter | None = None,
) -> list[Found]:
    """As `search`, by the lists; rows that are not in them are searched exactly beside. `nprobe`: None is as tuned."""
    left_out = np.full(len(queries), -1) if without is None else np.asarray(without, np.int64)  # (n,)
    parts = parts_of(view, wanted, include_withdrawn)
    listed = [part for part in parts if part.segment.segment.number in ivf.covered]
    beside = [part for part in parts if part.segment.segment.number not in ivf.covered]
    nprobe = min(nprobe or ivf.nprobe(asker), ivf.index.nlist)
    recall = ivf.recall(asker, nprobe)
    found: list[Found | None] = []
    for start in range(0, len(queries), _BLOCK):
        block = slice(start, start + _BLOCK)
        found += _search_lists(view, ivf, listed, queries[block], k, nprobe, left_out[block])
    lacking = [query for query, one in enumerate(found) if one is None]
    exact = iter(search_parts(view, parts, queries[lacking], k, left_out[lacking].tolist()) if lacking else [])
    others = iter(search_parts(view, beside, queries, k, left_out.tolist()) if beside else [])
    answers = []
    for one in found:
        other = next(others, None)
        if one is None:
            answers.append(next(exact))
        else:
            answers.append(_merged(one, other, k, recall))
    return answers


def _merged(listed: Found, beside: Found | None, k: int, recall: float) -> Found:
    if beside is None:
        return Found(listed.rows, listed.scores, recall)
    rows, scores = np.concatenate([listed.rows, beside.rows]), np.concatenate([listed.scores, beside.scores])
    best = np.lexsort((rows, -scores))[:k]
    return Found(rows[best], scores[best], recall)


def _search_lists(
    view: View, ivf: Ivf, listed: Sequence[Part], queries: Vectors, k: int, nprobe: int, left_out: Rows
) -> list[Found | None]:
    """The best `k` in the lists; None for a query for which they give too few, or end in the midst of equal scores.

    The candidates are those of a question without a filter. When nearly all of them qualify, the recall is that
    without a filter; when not, the answers lie elsewhere, and how many the lists would miss is not known.
    """
    n = min(k + max(_MARGIN, int(_MORE * k)), ivf.index.ntotal)
    if n < k or not listed:
        return [None] * len(queries)
    settings: Any = faiss.SearchParametersIVF
    multiply(0)
    halves = np.array_split(queries, min(len(queries), n_cores()))
    answers = in_threads(lambda half: ivf.index.search(half, n, params=settings(nprobe=nprobe)), halves)
    scores, rows = (np.concatenate(column) for column in zip(*answers, strict=True))  # (q, n) each, best first
    is_other = rows != left_out[:, None]
    valid = is_other & qualify(listed, rows)
    n_dropped = (is_other & ~valid & (rows >= 0)).sum(axis=1)  # (q,)
    exact = np.where(valid, rescore(view, queries, rows, valid), -np.inf)
    found: list[Found | None] = []
    for query in range(len(queries)):
        best = np.lexsort((rows[query], -exact[query]))[:k]
        is_cut = rows[query, -1] >= 0 and scores[query, -1] >= scores[query, best].min()
        is_short = exact[query, best[-1]] == -np.inf or n_dropped[query] > _DROPPED * n
        found.append(None if is_short or is_cut else Found(rows[query, best], exact[query, best]))
    return found
