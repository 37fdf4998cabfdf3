"""Checking an index against itself: every file's size and hash, every row's vector, every paper's record."""

from __future__ import annotations

import hashlib
from collections import Counter
from collections.abc import Iterator
from pathlib import Path

import numpy as np

from lunacy.errors import IndexDamaged, StoreError
from lunacy.store.database import Database
from lunacy.store.reader import PAPER_COLUMNS, read_fingerprint, read_segments, to_paper
from lunacy.store.segments import OpenSegment, Segment
from lunacy.store.writer import record_hash

_UNIT_TOLERANCE = 1e-3


def verify(folder: str | Path) -> list[str]:
    """What is wrong with the index in `folder`, a line each; empty when all is well.

    Raises NoIndex when there is none. Reads every byte: some seconds a million papers.
    """
    database = Database(Path(folder))
    try:
        database.run("BEGIN")
        return list(_faults(database))
    finally:
        database.close()


def _faults(database: Database) -> Iterator[str]:
    try:
        for [line] in database.all("PRAGMA integrity_check"):
            if line != "ok":
                yield f"papers.db: {line}"
        dim = read_fingerprint(database).dim
        segments = read_segments(database)
        yield from _row_faults(database, segments)
        yield from _paper_faults(database)
    except (StoreError, ValueError, TypeError) as error:
        yield f"papers.db: {error}"
        return
    for segment in segments:
        yield from _segment_faults(database.folder, segment, dim)


def _row_faults(database: Database, segments: list[Segment]) -> Iterator[str]:
    """Each row of each segment has one paper or is dead, and there is no other row."""
    live = np.array([row for [row] in database.all("SELECT row FROM papers ORDER BY row")], np.int64)
    dead = np.array([row for [row] in database.all("SELECT row FROM dead ORDER BY row")], np.int64)
    n_inside, end = 0, 0
    for segment in segments:
        if segment.first_row < end:
            yield f"{segment.name}: shares rows with the one before it"
        end = segment.end_row
        inside = np.concatenate(
            [rows[slice(*np.searchsorted(rows, (segment.first_row, segment.end_row)))] for rows in (live, dead)]
        )
        n_inside += len(inside)
        if len(inside) != segment.n_rows or len(np.unique(inside)) != segment.n_rows:
            yield f"{segment.name}: {segment.n_rows:,} rows, but papers.db knows {len(np.unique(inside)):,} of them"
    if n_inside != len(live) + len(dead):
        yield f"papers.db: {len(live) + len(dead) - n_inside:,} rows are in no segment"


def _paper_faults(database: Database) -> Iterator[str]:
    """Each paper is as it was written, and the counts are those of the papers."""
    counts: Counter[tuple[str, str]] = Counter()
    last = -1
    while True:
        papers = database.all(
            f"SELECT row, record, {PAPER_COLUMNS} FROM papers WHERE row > ? ORDER BY row LIMIT 4096",  # noqa: S608
            (last,),
        )
        if not papers:
            break
        last = papers[-1][0]
        for row, record, *columns in papers:
            paper = to_paper(columns)
            if record_hash(paper) != record:
                yield f"papers.db: row {row}, paper {paper.id!r}, is not as it was written"
            counts["updated", paper.updated] += 1
            counts.update(("category", category) for category in paper.categories)
    stored = {(kind, value): n for kind, value, n in database.all("SELECT kind, value, n_papers FROM counts")}
    if stored != dict(counts):
        yield "papers.db: its counts by category or date are wrong"


def _segment_faults(folder: Path, segment: Segment, dim: int) -> Iterator[str]:
    path = folder / segment.name
    try:
        opened = OpenSegment(folder, segment, dim, np.empty(0, np.int64))
        with path.open("rb") as file:
            if hashlib.file_digest(file, "sha256").hexdigest() != segment.sha256:
                yield f"{segment.name}: its content has changed since it was written (sha256 differs)"
    except FileNotFoundError:
        yield f"{segment.name}: missing"
        return
    except (OSError, IndexDamaged) as error:
        yield f"{segment.name}: {error}"
        return
    for start, block in opened.blocks():
        norms = np.sqrt(np.einsum("ij,ij->i", block, block, dtype=np.float64))  # (n,)
        wrong = np.flatnonzero(~(np.abs(norms - 1) < _UNIT_TOLERANCE))  # NaN is wrong too
        if len(wrong):
            row = segment.first_row + start + int(wrong[0])
            yield f"{segment.name}: {len(wrong):,} vectors from row {row} on are not unit (norm {norms[wrong[0]]:.4g})"
            return
