"""Approximate search: the rows lie in lists around centroids, and a query searches only the `nprobe` nearest lists.

An answer may lack a few of the best; how many was measured (lunacy/search/recall.py). Scores are true cosines. Where
the lists do not give enough answers that qualify (a filter, removed papers, a long list), the exact scan answers.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import faiss
import numpy as np

from lunacy.arrays import Rows, Vectors
from lunacy.cores import n_cores
from lunacy.derived.faiss_threads import in_threads, multiply
from lunacy.derived.ivf import Ivf
from lunacy.errors import UsageError
from lunacy.filter import Filter
from lunacy.measured import QueryKind
from lunacy.search.candidates import Candidates, candidates_of, qualify
from lunacy.search.exact import Found, rescore, rows_left_out, search_candidates
from lunacy.store import View

_MORE, _MORE_SHARE = 16, 0.25  # candidates beyond k, whose scores are by codes: at least, and as a share of k
_DROPPED = 0.2  # share of the candidates that do not qualify: with more, the answers lie elsewhere
_BLOCK = 256  # queries at a time: bounds memory


def search_ivf(
    view: View,
    ivf: Ivf,
    queries: Vectors,
    k: int,
    *,
    query_kind: QueryKind,
    nprobe: int | None = None,
    without: Sequence[int] | None = None,
    include_withdrawn: bool = False,
    wanted: Filter | None = None,
) -> list[Found]:
    """As `search`, by the lists; unindexed rows are scanned exactly.

    `nprobe`: None is as tuned. Raises UsageError for more than there are.
    """
    left_out = rows_left_out(without, len(queries))
    by_segment = candidates_of(view, wanted, include_withdrawn)
    listed = [candidates for candidates in by_segment if candidates.segment.segment.number in ivf.covered]
    unindexed = [candidates for candidates in by_segment if candidates.segment.segment.number not in ivf.covered]
    measured = ivf.facts.of(query_kind)
    require_lists(nprobe, ivf.index.nlist)
    nprobe = min(nprobe or measured.nprobe, ivf.index.nlist)
    recall = measured.recall_with(nprobe)
    found: list[Found | None] = []
    for start in range(0, len(queries), _BLOCK):
        block = slice(start, start + _BLOCK)
        found += _search_lists(view, ivf, listed, queries[block], k, nprobe, left_out[block])
    lacking = [query for query, one in enumerate(found) if one is None]
    exact = iter(search_candidates(view, by_segment, queries[lacking], k, left_out[lacking]) if lacking else [])
    others = iter(search_candidates(view, unindexed, queries, k, left_out) if unindexed else [])
    answers = []
    for one in found:
        other = next(others, None)
        if one is None:
            answers.append(next(exact))
        else:
            answers.append(_merged(one, other, k, recall))
    return answers


def require_lists(nprobe: int | None, nlist: int) -> None:
    """Raises UsageError where `nprobe` is more than all `nlist` lists."""
    if nprobe is not None and nprobe > nlist:
        raise UsageError(f"nprobe is {nprobe:,}, and the index has {nlist:,} lists; give that for all of them, or less")


def _merged(listed: Found, unindexed: Found | None, k: int, recall: float) -> Found:
    if unindexed is None:
        return Found(listed.rows, listed.scores, recall)
    rows, scores = np.concatenate([listed.rows, unindexed.rows]), np.concatenate([listed.scores, unindexed.scores])
    best = np.lexsort((rows, -scores))[:k]
    return Found(rows[best], scores[best], recall)


def _search_lists(
    view: View, ivf: Ivf, listed: Sequence[Candidates], queries: Vectors, k: int, nprobe: int, left_out: Rows
) -> list[Found | None]:
    """The best `k` in the lists; None for a query for which they give too few, or end in the midst of equal scores.

    The candidates are those of a question without a filter. When nearly all of them qualify, the recall is that
    without a filter; when not, the answers lie elsewhere, and how many the lists would miss is not known.
    """
    n = min(k + max(_MORE, int(_MORE_SHARE * k)), ivf.index.ntotal)
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
