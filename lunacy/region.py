"""Regions of the map, with what their papers are about, and where a paper or a text stands among them."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from lunacy.paper import Paper


@dataclass(frozen=True, slots=True)
class Region:
    """Papers that lie together on the map, at one level of detail."""

    level: int  # 0: the fewest and largest; each level has about four times as many as the one before
    x: float  # where most of its papers are: from 0, left, to 1
    y: float  # from 0, at the top, to 1
    n_papers: int
    label: str  # "Black holes"
    terms: tuple[str, ...]  # others that tell it from the rest of the map, the best first

    def record(self) -> dict[str, Any]:
        """As it is stored (indexes/README.md)."""
        where = {"level": self.level, "x": self.x, "y": self.y, "n_papers": self.n_papers}
        return {**where, "label": self.label, "terms": list(self.terms)}

    @classmethod
    def read(cls, record: Mapping[str, Any]) -> Region:
        """Out of what `record` gives. Raises ValueError for anything else."""
        try:
            level, x, y, n_papers = record["level"], record["x"], record["y"], record["n_papers"]
            terms = tuple(map(str, record["terms"]))
            return cls(int(level), float(x), float(y), int(n_papers), str(record["label"]), terms)
        except (KeyError, TypeError) as error:
            raise ValueError(f"this is no region: {error!r}") from None


@dataclass(frozen=True, slots=True)
class Standing:
    """Where a paper or a text stands on the map."""

    asked: str  # an id, or a text
    paper: Paper | None  # None: it is a text
    x: float  # from 0, left, to 1
    y: float  # from 0, at the top, to 1
    regions: tuple[Region, ...]  # of each level the nearest one
    around: tuple[Paper, ...]  # those that are nearest on the map, the nearest first
    notes: tuple[str, ...]  # what the asker should know

    def as_record(self) -> dict[str, object]:
        """As JSON has it."""
        return {
            "asked": self.asked,
            "title": self.paper.title if self.paper else None,
            "x": round(self.x, 5),
            "y": round(self.y, 5),
            "regions": [one.record() for one in self.regions],
            "around": [{"id": one.id, "title": one.title} for one in self.around],
            "notes": list(self.notes),
        }
