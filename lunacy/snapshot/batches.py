"""Lines -> batches: consecutive lines, hashed, parsed unless they are known, and sorted into kept, filtered and bad."""

from __future__ import annotations

from collections.abc import Callable, Container, Generator, Iterator, Sequence
from contextlib import closing
from dataclasses import dataclass, field, replace
from itertools import count, islice, repeat
from operator import itemgetter
from typing import Protocol

from lunacy.entry import NO_LINE, Entry, hash_line
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
    same: list[tuple[int, int, bytes]] = field(default_factory=list)  # known lines, not parsed: row, place, the line
    same_date: str = ""  # ISO date of the last change of their papers; "" if unknown

    @property
    def last_date(self) -> str:
        """ISO date of the last change of a paper in this batch; "" if unknown."""
        return max([self.same_date, *(entry.updated for entry in self.kept)])

    def parsed(self, rows: Container[int], recipe: str) -> Batch:
        """The batch as it is when the known lines of `rows` are parsed."""
        again = [
            (place, Entry.of(parse(Line(0, 0, raw)), recipe, hash_line(raw)))
            for row, place, raw in self.same
            if row in rows
        ]
        kept = sorted([*zip(self.places, self.kept, strict=True), *again], key=itemgetter(0))
        return replace(
            self,
            kept=[entry for _place, entry in kept],
            places=[place for place, _entry in kept],
            same=[one for one in self.same if one[0] not in rows],
        )


class KnownLines(Protocol):
    """The lines that say just what an index holds."""

    def rows(self, line_hashes: Sequence[bytes]) -> list[int]:
        """The row that holds what each line says; -1 where none does."""

    def last_date(self, rows: Sequence[int]) -> str:
        """ISO date of the last change of the papers at `rows`; "" if unknown."""


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
    known: KnownLines | None = None,
) -> Iterator[Batch]:
    """The snapshot in batches of up to `size` lines, with hashes for the recipe of the embedded text.

    `limit`: of kept papers; `strict`: the first bad line ends it. Reading that ends early is told by the last batch:
    what came before it counts. `share`: (1, 4) is the second of each four batches. `known`: lines that need not be
    parsed, which are looked up together.
    """
    first, step = share
    n_at_once = 1 if limit is not None or (strict and known is None) else size  # no more of a pipe than it takes
    batch, n_before = Batch(), 0  # papers in earlier batches
    for n, (lines, broken) in enumerate(_groups(snapshot.lines(), n_at_once)):
        if n % step == first:
            _add(batch, n * n_at_once, lines, keep, recipe, known, strict=strict)
        batch.broken = refusal(snapshot.name, *batch.bad[-1]) if strict and batch.bad else broken
        n_papers = n_before + len(batch.kept) + len(batch.same)
        is_over = batch.broken is not None or (limit is not None and n_papers >= limit)
        if batch.n_lines == size or is_over:
            batch.position_bytes = snapshot.position_bytes
            yield batch
            batch, n_before = Batch(), n_papers
        if is_over:
            return
    if batch.n_lines:
        batch.position_bytes = snapshot.position_bytes
        yield batch


def _groups(lines: Iterator[Line], size: int) -> Iterator[tuple[list[Line], SnapshotError | None]]:
    """The lines, `size` together, and behind the last what ended the reading early."""
    while True:
        group: list[Line] = []
        try:
            group.extend(islice(lines, size))
        except SnapshotError as error:
            yield group, error
            return
        if not group:
            return
        yield group, None


def _add(
    batch: Batch,
    place: int,
    lines: Sequence[Line],
    keep: Callable[[tuple[str, ...]], bool],
    recipe: str,
    known: KnownLines | None,
    *,
    strict: bool,
) -> None:
    """Sort lines, the first of them at `place`, and parse those that are not known; if `strict`, up to a bad one."""
    hashes = [NO_LINE if line.fault else hash_line(line.raw) for line in lines]
    rows = known.rows(hashes) if known else repeat(-1)
    for at, line, line_hash, row in zip(count(place), lines, hashes, rows, strict=False):
        batch.n_lines += 1
        if row >= 0:
            batch.same.append((row, at, line.raw))
            continue
        try:
            paper = parse(line)
        except BadLine as reason:
            batch.bad.append((line._replace(raw=line.raw[:KEPT_BYTES]), str(reason)))
            if strict:
                break
            continue
        if keep(paper.categories):
            batch.kept.append(Entry.of(paper, recipe, line_hash))
            batch.places.append(at)
        else:
            batch.filtered.append(paper.id)
    if known:
        batch.same_date = known.last_date([row for row, _place, _raw in batch.same])


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
            if batch.kept or batch.same or batch.filtered or batch.broken:
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
