"""Lines of a text, counted once."""

from __future__ import annotations

from collections.abc import Iterable, Iterator


def lines_at(text: str, places: Iterable[int], first: int = 1) -> Iterator[int]:
    """The number of the line that each of `places` is in; they ascend. `first`: the number of the first line."""
    before = 0
    for place in places:
        first += text.count("\n", before, place)
        before = place
        yield first
