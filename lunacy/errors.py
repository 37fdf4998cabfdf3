"""Every error that lunacy raises on purpose, with the exit code of the command line and the status over HTTP.

LunacyError                  1  500   it failed
├── UsageError               2  400   the question itself is wrong
│   ├── MissingExtra         2  501   an optional part that is not installed
│   ├── NotAnId              2  400   text that is no arXiv id
│   └── UnknownCategory      2  400   a category that arXiv does not have
├── HarvestError         1  502   arXiv cannot be asked, or its answers cannot be understood
├── SnapshotError            1  500   the snapshot cannot be read on
├── ListError                1  400   a file of ids, or of reading lists, that is none
├── ModelError               1  503   the embedding model cannot be had
├── FingerprintMismatch      1  409   vectors of two models do not mix
├── ServerError              1  503   a Milvus server that cannot be had, or does not do what it is asked
├── Busy                     1  503   too much is asked at once, or the model is being loaded: ask again in a while
├── VectorsError             1  500   a file of vectors that does not fit its snapshot
└── StoreError               1  500   the index folder
    ├── NoIndex              1  404   nothing there, or not an index
    ├── IndexLocked          1  409   another writer holds it
    ├── DiskFull             1  507   no room for the next commit
    ├── PruneRefused         1  409   more papers would go than a snapshot can be trusted with
    ├── IndexDamaged         1  500   a file is missing, cut or changed
    └── UnknownPaper         1  404   an id that the index lacks
"""

from __future__ import annotations

import errno

from lunacy.advice import install

FULL = {
    errno.ENOSPC: "make room and run again",
    errno.EDQUOT: "make room and run again",
    errno.EFBIG: "raise the limit on the size of files (ulimit -f) and run again",
}
NO_THREADS = "cannot start a thread: too many run already; raise the limit: ulimit -u"


class LunacyError(Exception):
    """Root of the tree. `str(error)` says what is wrong in one line that may be shown to anybody.

    `where`: the path or address that it is about; `hint`: what to do next, at the command line. Either may name paths
    of this machine, so only the command line shows them, by `full_message`. A traceback has the hint in its last line.

    >>> try:
    ...     ix.similar("2999.00001")
    ... except lunacy.UnknownPaper as error:
    ...     print(error.status, str(error)[:30])
    404 2999.00001 is not in the index
    """

    exit_code = 1
    status = 500

    def __init__(self, message: str = "", *, where: object = "", hint: str = "") -> None:
        super().__init__(message)
        self.where = str(where)
        self.hint = hint
        if hint:
            self.add_note(hint)

    @property
    def full_message(self) -> str:
        """One line with all that is known, for the person at this machine."""
        return (f"{self.where}: " if self.where else "") + str(self) + (f"; {self.hint}" if self.hint else "")


class UsageError(LunacyError):
    """The question itself is wrong."""

    exit_code = 2
    status = 400


class MissingExtra(UsageError):
    """An optional part that is not installed."""

    status = 501

    def __init__(self, what: str, extra: str) -> None:
        super().__init__(f"{what} is not installed", hint=f"install it with: {install(extra)}")


class NotAnId(UsageError):
    """Text that is no arXiv id."""


class UnknownCategory(UsageError):
    """A category that arXiv does not have."""


class SnapshotError(LunacyError):
    """The snapshot cannot be read on."""


class HarvestError(LunacyError):
    """arXiv cannot be asked, or its answers cannot be understood."""

    status = 502


class ListError(LunacyError):
    """A file of ids, or of reading lists, that is none."""

    status = 400


class ModelError(LunacyError):
    """The embedding model cannot be had."""

    status = 503


class FingerprintMismatch(LunacyError):
    """Vectors of two models do not mix."""

    status = 409


class ServerError(LunacyError):
    """A Milvus server that cannot be had, or does not do what it is asked."""

    status = 503


class Busy(LunacyError):
    """Too much is asked at once, or the model is being loaded: ask again after `retry_after_s` seconds."""

    status = 503

    def __init__(self, message: str, *, retry_after_s: int = 1) -> None:
        super().__init__(message)
        self.retry_after_s = retry_after_s


class VectorsError(LunacyError):
    """A file of vectors that does not fit its snapshot."""


class StoreError(LunacyError):
    """Something about the index folder."""


class NoIndex(StoreError):
    """Nothing there, or not an index."""

    status = 404


class IndexLocked(StoreError):
    """Another writer holds the index."""

    status = 409


class DiskFull(StoreError):
    """No room for the next commit."""

    status = 507


class PruneRefused(StoreError):
    """More papers would go than a snapshot can be trusted with."""

    status = 409


class IndexDamaged(StoreError):
    """A file of the index is missing, cut or changed."""


class UnknownPaper(StoreError):
    """An id that the index lacks."""

    status = 404


def one_line(error: BaseException) -> str:
    """Any error as one line for a person: the system's and other libraries' too."""
    if isinstance(error, LunacyError):
        return " ".join(error.full_message.split()) or type(error).__name__
    if isinstance(error, ImportError) and isinstance(error.__cause__, ImportError):
        error = error.__cause__  # NumPy wraps what is wrong into a page of advice
    if isinstance(error, BlockingIOError):
        return "cannot start a process: too many run already; raise the limit: ulimit -u"
    if isinstance(error, OSError) and error.strerror:
        return (f"{error.filename}: " if error.filename else "") + reason(error)
    if is_out_of_threads(error):
        return NO_THREADS
    if isinstance(error, MemoryError):
        return "out of memory"
    text = " ".join(str(error).split())
    return f"{type(error).__name__} {text}".strip() if isinstance(error, KeyError) or not text else text


def reason(error: OSError) -> str:
    """What the system says, and what to do where there is no room."""
    said = error.strerror or type(error).__name__
    return f"{said}; {FULL[error.errno]}" if error.errno in FULL else said


def is_out_of_threads(error: BaseException) -> bool:
    """Whether Python could not start a thread, for which it has no error of its own."""
    return isinstance(error, RuntimeError) and "can't start new thread" in str(error)
