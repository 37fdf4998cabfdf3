"""A file of lines that a person edits too: changed under a lock, and replaced whole."""

from __future__ import annotations

import fcntl
import os
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

from lunacy.atomic import is_part, make_folder, put_file, sync_folder
from lunacy.errors import ListError, LunacyError, reason

_WAIT_S, _POLL_S = 20.0, 0.01  # a change takes milliseconds, so who waits for so long waits for something else
_BOM = "\ufeff"


def read_lines(path: Path) -> list[str]:
    """The lines of the file, without their ends; none where there is no file.

    Raises ListError unless it is UTF-8, LunacyError where it cannot be read.
    """
    try:
        raw = path.read_bytes()
    except FileNotFoundError:
        return []
    except OSError as error:
        raise LunacyError(f"the reading lists cannot be read: {reason(error)}", where=path) from None
    found = []
    for number, line in enumerate(raw.removesuffix(b"\n").split(b"\n") if raw else [], 1):
        try:
            found.append(line.decode())
        except UnicodeDecodeError as error:
            raise ListError(
                f"line {number}: not UTF-8 at byte {error.start + 1}; save it as UTF-8", where=path
            ) from None
    if found:
        found[0] = found[0].removeprefix(_BOM)
    return found


def change_lines(path: Path, change: Callable[[list[str]], list[str]]) -> None:
    """Replace the lines by what `change` makes of them, one writer after the other; nothing is written if it raises.

    A link is followed: people keep such a file elsewhere, in a repository. Raises as `read_lines`; LunacyError where
    another process does not let go of the file, or it cannot be written.
    """
    path = Path(os.path.realpath(path))
    try:
        if path.exists() and not path.is_file():  # /dev/null must not be replaced
            raise LunacyError("this is no file, so it can hold no reading lists", where=path)
        make_folder(path.parent)
        with _locked(path):
            before = read_lines(path)
            after = change(list(before))
            if after != before:
                _write(path, after)
    except OSError as error:
        raise LunacyError(f"the reading lists cannot be changed: {reason(error)}", where=path) from None


def _write(path: Path, lines: list[str]) -> None:
    put_file(path, "".join(f"{line}\n" for line in lines).encode())
    sync_folder(path.parent)
    for left in path.parent.glob(f"{path.name}.*.part"):
        if is_part(left.name):  # of a writer that was killed
            left.unlink(missing_ok=True)


@contextmanager
def _locked(path: Path) -> Iterator[None]:
    """Be the only writer of the file. The kernel takes the lock back when the process ends, however it ends."""
    lock = path.with_name(f"{path.name}.lock")
    descriptor = os.open(lock, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o644)
    try:
        until = time.monotonic() + _WAIT_S
        while True:
            try:
                fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
                break
            except BlockingIOError:
                if time.monotonic() > until:
                    raise LunacyError(
                        f"the file of lists is held by another process for {_WAIT_S:.0f} seconds; "
                        "wait for it, or stop it, and run again",
                        where=path,
                    ) from None
            time.sleep(_POLL_S)
        yield
    finally:
        os.close(descriptor)
