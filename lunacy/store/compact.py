"""Keeping an index tidy: few segments, and few dead rows in them."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from lunacy.arrays import Rows
from lunacy.store.database import Database
from lunacy.store.records import read_rows
from lunacy.store.segments import OpenSegment, Segment, SegmentWriter

SEGMENT_ROWS = 2**16  # a commit comes at the latest with so many rows, and merging stops there
DEAD_SHARE = 0.25  # of a segment's rows: from there on it is rewritten by itself


def untidy_runs(segments: Sequence[Segment], dead: Rows, *, dead_share: float) -> list[list[Segment]]:
    """The neighbours to rewrite as one: small ones at the end, and each with at least `dead_share` of dead rows.

    The last run comes first, so that rewriting one moves no row of another.
    """
    tail = trailing_run([segment.n_rows for segment in segments])
    runs = [list(segments[-tail:])] if tail > 1 else []
    for segment in reversed(segments[: len(segments) - tail] if tail > 1 else segments):
        n_dead = len(segment.positions(dead))
        if n_dead and n_dead >= dead_share * segment.n_rows:
            runs.append([segment])
    return runs


def trailing_run(sizes: Sequence[int]) -> int:
    """How many of the last segments to merge into one.

    A segment joins what follows it when that is at least half as large, like the carry of a binary counter: of a year
    of daily updates a handful of small segments is left, and each row is rewritten a handful of times.
    """
    n, total = 0, 0
    for size in reversed(sizes):
        if n and (size > 2 * total or size + total > SEGMENT_ROWS):
            break
        n, total = n + 1, total + size
    return n


def rewrite(
    database: Database, dim: int, run: Sequence[Segment], number: int, mark: bytes
) -> tuple[SegmentWriter | None, Rows]:
    """Write the live rows of `run` to a new segment, in the same order, moving rows down to close the gaps.

    Inside the writer's transaction: the papers get their new rows, and `run` and its dead rows go. The segment (None
    when no row lives) begins at the first row of the run. Returns it, and the old rows in their new order.
    """
    first, end = run[0].first_row, run[-1].end_row
    rows = read_rows(database, "SELECT row FROM papers WHERE row >= ? AND row < ? ORDER BY row", (first, end))
    written = SegmentWriter(database.folder, number, dim, mark) if len(rows) else None
    try:
        if written is not None:
            for segment in run:
                _copy(OpenSegment(database.folder, segment, dim), segment.positions(rows), written)
        places = first + np.arange(len(rows))
        moved = rows != places
        database.run_many(
            "UPDATE papers SET row = ? WHERE row = ?", zip(places[moved].tolist(), rows[moved].tolist(), strict=True)
        )
        database.run("DELETE FROM dead WHERE row >= ? AND row < ?", (first, end))
        database.run_many("DELETE FROM segments WHERE number = ?", [(segment.number,) for segment in run])
    except BaseException:
        if written is not None:
            written.discard()
        raise
    return written, rows


def _copy(source: OpenSegment, live: Rows, written: SegmentWriter) -> None:
    """The rows at the positions `live`, ascending, block by block."""
    for start, block in source.blocks():
        written.append(block[live[slice(*np.searchsorted(live, (start, start + len(block))))] - start])
