"""A Python process that sends bytes, and that nothing but lunacy's own code has a say in.

What a site, a user or PYTHON* variables add to a Python might print, or be another library. So it starts without them,
with this one's path, and sends through a pipe of its own. Where that cannot be had, the work is done in this process.
"""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable
from contextlib import ExitStack
from fcntl import F_DUPFD_CLOEXEC, fcntl
from multiprocessing.connection import Connection, Pipe
from pathlib import Path
from tempfile import TemporaryFile

from lunacy.snapshot.ahead import Stopped

_START_S = 20.0  # for a machine with much else to do; a process that is none of ours would wait for ever
_POLL_S = 0.1
_PACKAGE = str(Path(__file__).resolve().parents[2])
_READY = b"ready"
_CODE = "import sys; sys.path[:] = {path}; from lunacy.snapshot.child import run; {code}; run(main, {number})"


class NotStarted(Exception):
    """There is no such process."""


class Child:
    """A process that runs `main(send, argument)` and sends frames of bytes. Closing it ends it."""

    def __init__(self, code: str, argument: str) -> None:
        """`code` imports `main`. Raises NotStarted where no process can be had."""
        path = [str(one) for one in sys.path if one and isinstance(one, str | os.PathLike)]
        with ExitStack() as stack:
            try:
                self._told = stack.enter_context(TemporaryFile())
                self._pipe, theirs = Pipe(duplex=False)
                stack.enter_context(self._pipe)
                with theirs:  # if the standard streams are closed, it may have the number of one
                    number = fcntl(theirs.fileno(), F_DUPFD_CLOEXEC, 3)
                try:
                    self._process = subprocess.Popen(  # noqa: S603 (this very Python, and our own code)
                        [*_python(), _CODE.format(path=ascii([*path, _PACKAGE]), code=code, number=number), argument],
                        stdin=subprocess.DEVNULL,
                        stdout=subprocess.DEVNULL,
                        stderr=self._told,
                        pass_fds=[number],
                        process_group=0,  # Ctrl-C is for us
                    )
                finally:
                    os.close(number)
            except OSError as error:  # no such program, no more processes, nowhere to put temporary files
                raise NotStarted from error
            stack.callback(self._process.wait)
            stack.callback(self._process.kill)
            self._stack = stack.pop_all()

    def await_start(self, is_wanted: Callable[[], bool]) -> None:
        """Wait until it runs. Raises NotStarted if it does not."""
        if self.receive(is_wanted, _START_S) != _READY:
            raise NotStarted

    def receive(self, is_wanted: Callable[[], bool], wait_s: float = float("inf")) -> bytes | None:
        """The next frame; None when it ended, or did not send one in time. Raises Stopped when no longer wanted."""
        end_s = time.monotonic() + wait_s
        try:
            while is_wanted():
                if self._pipe.poll(_POLL_S):
                    return self._pipe.recv_bytes()
                if time.monotonic() > end_s:
                    return None
            raise Stopped
        except (EOFError, OSError):  # between frames, or within one
            return None

    def how(self) -> str:
        """How it ended, once it has."""
        status = self._process.wait()
        self._told.seek(0)
        last = self._told.read().decode(errors="replace").strip().rpartition("\n")[2]
        name = next((one.name for one in signal.Signals if one == -status), f"signal {-status}")
        how = f"killed by {name}" if status < 0 else f"exit status {status}"
        return f"{how}: {last}" if last else how

    def close(self) -> None:
        """End it."""
        self._stack.close()


def run(main: Callable[[Callable[[bytes], None], str], None], number: int) -> None:
    """What the process does."""
    signal.signal(signal.SIGPIPE, signal.SIG_DFL)  # when nobody reads any more, it ends
    with Connection(number, readable=False) as pipe:
        pipe.send_bytes(_READY)
        main(pipe.send_bytes, sys.argv[1])


def _python() -> list[str]:
    """A Python like this one, to be given its code. Raises NotStarted where this one is part of another program."""
    name = Path(sys.executable or "").name.lower()
    if not name.startswith(("python", "pypy")) or getattr(sys, "frozen", False):
        raise NotStarted
    return [sys.executable, "-I", "-S", "-X", f"utf8={sys.flags.utf8_mode}", "-c"]
