"""What the script of the page has to know of a map."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from lunacy.draw.palette import GROUNDS, GROUPS, colours
from lunacy.draw.tile import DEEPEST, PIXELS
from lunacy.region import Region


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
            [one.level, round(one.x, 5), round(one.y, 5), one.n_papers, one.label, ", ".join(one.terms[:3])]
            for one in regions
        ],
    }
