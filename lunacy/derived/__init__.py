"""What is made from the papers to answer faster, and may be deleted at any time: the answers stay the same.

Each kind is a module with the names of `Kind`; `pipeline/refresh_derived.py` lists them and keeps them up to date.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from functools import wraps
from typing import Protocol, TypeVar
from weakref import WeakKeyDictionary

from lunacy.progress import Report
from lunacy.store import Cache, Changes, View

T = TypeVar("T")


def once_per_view(opening: Callable[[View], T]) -> Callable[[View], T]:
    """Open what is derived once for each view: it is kept as long as the view is."""
    opened: WeakKeyDictionary[View, T] = WeakKeyDictionary()

    @wraps(opening)
    def open_once(view: View) -> T:
        if view not in opened:
            opened[view] = opening(view)
        return opened[view]

    return open_once


class Kind(Protocol):
    """A kind of derived data."""

    @property
    def KIND(self) -> str:  # noqa: N802 (a constant of a module)
        """The name of the kind in the manifest of the caches."""

    @property
    def LEAST_ROWS(self) -> int | None:  # noqa: N802
        """From how many rows on an index has it; None: it is made on request, and then kept up to date."""

    def is_current(self, cache: Cache, view: View) -> bool:
        """Whether `cache`, of this kind, is whole and fits the commit of `view`."""

    def make(self, view: View, before: Sequence[Cache], since: Changes | None, progress: Report) -> list[Cache]:
        """All caches of this kind for the commit of `view`: those of `before` that will do, and new ones.

        New ones do not count before `caches.commit` names them. `since`: what changed since the last commit, so that
        the rest need not be read again. Raises DiskFull.
        """
