"""Making the graph of neighbours, on request."""

from __future__ import annotations

import time
from dataclasses import dataclass
from pathlib import Path

from lunacy.derived.graph import KIND, begun_with, facts_of, is_current, is_whole, read_graph
from lunacy.derived.ivf import require_ivf
from lunacy.errors import UsageError
from lunacy.measured import GraphFacts
from lunacy.pipeline.make_graph import make_graph, tuned_facts
from lunacy.pipeline.update_graph import updated_graph
from lunacy.progress import Report, no_report
from lunacy.search.recall import require_share
from lunacy.store import Cache, Store, View, caches, writer_lock

NEIGHBOURS, RECALL = 15, 0.95
_MOST_NEIGHBOURS = 1000
_MOST_ANEW = 0.25  # of all products: with more to find again, all is found anew


@dataclass(frozen=True, slots=True)
class GraphReport:
    """What making the graph took and gave."""

    folder: Path
    facts: GraphFacts
    n_papers: int
    size_bytes: int
    is_new: bool  # False: it was there already
    wait_s: float


def build_graph(
    index: str | Path, *, k: int = NEIGHBOURS, ivf: bool = False, recall: float = RECALL, progress: Report = no_report
) -> GraphReport:
    """Find the `k` nearest neighbours of every paper of the index in the folder `index`, and keep them in it.

    They are those that `similar` gives: without the paper itself and withdrawn ones, those equally near by row. A run
    that was stopped is gone on with; updates of the index keep the graph up to date.
    `ivf`: by the lists of `build_ivf`, several times faster, so that the share `recall` of the true neighbours is
    found, on average. Raises NoIndex, IndexLocked, DiskFull, and UsageError where there are no such lists.

    >>> lunacy.build_graph("indexes/sample", k=10).n_papers
    2000
    """
    started = time.perf_counter()
    require_share(recall)
    if not 1 <= k <= _MOST_NEIGHBOURS:
        raise UsageError(f"k is {k:,}; a graph has 1 to {_MOST_NEIGHBOURS:,} neighbours of a paper")
    with writer_lock(index) as folder, Store(folder) as store, store.view() as view:
        view.require_papers(folder)
        caches.require_folder(folder)
        wanted = recall if ivf else None
        old = next((one for one in view.caches if is_whole(one) and _is_meant(facts_of(one), k, wanted)), None)
        made = _brought_up_to_date(view, old, progress) if old else None
        is_new = made is None or made != old
        if made is None:
            made = make_graph(view, _facts(view, folder, k, wanted, progress), progress)
        if is_new:
            caches.commit(folder, KIND, [made])
        wait_s = time.perf_counter() - started
        return GraphReport(folder, facts_of(made), view.n_papers, made.size_bytes, is_new, wait_s)


def _brought_up_to_date(view: View, old: Cache, progress: Report) -> Cache | None:
    """The graph in `old` as it is now; None where it must be made anew."""
    graph = read_graph(view, old)
    if graph is None:
        return None
    if is_current(old, view):
        return old
    return updated_graph(view, old, graph, int(_MOST_ANEW * view.n_papers**2), progress)


def _is_meant(facts: GraphFacts, k: int, wanted: float | None) -> bool:
    return (facts.k, facts.wanted) == (k, wanted)


def _facts(view: View, folder: Path, k: int, wanted: float | None, progress: Report) -> GraphFacts:
    """How it is made: as by a run that was stopped, else by as many lists as are found to be needed."""
    if wanted is None:
        return GraphFacts(k)
    ivf = require_ivf(view, folder)
    begun = next((one for one in begun_with(view) if _is_meant(one, k, wanted)), None)
    return begun or tuned_facts(view, ivf, k, wanted, progress)
