"""The map and the papers on it, as the script of the page reads them."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from lunacy.authors import authors
from lunacy.display import harmless
from lunacy.paper import Paper
from lunacy.query.map_papers import Placed
from lunacy.query.map_view import MapView
from lunacy.serve.map.facts import facts, plain
from lunacy.serve.page.address import Address
from lunacy.withdrawn import is_withdrawn

_NAMES = 12  # of authors of a paper


def map_record(found: MapView, edition: str) -> dict[str, Any]:
    """The map as a whole."""
    return facts(
        edition=edition,
        n_papers=len(found),
        months=(found.months.first, found.months.last),
        n_of_groups=found.n_groups.tolist(),
        regions=found.map.regions,
    )


def placed_record(one: Placed) -> dict[str, Any]:
    """A paper on the map."""
    title = plain(one.paper.title) or one.paper.id
    return {"id": one.paper.id, "title": title, **_place(one)}


def card_record(paper: Paper, where: Placed | None, near: Sequence[Placed], root: str, index: str) -> dict[str, Any]:
    """What the card of a paper shows; `near`: the papers most similar to it."""
    asked = Address.of([("id", paper.id), ("index", index)])
    names = [harmless(one.name) for one in authors(paper)]
    others = [f"and {len(names) - _NAMES} more"] if len(names) > _NAMES else []
    return {
        "id": paper.id,
        "title": plain(paper.title) or paper.id,
        **(_place(where) if where else {}),
        "authors": ", ".join([*names[:_NAMES], *others]),
        "posted": paper.posted,
        "categories": list(map(harmless, paper.categories)),
        "withdrawn": is_withdrawn(paper),
        "abstract": plain(paper.abstract),
        "url": paper.url,
        "similar": asked.url(f"{root}/similar"),
        "marks": asked.url(f"{root}/map"),
        "near": [placed_record(one) for one in near],
    }


def _place(one: Placed) -> dict[str, Any]:
    return {"x": one.x, "y": one.y, "group": one.group, "month": one.month}
