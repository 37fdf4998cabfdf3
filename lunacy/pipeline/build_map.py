"""Making the map, on request."""

from __future__ import annotations

import time
from dataclasses import dataclass
from pathlib import Path

from lunacy.advice import command
from lunacy.derived.graph import open_graph
from lunacy.derived.ivf import open_ivf
from lunacy.derived.map import KIND, Map, open_map, state_of
from lunacy.errors import StoreError, UsageError
from lunacy.measured import MapFacts
from lunacy.pipeline.build_graph import build_graph
from lunacy.pipeline.mapping.layout import require_library
from lunacy.pipeline.mapping.make_map import make_map
from lunacy.pipeline.refresh_derived import refresh_caches
from lunacy.progress import Report, no_report
from lunacy.store import Store, caches, expanded, writer_lock

_MOST_EXACT = 300_000  # papers: finding the neighbours of all exactly takes ten minutes then, by their square


@dataclass(frozen=True, slots=True)
class MapReport:
    """What making the map took and gave."""

    folder: Path
    facts: MapFacts
    n_regions: int
    is_new: bool  # False: it was there already
    wait_s: float


def build_map(index: str | Path, *, anew: bool = False, seed: int = 0, progress: Report = no_report) -> MapReport:
    """Lay all papers of the index in the folder `index` out in two dimensions, and keep the map in it.

    It makes the graph of neighbours first, where there is none; updates of the index put the papers that come among
    their neighbours, so that no other one moves. The same papers and `seed` give the same map.
    `anew`: lay it out again though there is one; it is turned so that papers are about where they were.
    Raises NoIndex, IndexLocked, DiskFull, MissingExtra without openTSNE, and UsageError where an index of so many
    papers needs IVF lists first.

    >>> lunacy.build_map("indexes/sample").facts.n_papers
    2000
    """
    started = time.perf_counter()
    if not 0 <= seed < 2**32:
        raise UsageError(f"the seed is {seed}; it is a number from 0 to {2**32 - 1}")
    folder = expanded(index)
    found = None if anew else _brought_up_to_date(folder, progress)
    is_new = found is None
    if found is None:
        require_library()
        _require_graph(folder, progress)
        found = _laid_out(folder, seed, progress)
    return MapReport(folder, found.facts, len(found.regions), is_new, time.perf_counter() - started)


def _brought_up_to_date(folder: Path, progress: Report) -> Map | None:
    """The map that is there, with all papers on it; None where there is none."""
    with Store(folder) as store:
        with store.view() as view:
            view.require_papers(folder)
            found = open_map(view)
            if found is not None or state_of(view) is None:
                return found
        refresh_caches(folder, progress=progress)
        with store.view() as view:
            return open_map(view)


def _require_graph(folder: Path, progress: Report) -> None:
    """Make the graph of neighbours where none is up to date."""
    with Store(folder) as store, store.view() as view:
        view.require_papers(folder)
        if open_graph(view) is not None:
            return
        has_lists, n_papers = open_ivf(view) is not None, view.n_papers
    if n_papers > _MOST_EXACT and not has_lists:
        hint = f"make the lists first: {command('ivf', '--index', folder)}"
        raise UsageError(f"to find the neighbours of {n_papers:,} papers takes hours without IVF lists", hint=hint)
    build_graph(folder, ivf=has_lists, progress=progress)


def _laid_out(folder: Path, seed: int, progress: Report) -> Map:
    with writer_lock(folder), Store(folder) as store:
        caches.require_folder(folder)
        with store.view() as view:
            if open_graph(view) is None:
                raise StoreError("the index has changed meanwhile", hint="run the same again")
            caches.commit(folder, KIND, [make_map(view, seed, progress)])
        with store.view() as view:
            found = open_map(view)
            assert found is not None
            return found
