"""Papers with their places on the map."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from lunacy.derived.placing import NEAREST, midst
from lunacy.paper import Paper
from lunacy.query.map_view import Box, MapView, Months, Places
from lunacy.search import Searcher


@dataclass(frozen=True, slots=True)
class Placed:
    """A paper, and where it is."""

    paper: Paper
    x: float
    y: float
    group: int  # of its archive, as a position in `GROUPS`
    month: int  # when it was posted, 12 * year + month - 1; 0: not known


@dataclass(frozen=True, slots=True)
class Boxed:
    """The papers in a box."""

    n: int
    papers: tuple[Placed, ...]  # all of them, in the order of the map; none where they are too many


def in_box(view: Searcher, found: MapView, box: Box, months: Months | None = None, *, most: int) -> Boxed:
    """How many papers are in a box, and which, if these are at most `most`."""
    places = found.in_box(box, months)
    return Boxed(len(places), tuple(_read(view, found, places)) if len(places) <= most else ())


def nearest(
    view: Searcher, found: MapView, x: float, y: float, radius: float, months: Months | None = None
) -> Placed | None:
    """The paper that is nearest to a place, no farther than `radius`."""
    place = found.nearest(x, y, radius, months)
    return None if place is None else _read(view, found, np.array([place], np.int64))[0]


def placed(view: Searcher, found: MapView, papers: Sequence[Paper]) -> list[Placed]:
    """Those of `papers` that are on the map, in their order."""
    rows = view.rows([paper.id for paper in papers])
    there = [paper for paper in papers if paper.id in rows]
    places = found.places([rows[paper.id] for paper in there])
    return [_placed(found, paper, place) for paper, place in zip(there, places.tolist(), strict=True) if place >= 0]


def stands_at(hits: Sequence[Placed], n_papers: int) -> tuple[float, float] | None:
    """Where a text stands of which `hits` are the nearest papers, the best first; None where there are none.

    `n_papers`: on the map.
    """
    if not hits:
        return None
    places = np.array([[one.x, one.y] for one in hits[:NEAREST]], np.float32)
    [[x, y]] = midst(places, np.arange(len(places))[None], n_papers).tolist()
    return x, y


def _read(view: Searcher, found: MapView, places: Places) -> list[Placed]:
    papers = view.papers(found.map.points.rows[places].astype(np.int64))
    return [_placed(found, paper, place) for paper, place in zip(papers, places.tolist(), strict=True)]


def _placed(found: MapView, paper: Paper, place: int) -> Placed:
    points = found.map.points
    x, y, month = float(points.x[place]), float(points.y[place]), int(points.month[place])
    return Placed(paper, x, y, found.group(place), month)
