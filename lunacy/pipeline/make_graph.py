"""The graph of neighbours: made on request, exactly or by IVF lists, in parts that outlast a kill; then kept up."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator, Sequence

import numpy as np

from lunacy.derived.graph import (
    KIND,
    Lists,
    add_graph,
    add_part,
    is_current,
    is_whole,
    paper_keys,
    parts_of,
    read_graph,
    read_part,
)
from lunacy.derived.ivf import Ivf, open_ivf
from lunacy.errors import StoreError
from lunacy.measured import GraphFacts, Recall
from lunacy.pipeline.nearest import nearest
from lunacy.pipeline.update_graph import updated_graph
from lunacy.progress import Progress, Report
from lunacy.search.recall import N_QUERIES, draw, interval, recalls
from lunacy.store import Cache, Changes, View, caches

__all__ = ["KIND", "LEAST_ROWS", "is_current", "make", "make_graph", "tuned_facts"]

LEAST_ROWS = None  # it is made on request
_KEEP_UP = 8 * 10**9  # products that an update may take for it: a minute or two of two cores
_PART_S = 30.0  # at most so much work is lost when the process is killed, and the block in work
_BLOCK = 1024  # rows at a time: bounds memory
_DOING = "finding neighbours"


def make(view: View, before: Sequence[Cache], since: Changes | None, progress: Report) -> list[Cache]:  # noqa: ARG001 (the graph has keys of its own)
    """The graph brought up to date; where too much has changed it stays as it is, out of date, and is not used."""
    kept = [one for one in before if is_current(one, view)]
    old = next((one for one in before if is_whole(one)), None)
    if old is None or old in kept or not view.n_papers:
        return kept
    graph = read_graph(view, old)
    now = updated_graph(view, old, graph, _KEEP_UP, progress) if graph else None
    return [*kept, old] if now is None else [now]


def make_graph(view: View, facts: GraphFacts, progress: Report) -> Cache:
    """The graph of the commit of `view`, made anew: it goes on behind the parts that a stopped run has left."""
    parts = parts_of(view, facts)
    others = [one for one in view.caches if one.kind == KIND and is_whole(one)]

    def keep(first_row: int, some: Sequence[Lists]) -> None:
        parts.append(add_part(view, facts, first_row, some))
        caches.commit(view.folder, KIND, [*others, *parts])

    _find_all(view, facts, parts[-1].facts["end_row"] if parts else 0, keep, progress)
    return add_graph(view, facts, paper_keys(view), _joined(view, parts))


def _find_all(
    view: View, facts: GraphFacts, first_row: int, keep: Callable[[int, Sequence[Lists]], None], progress: Report
) -> None:
    """Find the neighbours of the rows from `first_row` on, and `keep` them every while."""
    live, ivf = view.live_rows(), open_ivf(view)
    some: list[Lists] = []
    since_s = time.monotonic()
    for start in range(first_row, view.end_row, _BLOCK):
        end = min(start + _BLOCK, view.end_row)
        rows = live[slice(*np.searchsorted(live, (start, end)))]
        progress(Progress(_DOING, int(np.searchsorted(live, start)), len(live), "papers"))
        lists = Lists.empty(end - start, facts.k)
        found = nearest(view, rows, facts.k, ivf, facts.nprobe)
        for row, one in zip(rows.tolist(), found, strict=True):
            lists.put(row - start, one.rows, one.scores)
        some.append(lists)
        if end == view.end_row or time.monotonic() - since_s >= _PART_S:
            keep(end - sum(map(len, some)), some)
            some, since_s = [], time.monotonic()


def _joined(view: View, parts: Sequence[Cache]) -> Iterator[Lists]:
    for part in parts:
        lists = read_part(view, part)
        if lists is None:
            raise StoreError(f"cache/{part.name} has changed since it was written", hint="run the same again")
        yield lists


def tuned_facts(view: View, ivf: Ivf, k: int, wanted: float, progress: Report) -> GraphFacts:
    """How the graph is made by the fewest lists with the share `wanted` of the true `k` nearest, on average."""
    progress(Progress("measuring recall: exact answers"))
    rows = draw(view, N_QUERIES)
    truth = nearest(view, rows, k)
    nlist = ivf.index.nlist
    nprobe = max([1, *(tried for tried, recall in ivf.facts.papers.curve if recall.mean < wanted)])  # of the ten best
    while True:
        progress(Progress("measuring recall"))
        recall: Recall = interval(recalls(truth, nearest(view, rows, k, ivf, nprobe)))
        if recall.mean >= wanted or nprobe >= nlist:
            return GraphFacts(k, wanted, nprobe, recall, len(rows))
        nprobe = min(nlist, nprobe + max(1, nprobe // 8))
