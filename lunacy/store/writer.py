"""Writing: one writer at a time, and every change becomes visible in ONE SQLite transaction.

A commit: the segment is written under a new name and flushed, its folder is flushed, then the transaction that names
it and its papers commits. Whatever the database does not name is garbage, which the next writer removes.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Sequence
from dataclasses import asdict, dataclass
from hashlib import blake2b
from pathlib import Path

import numpy as np
import orjson

from lunacy.errors import FingerprintMismatch, NoIndex
from lunacy.fingerprint import Fingerprint
from lunacy.paper import Paper
from lunacy.store import database as db
from lunacy.store.files import LOCK_NAME, WriterLock, sync_folder
from lunacy.store.reader import PAPER_COLUMNS, read_fingerprint, read_generation, read_segments
from lunacy.store.segments import OpenSegment, Segment, SegmentWriter, Vectors

SEGMENT_ROWS = 2**16  # a commit comes at the latest with so many rows, and merging stops there
QUARANTINE_NAME = "quarantine.jsonl"
_DEAD_SHARE = 0.25  # of a segment's rows: then it is rewritten
_INSERT = (
    "INSERT INTO papers (row, digest, record, id, title, abstract, authors, categories, submitted, updated, doi) "
    "VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)"
)


@dataclass(frozen=True, slots=True)
class Known:
    """What the index holds for an id: the hashes that tell whether the paper changed."""

    digest: bytes  # of the embedded text
    record: bytes  # of everything that is stored
    is_met: bool  # this writer added it, or was asked for it before


@dataclass(frozen=True, slots=True)
class Entry:
    """A paper as it is stored."""

    paper: Paper
    digest: bytes  # of the embedded text
    record: bytes  # `record_hash` of the paper


def record_hash(paper: Paper) -> bytes:
    """16 bytes (BLAKE2b) that change when anything stored of the paper does."""
    return blake2b("\x1f".join(_columns(paper)).encode(), digest_size=16).digest()


def _columns(paper: Paper) -> tuple[str, ...]:
    return (
        paper.id,
        paper.title,
        paper.abstract,
        paper.authors,
        " ".join(paper.categories),
        paper.submitted,
        paper.updated,
        paper.doi,
    )


class Writer:
    """An index folder, open for changes. Nothing is seen by others, or survives, before `commit`."""

    def __init__(self, folder: str | Path, fingerprint: Fingerprint, arithmetic: str) -> None:
        """Open or begin the index in `folder`.

        Raises IndexLocked when another process writes, FingerprintMismatch when the index was made otherwise,
        NoIndex when the folder holds something else.
        """
        self.folder = Path(folder)
        self._fingerprint = fingerprint
        self._arithmetic = arithmetic
        refuse_foreign(self.folder)
        self.folder.mkdir(parents=True, exist_ok=True)
        self._lock = WriterLock(self.folder)
        self._met = bytearray()  # by row: whether this writer has met the paper
        self._segment: SegmentWriter | None = None
        self._counts: Counter[tuple[str, str]] = Counter()
        try:
            self._database = db.Database(self.folder, writable=True)
            try:
                self._open()
            except BaseException:
                self._database.close()
                raise
        except BaseException:
            self._lock.release()
            raise

    def _open(self) -> None:
        if self._database.in_transaction:  # a new index: its tables wait for the first commit
            self._database.run_many(
                "INSERT INTO meta VALUES (?, ?)",
                [
                    ("generation", "0"),
                    ("fingerprint", orjson.dumps(asdict(self._fingerprint)).decode()),
                    ("arithmetic", self._arithmetic),
                ],
            )
        check_fingerprint(self.folder, read_fingerprint(self._database), self._fingerprint)
        self._generation = read_generation(self._database)
        self._segments = read_segments(self._database)
        self._first_row = self._segments[-1].end_row if self._segments else 0
        self._met = bytearray(self._first_row)
        self._remove_garbage()

    @property
    def next_row(self) -> int:
        """The row that the next paper gets."""
        return self._first_row + self.n_pending

    @property
    def n_pending(self) -> int:
        """How many rows wait for `commit`."""
        return self._segment.n_rows if self._segment else 0

    def known(self, ids: Sequence[str]) -> dict[str, Known]:
        """Those of `ids` that the index, with all uncommitted changes, holds. They count as met from now on."""
        found = {}
        for identifier, row, digest, record in self._database.some(
            "SELECT id, row, digest, record FROM papers WHERE id IN ({})", ids
        ):
            found[identifier] = Known(digest, record, bool(self._met[row]))
            self._met[row] = True
        return found

    def append(self, entries: Sequence[Entry], vectors: Vectors) -> None:
        """Add papers whose ids the index lacks, each with the vector of the same place: (n, dim) float32, unit rows."""
        assert len(entries) == len(vectors)
        norms = np.sqrt(np.einsum("ij,ij->i", vectors, vectors))  # (n,)
        assert np.all(np.abs(norms - 1) < 1e-3), "vectors at this boundary are unit rows"
        self._begin()
        if self._segment is None:
            self._segment = SegmentWriter(self.folder, self._generation + 1, self._fingerprint.dim)
        first = self.next_row
        self._segment.append(vectors)
        self._met.extend(b"\x01" * len(entries))
        self._database.run_many(
            _INSERT,
            [
                (first + place, entry.digest, entry.record, *_columns(entry.paper))
                for place, entry in enumerate(entries)
            ],
        )
        self._count(((" ".join(entry.paper.categories), entry.paper.updated) for entry in entries), +1)

    def amend(self, entries: Sequence[Entry]) -> None:
        """Store new metadata of papers that the index holds, and whose embedded text is the same."""
        if not entries:
            return
        self._begin()
        ids = [entry.paper.id for entry in entries]
        self._count(self._database.some("SELECT categories, updated FROM papers WHERE id IN ({})", ids), -1)
        self._database.run_many(
            f"UPDATE papers SET record = ?, ({PAPER_COLUMNS}) = (?, ?, ?, ?, ?, ?, ?, ?) WHERE id = ?",  # noqa: S608
            [(entry.record, *_columns(entry.paper), entry.paper.id) for entry in entries],
        )
        self._count(((" ".join(entry.paper.categories), entry.paper.updated) for entry in entries), +1)

    def remove(self, ids: Sequence[str]) -> None:
        """Take papers out. Their rows are dead: never an answer again."""
        if not ids:
            return
        self._begin()
        gone = list(self._database.some("SELECT row, categories, updated FROM papers WHERE id IN ({})", ids))
        self._count(((categories, updated) for _row, categories, updated in gone), -1)
        self._database.run_many("INSERT INTO dead VALUES (?)", [(row,) for row, *_ in gone])
        self._database.run_many("DELETE FROM papers WHERE row = ?", [(row,) for row, *_ in gone])

    def commit(self) -> None:
        """Make all changes since the last commit durable and visible, at once; then tidy up."""
        if self._commit(replaced=[]):
            self._tidy()

    def _commit(self, *, replaced: list[Segment]) -> bool:
        if not self._database.in_transaction:
            return False
        if self._segment is not None:
            segment = self._segment.finish(replaced[0].first_row if replaced else self._first_row)
            sync_folder(self.folder)
            self._database.run(
                "INSERT INTO segments VALUES (?, ?, ?, ?, ?)",
                (segment.number, segment.first_row, segment.n_rows, segment.size_bytes, segment.sha256),
            )
        self._database.run_many(
            "INSERT INTO counts VALUES (?, ?, ?) ON CONFLICT DO UPDATE SET n_papers = n_papers + excluded.n_papers",
            [(*key, n) for key, n in self._counts.items() if n],
        )
        self._database.run("DELETE FROM counts WHERE n_papers = 0")
        self._database.run("UPDATE meta SET value = ? WHERE key = 'generation'", (str(self._generation + 1),))
        self._database.run("UPDATE meta SET value = ? WHERE key = 'arithmetic'", (self._arithmetic,))
        self._database.run("COMMIT")

        self._generation += 1
        self._segment = None
        self._counts.clear()
        self._segments = read_segments(self._database)
        self._first_row = self._segments[-1].end_row if self._segments else 0
        for old in replaced:
            (self.folder / old.name).unlink(missing_ok=True)
        return True

    def _tidy(self) -> None:
        """Rewrite what has grown untidy: many small segments at the end, and those with many dead rows."""
        for run in self._untidy():
            self._rewrite(run)

    def _untidy(self) -> list[list[Segment]]:
        dead = np.array([row for [row] in self._database.all("SELECT row FROM dead ORDER BY row")], np.int64)

        def n_dead(segment: Segment) -> int:
            first, end = np.searchsorted(dead, (segment.first_row, segment.end_row))
            return int(end - first)

        tail = trailing_run([segment.n_rows for segment in self._segments])
        runs = [self._segments[-tail:]] if tail > 1 else []
        whole = self._segments[: len(self._segments) - tail] if tail > 1 else self._segments
        runs += [[segment] for segment in whole if n_dead(segment) >= _DEAD_SHARE * segment.n_rows]
        return runs

    def _rewrite(self, run: list[Segment]) -> None:
        """One segment with the live rows of `run` takes its place, in the same order; rows move down to close gaps."""
        self._begin()
        first, end = run[0].first_row, run[-1].end_row
        rows = np.array(
            [
                row
                for [row] in self._database.all(
                    "SELECT row FROM papers WHERE row >= ? AND row < ? ORDER BY row", (first, end)
                )
            ],
            np.int64,
        )
        if len(rows):
            self._segment = SegmentWriter(self.folder, self._generation + 1, self._fingerprint.dim)
        for segment in run:
            source = OpenSegment(self.folder, segment, self._fingerprint.dim, np.empty(0, np.int64))
            for start, block in source.blocks():
                low = segment.first_row + start
                mine = rows[slice(*np.searchsorted(rows, (low, low + len(block))))] - low
                if self._segment is not None and len(mine):
                    self._segment.append(block[mine])
        moved = np.flatnonzero(rows != first + np.arange(len(rows)))
        self._met[first : first + len(rows)] = bytes(self._met[row] for row in rows.tolist())
        self._database.run_many(
            "UPDATE papers SET row = ? WHERE row = ?",
            [(first + int(place), int(rows[place])) for place in moved],
        )
        self._database.run("DELETE FROM dead WHERE row >= ? AND row < ?", (first, end))
        self._database.run_many("DELETE FROM segments WHERE number = ?", [(segment.number,) for segment in run])
        self._commit(replaced=run)
        del self._met[self._first_row :]

    def _begin(self) -> None:
        if not self._database.in_transaction:
            self._database.run("BEGIN IMMEDIATE")

    def _count(self, papers: Iterable[tuple[str, str]], sign: int) -> None:
        for categories, updated in papers:
            self._counts["updated", updated] += sign
            for category in categories.split():
                self._counts["category", category] += sign

    def _remove_garbage(self) -> None:
        named = {segment.name for segment in self._segments}
        for path in self.folder.glob("segment-*.faiss"):
            if path.name not in named:
                path.unlink()

    def close(self) -> None:
        """Let go; what was not committed is gone."""
        if self._segment is not None:
            self._segment.discard()
        self._database.close()
        self._lock.release()

    def __enter__(self) -> Writer:
        return self

    def __exit__(self, *exc: object) -> None:
        self.close()


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


def check_fingerprint(folder: Path, ours: Fingerprint, theirs: Fingerprint) -> None:
    """Raises FingerprintMismatch, with both values, when vectors of `theirs` do not belong in the index."""
    different = ours.differences(theirs)
    if different:
        values = "; ".join(
            f"{name}: {getattr(ours, name)} in the index, {getattr(theirs, name)} now" for name in different
        )
        raise FingerprintMismatch(f"{folder} was made otherwise ({values}); use the same, or make another index")


def refuse_foreign(folder: Path) -> None:
    """Raises NoIndex when `folder` is there, is not empty and is no index."""
    if folder.exists() and not folder.is_dir():
        raise NoIndex(f"{folder} is a file; give a folder for the index")
    if not folder.is_dir() or (folder / db.NAME).exists():
        return
    ours = {LOCK_NAME, QUARANTINE_NAME}
    foreign = sorted(path.name for path in folder.iterdir() if path.name not in ours and not path.match("segment-*"))
    if foreign:
        raise NoIndex(f"{folder} is not empty and holds no index ({foreign[0]}, ...); give a new folder")
