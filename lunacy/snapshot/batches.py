"""Lines -> batches: consecutive lines, parsed, hashed, and sorted into kept, filtered and bad."""

from __future__ import annotations

from collections.abc import Callable, Generator, Iterator
from contextlib import closing
from dataclasses import dataclass, field
from typing import Protocol

from lunacy.entry import Entry
from lunacy.errors import SnapshotError
from lunacy.snapshot.lines import KEPT_BYTES, Line
from lunacy.snapshot.parse import BadLine, parse

BATCH_LINES = 512  # lines per batch
_DOUBTED = 1000  # if so many lines hold no paper, the file is refused


@dataclass(slots=True)
class Batch:
    """Consecutive lines of a snapshot, parsed."""

    position_bytes: int = 0
    n_lines: int = 0
    kept: list[Entry] = field(default_factory=list)
    places: list[int] = field(default_factory=list)  # of each kept paper: its line, from 0, without blank ones
    filtered: list[str] = field(default_factory=list)  # ids
    bad: list[tuple[Line, str]] = field(default_factory=list)  # with the reason
    broken: SnapshotError | None = None  # what ended the reading early


class Lines(Protocol):
    """A snapshot, or a piece of one."""

    name: str

    @property
    def position_bytes(self) -> int:
        """How far the file has been read."""

    def lines(self) -> Iterator[Line]:
        """The lines that are not blank."""


def batches(
    snapshot: Lines,
    keep: Callable[[tuple[str, ...]], bool],
    *,
    recipe: str,
    limit: int | None = None,
    strict: bool = False,
    size: int = BATCH_LINES,
    share: tuple[int, int] = (0, 1),
) -> Iterator[Batch]:
    """The snapshot in batches of up to `size` lines, with hashes for the recipe of the embedded text.

    `limit`: of kept papers; `strict`: the first bad line ends it. Reading that ends early is told by the last batch:
    what came before it counts. `share`: (1, 4) is the second of each four batches.
    """
    batch, n_before = Batch(), 0  # papers in earlier batches
    first, step = share
    try:
        for place, line in enumerate(snapshot.lines()):
            if place // size % step != first:
                continue
            _add(batch, place, line, keep, recipe)
            if strict and batch.bad:
                raise refusal(snapshot.name, line, batch.bad[-1][1])
            is_enough = limit is not None and n_before + len(batch.kept) >= limit
            if batch.n_lines == size or is_enough:
                batch.position_bytes = snapshot.position_bytes
                n_before += len(batch.kept)
                yield batch
                batch = Batch()
            if is_enough:
                return
    except SnapshotError as error:
        batch.broken = error
    if batch.n_lines or batch.broken:
        batch.position_bytes = snapshot.position_bytes
        yield batch


def _add(batch: Batch, place: int, line: Line, keep: Callable[[tuple[str, ...]], bool], recipe: str) -> None:
    """Parse a line, and sort its paper."""
    batch.n_lines += 1
    try:
        paper = parse(line)
    except BadLine as reason:
        batch.bad.append((line._replace(raw=line.raw[:KEPT_BYTES]), str(reason)))
        return
    if keep(paper.categories):
        batch.kept.append(Entry.of(paper, recipe))
        batch.places.append(place)
    else:
        batch.filtered.append(paper.id)


def refusal(name: str, line: Line, reason: str) -> SnapshotError:
    """The error for a bad line in strict reading."""
    return SnapshotError(f"{name}, line {line.number}, byte {line.offset}: {reason}")


def with_papers(found: Generator[Batch], name: str) -> Generator[Batch]:
    """The same batches; but if none of the first thousand lines, or of all, is a paper, a single broken one.

    So a file of another kind is not read to its end, and its lines do not go to quarantine.
    """
    held: list[Batch] = []
    n_bad = 0
    with closing(found):
        for batch in found:
            held.append(batch)
            n_bad += len(batch.bad)
            if batch.kept or batch.filtered or batch.broken:
                yield from held
                yield from found
                return
            if n_bad >= _DOUBTED:
                break
        else:
            if not n_bad:
                yield from held
                return
    line, reason = next(bad for batch in held for bad in batch.bad)
    which = "line" if n_bad < _DOUBTED else f"of the first {n_bad:,} lines"
    why = f"line {line.number}, byte {line.offset}: {reason}"
    yield Batch(held[-1].position_bytes, broken=SnapshotError(f"{name}: not one {which} is a paper; {why}"))
