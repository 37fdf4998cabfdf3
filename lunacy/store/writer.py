"""Writing: one writer at a time, and every change becomes visible in ONE SQLite transaction.

A commit: the segment is written under a new name and flushed, its folder is flushed, then the transaction that names
it and its papers commits. Whatever the database does not name is garbage, which the next writer removes.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence, Set
from contextlib import ExitStack
from hashlib import blake2b
from pathlib import Path

import numpy as np
import numpy.typing as npt

from lunacy.advice import command
from lunacy.arrays import Vectors
from lunacy.atomic import make_folder, remove_folders, sync_folder
from lunacy.entry import Entry
from lunacy.errors import IndexDamaged
from lunacy.fingerprint import Fingerprint
from lunacy.progress import Report, no_report, reported
from lunacy.scope import Scope
from lunacy.store import database as db
from lunacy.store import meta
from lunacy.store.compact import DEAD_SHARE, rewrite, untidy_runs
from lunacy.store.files import WriterLock, expanded, has_space, remove, require_space
from lunacy.store.own_database import holds_no_paper
from lunacy.store.own_files import forget_first_run, parts, read_mark, require_writable
from lunacy.store.paper_table import PaperTable
from lunacy.store.records import Changes, Known, read_rows
from lunacy.store.segments import Segment, SegmentWriter, check_shape, mark_of, require_unit_rows


class Writer:
    """An index folder, open for changes. Nothing is seen by others, or survives, before `commit`.

    For one thread at a time; it need not be the one that opened it.
    """

    def __init__(
        self,
        folder: str | Path,
        fingerprint: Fingerprint | None = None,
        arithmetic: str = "",
        scope: Scope | None = None,
        *,
        new: bool = False,
    ) -> None:
        """Open the index in `folder`, or begin one when there is a `fingerprint`, or it may be `new`: `begin` tells it.

        `arithmetic` is recorded with the vectors that come, `scope` with the next commit (None: as it was). Raises
        IndexLocked when another process writes, FingerprintMismatch when the index was made otherwise, NoIndex when
        the folder holds something else.
        """
        self.folder = expanded(folder)
        self.arithmetic = arithmetic
        self._segment: SegmentWriter | None = None
        require_writable(self.folder, new=new or fingerprint is not None)
        with ExitStack() as stack:
            stack.callback(remove_folders, make_folder(self.folder))
            self._lock = WriterLock(self.folder)
            stack.callback(self._lock.release)
            stack.callback(forget_first_run, self.folder)
            self._database = db.Database(self.folder, writable=True)
            stack.callback(self._database.close)
            self._open(fingerprint, scope, new=new or fingerprint is not None)
            self._on_failure = stack.pop_all()

    def _open(self, fingerprint: Fingerprint | None, scope: Scope | None, *, new: bool) -> None:
        self._fingerprint: Fingerprint | None = None  # of a new index, `begin` tells it
        self._mark: bytes | None = None  # it comes with the first papers
        if self._database.in_transaction:  # a new index: its tables wait for the first commit
            if not new:
                raise holds_no_paper(self.folder)
            meta.begin_meta(self._database, None, scope or Scope())
        else:
            self._mark = read_mark(self._database)
            self._fingerprint = meta.read_fingerprint(self._database)
        if fingerprint is not None:
            self.begin(fingerprint)
        self._generation = meta.read_generation(self._database)
        self._segments = meta.read_segments(self._database)
        self._opened = self._generation, tuple(self._segments)
        self._papers = PaperTable(self._database, self._first_row)
        for segment in self._segments:
            try:
                check_shape(self.folder / segment.name, segment, self._dim)
            except FileNotFoundError:
                hint = f"mend the index with: {command('repair', '--index', self.folder)}"
                raise IndexDamaged(f"{segment.name} is missing", where=self.folder, hint=hint) from None
        self._remove_garbage()
        self._is_new_scope = scope is not None and scope != meta.read_scope(self._database)
        if scope is not None and self._is_new_scope:
            self._begin()
            meta.write_scope(self._database, scope)

    def _remove_garbage(self) -> None:
        """Remove the segments that no commit names.

        A writer that was killed in its commit may have left it whole in SQLite's log, unseen while a reader keeps the
        log's index: so first a commit of our own takes its place there.
        """
        named = {segment.name for segment in self._segments}
        marked = {path: mark_of(path) for path in self.folder.glob("segment-*.faiss") if path.name not in named}
        garbage = [path for path, mark in marked.items() if mark is not None and self._mark in (mark, None)]
        if garbage and self._generation:
            self._begin()
            self._commit(None, 0)
        remove([*garbage, *parts(self.folder)])

    def begin(self, fingerprint: Fingerprint) -> None:
        """Say what makes the vectors that come. Raises FingerprintMismatch when the index was made otherwise."""
        if self._fingerprint is None:
            self._fingerprint = fingerprint
            meta.write_fingerprint(self._database, fingerprint)
        self._fingerprint.require_same(fingerprint, where=self.folder)

    @property
    def _dim(self) -> int:
        assert self._fingerprint is not None  # `begin` comes before vectors
        return self._fingerprint.dim

    @property
    def _first_row(self) -> int:
        """The first row of the next segment."""
        return self._segments[-1].end_row if self._segments else 0

    @property
    def n_papers(self) -> int:
        """How many papers the index holds, with all uncommitted changes."""
        return self._papers.n_papers

    @property
    def changes(self) -> Changes:
        """What was committed since this writer opened the index, new rows aside."""
        return self._papers.changes_since(*self._opened)

    @property
    def touched(self) -> Set[int]:
        """The rows, of those that were there, that hold something else since this writer opened the index."""
        return self._papers.touched

    @property
    def n_pending(self) -> int:
        """How many rows wait for `commit`."""
        return self._segment.n_rows if self._segment else 0

    def known(self, ids: Sequence[str]) -> dict[str, Known]:
        """Those of `ids` that the index, with all uncommitted changes, holds."""
        return self._papers.known(ids)

    def mark_seen(self, rows: Iterable[int]) -> int:
        """Remember that lines of the snapshots are of the papers at `rows`; how many of these were seen before."""
        return self._papers.mark_seen(rows)

    def note_lines(self, rows: Sequence[int], line_hashes: Iterable[bytes]) -> None:
        """Remember for each of `rows` a line that says just what it holds; an added or amended paper brings its own."""
        self._papers.note_lines(rows, line_hashes)

    def unseen(self) -> list[str]:
        """The ids of the papers that this writer has neither added nor been told of, in row order."""
        return self._papers.unseen()

    def text_keys(self) -> npt.NDArray[np.uint64]:
        """The `text_key` of each paper, ascending: (n,) uint64, in the byte order of this machine."""
        return self._papers.text_keys()

    def append(self, entries: Sequence[Entry], vectors: Vectors, *, replaced: Sequence[str] = ()) -> None:
        """Add papers, each with the vector of the same place: (n, dim) float32, unit rows.

        `replaced`: those of their ids that the index has; they keep the generation in which they first came. Raises
        VectorsError, naming the paper, for a vector that is none: then nothing of these papers is added or replaced.
        """
        if not entries and not len(vectors):
            return
        require_unit_rows(vectors, self._dim, [entry.id for entry in entries])
        self._begin()
        require_space(self.folder, 2 * vectors.nbytes)
        if self._mark is None:
            self._mark = blake2b(b"".join(entry.content_hash for entry in entries), digest_size=8).digest()
            meta.write_meta(self._database, "mark", self._mark.hex())
        if self._segment is None:
            self._segment = SegmentWriter(self.folder, self._generation + 1, self._dim, self._mark)
        first = self._first_row + self.n_pending
        self._segment.append(vectors)
        self._papers.insert(entries, vectors, first_row=first, generation=self._generation + 1, replaced=replaced)

    def amend(self, entries: Sequence[Entry]) -> None:
        """Store new metadata of papers that the index holds, and whose embedded text is the same."""
        if entries:
            self._begin()
            self._papers.amend(entries)

    def remove(self, ids: Sequence[str]) -> None:
        """Take papers out. Their rows are dead: never an answer again."""
        if ids:
            self._begin()
            self._papers.take_out(ids)

    def record_source(self, source: str, datestamp: str) -> None:
        """Record what a complete run has read: a kind of source, and the date of the last change in it, or ""."""
        if meta.is_news(self._database, (source, datestamp), is_new_scope=self._is_new_scope):
            self._begin()
            meta.write_source(self._database, (source, datestamp))

    def leave_out_words(self) -> None:
        """Record that the word index is made on request alone."""
        if not meta.read_without_words(self._database):
            self._begin()
            meta.write_without_words(self._database)

    def commit(self) -> None:
        """Make all changes since the last commit durable and visible, at once; then tidy up."""
        is_empty = self._generation == 0 and self._segment is None
        if self._database.in_transaction and not is_empty:
            self._commit(self._segment, self._first_row)
            self._tidy(DEAD_SHARE)

    def compact(self, *, progress: Report = no_report) -> int:
        """Rewrite every segment that has a dead row, and merge the small ones; how many dead rows that freed."""
        [before] = self._database.one("SELECT count(*) FROM dead")
        self._tidy(0, must=True, progress=progress)
        [after] = self._database.one("SELECT count(*) FROM dead")
        return int(before - after)

    def _commit(self, written: SegmentWriter | None, first_row: int) -> None:
        require_space(self.folder, db.wal_bytes(self.folder))
        generation = self._generation + 1
        if written is not None:
            segment = written.finish(first_row)
            generation = max(generation, segment.number)  # so that the next number is free, whatever was taken
            self._segment = None  # from here on the next writer decides what becomes of the file: it may be named
            sync_folder(self.folder)
            meta.insert_segment(self._database, segment)
            if self.arithmetic:
                meta.write_meta(self._database, "arithmetic", self.arithmetic)
        self._papers.write_counts()
        meta.write_meta(self._database, "generation", str(generation))
        meta.finish_meta(self._database)
        self._database.run("COMMIT")
        self._generation = generation
        self._segments = meta.read_segments(self._database)

    def _tidy(self, dead_share: float, *, must: bool = False, progress: Report = no_report) -> None:
        """Rewrite what is untidy; where the disk has no room for the copy, it waits, unless it `must` be done."""
        dead = read_rows(self._database, "SELECT row FROM dead ORDER BY row")
        runs = untidy_runs(self._segments, dead, dead_share=dead_share)
        sizes = [sum(segment.n_rows for segment in run) for run in runs]
        for run in reported("rewriting segments", runs, sizes, progress, unit="rows"):
            n_bytes = 2 * sum(segment.size_bytes for segment in run)
            if must:
                require_space(self.folder, n_bytes)
            if has_space(self.folder, n_bytes):
                self._replace(run)

    def _replace(self, run: list[Segment]) -> None:
        first = run[0].first_row
        self._begin()
        assert self._mark is not None  # there are segments
        self._segment, rows = rewrite(self._database, self._dim, run, self._generation + 1, self._mark)
        self._papers.moved(first, rows, run[-1].end_row)
        self._commit(self._segment, first)
        self._papers.forget_from(self._first_row)
        for segment in run:
            (self.folder / segment.name).unlink(missing_ok=True)

    def _begin(self) -> None:
        if not self._database.in_transaction:
            self._database.run("BEGIN IMMEDIATE")

    def close(self) -> None:
        """Let go; what was not committed is gone."""
        try:
            self._discard()
        finally:
            self._database.close()
            self._lock.release()

    def _discard(self) -> None:
        if self._segment is not None:
            self._segment.discard()

    def __enter__(self) -> Writer:
        return self

    def __exit__(self, kind: type[BaseException] | None, *_exc: object) -> None:
        """Close; of a new index that failed before its first commit nothing stays, not even the folder."""
        if kind is None:
            self.close()
        else:
            with self._on_failure:
                self._discard()
