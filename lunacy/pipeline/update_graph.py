"""Bringing the graph of neighbours up to a later commit: as if it were made anew, at the cost of what has changed.

A paper that came, in all lists, is one product with each vector. The lists that have a paper which is gone, or was
withdrawn, are found again, as the graph was made, and so are those of papers that came. A changed vector is a paper
that is gone and came.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, replace

import numpy as np
import numpy.typing as npt

from lunacy.arrays import NONE, Rows, Vectors
from lunacy.derived.graph import Graph, Keys, Lists, add_graph, paper_keys
from lunacy.derived.ivf import Ivf, open_ivf
from lunacy.pipeline.nearest import nearest
from lunacy.progress import Progress, Report
from lunacy.search.exact import ROUNDING, rescore
from lunacy.store import Cache, View

_BLOCK = 2**12  # rows at a time: bounds memory
_GONE, _NONE = -2, -1  # in place of a row


@dataclass(frozen=True, slots=True)
class _Change:
    """What has changed between two commits."""

    now: Rows  # (rows then + 1,): where each row is now; _GONE; the last, at -1, is _NONE
    before: Rows  # (rows now,): where each row was; -1: it came
    fresh: Rows  # rows now that came and may be neighbours


def updated_graph(view: View, cache: Cache, graph: Graph, most_products: int, progress: Report) -> Cache | None:
    """The graph of the commit of `view`, from that of an earlier one in `cache`.

    None if it would take more than `most_products` products of vectors: then it is better made anew.
    """
    keys = paper_keys(view)
    if np.array_equal(keys, graph.keys):
        segments = tuple((one.number, one.sha256) for one in view.stored_segments)
        return replace(cache, segments=segments, facts={**cache.facts, "generation": view.generation})
    change = _change(view, graph.keys, keys)
    if change is None:
        return None
    n_again = int(_lack_one(graph.lists.rows, change).sum() + (keys[change.before < 0] != 0).sum())
    ivf = open_ivf(view) if graph.facts.nprobe else None
    share = (graph.facts.nprobe or 1) / ivf.index.nlist if ivf else 1.0  # of all papers that a search looks at
    if (share * n_again + len(change.fresh)) * view.n_papers > most_products:
        return None
    return add_graph(view, graph.facts, keys, _blocks(view, graph, keys, change, ivf, progress))


def _change(view: View, old: Keys, new: Keys) -> _Change | None:
    """None when papers that stayed are in another order: then those equally near may be, too."""
    order = np.argsort(new, kind="stable")
    places = np.minimum(np.searchsorted(new[order], old), len(new) - 1)
    is_there = (old != 0) & (new[order[places]] == old)
    now = np.append(np.where(is_there, order[places], _GONE), _NONE)
    stayed = now[:-1][is_there]
    if np.any(np.diff(stayed) <= 0):
        return None
    before = np.full(len(new), -1)
    before[stayed] = np.flatnonzero(is_there)
    came = (before < 0) & (new != 0)
    for segment in view.segments:
        came[segment.dead_or_withdrawn + segment.segment.first_row] = False
    return _Change(now, before, np.flatnonzero(came))


def _lack_one(lists: npt.NDArray[np.int32], change: _Change) -> npt.NDArray[np.bool_]:
    """(n,): which lists of rows that were, (n, k), have one that is gone."""
    is_gone = change.now == _GONE
    found: npt.NDArray[np.bool_] = is_gone[lists].any(axis=1)
    return found


def _blocks(
    view: View, graph: Graph, keys: Keys, change: _Change, ivf: Ivf | None, progress: Report
) -> Iterator[Lists]:
    """The lists of all rows now, in order."""
    fresh = view.vectors(change.fresh)  # as many as an update may bring
    for start in range(0, view.end_row, _BLOCK):
        progress(Progress("updating the graph of neighbours", start, view.end_row, "rows"))
        before = change.before[start : start + _BLOCK]
        lists = Lists.empty(len(before), graph.facts.k)
        old = graph.lists.rows[before]  # (b, k); of those that came it is of any row
        is_kept = (before >= 0) & ~_lack_one(old, change)
        lists.rows[is_kept] = change.now[old[is_kept]]
        lists.cosines[is_kept] = graph.lists.cosines[before[is_kept]]
        _offer(view, lists, start, np.flatnonzero(is_kept), change.fresh, fresh)
        again = np.flatnonzero(~is_kept & (keys[start : start + _BLOCK] != 0))
        found = nearest(view, again + start, graph.facts.k, ivf, graph.facts.nprobe)
        for place, one in zip(again.tolist(), found, strict=True):
            lists.put(place, one.rows, one.scores)
        yield lists


def _offer(view: View, lists: Lists, first_row: int, places: Rows, fresh: Rows, vectors: Vectors) -> None:
    """Put those of the rows `fresh`, with their `vectors`, into the lists at `places` that belong there."""
    least = np.where(lists.rows[places, -1] >= 0, lists.cosines[places, -1], -np.inf) - ROUNDING  # (p,)
    mine = view.vectors(places + first_row)
    near = [
        (mine @ vectors[start : start + _BLOCK].T >= least[:, None]).nonzero() for start in range(0, len(fresh), _BLOCK)
    ]
    which = np.concatenate([NONE, *(found[0] for found in near)])  # of `places`, a time for each row that it is offered
    offered = np.concatenate([NONE, *(found[1] + _BLOCK * n for n, found in enumerate(near))])
    if not len(which):
        return
    order = np.argsort(which, kind="stable")
    ones, firsts = np.unique(which[order], return_index=True)
    for one, some in zip(ones.tolist(), np.split(offered[order], firsts[1:]), strict=True):
        rows = np.concatenate([lists.rows[places[one]], fresh[some]])
        rows = rows[rows >= 0]
        [scores] = rescore(view, mine[one][None], rows[None])
        best = np.lexsort((rows, -scores))[: lists.rows.shape[1]]
        lists.put(int(places[one]), rows[best], scores[best])
