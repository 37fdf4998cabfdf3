"""Which papers of its snapshots an index takes in."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass

from lunacy.categories import split_patterns


@dataclass(frozen=True, slots=True)
class Scope:
    """Recorded in an index, so that an update takes in what the first run did."""

    category: tuple[str, ...] = ()  # patterns, of which any must match; none: all papers

    @classmethod
    def of(cls, patterns: Iterable[str]) -> Scope:
        """The scope for `--category`; "*" alone stands for all papers, those without a category too."""
        given = tuple(split_patterns(patterns))
        return cls() if given == ("*",) else cls(given)

    def __str__(self) -> str:
        return ", ".join(self.category) or "all categories"
