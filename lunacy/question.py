"""What is asked besides the paper: one bundle from the doors down to the search."""

from __future__ import annotations

import datetime
from collections.abc import Iterable
from dataclasses import dataclass, field
from typing import TypedDict

from lunacy.errors import UsageError
from lunacy.filter import Filter
from lunacy.keywords import Reader, date, flag, ids, number, optional, text, texts, whole

RANKS = ("dense", "hybrid", "lexical")  # by vectors, by both, by words


class Keywords(TypedDict, total=False):
    """The keywords of `Index.similar` and its kin."""

    top: int  # hits a list; 10
    include_self: bool  # list the paper itself too
    include_withdrawn: bool  # list papers that were withdrawn too
    ivf: bool  # quick, and not always exact: look into the IVF lists
    nprobe: int | None  # into how many; None: as many as the wanted recall takes
    rank: str  # by what: RANKS; all but "dense" need the lexical index
    min_score: float | None  # hits with at least this score
    unlike: str | Iterable[str]  # ids: less of what is like these
    fold: bool  # near-copies of a hit into that hit
    diverse: bool  # hits that are unlike each other
    category: str | Iterable[str] | None  # patterns: cs.CL, cs.*; any of them
    since: str | int | datetime.date | None  # dates of the last change: 2024, 2024-05, 2024-05-31
    until: str | int | datetime.date | None  # inclusive
    author: str | Iterable[str] | None  # names, or what they begin with; all of them
    only_ids: str | Iterable[str] | None  # ids in any form
    not_ids: str | Iterable[str] | None


READERS: dict[str, Reader] = {
    "top": whole,
    "include_self": flag,
    "include_withdrawn": flag,
    "ivf": flag,
    "nprobe": optional(whole),
    "rank": text,
    "min_score": optional(number),
    "unlike": ids,
    "fold": flag,
    "diverse": flag,
    "category": texts,
    "since": date,
    "until": date,
    "author": texts,
    "only_ids": optional(ids),
    "not_ids": ids,
}  # of Keywords


@dataclass(frozen=True, slots=True)
class Options:
    """As Keywords. Raises UsageError for what contradicts itself."""

    top: int = 10
    include_self: bool = False
    include_withdrawn: bool = False
    ivf: bool = False
    nprobe: int | None = None
    rank: str = "dense"
    min_score: float | None = None
    unlike: tuple[str, ...] = ()
    fold: bool = False
    diverse: bool = False
    filter: Filter = field(default_factory=Filter)

    @property
    def is_plain(self) -> bool:
        """Whether the nearest vectors are all that is asked for."""
        return self.rank == "dense" and not (self.unlike or self.fold or self.diverse)

    def __post_init__(self) -> None:
        if self.top < 1:
            raise UsageError(f"top is {self.top}; ask for at least 1")
        if self.nprobe is not None and not self.ivf:
            raise UsageError("nprobe is the number of IVF lists; it needs ivf (--ivf)")
        if self.nprobe is not None and self.nprobe < 1:
            raise UsageError(f"nprobe is {self.nprobe}; look into at least 1 list")
        if self.min_score is not None and self.min_score != self.min_score:
            raise UsageError("min_score is not a number; give one, such as 0.5")
        if self.rank not in RANKS:
            raise UsageError(f"rank {self.rank!r} is unknown; choose one of {', '.join(RANKS)}")
