"""Faults in the file operations of the store, put in from outside: the n-th operation fails, or the process dies at it.

Every call that the store makes to the file system, to SQLite or to FAISS' mapping counts, in the order of the run,
when it is about the index folder. What SQLite itself does inside a call is the business of `syscalls.py`.
"""

from __future__ import annotations

import builtins
import errno
import fcntl
import io
import os
import signal
import sqlite3
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path
from typing import Any
from unittest.mock import patch

import faiss

ONCE = {"EIO": errno.EIO, "ENOSPC": errno.ENOSPC, "EINTR": errno.EINTR}
KINDS = [*ONCE, "short", "late", "full", "dead", "kill", "kill late"]
"""EIO, ENOSPC, EINTR: that operation fails, once. short: half of a write is done, then the disk is full. late: it is
done, and reported as failed. full: nothing can be written from there on. dead: nothing works from there on. kill:
SIGKILL before it, or `late`, after it."""
KILLS = [kind for kind in KINDS if kind.startswith("kill")]

_SAID = {errno.EIO: "disk I/O error", errno.ENOSPC: "database or disk is full", errno.EINTR: "interrupted"}
_READING = ("SELECT", "PRAGMA", "ROLLBACK", "BEGIN", "open for reading", "read", "lock", "map", "unlink", "rmdir")


class Disk:
    """Counts the operations on `folder`, and at number `at` (from 1) does what `kind` says."""

    def __init__(
        self, folder: Path, *, at: int = 0, kind: str = "", after: Callable[[str], None] = lambda _name: None
    ) -> None:
        self.names: list[str] = []
        self.folder = folder
        self._root = os.path.realpath(folder)
        self._at, self._kind, self._after = at, kind, after
        self._is_on = True

    def do(self, name: str, work: Callable[[], Any], *, half: Callable[[], Any] | None = None) -> Any:
        """Carry out `work`, or what becomes of it; `half`: the first half of a write."""
        if not self._is_on:
            return work()
        self.names.append(name)
        n = len(self.names)
        if n == self._at or (n > self._at > 0 and self._kind in ("full", "dead")):
            return self._fail(name, work, half)
        try:
            return work()
        finally:  # also when it fails by itself: to unlink what is not there is an operation
            self._is_on = False
            self._after(name)
            self._is_on = True

    def _fail(self, name: str, work: Callable[[], Any], half: Callable[[], Any] | None) -> Any:
        kind = self._kind
        if kind == "full" and name.startswith(_READING):
            return work()
        if kind == "short" and half is None:
            return work()
        if kind == "kill":
            os.kill(os.getpid(), signal.SIGKILL)
        if kind in ("late", "kill late"):
            try:
                _close(work())
            finally:
                if kind == "kill late":
                    os.kill(os.getpid(), signal.SIGKILL)
        if half is not None and kind == "short" and (n_done := half()) is not None:
            return n_done
        raise _error(name, ONCE.get(kind, errno.ENOSPC if kind in ("short", "full") else errno.EIO))

    def owns(self, path: Any, dir_fd: int | None = None) -> bool:
        """Whether `path` (or a descriptor) is about the folder."""
        if isinstance(path, int):
            path = os.readlink(f"/proc/self/fd/{path}")
        path = os.path.abspath(os.path.join(os.readlink(f"/proc/self/fd/{dir_fd}") if dir_fd else "", os.fspath(path)))
        return path == self._root or path.startswith(self._root + os.sep)


def _close(made: Any) -> None:
    """What was opened, and whose opener hears that it was not."""
    if hasattr(made, "close"):
        made.close()


def _error(name: str, number: int) -> Exception:
    what, _space, where = name.partition(" ")
    if what.isupper():
        return sqlite3.OperationalError(_SAID[number])
    if what == "map":
        return RuntimeError(f"could not read {where}: {os.strerror(number)}")
    return OSError(number, os.strerror(number), where)


class _File:
    """A file of the folder, whose operations count."""

    def __init__(self, disk: Disk, name: str, file: Any) -> None:
        self._disk, self._name, self._file = disk, name, file

    def __getattr__(self, name: str) -> Any:
        return getattr(self._file, name)

    def __enter__(self) -> _File:
        return self

    def __exit__(self, *exc: object) -> None:
        self.close()

    def write(self, data: Any) -> int:
        def half() -> None:
            self._file.write(memoryview(data)[: len(data) // 2])

        return self._disk.do(f"write {self._name}", lambda: self._file.write(data), half=half)

    def read(self, *size: int) -> bytes:
        return self._disk.do(f"read {self._name}", lambda: self._file.read(*size))

    def readinto(self, buffer: Any) -> int:
        return self._disk.do(f"read {self._name}", lambda: self._file.readinto(buffer))

    def flush(self) -> None:
        self._disk.do(f"flush {self._name}", self._file.flush)

    def close(self) -> None:
        if self._file.closed:
            return
        try:
            self._disk.do(f"close {self._name}", self._file.flush)
        finally:
            self._file.close()  # the descriptor is gone whatever close says


def _connection_class(disk: Disk) -> type[sqlite3.Connection]:
    class Connection(sqlite3.Connection):
        def execute(self, sql: str, *parameters: Any) -> sqlite3.Cursor:
            return disk.do(" ".join(sql.split()[:3]).upper(), lambda: super(Connection, self).execute(sql, *parameters))

        def executemany(self, sql: str, rows: Any) -> sqlite3.Cursor:
            return disk.do(" ".join(sql.split()[:3]).upper(), lambda: super(Connection, self).executemany(sql, rows))

    return Connection


@contextmanager
def installed(disk: Disk) -> Iterator[Disk]:
    """Every operation goes through `disk` while this lasts."""
    real_open, real_connect, real_map = io.open, sqlite3.connect, faiss.read_index
    connection_class = _connection_class(disk)

    def opening(file: Any, mode: str = "r", *rest: Any, **more: Any) -> Any:
        if isinstance(file, int) or not disk.owns(file):
            return real_open(file, mode, *rest, **more)
        what = "open for reading" if set(mode) <= set("rbt") else "open"
        name = os.path.basename(file)
        return _File(disk, name, disk.do(f"{what} {name}", lambda: real_open(file, mode, *rest, **more)))

    def connecting(path: Any, **more: Any) -> sqlite3.Connection:
        bare = str(path).removeprefix("file:").partition("?")[0]
        if not disk.owns(bare):
            return real_connect(path, **more)
        return disk.do("CONNECT", lambda: real_connect(path, **more, factory=connection_class))

    def mapping(path: str, *rest: Any) -> Any:
        return (
            disk.do(f"map {os.path.basename(path)}", lambda: real_map(path, *rest))
            if disk.owns(path)
            else real_map(path, *rest)
        )

    with ExitStack() as stack:
        for module, name, fake in (
            (io, "open", opening),
            (builtins, "open", opening),
            (sqlite3, "connect", connecting),
            (faiss, "read_index", mapping),
            (fcntl, "flock", _counted(disk, "lock", fcntl.flock)),
            *((os, name, _counted(disk, name, getattr(os, name))) for name in _OS),
        ):
            stack.enter_context(patch.object(module, name, fake))
        yield disk


_OS = ["open", "fsync", "unlink", "replace", "rename", "mkdir", "rmdir", "truncate", "write"]


def _counted(disk: Disk, name: str, real: Callable[..., Any]) -> Callable[..., Any]:
    def call(path: Any, *rest: Any, **more: Any) -> Any:
        if not disk.owns(path, more.get("dir_fd")):
            return real(path, *rest, **more)
        half = None
        if name == "write":
            half = lambda: real(path, rest[0][: len(rest[0]) // 2])  # noqa: E731 (the count of bytes, as the kernel gives)
        where = os.readlink(f"/proc/self/fd/{path}") if isinstance(path, int) else path
        return disk.do(f"{name} {os.path.basename(where)}", lambda: real(path, *rest, **more), half=half)

    return call
