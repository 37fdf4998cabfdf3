"""Where papers and texts stand on the map, and what lies around them."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

import numpy as np

from lunacy.answer import Answer
from lunacy.derived.placing import NEAREST
from lunacy.errors import LunacyError, UsageError
from lunacy.query.index import Index
from lunacy.query.map_papers import placed, stands_at
from lunacy.query.map_view import MapReader, MapView
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
    maps = MapReader()
    for answer in ix.ask_many(questions, model=model, device=device):
        if isinstance(answer, LunacyError):
            yield answer
            continue
        with ix.view() as view:
            found = maps.require(view)
            if not len(found):
                raise UsageError("the map of the index has no paper", where=view.name)
            yield _standing(view, found, answer, top)


def _standing(view: Searcher, found: MapView, answer: Answer, top: int) -> Standing:
    notes = list(answer.notes)
    own = [(one.x, one.y) for one in placed(view, found, answer.papers)]
    if not own:
        own = [place for place in [stands_at(placed(view, found, [hit.paper for hit in answer]), len(found))] if place]
        notes += [f"{answer.asked!r} is not on the map; it is put among the papers that it resembles most"]
    [(x, y)] = own
    points = found.map.points
    distances = (points.x - x) ** 2 + (points.y - y) ** 2  # (n,)
    n = min(top + 1, len(points))
    nearest = np.argpartition(distances, n - 1)[:n]
    nearest = nearest[np.lexsort((points.rows[nearest], distances[nearest]))]
    asked = {paper.id for paper in answer.papers}
    around = [paper for paper in view.papers(points.rows[nearest].astype(np.int64)) if paper.id not in asked]
    return Standing(answer.asked, answer.paper, x, y, _regions(found, x, y), tuple(around[:top]), tuple(notes))


def _regions(found: MapView, x: float, y: float) -> tuple[Region, ...]:
    """Of each level that which is nearest to a place."""
    levels = sorted({one.level for one in found.map.regions})
    by_level = ([one for one in found.map.regions if one.level == level] for level in levels)
    return tuple(min(some, key=lambda one: (one.x - x) ** 2 + (one.y - y) ** 2) for some in by_level)
