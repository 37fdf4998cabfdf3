"""What the file system must do for a commit to hold: folders flushed, one writer at a time."""

from __future__ import annotations

import fcntl
import os
import shutil
import socket
import stat
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from uuid import uuid4

from lunacy.errors import DiskFull, IndexLocked, StoreError

LOCK_NAME = "writer.lock"
_RESERVE_BYTES = 2**24  # for SQLite's own files


def sync_folder(folder: Path) -> None:
    """Flush the names in `folder` to disk: a new file is only safe when its name is."""
    descriptor = os.open(folder, os.O_RDONLY | os.O_DIRECTORY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)


def put_file(path: Path, content: bytes | memoryview) -> None:
    """Write a file whole and flush it to disk, or not at all, whoever else writes one under this name meanwhile.

    When the power fails, its name may be lost: for what can be made again.
    """
    unfinished = path.with_name(f"{path.name}.{uuid4().hex}.part")
    try:
        with unfinished.open("xb") as file:
            file.write(content)
            file.flush()
            os.fsync(file.fileno())
        os.replace(unfinished, path)
    except BaseException:
        unfinished.unlink(missing_ok=True)
        raise


def make_folder(folder: Path) -> None:
    """Make `folder` and those above it, and flush their names to disk."""
    missing = [one for one in (folder, *folder.parents) if not one.exists()]
    folder.mkdir(parents=True, exist_ok=True)
    for one in missing:
        sync_folder(one.parent)


def has_space(folder: Path, n_bytes: int) -> bool:
    """Whether the disk has room for `n_bytes` more, and some to spare."""
    return shutil.disk_usage(folder).free >= n_bytes + _RESERVE_BYTES


def require_space(folder: Path, n_bytes: int) -> None:
    """Raises DiskFull unless the disk has room for `n_bytes` more, and some to spare."""
    if not has_space(folder, n_bytes):
        free = shutil.disk_usage(folder).free
        raise DiskFull(
            f"{folder}: the disk is full: {n_bytes + _RESERVE_BYTES:,} bytes are needed, {free:,} are free; "
            "what was committed is safe: make room and run again"
        )


class WriterLock:
    """The right to write to one index folder. The kernel takes it back when the process ends, however it ends."""

    def __init__(self, folder: Path) -> None:
        """Take the lock; raises IndexLocked, naming the holder, when another process has it."""
        path = folder / LOCK_NAME
        self._descriptor = os.open(path, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC | os.O_NONBLOCK | os.O_NOFOLLOW, 0o644)
        try:
            self._take(folder, path)
        except BaseException:
            os.close(self._descriptor)
            raise

    def _take(self, folder: Path, path: Path) -> None:
        if not stat.S_ISREG(os.fstat(self._descriptor).st_mode):
            raise StoreError(f"{path} is no plain file; remove it and run again")
        try:
            fcntl.flock(self._descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            holder = os.read(self._descriptor, 200).decode(errors="replace").strip() or "another process"
            raise IndexLocked(
                f"{folder} is being written by {holder}; wait for it, or stop it, and run again"
            ) from None
        with suppress(OSError):  # a courtesy to the next one, who is told
            os.truncate(self._descriptor, 0)
            os.write(self._descriptor, f"process {os.getpid()} on {socket.gethostname()}\n".encode())

    def release(self) -> None:
        """Give the lock back. The file stays: to remove it would race with the next writer."""
        os.close(self._descriptor)


@contextmanager
def writer_lock(folder: str | Path) -> Iterator[None]:
    """The lock, for a block: for those who change an index folder without a `Writer`."""
    lock = WriterLock(Path(folder))
    try:
        yield
    finally:
        lock.release()
