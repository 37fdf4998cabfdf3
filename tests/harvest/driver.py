"""A process whose children update an index, and are killed at a file operation: JSON lines in and out."""

from __future__ import annotations

import itertools
import json
import os
import signal
import sys
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from lunacy.harvest import Client
from lunacy.pipeline.update import update
from tests.conftest import FakeEmbedder

_CHANGES = {"open", "os.rename", "os.truncate", "os.remove", "os.mkdir"}


def _watch(folder: str, at: int) -> itertools.count[int]:
    """Count what is done to files in `folder`; be killed before number `at`."""
    numbers = itertools.count(1)

    def step() -> None:
        if next(numbers) == at:
            os.kill(os.getpid(), signal.SIGKILL)

    def hook(event: str, arguments: tuple[Any, ...]) -> None:
        if event not in _CHANGES or not str(arguments[0]).startswith(folder):
            return
        if event != "open" or arguments[2] & (os.O_WRONLY | os.O_RDWR):
            step()

    flush = os.fsync

    def fsync(descriptor: int) -> None:
        step()
        flush(descriptor)

    os.fsync = fsync
    sys.addaudithook(hook)
    return numbers


def main() -> None:
    """For each line a child: the signal that ended it, and how many file operations it did."""
    for line in sys.stdin:
        order = json.loads(line)
        reading, writing = os.pipe()
        child = os.fork()
        if not child:
            numbers = _watch(order["folder"], order["at"])
            client = Client(order["url"], sleep=lambda _s: None, now=lambda: datetime(2026, 11, 26, tzinfo=UTC))
            update(Path(order["folder"]), client=client, embedder=FakeEmbedder())
            os.write(writing, str(next(numbers)).encode())
            os._exit(0)
        os.close(writing)
        with os.fdopen(reading, "rb") as pipe:
            n = int(pipe.read() or 0)
        _pid, status = os.waitpid(child, 0)
        signalled = os.WTERMSIG(status) if os.WIFSIGNALED(status) else 0
        print(json.dumps({"signal": signalled, "status": status, "n": n}), flush=True)


if __name__ == "__main__":
    main()
