"""Reading one commit of an index: a `View`."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from hashlib import blake2b
from operator import ge
from pathlib import Path
from typing import Any

import numpy as np
import orjson

from lunacy.answer import Summary
from lunacy.arrays import Rows, Vectors
from lunacy.errors import IndexDamaged
from lunacy.fingerprint import Fingerprint
from lunacy.paper import Paper
from lunacy.scope import Scope
from lunacy.store import caches
from lunacy.store.database import Database
from lunacy.store.records import PAPER_COLUMNS, Known, read_paper
from lunacy.store.segments import OpenSegment, Segment

_LARGEST_DIM = 2**16
_MOST_ROWS = 2**32
_MOST_DIGITS = 18


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
        self._first_rows = np.array([segment.first_row for segment in segments], np.int64)

    @property
    def folder(self) -> Path:
        """The index folder."""
        return self._database.folder

    @property
    def n_papers(self) -> int:
        """How many papers the index holds."""
        return sum(segment.n_live for segment in self.segments)

    @property
    def arithmetic(self) -> str:
        """The device and number format of the last vectors."""
        [value] = self._database.one("SELECT value FROM meta WHERE key = 'arithmetic'")
        return str(value)

    @property
    def scope(self) -> Scope:
        """Which papers of its snapshots the index takes in."""
        return read_scope(self._database)

    def rows(self, ids: Sequence[str]) -> dict[str, int]:
        """The rows of those `ids` that the index holds."""
        found = dict(self._database.some("SELECT id, row FROM papers WHERE id IN ({})", list(ids)))
        if not all(isinstance(row, int) and 0 <= row < self.end_row for row in found.values()):
            raise IndexDamaged(f"{self._database.folder}: papers.db holds rows that cannot be; see: lunacy verify")
        return found

    def known(self, ids: Sequence[str]) -> dict[str, Known]:
        """The hashes of those `ids` that the index holds."""
        found = self._database.some("SELECT id, text_hash, content_hash FROM papers WHERE id IN ({})", ids)
        return {
            identifier: Known(text_hash, content_hash, is_met=False) for identifier, text_hash, content_hash in found
        }

    def live_rows(self) -> Rows:
        """The rows that have a paper, ascending."""
        return read_rows(self._database, "SELECT row FROM papers ORDER BY row")

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
            raise IndexDamaged(f"{self._database.folder}: row {error} has no paper; see: lunacy verify") from None

    def vectors(self, rows: Rows) -> Vectors:
        """The vectors at `rows`: (n, dim) float32."""
        found = np.empty((len(rows), self.fingerprint.dim), np.float32)
        owners = np.searchsorted(self._first_rows, rows, side="right") - 1  # (n,) which segment
        for owner in np.unique(owners).tolist():
            mine = owners == owner
            if owner < 0 or rows[mine].max() >= self.segments[owner].segment.end_row:
                raise IndexDamaged(f"{self._database.folder}: a row is in no segment; see: lunacy verify")
            segment = self.segments[owner]
            found[mine] = segment.vectors(rows[mine] - segment.segment.first_row)
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
            raise IndexDamaged(f"{self._database.folder}: the counts in papers.db are none; see: lunacy verify")
        return Summary(
            n_papers=self.n_papers,
            n_dead=sum(len(segment.dead) for segment in self.segments),
            n_withdrawn=sum(n for kind, _value, n in counts if kind == "withdrawn"),
            by_category={value: n for kind, value, n in counts if kind == "category"},
            by_date={value: n for kind, value, n in counts if kind == "updated"},
        )


def read_rows(database: Database, sql: str, parameters: Sequence[int] = ()) -> Rows:
    """The row numbers that a query gives, which must be ascending."""
    rows = [row for [row] in database.all(sql, parameters)]
    is_right = all(isinstance(row, int) and 0 <= row < _MOST_ROWS for row in rows)
    if not is_right or any(map(ge, rows, rows[1:])):
        raise IndexDamaged(f"{database.folder}: papers.db holds rows that cannot be; see: lunacy verify")
    return np.array(rows, np.int64)


def read_generation(database: Database) -> int:
    """How many commits the index has had."""
    [value] = database.one("SELECT value FROM meta WHERE key = 'generation'")
    if not (isinstance(value, str) and value.isdecimal() and value.isascii() and len(value) < _MOST_DIGITS):
        raise IndexDamaged(f"{database.folder}: the generation in papers.db is {str(value)[:40]!r}; see: lunacy verify")
    return int(value)


def read_fingerprint(database: Database) -> Fingerprint:
    """What made the vectors."""
    [value] = database.one("SELECT value FROM meta WHERE key = 'fingerprint'")
    try:
        fingerprint = Fingerprint(**orjson.loads(value))
    except (orjson.JSONDecodeError, TypeError) as error:
        raise IndexDamaged(f"{database.folder}: the fingerprint in papers.db is not one: {error}") from None
    if not (isinstance(fingerprint.dim, int) and 0 < fingerprint.dim <= _LARGEST_DIM):
        raise IndexDamaged(f"{database.folder}: the dimension in papers.db is {fingerprint.dim!r}")
    return fingerprint


def read_segments(database: Database) -> list[Segment]:
    """The segments that the database names, in row order. Raises IndexDamaged for what no writer wrote."""
    segments = []
    end = 0
    for columns in database.all(
        "SELECT number, first_row, n_rows, size_bytes, sha256 FROM segments ORDER BY first_row"
    ):
        segment = Segment(*columns)
        if not all(isinstance(value, int) for value in columns[:4]) or not (
            0 < segment.number < _MOST_ROWS
            and segment.n_rows > 0
            and end <= segment.first_row <= _MOST_ROWS - segment.n_rows
        ):
            raise IndexDamaged(f"{database.folder}: papers.db names a segment that cannot be: {columns}")
        end = segment.end_row
        segments.append(segment)
    return segments


def read_scope(database: Database) -> Scope:
    """Which papers of its snapshots the index takes in."""
    [value] = database.one("SELECT value FROM meta WHERE key = 'scope'")
    try:
        patterns = orjson.loads(value)["category"]
        if not (isinstance(patterns, list) and all(isinstance(one, str) for one in patterns)):
            raise TypeError("category is no list of texts")
    except (orjson.JSONDecodeError, TypeError, KeyError) as error:
        raise IndexDamaged(f"{database.folder}: the scope in papers.db is not one: {error}") from None
    return Scope(tuple(patterns))


def meta_check(database: Database) -> str:
    """A hash of what `meta` says of vectors, segments and scope, so that `verify` finds a change in it."""
    keys = "'fingerprint', 'arithmetic', 'mark', 'scope'"
    values = database.all(f"SELECT value FROM meta WHERE key IN ({keys}) ORDER BY key")
    return blake2b("\x1f".join(str(value) for [value] in values).encode(), digest_size=16).hexdigest()
