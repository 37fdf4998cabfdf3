"""Whose `papers.db` is, told by its bytes: SQLite would make files in a folder, and take some away, only to look."""

from __future__ import annotations

import os
import stat
from collections.abc import Iterator
from contextlib import suppress
from enum import Enum, auto
from pathlib import Path
from threading import Lock

from lunacy.advice import command
from lunacy.errors import IndexDamaged, NoIndex, StoreError
from lunacy.store.files import begin_of

NAME = "papers.db"
APPLICATION_ID = 0x6C756E61  # "luna": tells our databases from others
PAGE_BYTES = 2**14  # some ten papers: a commit takes half the time that it takes with SQLite's 4 kB
WAL, SHM, JOURNAL = (f"{NAME}-{kind}" for kind in ("wal", "shm", "journal"))

# https://www.sqlite.org/fileformat2.html and walformat.html
_MAGIC = b"SQLite format 3\0"
_BEGINS = {
    WAL: (b"\x37\x7f\x06\x82", b"\x37\x7f\x06\x83"),
    JOURNAL: (b"\xd9\xd5\x05\xf9\x20\xa1\x63\xd7",),
}
_PAGE_SIZE, _APPLICATION = slice(16, 18), slice(68, 72)  # of the first page
_OUR_PAGE_SIZE, _OURS = PAGE_BYTES.to_bytes(2, "big"), APPLICATION_ID.to_bytes(4, "big")
_SHM_STEP, _SHM_BEGUN = 2**12, 3  # bytes by which it grows, and with which it begins
_LOG_HEAD_BYTES, _FRAME_HEAD_BYTES = 32, 24


OPENING = Lock()  # while a connection is opened, or a database read without one: see `_is_open_here`
if hasattr(os, "register_at_fork"):
    os.register_at_fork(before=OPENING.acquire, after_in_parent=OPENING.release, after_in_child=OPENING.release)


class Origin(Enum):
    """What is known of a `papers.db`."""

    OURS = auto()
    BEGUN = auto()  # made, and no commit in it yet
    FOREIGN = auto()


def origin(folder: Path) -> Origin:
    """Whose the `papers.db` in `folder` is, which must be there. Raises IndexDamaged when it is no database, StoreError
    when it, or what SQLite keeps beside it, is another kind of file.
    """
    path = folder / NAME
    if not path.is_file():
        raise StoreError(f"{NAME} is no plain file; choose another folder", where=folder)
    require_sqlites_own(folder)
    with OPENING:
        if _is_open_here(path):
            return Origin.OURS  # or SQLite, which knows it already, will tell
        begin = _begin(path)
        if begin[_APPLICATION] == _OURS:
            return Origin.OURS
        in_log = list(_applications_in_log(log_of(path)))  # where a commit is before it is in the database
        begin = _begin(path)  # once more: it may have come there meanwhile
    if _OURS in (begin[_APPLICATION], *in_log):
        return Origin.OURS
    if len(begin) <= PAGE_BYTES and not begin.strip(b"\0"):
        return Origin.BEGUN
    if not begin.startswith(_MAGIC):
        raise IndexDamaged(f"{NAME}: file is not a database: it is damaged, or not lunacy's", where=folder)
    is_empty = len(begin) <= PAGE_BYTES and begin[_PAGE_SIZE] == _OUR_PAGE_SIZE and not any(begin[_APPLICATION])
    return Origin.BEGUN if is_empty and not in_log else Origin.FOREIGN


def _is_open_here(path: Path) -> bool:
    """Whether this process has the file open. Then to open it once more, and close it, would take SQLite's locks on it
    away (https://www.sqlite.org/howtocorrupt.html, 2.2).
    """
    found = path.stat()
    try:
        numbers = os.listdir("/dev/fd")
    except OSError:
        return True  # perhaps
    for number in numbers:
        with suppress(OSError):  # the listing itself had one that is closed by now
            if os.path.samestat(os.fstat(int(number)), found):
                return True
    return False


def log_of(path: Path) -> Path:
    """SQLite's write-ahead log: beside the database, and not beside a link to it."""
    return Path(f"{os.path.realpath(path)}-wal")


def _begin(path: Path) -> bytes:
    """The first page of a database, and a byte more where there are more pages."""
    with path.open("rb") as file:
        return file.read(PAGE_BYTES + 1)


def _applications_in_log(path: Path) -> Iterator[bytes]:
    """The application's id in each first page that stands in SQLite's log."""
    with suppress(FileNotFoundError), path.open("rb") as log:
        page_bytes = int.from_bytes(log.read(_LOG_HEAD_BYTES)[8:12], "big")
        if page_bytes < _APPLICATION.stop:
            return
        n_bytes = _FRAME_HEAD_BYTES + _APPLICATION.stop
        for at in range(_LOG_HEAD_BYTES, log.seek(0, os.SEEK_END) - n_bytes, _FRAME_HEAD_BYTES + page_bytes):
            log.seek(at)
            frame = log.read(n_bytes)
            if int.from_bytes(frame[:4], "big") == 1:
                yield frame[_FRAME_HEAD_BYTES:][_APPLICATION]


def require_sqlites_own(folder: Path) -> None:
    """Raises StoreError for a file of another kind where SQLite keeps its own: it would be overwritten or deleted."""
    for name in (WAL, SHM, JOURNAL):
        path = folder / name
        try:
            found = path.lstat()
        except FileNotFoundError:
            continue
        if not stat.S_ISREG(found.st_mode):
            raise StoreError(
                f"{name} is a link or a folder, and SQLite keeps a file of its own there; move it away", where=folder
            )
        if name == SHM:  # which is not opened: it has SQLite's locks
            is_own = found.st_size % _SHM_STEP in (0, _SHM_BEGUN)
        else:
            head = begin_of(path, _LOG_HEAD_BYTES)
            is_own = not head.strip(b"\0") or head.startswith(_BEGINS[name])
        if not is_own:
            raise StoreError(f"{name} is not SQLite's, which keeps a file of its own there; move it away", where=folder)
        if name == WAL and found.st_size and (folder / NAME).is_symlink():
            raise StoreError(
                f"{NAME} is a link, so that the log beside it is not read; copy the index anew", where=folder
            )


def begins_a_database(journal: Path) -> bool:
    """Whether a journal of SQLite's is of a database that was being made, so that there is nothing to go back to."""
    head = begin_of(journal, 20)
    return not any(head[:8]) or (head.startswith(_BEGINS[JOURNAL]) and not any(head[16:]))


def see_verify(folder: Path) -> str:
    """The hint of most damages."""
    return f"see what is wrong with: {command('verify', '--index', folder)}"


def not_ours(folder: Path) -> NoIndex:
    """The error for a database of somebody else."""
    return NoIndex(f"{NAME} was not made by lunacy; choose another folder", where=folder)


def holds_no_paper(folder: Path) -> NoIndex:
    """The error for an index whose first run has not committed."""
    return NoIndex("the index holds no paper yet", where=folder, hint="run again the `lunacy index` that began it")


def require_index(folder: Path, *, or_begun: bool = False) -> None:
    """Raises NoIndex unless `folder` has a `papers.db` of ours with a commit in it, or one that waits for its first."""
    if folder.exists() and not folder.is_dir():
        raise NoIndex("this is a file; give the folder of an index", where=folder)
    if not (folder / NAME).exists():
        what = "the folder holds no lunacy index" if folder.is_dir() else "the folder does not exist"
        raise NoIndex(what, where=folder, hint=f"make one with: {command('index', 'SNAPSHOT', '--into', folder)}")
    match origin(folder):
        case Origin.FOREIGN:
            raise not_ours(folder)
        case Origin.BEGUN if not or_begun:
            raise holds_no_paper(folder)
