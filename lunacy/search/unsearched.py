"""What a published collection is not searched by, as a folder is: titles, DOIs, words, the map."""

from __future__ import annotations

from collections.abc import Sequence

from lunacy.arrays import NONE, Rows
from lunacy.question import Options
from lunacy.search.target import Target


class Unsearched:
    """Those methods of a `Searcher` that find nothing in a collection."""

    def with_doi(self, doi: str) -> list[int]:  # noqa: ARG002 (no field has DOIs alone)
        """Nothing: a collection is not searched by DOI."""
        return []

    def titled(self, keys: Sequence[str]) -> dict[str, list[int]]:  # noqa: ARG002 (no field has titles alone)
        """Nothing: a collection is not searched by title."""
        return {}

    def worded_like(self, text: str, n: int) -> Rows:  # noqa: ARG002
        """Nothing: a collection has no words."""
        return NONE

    def worded(self, target: Target, rows: Rows, options: Options) -> None:
        """Nothing: a collection has no words."""

    def map(self) -> None:
        """Nothing: a collection has no map."""
