"""Every error that lunacy raises on purpose.

LunacyError                 exit 1: it failed, and the message says what, where and what to do next
├── UsageError              exit 2: the question itself is wrong
│   ├── MissingExtra        an optional part that is not installed
│   ├── NotAnId             text that is no arXiv id
│   └── UnknownCategory     a category that arXiv does not have
├── SnapshotError           the snapshot cannot be read on
├── ListError               a file of ids that is none
├── ModelError              the embedding model cannot be had
├── FingerprintMismatch     vectors of two models do not mix
├── ServerError             a Milvus server that cannot be had, or does not do what it is asked
├── VectorsError            a `--vectors` file that does not fit its snapshot
└── StoreError              the index folder
    ├── NoIndex             nothing there, or not an index
    ├── IndexLocked         another writer holds it
    ├── DiskFull            no room for the next commit
    ├── PruneRefused        more papers would go than a snapshot can be trusted with
    ├── IndexDamaged        a file is missing, cut or changed
    └── UnknownPaper        an id that the index lacks
"""

from __future__ import annotations

NO_THREADS = "cannot start a thread: too many run already; raise the limit: ulimit -u"


class LunacyError(Exception):
    """Root of the tree; `str(error)` is one line that may be shown to anybody.

    `where`: the path or address that it is about; `hint`: what to do next. Either may name paths of this machine, so
    only the command line shows them, by `full_message`.
    """

    exit_code = 1

    def __init__(self, message: str = "", *, where: object = "", hint: str = "") -> None:
        super().__init__(message)
        self.where = str(where)
        self.hint = hint

    @property
    def full_message(self) -> str:
        """One line with all that is known, for the person at this machine."""
        return (f"{self.where}: " if self.where else "") + str(self) + (f"; {self.hint}" if self.hint else "")


class UsageError(LunacyError):
    """The question itself is wrong."""

    exit_code = 2


class MissingExtra(UsageError):
    """An optional part that is not installed."""

    def __init__(self, what: str, extra: str) -> None:
        super().__init__(f"{what} needs what is not installed: pip install 'lunacy[{extra}]'")


class NotAnId(UsageError):
    """Text that is no arXiv id."""


class UnknownCategory(UsageError):
    """A category that arXiv does not have."""


class SnapshotError(LunacyError):
    """The snapshot cannot be read on."""


class ListError(LunacyError):
    """A file of ids that is none."""


class ModelError(LunacyError):
    """The embedding model cannot be had."""


class FingerprintMismatch(LunacyError):
    """Vectors of two models do not mix."""


class ServerError(LunacyError):
    """A Milvus server that cannot be had, or does not do what it is asked."""


class VectorsError(LunacyError):
    """A file of vectors that does not fit its snapshot."""


class StoreError(LunacyError):
    """Something about the index folder."""


class NoIndex(StoreError):
    """Nothing there, or not an index."""


class IndexLocked(StoreError):
    """Another writer holds the index."""


class DiskFull(StoreError):
    """No room for the next commit."""


class PruneRefused(StoreError):
    """More papers would go than a snapshot can be trusted with."""


class IndexDamaged(StoreError):
    """A file of the index is missing, cut or changed."""


class UnknownPaper(StoreError):
    """An id that the index lacks."""


def one_line(error: BaseException) -> str:
    """Any error as one line for a person: the system's and other libraries' too."""
    if isinstance(error, LunacyError):
        return " ".join(error.full_message.split()) or type(error).__name__
    if isinstance(error, ImportError) and isinstance(error.__cause__, ImportError):
        error = error.__cause__  # NumPy wraps what is wrong into a page of advice
    if isinstance(error, BlockingIOError):
        return "cannot start a process: too many run already; raise the limit: ulimit -u"
    if isinstance(error, OSError) and error.strerror:
        return f"{error.filename}: {error.strerror}" if error.filename else error.strerror
    if is_out_of_threads(error):
        return NO_THREADS
    if isinstance(error, MemoryError):
        return "out of memory"
    text = " ".join(str(error).split())
    return f"{type(error).__name__} {text}".strip() if isinstance(error, KeyError) or not text else text


def is_out_of_threads(error: BaseException) -> bool:
    """Whether Python could not start a thread, for which it has no error of its own."""
    return isinstance(error, RuntimeError) and "can't start new thread" in str(error)
