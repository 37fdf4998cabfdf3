"""A snapshot in pieces that can be read each by itself, in any order, on any machine that sees the file."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass

from lunacy.errors import SnapshotError
from lunacy.snapshot.batches import Batch, batches
from lunacy.snapshot.lines import Line, Snapshot

LINE_BYTES = 1400  # a little less than a line of arXiv's snapshot has: a piece seldom has more than `size` lines


@dataclass(frozen=True, slots=True)
class Piece:
    """Some consecutive lines: those that begin in a range of bytes, or, of a packed snapshot, the lines themselves.

    Lines are numbered from the piece's beginning; offsets are those in the whole.
    """

    number: int  # among the pieces of its snapshot, from 0
    position_bytes: int  # how far the file is read with it
    is_last: bool
    start: int = 0
    stop: int | None = None
    lines: tuple[Line, ...] = ()
    broken: str = ""  # why the snapshot cannot be read on behind it


def cut(snapshot: Snapshot, size: int) -> Iterator[Piece]:
    """The pieces of a snapshot, each of about `size` lines; always the same for the same file and size.

    A plain file is cut without being read, a packed one is unpacked as they are taken. There is at least one.
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
    """The batch of all lines in `piece`, placed and numbered from its beginning, and how many lines, blank ones too.

    The options are those of `batches`; what they end early has the number of its line in the message.
    """
    reader = _Reader(snapshot, piece)
    size = max(1, piece.position_bytes, len(piece.lines))  # all in one
    batch = next(batches(reader, keep, recipe=recipe, limit=limit, strict=strict, size=size), Batch())
    batch.position_bytes = piece.position_bytes
    if piece.broken and batch.broken is None:
        batch.broken = SnapshotError(piece.broken)
    return batch, reader.n_met


class _Reader:
    """A piece, read as a snapshot is."""

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
