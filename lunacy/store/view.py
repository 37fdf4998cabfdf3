"""Reading one commit of an index: a `View`."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

import numpy as np

from lunacy.advice import command
from lunacy.answer import Summary
from lunacy.arrays import NONE, Rows, Vectors
from lunacy.doi import dois_in
from lunacy.errors import IndexDamaged, NoIndex
from lunacy.paper import Paper
from lunacy.scope import Scope
from lunacy.store import caches
from lunacy.store.database import Database
from lunacy.store.meta import (
    read_arithmetic,
    read_fingerprint,
    read_scope,
    read_segments,
    read_source,
    read_without_words,
)
from lunacy.store.own_database import see_verify
from lunacy.store.records import KNOWN, PAPER_COLUMNS, Known, read_paper, read_rows
from lunacy.store.segments import OpenSegment


class View:
    """One commit of an index. Valid inside `Store.view`: a read transaction holds it still."""

    def __init__(self, database: Database, generation: int) -> None:
        self._database = database
        self.generation = generation
        self.cache_version = caches.version(database.folder)
        self.caches = caches.read(database.folder)
        self.fingerprint = read_fingerprint(database)
        segments = read_segments(database)
        dead = read_rows(database, "SELECT row FROM dead ORDER BY row")
        withdrawn = read_rows(database, "SELECT row FROM papers WHERE withdrawn ORDER BY row")
        self.stored_segments = segments
        self.segments = [
            OpenSegment(
                database.folder, segment, self.fingerprint.dim, segment.positions(dead), segment.positions(withdrawn)
            )
            for segment in segments
        ]
        self._end_rows = np.array([segment.end_row for segment in segments], np.int64)

    @property
    def folder(self) -> Path:
        """The index folder."""
        return self._database.folder

    @property
    def n_papers(self) -> int:
        """How many papers the index holds."""
        return sum(segment.n_live for segment in self.segments)

    def require_papers(self, folder: str | Path) -> None:
        """Raises NoIndex for an index without a paper. `folder`: the index folder, as the user gave it."""
        if not self.n_papers:
            raise NoIndex(
                "the index holds no paper",
                where=folder,
                hint=f"fill it with: {command('index', 'SNAPSHOT', '--into', folder)}",
            )

    @property
    def arithmetic(self) -> str:
        """The device and number format of the last vectors."""
        return read_arithmetic(self._database)

    @property
    def scope(self) -> Scope:
        """Which papers of its snapshots the index takes in."""
        return read_scope(self._database)

    @property
    def source(self) -> tuple[str, str]:
        """What the last complete run read, and the date up to which it told all changes; both "" before one."""
        return read_source(self._database)

    @property
    def is_without_words(self) -> bool:
        """Whether the word index is made on request alone."""
        return read_without_words(self._database)

    def rows(self, ids: Sequence[str]) -> dict[str, int]:
        """The rows of those `ids` that the index holds."""
        found = dict(self._database.some("SELECT id, row FROM papers WHERE id IN ({})", list(ids)))
        if not all(isinstance(row, int) and 0 <= row < self.end_row for row in found.values()):
            raise IndexDamaged(
                "papers.db holds rows that cannot be",
                where=self._database.folder,
                hint=see_verify(self._database.folder),
            )
        return found

    def with_doi(self, doi: str) -> list[int]:
        """The rows of the papers whose DOI, or the first of several, is `doi` in any case, ascending."""
        # "0" is behind all that may follow a DOI in the field, but for another letter or digit of a longer one
        sql = "SELECT row, doi FROM papers WHERE doi >= ? COLLATE NOCASE AND doi < ? COLLATE NOCASE AND doi != ''"
        return sorted(row for row, text in self._database.all(sql, (doi, f"{doi}0")) if doi.lower() in dois_in(text))

    def known(self, ids: Sequence[str]) -> dict[str, Known]:
        """The hashes of those `ids` that the index holds."""
        found = self._database.some(f"SELECT id, row, {KNOWN} FROM papers WHERE id IN ({{}})", ids)
        return {
            identifier: Known(row, text_hash, content_hash, updated, n_versions, is_seen=False)
            for identifier, row, text_hash, content_hash, updated, n_versions in found
        }

    def live_rows(self) -> Rows:
        """The rows that have a paper, ascending; SQLite would take 2 s for each million."""
        return np.concatenate([NONE, *(one.segment.first_row + one.live for one in self.segments)])

    def added_after(self, generation: int) -> Rows:
        """The rows of the papers that first came after a commit, ascending."""
        return read_rows(self._database, "SELECT row FROM papers WHERE added > ? ORDER BY row", [generation])

    @property
    def end_row(self) -> int:
        """The row behind the last one."""
        return self.segments[-1].segment.end_row if self.segments else 0

    def stream(self, columns: str, rows: Rows | None = None, *, first_row: int = 0) -> Iterator[tuple[Any, ...]]:
        """(row, *columns) of the papers at `rows`, or of all from `first_row` on, in the order of rows."""
        if rows is not None:
            return self._database.some(f"SELECT row, {columns} FROM papers WHERE row IN ({{}})", rows.tolist())
        return self._database.stream(f"SELECT row, {columns} FROM papers WHERE row >= {first_row} ORDER BY row")

    def papers(self, rows: Rows) -> list[Paper]:
        """The papers at `rows`, in that order. Raises IndexDamaged for a row without a paper."""
        found = {
            row: read_paper(columns)
            for row, *columns in self._database.some(
                f"SELECT row, {PAPER_COLUMNS} FROM papers WHERE row IN ({{}})",
                list(set(rows.tolist())),
            )
        }
        try:
            return [found[row] for row in rows.tolist()]
        except KeyError as error:
            raise IndexDamaged(
                f"row {error} has no paper", where=self._database.folder, hint=see_verify(self._database.folder)
            ) from None

    def vectors(self, rows: Rows) -> Vectors:
        """The vectors at `rows`: (n, dim) float32."""
        found = np.empty((len(rows), self.fingerprint.dim), np.float32)
        order = np.argsort(rows, kind="stable")
        ascending, start = rows[order], 0
        for segment, end in zip(self.segments, np.searchsorted(ascending, self._end_rows).tolist(), strict=True):
            if start < end:
                if ascending[start] < segment.segment.first_row:
                    break
                found[order[start:end]] = segment.vectors(ascending[start:end] - segment.segment.first_row)
            start = end
        if start < len(rows):
            raise IndexDamaged(
                "a row is in no segment", where=self._database.folder, hint=see_verify(self._database.folder)
            )
        return found

    def stamps(self, rows: Rows) -> dict[int, tuple[bytes, bool]]:
        """By row, 24 bytes that change when the paper or its vector does, and whether it was withdrawn."""
        found = self._database.some(
            "SELECT row, content_hash, vector_hash, withdrawn FROM papers WHERE row IN ({})", rows.tolist()
        )
        return {
            row: (content_hash + vector_hash, bool(withdrawn)) for row, content_hash, vector_hash, withdrawn in found
        }

    def summary(self) -> Summary:
        """The index in figures."""
        counts = self._database.all("SELECT kind, value, n_papers FROM counts ORDER BY kind, value")
        if any((type(kind), type(value), type(n)) != (str, str, int) for kind, value, n in counts):
            raise IndexDamaged(
                "the counts in papers.db are none", where=self._database.folder, hint=see_verify(self._database.folder)
            )
        return Summary.of(self.n_papers, sum(len(segment.dead) for segment in self.segments), counts)
