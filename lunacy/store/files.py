"""What is in an index folder, whether the disk has room for more, and that one process at a time writes there."""

from __future__ import annotations

import fcntl
import os
import re
import shutil
import socket
import stat
from collections.abc import Iterable
from contextlib import suppress
from pathlib import Path

from lunacy.errors import DiskFull, IndexLocked, StoreError

LOCK_NAME = "writer.lock"
_HOLDER = re.compile(rb"process (\d+( (o(n( \S*\n?)?)?)?)?)?")  # what we write into the lock, or its beginning
_RESERVE_BYTES = 2**24  # for SQLite's own files


def expanded(folder: str | Path) -> Path:
    """A path as a person gave it: `~` is the home folder."""
    return Path(os.path.expanduser(folder))


def is_regular(path: Path) -> bool:
    """Whether it is a file, and no link to one."""
    try:
        return stat.S_ISREG(path.lstat().st_mode)
    except (FileNotFoundError, NotADirectoryError):
        return False


def begin_of(path: Path, n_bytes: int) -> bytes:
    """The first bytes of a regular file; nothing of one that cannot be read: it proves nothing."""
    try:
        if not is_regular(path):
            return b""
        with path.open("rb") as file:
            return file.read(n_bytes)
    except OSError:
        return b""


def is_folder(path: Path) -> bool:
    """Whether it is a folder, and no link to one."""
    return path.is_dir() and not path.is_symlink()


def entries(folder: Path) -> list[Path]:
    """What is in a folder, in order; nothing when it is not there, or may not be read."""
    try:
        return sorted(folder.iterdir())
    except OSError:
        return []


def remove(paths: Iterable[Path]) -> None:
    """Delete files, and those folders that are empty by then. `paths` are ours, files before their folders."""
    for path in list(paths):
        if is_folder(path):
            with suppress(OSError):  # somebody else has put something there
                path.rmdir()
        else:
            path.unlink(missing_ok=True)


def has_space(folder: Path, n_bytes: int) -> bool:
    """Whether the disk has room for `n_bytes` more, and some to spare."""
    return shutil.disk_usage(folder).free >= n_bytes + _RESERVE_BYTES


def require_space(folder: Path, n_bytes: int) -> None:
    """Raises DiskFull unless the disk has room for `n_bytes` more, and some to spare."""
    if not has_space(folder, n_bytes):
        free = shutil.disk_usage(folder).free
        raise DiskFull(
            f"the disk is full: {n_bytes + _RESERVE_BYTES:,} bytes are needed, {free:,} are free; "
            "what was committed is safe: make room and run again",
            where=folder,
        )


class WriterLock:
    """The right to write to one index folder. The kernel takes it back when the process ends, however it ends."""

    def __init__(self, folder: Path) -> None:
        """Take the lock; raises IndexLocked, naming the holder, when another process has it."""
        path = folder / LOCK_NAME
        while True:
            self._descriptor = _open_lock(path)
            try:
                self._take(folder, path)
                if _is_still(path, self._descriptor):
                    return
            except BaseException:
                os.close(self._descriptor)
                raise
            os.close(self._descriptor)  # a first run that failed has taken it away

    def _take(self, folder: Path, path: Path) -> None:
        if not stat.S_ISREG(os.fstat(self._descriptor).st_mode):
            raise StoreError(f"{path.name} is no plain file; remove it and run again", where=folder)
        is_ours = is_lock(content := os.pread(self._descriptor, 200, 0))
        try:
            fcntl.flock(self._descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            holder = (is_ours and content.decode(errors="replace").strip()) or "another process"
            raise IndexLocked(
                f"the index is being written by {holder}; wait for it, or stop it, and run again", where=folder
            ) from None
        if is_ours:
            with suppress(OSError):  # a courtesy to the next one, who is told
                os.truncate(self._descriptor, 0)
                os.write(self._descriptor, f"process {os.getpid()} on {socket.gethostname()}\n".encode())

    def release(self) -> None:
        """Give the lock back. The file stays: to remove it would race with the next writer."""
        os.close(self._descriptor)


def is_lock(content: bytes) -> bool:
    """Whether this is what a writer writes into its lock, or the beginning of it."""
    return b"process ".startswith(content) or _HOLDER.fullmatch(content) is not None


def _open_lock(path: Path) -> int:
    if path.is_symlink():
        raise StoreError(
            f"{path.name} is a symbolic link, and lunacy writes through none; remove it", where=path.parent
        )
    return os.open(path, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC | os.O_NONBLOCK | os.O_NOFOLLOW, 0o644)


def _is_still(path: Path, descriptor: int) -> bool:
    """Whether the file that is open under `descriptor` is still the one at `path`."""
    try:
        return os.path.samestat(path.lstat(), os.fstat(descriptor))
    except FileNotFoundError:
        return False
