"""What is made from the papers to answer faster, and may be deleted at any time: the answers stay the same.

Each kind is a module with the names of `Kind`; `pipeline/refresh_derived.py` lists them and keeps them up to date.
"""

from __future__ import annotations

import hashlib
import mmap
from collections.abc import Callable, Sequence
from functools import wraps
from pathlib import Path
from typing import Protocol, TypeVar
from weakref import WeakKeyDictionary

from lunacy.progress import Report
from lunacy.store import Cache, Changes, Segment, View, caches

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


def of_commit(
    view: View,
    before: Sequence[Cache],
    since: Changes | None,
    *,
    is_of: Callable[[Cache, Sequence[Segment], int], bool],
    make: Callable[[Cache | None], Cache],
) -> list[Cache]:
    """The cache of a kind that fits one commit alone: one of `before` that fits that of `view`, else a new one.

    `is_of`: whether a cache fits a commit, by its segments and generation. `make` is given the cache of the commit
    before `since`, which what changed since then brings up to date; None: there is none, so all is made anew.
    """
    if kept := [one for one in before if is_in_place(one, view, is_of)]:
        return kept
    old = [one for one in before if since and is_of(one, since.segments, since.generation)]
    return [make(next((one for one in old if caches.path_of(view.folder, one) is not None), None))]


def is_in_place(cache: Cache, view: View, is_of: Callable[[Cache, Sequence[Segment], int], bool]) -> bool:
    """Whether `cache` fits the commit of `view`, and its file is there."""
    return is_of(cache, view.stored_segments, view.generation) and caches.path_of(view.folder, cache) is not None


def whole_content(folder: Path, cache: Cache) -> mmap.mmap | None:
    """The file of a cache, memory-mapped, if each byte is as it was written: it is read for that once; else None."""
    try:
        with (folder / caches.FOLDER_NAME / cache.name).open("rb") as file:
            if hashlib.file_digest(file, "sha256").hexdigest() != cache.sha256:
                return None
            return mmap.mmap(file.fileno(), 0, access=mmap.ACCESS_READ)
    except (OSError, ValueError):
        return None


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
