"""What lunacy needs of the system: checked first, as libraries in C end the program, or worse, for want of it."""

from __future__ import annotations

import os
import resource
import threading

from lunacy.errors import NO_THREADS, LunacyError

_LOW = 1000  # processes and threads of one user: below it, a limit is looked into
_GB = 1e9


def require(*, n_threads: int, address_space_bytes: int = 0) -> None:
    """Raises LunacyError where `ulimit -v` is below so many bytes, or `ulimit -u` leaves no room for so many threads.

    OpenBLAS, for one, sends the program a Ctrl-C when it cannot start its threads, and crashes without memory.
    """
    limit = resource.getrlimit(resource.RLIMIT_AS)[0]
    if limit != resource.RLIM_INFINITY and limit < address_space_bytes:
        raise LunacyError(
            f"the address space is limited to {limit / _GB:.1f} GB, and this takes some "
            f"{address_space_bytes / _GB:.1f} GB; raise the limit: ulimit -v"
        )
    limit = resource.getrlimit(resource.RLIMIT_NPROC)[0]
    if limit != resource.RLIM_INFINITY and limit < _LOW and not can_start_threads(n_threads):
        raise LunacyError(NO_THREADS)


def require_working_folder() -> None:
    """Raises LunacyError where the working folder was deleted: oneMKL, for one, ends the program there."""
    try:
        os.getcwd()
    except FileNotFoundError:
        raise LunacyError("the working folder was deleted; change to another: cd") from None


def can_start_threads(n: int = 1) -> bool:
    """Whether `n` more threads can run at once. Each takes some address space, for good."""
    end, started = threading.Event(), []
    try:
        for _ in range(n):
            thread = threading.Thread(target=end.wait, daemon=True)
            thread.start()
            started.append(thread)
    except RuntimeError:
        return False
    finally:
        end.set()
        for thread in started:
            thread.join()
    return True
