"""Cut a snapshot into pieces that can be read separately, in any order, on any machine that sees the file."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass

from lunacy.errors import SnapshotError
from lunacy.snapshot.batches import Batch, batches
from lunacy.snapshot.lines import Line, Snapshot

LINE_BYTES = 1400  # a little less than arXiv's average line, so that few pieces have more than `size` lines


@dataclass(frozen=True, slots=True)
class Piece:
    """Consecutive lines: those that begin in a range of bytes, or, of a packed snapshot, the lines themselves.

    Line numbers count from the beginning of the piece, byte offsets from that of the snapshot.
    """

    number: int  # among the pieces of its snapshot, from 0
    position_bytes: int  # how much of the file is read after it
    is_last: bool
    start: int = 0
    stop: int | None = None
    lines: tuple[Line, ...] = ()
    broken: str = ""  # why the snapshot cannot be read beyond it


def cut(snapshot: Snapshot, size: int) -> Iterator[Piece]:
    """The pieces of a snapshot, at least one, each of about `size` lines; the same each time for a file and size.

    A plain file is not read for it; a packed one is unpacked piece by piece.
    """
    if not snapshot.is_plain:
        yield from _unpack(snapshot, size)
        return
    assert snapshot.size_bytes is not None
    n_bytes = size * LINE_BYTES
    n_pieces = max(1, -(-snapshot.size_bytes // n_bytes))
    for number in range(n_pieces):
        stop = min(snapshot.size_bytes, (number + 1) * n_bytes)
        yield Piece(number, stop, number == n_pieces - 1, number * n_bytes, stop)


def _unpack(snapshot: Snapshot, size: int) -> Iterator[Piece]:
    number = before = 0
    lines: list[Line] = []
    broken = ""
    try:
        for line in snapshot.lines():
            if len(lines) == size:
                yield Piece(number, snapshot.position_bytes, False, lines=tuple(lines))
                number, before, lines = number + 1, before + lines[-1].number, []
            lines.append(line._replace(number=line.number - before))
    except SnapshotError as error:
        broken = str(error)
    yield Piece(number, snapshot.position_bytes, True, lines=tuple(lines), broken=broken)


def read_piece(
    snapshot: Snapshot,
    piece: Piece,
    keep: Callable[[tuple[str, ...]], bool],
    *,
    recipe: str,
    limit: int | None = None,
    strict: bool = False,
) -> tuple[Batch, int]:
    """All lines of `piece` as one batch, numbered from its beginning, and the number of lines, blank ones included.

    Options: see `batches`.
    """
    reader = _Reader(snapshot, piece)
    size = max(1, piece.position_bytes, len(piece.lines))  # so that there is one batch
    batch = next(batches(reader, keep, recipe=recipe, limit=limit, strict=strict, size=size), Batch())
    batch.position_bytes = piece.position_bytes
    if piece.broken and batch.broken is None:
        batch.broken = SnapshotError(piece.broken)
    return batch, reader.n_met


class _Reader:
    """Gives the lines of a piece, as a Snapshot gives its lines."""

    def __init__(self, snapshot: Snapshot, piece: Piece) -> None:
        self.name = snapshot.name
        self.position_bytes = piece.position_bytes
        self._snapshot = snapshot
        self._piece = piece

    @property
    def n_met(self) -> int:
        if self._piece.stop is not None:
            return self._snapshot.n_met
        return self._piece.lines[-1].number if self._piece.lines else 0

    def lines(self) -> Iterator[Line]:
        if self._piece.stop is not None:
            return self._snapshot.lines(self._piece.start, self._piece.stop)
        return iter(self._piece.lines)
