"""How work that may take long reports how far it is."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from typing import TypeVar

T = TypeVar("T")

Report = Callable[[int, int], None]  # how much is done, of how much; less than before begins another phase


def no_report(_done: int, _total: int) -> None:
    """Report to nobody."""


def reported(items: Sequence[T], sizes: Sequence[int], report: Report) -> Iterator[T]:
    """The items; before each, how much is done is reported. `sizes`: how much each is."""
    done, total = 0, sum(sizes)
    for item, size in zip(items, sizes, strict=True):
        report(done, total)
        yield item
        done += size
