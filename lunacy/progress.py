"""How work that may take long tells how far it is."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from typing import TypeVar

T = TypeVar("T")


@dataclass(frozen=True, slots=True)
class Progress:
    """How far some work is: `done` of `total` units are done."""

    doing: str  # such as "loading the model"; another word begins another phase
    done: int = 0
    total: int | None = None  # None: not known
    unit: str = ""  # what is counted, such as "papers"; "": nothing that anybody counts
    share: float | None = None  # of the whole, where that is known otherwise than by `total`: 0 to 1


Report = Callable[[Progress], None]


def no_report(_progress: Progress) -> None:
    """Report to nobody."""


def reported(
    doing: str, items: Sequence[T], sizes: Sequence[int], report: Report, *, unit: str = "papers"
) -> Iterator[T]:
    """The items; before each, how much is done is reported. `sizes`: how many units each is."""
    done, total = 0, sum(sizes)
    for item, size in zip(items, sizes, strict=True):
        report(Progress(doing, done, total, unit))
        yield item
        done += size
