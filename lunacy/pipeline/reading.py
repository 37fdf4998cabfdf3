"""The first steps of every run over a snapshot: lines -> papers -> windows, counted, in a thread of their own."""

from __future__ import annotations

import queue
import threading
from collections.abc import Callable, Iterator
from contextlib import suppress
from dataclasses import dataclass, field

from lunacy.errors import SnapshotError
from lunacy.paper import Paper
from lunacy.snapshot import BadLine, Line, Snapshot, parse

WINDOW = 512  # papers looked up and embedded at a time: seconds of work on the slowest machine
_AHEAD = 4  # windows that are read before they are asked for
_POLL_S = 0.1


class _Over(Exception):
    """Nobody wants the windows any more."""


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

    @property
    def papers(self) -> int:
        """Lines that were papers and passed the filter."""
        return self.added + self.updated + self.unchanged


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
    snapshot: Snapshot, keep: Callable[[tuple[str, ...]], bool], *, limit: int | None = None, strict: bool = False
) -> Iterator[Window]:
    """The snapshot in windows of up to WINDOW lines. `limit`: of kept papers; `strict`: the first bad line ends it.

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
            if window.n_lines == WINDOW or n_left == 0:
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


def read_ahead(windows: Iterator[Window]) -> Iterator[Window]:
    """The same windows, made in a thread of their own, a few ahead. An exception comes out here."""
    slots: queue.Queue[Window | BaseException | None] = queue.Queue(_AHEAD)
    is_over = threading.Event()

    def put(item: Window | BaseException | None) -> None:
        while not is_over.is_set():
            try:
                return slots.put(item, timeout=_POLL_S)
            except queue.Full:
                pass
        raise _Over

    def work() -> None:
        try:
            for window in windows:
                put(window)
            put(None)
        except _Over:
            pass
        except BaseException as error:  # noqa: BLE001 (it is raised again in the thread that reads)
            with suppress(_Over):
                put(error)

    thread = threading.Thread(target=work, name="lunacy-read", daemon=True)
    thread.start()
    try:
        while (item := slots.get()) is not None:
            if isinstance(item, BaseException):
                raise item
            yield item
    finally:
        is_over.set()
        thread.join()
