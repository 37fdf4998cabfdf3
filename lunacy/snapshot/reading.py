"""Reading beside the rest of a run: in a thread, or, for a large file, in a process or several.

To parse and hash a paper takes as long as to store it. In one process Python does one of them at a time; in two it
does both (`python -m tests.bench` measures it). Several processes each read the whole file and parse some of its
windows: to find the lines is a tenth of the work. The windows come through a pipe, as `marshal` writes plain tuples.
"""

from __future__ import annotations

import json
import marshal
import os
import signal
import subprocess
import sys
from collections.abc import Callable, Generator, Iterable, Iterator
from contextlib import ExitStack, contextmanager
from itertools import cycle
from typing import IO, Any, BinaryIO

from lunacy.categories import category_filter
from lunacy.entry import Entry
from lunacy.errors import SnapshotError
from lunacy.snapshot.ahead import Stopped, read_ahead
from lunacy.snapshot.lines import Line, Snapshot
from lunacy.snapshot.windows import WINDOW, Window, windows, with_papers

PROCESS_FROM_BYTES = 2**23  # of the file: for less, the start of a process (0.1 s) is not worth it
_THREAD_AHEAD = 4  # windows
_PROCESS_AHEAD = 32  # windows: some 40 MB, so that it goes on while a commit is flushed
_LENGTH_BYTES = 8
_MAIN = "import sys; sys.path[:] = {path!r}; from lunacy.snapshot.reading import main; main()"


def read_windows(
    snapshot: Snapshot,
    category: Iterable[str] = (),
    *,
    text: str,
    limit: int | None = None,
    strict: bool = False,
    size: int | None = None,
    is_wanted: Callable[[], bool] = lambda: True,
) -> Generator[Window]:
    """The snapshot in windows of up to `size` lines (WINDOW), of papers in `category` (patterns), read ahead.

    `text`: the recipe of the embedded text; `limit`: of kept papers; `strict`: the first bad line ends it. Reading
    that ends early is told by the last window: what came before it counts. So is a file in which nothing is a paper.
    Raises Stopped when no longer wanted.
    """
    patterns = list(category)
    options: dict[str, Any] = {"text": text, "limit": limit, "strict": strict, "size": size or WINDOW}
    is_large = snapshot.size_bytes is not None and snapshot.size_bytes >= PROCESS_FROM_BYTES
    # under these names another process finds another file
    is_named = not str(snapshot.source).startswith(("/dev/fd/", "/dev/stdin", "/proc/"))
    if not (is_large and is_named and sys.executable) or snapshot.is_stream:
        found = read_ahead(windows(snapshot, category_filter(patterns), **options), _THREAD_AHEAD, is_wanted)
        return with_papers(found, snapshot.name)
    n = n_processes() if limit is None and not strict else 1  # who reads a part cannot know when all have enough
    orders = [
        {"source": str(snapshot.source), "category": patterns, "options": {**options, "share": [first, n]}}
        for first in range(n)
    ]
    return with_papers(_from_processes(snapshot.name, orders, is_wanted), snapshot.name)


def n_processes() -> int:
    """One for every four cores, up to four: with two, the other is the store's."""
    return max(1, min(4, (os.cpu_count() or 1) // 4))


def _from_processes(name: str, orders: list[dict[str, Any]], is_wanted: Callable[[], bool]) -> Generator[Window]:
    """The windows of each process in turn, which is their order in the snapshot."""
    with ExitStack() as stack:
        processes = [stack.enter_context(_process(order)) for order in orders]
        for process in cycle(processes):
            if not is_wanted():
                raise Stopped
            frame = _receive(process.stdout)
            if frame == b"":
                return  # where one ends, so do those that would come after
            if frame is None:
                broken = SnapshotError(f"{name}: a process that reads it ended early ({_how(process)}); run again")
                window = Window(broken=broken)
            else:
                window = _unpacked(frame)
            yield window
            if window.broken:
                return


@contextmanager
def _process(order: dict[str, Any]) -> Iterator[subprocess.Popen[bytes]]:
    process = subprocess.Popen(  # noqa: S603 (this very Python, and our own code)
        [sys.executable, "-P", "-c", _MAIN.format(path=sys.path), json.dumps(order)],
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        process_group=0,  # Ctrl-C is for us
    )
    try:
        yield process
    finally:
        process.kill()
        process.communicate()


def _receive(pipe: IO[bytes] | None) -> bytes | None:
    """What `_send` sent; None when it was cut off."""
    assert pipe is not None
    head = pipe.read(_LENGTH_BYTES)
    n_bytes = int.from_bytes(head, "little")
    frame = pipe.read(n_bytes)
    return frame if len(head) == _LENGTH_BYTES and len(frame) == n_bytes else None


def _how(process: subprocess.Popen[bytes]) -> str:
    status = process.wait()
    return f"killed by {signal.Signals(-status).name}" if status < 0 else f"exit status {status}"


def main() -> None:
    """The process: windows to standard output, each with its length before it, and a length of 0 at the end."""
    signal.signal(signal.SIGPIPE, signal.SIG_DFL)  # when nobody reads any more, it ends
    order = json.loads(sys.argv[1])
    out = sys.stdout.buffer
    try:
        with Snapshot(order["source"]) as snapshot:
            found = windows(snapshot, category_filter(order["category"]), **order["options"])
            for frame in read_ahead(map(_packed, found), _PROCESS_AHEAD):
                _send(out, frame)
    except SnapshotError as error:  # it was there a moment ago
        _send(out, _packed(Window(broken=error)))
    _send(out, b"")


def _send(out: BinaryIO, frame: bytes) -> None:
    out.write(len(frame).to_bytes(_LENGTH_BYTES, "little"))
    out.write(frame)
    out.flush()


def _packed(window: Window) -> bytes:
    return marshal.dumps(
        (
            window.position_bytes,
            window.n_lines,
            list(map(tuple, window.kept)),
            window.places,
            window.filtered,
            [(tuple(line), reason) for line, reason in window.bad],
            None if window.broken is None else str(window.broken),
        )
    )


def _unpacked(frame: bytes) -> Window:
    position_bytes, n_lines, kept, places, filtered, bad, broken = marshal.loads(frame)  # noqa: S302 (our own process wrote it)
    return Window(
        position_bytes,
        n_lines,
        list(map(Entry._make, kept)),
        places,
        filtered,
        [(Line(*line), reason) for line, reason in bad],
        None if broken is None else SnapshotError(broken),
    )
