"""Read the snapshots of a build."""

from __future__ import annotations

from collections.abc import Callable, Generator, Sequence
from contextlib import closing
from dataclasses import dataclass
from typing import Protocol

from lunacy.snapshot import Batch, KnownLines, Snapshot, read_batches


def share_read(snapshots: Sequence[Snapshot], n: int, position_bytes: float) -> float | None:
    """The share of all snapshots that is read, at `position_bytes` of the one with the number `n`; None: not known."""
    sizes = [snapshot.size_bytes for snapshot in snapshots]
    if None in sizes or not (total := sum(size or 0 for size in sizes)):
        return None
    return (sum(size or 0 for size in sizes[:n]) + position_bytes) / total


class Reader(Protocol):
    """Reads snapshots one after another, in the background."""

    def batches(self, is_wanted: Callable[[], bool]) -> Generator[tuple[int, Batch]]:
        """The batches of all snapshots, each with its snapshot's number; a broken one is the last.

        Raises Stopped when no longer wanted.
        """


@dataclass(frozen=True, slots=True)
class LocalReader:
    """Reads on this machine."""

    snapshots: Sequence[Snapshot]
    category: Sequence[str]  # patterns
    recipe: str  # the recipe of the embedded text
    size: int  # lines of a batch
    limit: int | None  # of kept papers, of all snapshots
    strict: bool  # stop at the first bad line
    known: KnownLines | None = None  # lines that need not be parsed

    def batches(self, is_wanted: Callable[[], bool]) -> Generator[tuple[int, Batch]]:
        """See Reader."""
        n_left = self.limit
        for n, snapshot in enumerate(self.snapshots):
            found = read_batches(
                snapshot,
                self.category,
                recipe=self.recipe,
                limit=n_left,
                strict=self.strict,
                size=self.size,
                known=self.known,
                is_wanted=is_wanted,
            )
            with closing(found):
                for batch in found:
                    yield n, batch
                    n_left = None if n_left is None else n_left - len(batch.kept)
                    if batch.broken is not None or n_left == 0:
                        return
