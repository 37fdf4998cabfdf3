"""Checking an index against itself: every file's size and hash, every row's vector, every paper's hashes."""

from __future__ import annotations

import hashlib
from collections import Counter
from collections.abc import Iterator
from pathlib import Path

import numpy as np

from lunacy.entry import Entry
from lunacy.errors import IndexDamaged, StoreError
from lunacy.progress import Progress, Report, no_report, reported
from lunacy.store import caches
from lunacy.store.database import FORMAT_VERSION, Database
from lunacy.store.files import expanded
from lunacy.store.meta import meta_check, read_fingerprint, read_generation, read_segments
from lunacy.store.records import PAPER_COLUMNS, count, counted, read_paper, read_rows, vector_hashes
from lunacy.store.segments import UNIT_TOLERANCE, OpenSegment, Segment


def verify(folder: str | Path, *, progress: Report = no_report) -> list[str]:
    """What is wrong with the index in `folder`, a line each; empty when all is well.

    Raises NoIndex when there is none. Reads every byte: some 15 seconds a million papers.
    """
    while True:
        database = Database(expanded(folder), to_repair=True)
        try:
            database.run("BEGIN")
            faults = list(_faults(database, progress))
            before = database.all("SELECT value FROM meta WHERE key = 'generation'") if faults else []
            database.run("ROLLBACK")
            # a writer may have merged away a segment meanwhile: what counts is said of the last commit
            if not faults or database.all("SELECT value FROM meta WHERE key = 'generation'") == before:
                return faults
        finally:
            database.close()


def _faults(database: Database, progress: Report) -> Iterator[str]:
    progress(Progress("checking papers.db"))
    try:
        if strange := database.strange_objects():
            yield f"papers.db: lacks, or has too many: {strange}"
        for [line] in database.all("PRAGMA integrity_check"):
            if line != "ok":
                yield f"papers.db: {line}"
        if database.one("PRAGMA user_version") != (FORMAT_VERSION,):
            yield f"papers.db: its format is {database.one('PRAGMA user_version')[0]}, not {FORMAT_VERSION}"
        fingerprint = read_fingerprint(database)
        if database.one("SELECT value FROM meta WHERE key = 'check'") != (meta_check(database),):
            yield "papers.db: what it says of the model has changed since it was written"
        segments = read_segments(database)
        if read_generation(database) < max((segment.number for segment in segments), default=1):
            yield "papers.db: its generation is older than its segments"
        yield from _row_faults(database, segments)
        n_rows = sum(segment.n_rows for segment in segments)
        yield from _paper_faults(database, fingerprint.text, n_rows, progress)
    except (StoreError, ValueError, TypeError) as error:
        yield f"papers.db: {error}"
        return
    sizes = [segment.n_rows for segment in segments]
    for segment in reported("checking vectors", segments, sizes, progress):
        fault = segment_fault(database.folder, segment, fingerprint.dim)
        if fault:
            yield f"{segment.name}: {fault}"
        else:
            try:
                yield from _vector_faults(database, segment, fingerprint.dim)
            except FileNotFoundError:
                yield f"{segment.name}: missing"
    progress(Progress("checking derived data"))
    yield from caches.faults(database.folder)


def _row_faults(database: Database, segments: list[Segment]) -> Iterator[str]:
    """Each row of each segment has one paper or is dead, and there is no other row."""
    live = read_rows(database, "SELECT row FROM papers ORDER BY row")
    dead = read_rows(database, "SELECT row FROM dead ORDER BY row")
    n_inside = 0
    for segment in segments:
        inside = np.concatenate([segment.positions(live), segment.positions(dead)])
        n_inside += len(inside)
        n_known = len(np.unique(inside))
        if len(inside) != segment.n_rows or n_known != segment.n_rows:
            yield f"{segment.name}: {segment.n_rows:,} rows, but papers.db knows {n_known:,} of them"
    if n_inside != len(live) + len(dead):
        yield f"papers.db: {len(live) + len(dead) - n_inside:,} rows are in no segment"


def _paper_faults(database: Database, recipe: str, n_rows: int, progress: Report) -> Iterator[str]:
    """Each paper is as it was written, and the counts are those of the papers."""
    counts: Counter[tuple[str, str]] = Counter()
    last, n_done = -1, 0
    columns_read = f"row, text_hash, content_hash, withdrawn, added, {PAPER_COLUMNS}"
    while papers := database.all(f"SELECT {columns_read} FROM papers WHERE row > ? ORDER BY row LIMIT 4096", (last,)):
        if not (isinstance(papers[-1][0], int) and papers[-1][0] > last):
            raise IndexDamaged("its rows are out of order")
        last = papers[-1][0]
        progress(Progress("checking papers", n_done, n_rows, "papers"))
        n_done += len(papers)
        entries = []
        for row, text_hash, content_hash, withdrawn, added, *columns in papers:
            entry = Entry.with_notice(read_paper(columns), recipe, withdrawn=bool(withdrawn))
            if (entry.text_hash, entry.content_hash) != (text_hash, content_hash):
                yield f"papers.db: row {row}, paper {entry.id!r}, is not as it was written"
            entries.append(counted(entry, added))
        counts.update(count(entries))
    stored = {(kind, value): n for kind, value, n in database.all("SELECT kind, value, n_papers FROM counts")}
    if stored != dict(counts):
        yield "papers.db: its counts by category or date are wrong"


def _vector_faults(database: Database, segment: Segment, dim: int) -> Iterator[str]:
    """Each paper has the vector that it came with."""
    for start, block in OpenSegment(database.folder, segment, dim).blocks():
        hashes = vector_hashes(block)
        first = segment.first_row + start
        for row, identifier, vector_hash in database.all(
            "SELECT row, id, vector_hash FROM papers WHERE row >= ? AND row < ?", (first, first + len(block))
        ):
            if hashes[row - first] != vector_hash:
                yield f"{segment.name}: row {row} is not the vector of paper {identifier!r}"


def segment_fault(folder: Path, segment: Segment, dim: int) -> str | None:
    """What is wrong with a segment's file; None when it is as it was written.

    Raises OSError or StoreError for a file that cannot be read now: that says nothing about what it holds.
    """
    try:
        opened = OpenSegment(folder, segment, dim)
        with (folder / segment.name).open("rb") as file:
            if hashlib.file_digest(file, "sha256").hexdigest() != segment.sha256:
                return "its content has changed since it was written (sha256 differs)"
    except FileNotFoundError:
        return "missing"
    except IndexDamaged as error:
        return str(error)
    for start, block in opened.blocks():
        norms = np.sqrt(np.einsum("ij,ij->i", block, block, dtype=np.float64))  # (n,)
        wrong = np.flatnonzero(~(np.abs(norms - 1) < UNIT_TOLERANCE))  # NaN is wrong too
        if len(wrong):
            row = segment.first_row + start + int(wrong[0])
            return f"{len(wrong):,} vectors from row {row} on are not unit (norm {norms[wrong[0]]:.4g})"
    return None
