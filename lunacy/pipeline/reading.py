"""The first step of every run over a snapshot: lines -> papers -> windows, and what became of the lines."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass, field

from lunacy.errors import SnapshotError
from lunacy.paper import Paper
from lunacy.snapshot import BadLine, Line, Snapshot, parse

WINDOW = 512  # lines at a time


@dataclass(slots=True)
class Counts:
    """What became of the lines of a snapshot: each that is not blank is in exactly one of the five after `read`."""

    read: int = 0
    added: int = 0
    updated: int = 0
    unchanged: int = 0
    filtered: int = 0
    quarantined: int = 0
    # besides, of those:
    metadata_only: int = 0  # of updated: another title, date or category, the same embedded text
    repeated: int = 0  # lines whose id stood in an earlier line; the later line wins
    cut: int = 0  # texts longer than the model reads
    # and of the index:
    pruned: int = 0  # papers removed because the snapshot no longer holds them


@dataclass(frozen=True, slots=True)
class Progress:
    """How far a run is; `position_bytes` of `size_bytes` (None: unknown) of the snapshot are read."""

    counts: Counts
    position_bytes: int
    size_bytes: int | None


@dataclass(frozen=True, slots=True)
class Candidate:
    """A paper from the snapshot."""

    paper: Paper
    place: int  # from 0, among the lines that are not blank: its row in a file of vectors


@dataclass(slots=True)
class Window:
    """Some consecutive lines of the snapshot, read."""

    position_bytes: int = 0
    n_lines: int = 0
    kept: list[Candidate] = field(default_factory=list)
    filtered: list[str] = field(default_factory=list)  # ids
    bad: list[tuple[Line, str]] = field(default_factory=list)  # with the reason
    broken: SnapshotError | None = None  # what ended the reading early


def read_windows(
    snapshot: Snapshot,
    keep: Callable[[tuple[str, ...]], bool],
    *,
    limit: int | None = None,
    strict: bool = False,
    size: int = WINDOW,
) -> Iterator[Window]:
    """The snapshot in windows of up to `size` lines. `limit`: of kept papers; `strict`: the first bad line ends it.

    Reading that ends early is told by the last window: what came before it counts.
    """
    window, n_left = Window(), limit
    try:
        for place, line in enumerate(snapshot.lines()):
            window.n_lines += 1
            try:
                paper = parse(line)
            except BadLine as reason:
                window.bad.append((line, str(reason)))
                if strict:
                    raise SnapshotError(f"{snapshot.name}, line {line.number}, byte {line.offset}: {reason}") from None
            else:
                if keep(paper.categories):
                    window.kept.append(Candidate(paper, place))
                    n_left = None if n_left is None else n_left - 1
                else:
                    window.filtered.append(paper.id)
            if window.n_lines == size or n_left == 0:
                window.position_bytes = snapshot.position_bytes
                yield window
                window = Window()
            if n_left == 0:
                return
    except SnapshotError as error:
        window.broken = error
    if window.n_lines or window.broken:
        window.position_bytes = snapshot.position_bytes
        yield window
