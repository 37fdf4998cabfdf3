"""The nearest papers of papers, as a query has them."""

from __future__ import annotations

from lunacy.arrays import Rows
from lunacy.derived.ivf import Ivf
from lunacy.search import Found, search, search_ivf
from lunacy.store import View


def nearest(view: View, rows: Rows, k: int, ivf: Ivf | None = None, nprobe: int | None = None) -> list[Found]:
    """The `k` nearest of the paper at each of `rows`, less itself and those that were withdrawn.

    With `ivf` and `nprobe` by so many lists, else exact.
    """
    vectors, without = view.vectors(rows), rows.tolist()
    if ivf is None or nprobe is None:
        return search(view, vectors, k, without=without)
    return search_ivf(view, ivf, vectors, k, query_kind="paper", nprobe=min(nprobe, ivf.index.nlist), without=without)
