"""What reads the snapshots of a build."""

from __future__ import annotations

from collections.abc import Callable, Generator, Sequence
from contextlib import closing
from dataclasses import dataclass
from typing import Protocol

from lunacy.snapshot import Snapshot, Window, read_windows


class Reader(Protocol):
    """Reads snapshots one after another, ahead of the rest of a build."""

    def windows(self, is_wanted: Callable[[], bool]) -> Generator[tuple[int, Window]]:
        """The windows of all snapshots, each with its snapshot's number; a broken one is the last.

        Raises Stopped when no longer wanted.
        """


@dataclass(frozen=True, slots=True)
class LocalReader:
    """Reads on this machine."""

    snapshots: Sequence[Snapshot]
    category: Sequence[str]  # patterns
    recipe: str  # the recipe of the embedded text
    size: int  # lines of a window
    limit: int | None  # of kept papers, of all snapshots
    strict: bool  # the first bad line ends it

    def windows(self, is_wanted: Callable[[], bool]) -> Generator[tuple[int, Window]]:
        """As of Reader."""
        n_left = self.limit
        for n, snapshot in enumerate(self.snapshots):
            found = read_windows(
                snapshot,
                self.category,
                recipe=self.recipe,
                limit=n_left,
                strict=self.strict,
                size=self.size,
                is_wanted=is_wanted,
            )
            with closing(found):
                for window in found:
                    yield n, window
                    n_left = None if n_left is None else n_left - len(window.kept)
                    if window.broken is not None or n_left == 0:
                        return
