"""The map as a kind of derived data: made on request, then kept up: no paper moves, and those that come are placed."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import numpy.typing as npt

from lunacy.arrays import Rows
from lunacy.derived.graph import Lists, open_graph
from lunacy.derived.map import KIND, Keys, Map, Points, add_map, is_current, is_read, read_map
from lunacy.derived.placing import Positions, place
from lunacy.measured import MapFacts
from lunacy.pipeline.mapping.layout import NEIGHBOURS, Places, in_unit_square, laid_out
from lunacy.pipeline.mapping.orientation import blocks, principal_components, turned_to
from lunacy.pipeline.mapping.papers import Papers, read_papers, read_titles
from lunacy.pipeline.mapping.regions import regions_of
from lunacy.pipeline.nearest import nearest
from lunacy.progress import Progress, Report
from lunacy.store import Cache, Changes, View

__all__ = ["KIND", "LEAST_ROWS", "is_current", "make", "make_map"]

LEAST_ROWS = None  # it is made on request
_KEEP_UP = 8 * 10**9  # products of vectors that an update may take for it: a minute or two of two cores


def make(view: View, before: Sequence[Cache], since: Changes | None, progress: Report) -> list[Cache]:  # noqa: ARG001 (the map has keys of its own)
    """The map brought up to date; where that would take too long it stays as it is, out of date, and is not shown."""
    kept = [one for one in before if is_current(one, view)]
    if kept or not view.n_papers or (old := _stored_map(view)) is None:
        return kept
    now = _updated(view, old, progress)
    return list(before) if now is None else [now]


def _stored_map(view: View) -> Map | None:
    """The map that is there, up to date or not; None where none is, or it is damaged."""
    maps = (read_map(view.folder, one) for one in view.caches if one.kind == KIND and is_read(one))
    return next(filter(None, maps), None)


def make_map(view: View, seed: int, progress: Report) -> Cache:
    """The map of the commit of `view`, laid out anew by its graph of neighbours, which must be there."""
    graph = open_graph(view)
    assert graph is not None
    progress(Progress("reading the papers"))
    papers, old = read_papers(view), _stored_map(view)
    before = _positions_in(old, papers.keys) if old else np.full((len(papers.rows), 2), np.nan, np.float32)
    lists = _among(papers.rows, graph.lists, view.end_row)
    places = laid_out(lists, _first_places(view, papers, lists, before), seed, progress)
    positions = in_unit_square(turned_to(places, before.astype(np.float64)))
    categories = [papers.categories[number] for number in papers.category.tolist()]
    regions = regions_of(positions, read_titles(view), categories, blocks(view, papers.rows), progress=progress)
    recall = graph.facts.recall
    facts = MapFacts(len(papers.rows), 0, seed, recall.mean if recall else None)
    return add_map(view, facts, papers.points(positions), papers.categories, regions)


def _first_places(view: View, papers: Papers, lists: Lists, before: Positions) -> Places:
    """Where the layout begins: as the map was `before`, if most of the papers were on it; else anew."""
    is_new = np.isnan(before[:, 0])
    if len(papers.rows) and is_new.mean() < 1 / 2:
        first = before.copy()
        new = np.flatnonzero(is_new)
        place(first, new, lists.rows[new], papers.keys[new])
        return np.where(np.isnan(first), 1 / 2, first).astype(np.float64)
    return principal_components(view, papers.rows)


def _among(rows: Rows, lists: Lists, end_row: int) -> Lists:
    """The first neighbours of the papers at `rows`, as positions among these."""
    position = np.full(end_row + 1, -1, np.int32)  # the last: of -1
    position[rows] = np.arange(len(rows), dtype=np.int32)
    return Lists(position[lists.rows[rows, :NEIGHBOURS]], lists.cosines[rows, :NEIGHBOURS])


def _positions_in(old: Map, keys: Keys) -> Positions:
    """Where the papers with these `keys`, (n,), are on `old`: (n, 2); NaN for one that is not."""
    found = np.full((len(keys), 2), np.nan, np.float32)
    if len(old.points):
        order = np.argsort(old.points.keys)
        at = order[np.minimum(np.searchsorted(old.points.keys[order], keys), len(order) - 1)]
        is_there = old.points.keys[at] == keys
        found[is_there] = np.column_stack([old.points.x[at], old.points.y[at]])[is_there]
    return found


def _updated(view: View, old: Map, progress: Report) -> Cache | None:
    """`old` without the papers that are gone, and with those that came; None if it would take too many products."""
    papers = read_papers(view)
    positions = _positions_in(old, papers.keys)
    new = np.flatnonzero(np.isnan(positions[:, 0]))
    if len(new):
        progress(Progress("placing papers on the map", 0, len(new), "papers"))
        neighbours = _neighbours(view, papers.rows, new)
        if neighbours is None:
            return None
        place(positions, new, neighbours, papers.keys[new])
        positions[np.isnan(positions[:, 0])] = _centre(old.points)  # no paper on the map is near to them
    n_placed = min(old.facts.n_placed + len(new), len(papers.rows))
    facts = MapFacts(len(papers.rows), n_placed, old.facts.seed, old.facts.recall)
    return add_map(view, facts, papers.points(positions), papers.categories, old.regions)


def _neighbours(view: View, rows: Rows, which: Rows) -> npt.NDArray[np.int32] | None:
    """(n, k): those of the papers `which`, positions in `rows`, by the graph, or where none is up to date, exactly.

    None if that would take too many products.
    """
    graph = open_graph(view)
    if graph is not None:
        return _among(rows, graph.lists, view.end_row).rows[which]
    if len(which) * len(rows) > _KEEP_UP:
        return None
    lists = Lists.empty(len(which), NEIGHBOURS)
    for position, found in enumerate(nearest(view, rows[which], NEIGHBOURS)):
        lists.put(position, np.searchsorted(rows, found.rows), found.scores)
    return lists.rows


def _centre(points: Points) -> Positions:
    return np.array([points.x.mean(), points.y.mean()] if len(points) else [1 / 2, 1 / 2], np.float32)
