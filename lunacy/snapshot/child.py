"""A child process that runs lunacy's code and sends bytes (`multiprocessing.connection`, never pickles).

It is isolated: sitecustomize, usercustomize and PYTHON* variables could print, or change which libraries are imported.
So it starts without them, with this process's sys.path, and sends through a pipe of its own. `multiprocessing.Process`
would not do: it runs these hooks, and imports the main module of the program.
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

_START_S = 20.0  # on a busy machine; a program that is not Python would never answer
_POLL_S = 0.1
_PACKAGE = str(Path(__file__).resolve().parents[2])
_READY = b"ready"
_CODE = "import sys; sys.path[:] = {path}; from lunacy.snapshot.child import run; {code}; run(main, {number})"


class NotStarted(Exception):
    """A child process cannot be started here."""


class Child:
    """A process that runs `main(send, argument)` and sends frames of bytes. `close` ends it."""

    def __init__(self, code: str, argument: str) -> None:
        """`code`: an import of `main`. Raises NotStarted if no process can be started."""
        path = [str(one) for one in sys.path if one and isinstance(one, str | os.PathLike)]
        with ExitStack() as stack:
            try:
                self._told = stack.enter_context(TemporaryFile())
                self._pipe, theirs = Pipe(duplex=False)
                stack.enter_context(self._pipe)
                with theirs:  # its number may be 0 to 2 if the standard streams are closed
                    number = fcntl(theirs.fileno(), F_DUPFD_CLOEXEC, 3)
                try:
                    self._process = subprocess.Popen(  # noqa: S603 (this very Python, and our own code)
                        [*_python(), _CODE.format(path=ascii([*path, _PACKAGE]), code=code, number=number), argument],
                        stdin=subprocess.DEVNULL,
                        stdout=subprocess.DEVNULL,
                        stderr=self._told,
                        pass_fds=[number],
                        process_group=0,  # so that Ctrl-C reaches only this process
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
        """The next frame; None if the process ended or sent none in time. Raises Stopped when no longer wanted."""
        end_s = time.monotonic() + wait_s
        try:
            while is_wanted():
                if self._pipe.poll(_POLL_S):
                    return self._pipe.recv_bytes()
                if time.monotonic() > end_s:
                    return None
            raise Stopped
        except (EOFError, OSError):  # it ended, between frames or within one
            return None

    def how(self) -> str:
        """How it ended: exit status or signal, and the last line of its standard error. Waits for the end."""
        status = self._process.wait()
        self._told.seek(0)
        last = self._told.read().decode(errors="replace").strip().rpartition("\n")[2]
        name = next((one.name for one in signal.Signals if one == -status), f"signal {-status}")
        how = f"killed by {name}" if status < 0 else f"exit status {status}"
        return f"{how}: {last}" if last else how

    def close(self) -> None:
        """Kill it."""
        self._stack.close()


def run(main: Callable[[Callable[[bytes], None], str], None], number: int) -> None:
    """Run `main` in the child process."""
    signal.signal(signal.SIGPIPE, signal.SIG_DFL)  # end when the reader is gone
    with Connection(number, readable=False) as pipe:
        pipe.send_bytes(_READY)
        main(pipe.send_bytes, sys.argv[1])


def _python() -> list[str]:
    """The command of this Python, up to the code. Raises NotStarted if Python is embedded in another program."""
    name = Path(sys.executable or "").name.lower()
    if not name.startswith(("python", "pypy")) or getattr(sys, "frozen", False):
        raise NotStarted
    return [sys.executable, "-I", "-S", "-X", f"utf8={sys.flags.utf8_mode}", "-c"]
