"""`papers.db`: its tables, and the only importer of sqlite3. What it does not name does not exist."""

from __future__ import annotations

import os
import sqlite3
from collections.abc import Iterable, Iterator, Sequence
from contextlib import contextmanager, suppress
from functools import lru_cache
from itertools import chain
from pathlib import Path
from typing import Any
from urllib.parse import quote

from lunacy.advice import command
from lunacy.errors import IndexDamaged, StoreError
from lunacy.store.own_database import (
    APPLICATION_ID,
    NAME,
    OPENING,
    PAGE_BYTES,
    WAL,
    holds_no_paper,
    log_of,
    not_ours,
    require_index,
    see_verify,
)

FORMAT_VERSION = 4
_BUSY_S = 60.0
_MAX_PARAMETERS = 500
_MAX_INSERTED = 512  # rows a statement

_SCHEMA = """
CREATE TABLE meta (key TEXT PRIMARY KEY, value TEXT NOT NULL) WITHOUT ROWID;
CREATE TABLE segments (
    number INTEGER PRIMARY KEY, first_row INTEGER NOT NULL, n_rows INTEGER NOT NULL,
    size_bytes INTEGER NOT NULL, sha256 TEXT NOT NULL
);
CREATE TABLE papers (
    row INTEGER PRIMARY KEY, id TEXT NOT NULL, text_hash BLOB NOT NULL, content_hash BLOB NOT NULL,
    title TEXT NOT NULL, authors TEXT NOT NULL, categories TEXT NOT NULL,
    submitted TEXT NOT NULL, updated TEXT NOT NULL, doi TEXT NOT NULL, comments TEXT NOT NULL,
    names TEXT NOT NULL, journal_ref TEXT NOT NULL, n_versions INTEGER NOT NULL, withdrawn INTEGER NOT NULL,
    added INTEGER NOT NULL, vector_hash BLOB NOT NULL, abstract TEXT NOT NULL
);
CREATE UNIQUE INDEX papers_by_id ON papers (id);
CREATE INDEX papers_by_doi ON papers (doi COLLATE NOCASE) WHERE doi != '';
CREATE INDEX papers_withdrawn ON papers (row) WHERE withdrawn;
CREATE TABLE dead (row INTEGER PRIMARY KEY);
CREATE TABLE counts (
    kind TEXT NOT NULL, value TEXT NOT NULL, n_papers INTEGER NOT NULL, PRIMARY KEY (kind, value)
) WITHOUT ROWID
"""

_OBJECTS = {
    ("table", "meta"),
    ("table", "segments"),
    ("table", "papers"),
    ("table", "dead"),
    ("table", "counts"),
    ("index", "papers_by_id"),
    ("index", "papers_by_doi"),
    ("index", "papers_withdrawn"),
}


class Database:
    """One connection to `papers.db`. SQLite's errors come out as StoreErrors that name the folder."""

    def __init__(self, folder: Path, *, writable: bool = False, to_repair: bool = False) -> None:
        """Open; raises NoIndex when there is none (unless `writable`) or it is another's, StoreError for other formats.

        `to_repair`: only the tables must be there.
        """
        self.folder = folder
        if not writable:
            require_index(folder)
        self._path = path = folder / NAME
        self._stamp = _stamp(path)
        with self._errors():
            self._connection, self._is_fixed = _connect(path, writable=writable)
        try:
            self._check_format(writable=writable, to_repair=to_repair)
        except BaseException:
            self.close()
            raise

    def _check_format(self, *, writable: bool, to_repair: bool) -> None:
        self.run("PRAGMA trusted_schema = OFF")
        self.run("BEGIN")  # so that all three are of one commit
        [version] = self.one("PRAGMA user_version")
        [application] = self.one("PRAGMA application_id")
        is_empty = not self.all("SELECT name FROM sqlite_master")
        self.run("COMMIT")
        if (application, version) == (0, 0) and is_empty:
            if not writable:
                raise holds_no_paper(self.folder)
            self.run(f"PRAGMA page_size = {PAGE_BYTES}")
            self.run("PRAGMA journal_mode = WAL")
            self.run("PRAGMA synchronous = FULL")
            self.run("BEGIN IMMEDIATE")
            for statement in _SCHEMA.split(";"):
                self.run(statement)
            self.run(f"PRAGMA application_id = {APPLICATION_ID}")
            self.run(f"PRAGMA user_version = {FORMAT_VERSION}")
            return  # the first commit closes this transaction: an index appears with its first papers
        if application != APPLICATION_ID:
            raise not_ours(self.folder)
        if version != FORMAT_VERSION:
            again = command("index", "SNAPSHOT", "--into", "NEW")
            what_to_do = (
                "upgrade lunacy"
                if version > FORMAT_VERSION
                else f"build the index again from its snapshot, in a new folder: {again}"
            )
            formats = f"the index has format {version}, and this lunacy reads format {FORMAT_VERSION}"
            raise StoreError(formats, where=self.folder, hint=what_to_do)
        self._check_tables(to_repair=to_repair)
        if writable:
            self.run("PRAGMA synchronous = FULL")

    def strange_objects(self) -> str:
        """The tables and indexes that are missing, and whatever is too many; "" when all is as it should be.

        A database from elsewhere may have triggers, or views for tables: they would run in our statements.
        """
        found = set(self.all("SELECT type, name FROM sqlite_master WHERE name NOT LIKE 'sqlite_%'"))
        return ", ".join(f"{kind} {name}" for kind, name in sorted(found ^ _OBJECTS, key=str)[:5])

    def _check_tables(self, *, to_repair: bool) -> None:
        tables = {name for [name] in self.all("SELECT name FROM sqlite_master WHERE type = 'table'")}
        lacking = {name for kind, name in _OBJECTS if kind == "table"} - tables
        strange = ", ".join(f"table {name}" for name in sorted(lacking)) or (
            "" if to_repair else self.strange_objects()
        )
        if strange:
            hint = "build the index again" if lacking else f"mend it with: {command('repair', '--index', self.folder)}"
            raise IndexDamaged(f"{NAME} lacks, or has too many: {strange}", where=self.folder, hint=hint)

    def all(self, sql: str, parameters: Sequence[Any] = ()) -> list[tuple[Any, ...]]:
        """Every row of the answer."""
        with self._errors():
            return self._connection.execute(sql, parameters).fetchall()

    def one(self, sql: str, parameters: Sequence[Any] = ()) -> tuple[Any, ...]:
        """The one row of the answer."""
        rows = self.all(sql, parameters)
        if len(rows) != 1:
            lacking = f"{NAME} lacks what every index has ({sql})"
            raise IndexDamaged(lacking, where=self.folder, hint=see_verify(self.folder))
        return rows[0]

    def some(self, sql: str, values: Sequence[Any]) -> Iterator[tuple[Any, ...]]:
        """The rows for `values`, which `sql` takes as `IN ({})`, in as many statements as SQLite's limit needs."""
        for start in range(0, len(values), _MAX_PARAMETERS):
            part = values[start : start + _MAX_PARAMETERS]
            yield from self.all(sql.format(",".join("?" * len(part))), part)

    def stream(self, sql: str) -> Iterator[tuple[Any, ...]]:
        """The rows of the answer, one at a time."""
        with self._errors():
            yield from self._connection.execute(sql)

    def run(self, sql: str, parameters: Sequence[Any] = ()) -> None:
        """Carry out one statement."""
        with self._errors():
            self._connection.execute(sql, parameters)

    def run_many(self, sql: str, rows: Iterable[Sequence[Any]]) -> None:
        """Carry out one statement for each row of parameters."""
        with self._errors():
            self._connection.executemany(sql, rows)

    def insert(self, into: str, rows: Sequence[Sequence[Any]]) -> None:
        """Insert rows of parameters; `into` names the table and its columns.

        Many to a statement: between two, this thread waits for those that run Python, up to 5 ms each time.
        """
        most = self._connection.getlimit(sqlite3.SQLITE_LIMIT_VARIABLE_NUMBER)
        n = max(1, min(_MAX_INSERTED, most // len(rows[0]))) if rows else 1
        for start in range(0, len(rows), n):
            part = rows[start : start + n]
            self.run(_insert_sql(into, len(part), len(part[0])), list(chain.from_iterable(part)))

    @property
    def in_transaction(self) -> bool:
        """Whether a transaction is open."""
        return self._connection.in_transaction

    def has_changed(self) -> bool:
        """Whether another file is in its place, or somebody wrote to one that we took for one that cannot change."""
        if self._is_fixed:
            return _stamp(self._path) != self._stamp
        try:
            return self._stamp[:1] != (os.stat(self._path).st_ino,)
        except FileNotFoundError:
            return self._stamp != ()

    def write_back(self) -> None:
        """Copy the write-ahead log into the database, and empty it. Raises StoreError where `close` would not tell."""
        [is_busy, *_] = self.one("PRAGMA wal_checkpoint(TRUNCATE)")
        if is_busy:
            raise StoreError("another process has the index open; close it and run again", where=self.folder)

    def close(self) -> None:
        """Close; what was not committed is gone."""
        self._connection.close()

    @contextmanager
    def _errors(self) -> Iterator[None]:
        try:
            yield
        except sqlite3.ProgrammingError:
            raise  # a mistake of ours says nothing about the file
        except sqlite3.OperationalError as error:
            if "unable to open" in str(error) and wal_bytes(self.folder):
                reason = f"{NAME} has a log that must be written back first ({NAME}-wal)"
                hint = f"open it once where it can be written: {command('info', '--index', self.folder)}"
                raise StoreError(reason, where=self.folder, hint=hint) from error
            reason, hint = " ".join(str(error).split()), ""
            name = getattr(error, "sqlite_errorname", "")  # an error of Python's own, such as for bad UTF-8, has none
            if name.startswith("SQLITE_IOERR"):  # it says what was tried
                reason = f"{reason} ({name})"
                hint = "look whether the disk is whole and there, and at the limits: ulimit -f, ulimit -v"
            raise StoreError(f"{NAME}: {reason}", where=self.folder, hint=hint) from error
        except (sqlite3.DatabaseError, UnicodeDecodeError) as error:
            reason = " ".join(str(error).split())
            raise IndexDamaged(f"{NAME}: {reason}", where=self.folder, hint=see_verify(self.folder)) from error


@lru_cache(maxsize=8)
def _insert_sql(into: str, n_rows: int, n_columns: int) -> str:
    row = f"({', '.join('?' * n_columns)})"
    return f"INSERT INTO {into} VALUES {', '.join([row] * n_rows)}"


def _stamp(path: Path) -> tuple[int, ...]:
    """Changes when the database, or its write-ahead log, does."""
    numbers: list[int] = []
    for file in (path, log_of(path)):
        with suppress(FileNotFoundError):
            stat = file.stat()
            numbers += (stat.st_ino, stat.st_mtime_ns, stat.st_size)
    return tuple(numbers)


def wal_bytes(folder: Path) -> int:
    """The size of SQLite's write-ahead log, which a checkpoint copies into the database."""
    try:
        return (folder / WAL).stat().st_size
    except FileNotFoundError:
        return 0


def _connect(path: Path, *, writable: bool) -> tuple[sqlite3.Connection, bool]:
    """The connection, and whether SQLite takes the file for one that cannot change."""
    is_fixed, is_link = False, path.is_symlink()  # where a link leads, nothing is to be made
    if writable:
        mode = "mode=rwc"
    elif not is_link and os.access(path.parent, os.W_OK) and os.access(path, os.W_OK):
        mode = "mode=rw"  # a reader too must be able to make, and take away, SQLite's -wal and -shm files
    elif log_of(path).exists():
        mode = "mode=ro"
    else:
        mode, is_fixed = "immutable=1", True  # SQLite cannot make its files here; `has_changed` tells when to reopen
    uri = f"file://{quote(os.fsencode(path.absolute()))}?{mode}"
    # any thread may use it, one at a time: a `Store` has a lock, a `Writer` one owner after another
    options: Any = {"timeout": _BUSY_S, "isolation_level": None, "check_same_thread": False}
    with OPENING:
        connection = sqlite3.connect(uri, uri=True, **options)
    if not writable:
        connection.execute("PRAGMA query_only = ON")
    return connection, is_fixed
