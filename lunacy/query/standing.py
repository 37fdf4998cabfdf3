"""Where papers and texts stand on the map, and what lies around them."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

import numpy as np

from lunacy.advice import command
from lunacy.answer import Answer
from lunacy.derived.map import Map, positions_of
from lunacy.derived.placing import NEAREST, midst
from lunacy.errors import LunacyError, UsageError
from lunacy.query.index import Index
from lunacy.question import Question
from lunacy.region import Region, Standing
from lunacy.search import Searcher


def standings(
    ix: Index,
    papers: Sequence[str],
    text: str | None = None,
    *,
    top: int = 10,
    model: str | None = None,
    device: str = "auto",
) -> Iterator[Standing | LunacyError]:
    """Of each of `papers` (ids, DOIs or titles), then of `text`, where it stands on the map; `top`: papers around it.

    A text, and a paper that was withdrawn, is put where an update would put a new paper: among its ten nearest. For a
    paper that the index lacks, the error comes in its place. Raises UsageError where the index has no map.

    >>> _report = lunacy.build_map("indexes/sample")
    >>> with lunacy.open_index("indexes/sample") as ix:
    ...     for one in lunacy.standings(ix, ["1802.05130"]):
    ...         print(one.paper.title)
    Multi-Task Learning for Extraction of Adverse Drug Reaction Mentions from Tweets
    """
    questions = [Question(papers=tuple(papers), top=NEAREST)] if papers else []
    questions += [Question(text=text, top=NEAREST)] if text is not None else []
    for answer in ix.ask_many(questions, model=model, device=device):
        if isinstance(answer, LunacyError):
            yield answer
            continue
        with ix.view() as view:
            yield _standing(view, _map_of(view), answer, top)


def _map_of(view: Searcher) -> Map:
    found = view.map()
    if found is None:
        hint = f"make it with: {command('map', '--index', view.name)}"
        raise UsageError("the index has no map that is up to date", where=view.name, hint=hint)
    if not len(found.points):
        raise UsageError("the map of the index has no paper", where=view.name)
    return found


def _standing(view: Searcher, found: Map, answer: Answer, top: int) -> Standing:
    rows = view.rows([*(paper.id for paper in answer.papers), *(hit.id for hit in answer)])
    own = positions_of(found.points, np.array([rows[paper.id] for paper in answer.papers], np.int64))  # (0 or 1, 2)
    notes = list(answer.notes)
    if not len(own) or np.isnan(own[0, 0]):
        near = positions_of(found.points, np.array([rows[hit.id] for hit in answer], np.int64))
        own = midst(near, np.arange(len(near))[None], len(found.points))
        notes += [f"{answer.asked!r} is not on the map; it is put among the papers that it resembles most"]
    [x, y] = own[0].tolist()
    points = found.points
    distances = (points.x - x) ** 2 + (points.y - y) ** 2  # (n,)
    n = min(top + 1, len(points))
    nearest = np.argpartition(distances, n - 1)[:n]
    nearest = nearest[np.lexsort((points.rows[nearest], distances[nearest]))]
    asked = {rows[paper.id] for paper in answer.papers}
    around = [row for row in points.rows[nearest].tolist() if row not in asked][:top]
    papers = tuple(view.papers(np.array(around, np.int64)))
    return Standing(answer.asked, answer.paper, x, y, _regions(found, x, y), papers, tuple(notes))


def _regions(found: Map, x: float, y: float) -> tuple[Region, ...]:
    """Of each level that which is nearest to a place."""
    levels = sorted({one.level for one in found.regions})
    by_level = ([one for one in found.regions if one.level == level] for level in levels)
    return tuple(min(some, key=lambda one: (one.x - x) ** 2 + (one.y - y) ** 2) for some in by_level)
