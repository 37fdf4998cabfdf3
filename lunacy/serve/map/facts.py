"""What the script of the page has to know of a map."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from lunacy.display import harmless
from lunacy.draw.palette import GROUNDS, GROUPS, colours
from lunacy.draw.tile import DEEPEST, PIXELS
from lunacy.region import Region
from lunacy.unicode import to_unicode

_SMALL = 3  # level


def facts(
    *, edition: str, n_papers: int, months: tuple[int, int], n_of_groups: Sequence[int], regions: Sequence[Region]
) -> dict[str, Any]:
    """A map as a whole, as the script reads it. `months`: the first and the last, 12 * year + month - 1."""
    return {
        "edition": edition,
        "papers": n_papers,
        "months": months,
        "pixels": PIXELS,
        "deepest": DEEPEST,
        "groups": [
            {"name": group.name, "light": group.light, "dark": group.dark, "papers": n}
            for group, n in zip(GROUPS, n_of_groups, strict=True)
        ],
        "years": {ground: [f"#{bytes(one).hex()}" for one in colours("year", ground).tolist()] for ground in GROUNDS},
        "regions": [
            [one.level, round(one.x, 4), round(one.y, 4), one.n_papers, one.label, _terms(one)] for one in regions
        ],
    }


def _terms(region: Region) -> str:
    """What else finds a region by its name; of the many small ones nothing, for that would be most of the answer."""
    return ", ".join(region.terms[:3]) if region.level < _SMALL else ""


def outline(regions: Sequence[Region]) -> list[tuple[Region, list[Region]]]:
    """The regions of the two largest kinds, for a list: each of the first with those of the second nearest to it."""
    first = [one for one in regions if one.level == 0]
    inside: dict[int, list[Region]] = {place: [] for place in range(len(first))}
    for one in regions:
        if one.level == 1 and first:
            nearest = min(inside, key=lambda place: (first[place].x - one.x) ** 2 + (first[place].y - one.y) ** 2)
            inside[nearest].append(one)
    return [(one, inside[place]) for place, one in enumerate(first)]


def plain(text: str) -> str:
    """A title or an abstract with characters in the place of TeX."""
    return harmless(to_unicode(text))
