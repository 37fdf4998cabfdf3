"""Reading beside the rest of a run: in a thread, or, for a large file, in a process.

To parse and hash a paper takes as long as to store it. In one process Python does one of them at a time; in two it
does both (`python -m tests.bench` measures it). The windows come through a pipe, as `marshal` writes plain tuples.
"""

from __future__ import annotations

import json
import marshal
import signal
import subprocess
import sys
from collections.abc import Callable, Iterable, Iterator
from typing import Any, BinaryIO

from lunacy.categories import category_filter
from lunacy.entry import Entry
from lunacy.errors import SnapshotError
from lunacy.snapshot.ahead import Stopped, read_ahead
from lunacy.snapshot.lines import Line, Snapshot
from lunacy.snapshot.windows import WINDOW, Window, windows

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
) -> Iterator[Window]:
    """The snapshot in windows of up to `size` lines (WINDOW), of papers in `category` (patterns), read ahead.

    `text`: the recipe of the embedded text; `limit`: of kept papers; `strict`: the first bad line ends it. Reading
    that ends early is told by the last window: what came before it counts. Raises Stopped when no longer wanted.
    """
    patterns = list(category)
    options: dict[str, Any] = {"text": text, "limit": limit, "strict": strict, "size": size or WINDOW}
    is_large = snapshot.size_bytes is not None and snapshot.size_bytes >= PROCESS_FROM_BYTES
    if is_large and not snapshot.is_stream and sys.executable:
        return _from_process(snapshot, patterns, options, is_wanted)
    return read_ahead(windows(snapshot, category_filter(patterns), **options), _THREAD_AHEAD, is_wanted)


def _from_process(
    snapshot: Snapshot, patterns: list[str], options: dict[str, Any], is_wanted: Callable[[], bool]
) -> Iterator[Window]:
    order = json.dumps({"source": str(snapshot.source), "category": patterns, "options": options})
    process = subprocess.Popen(  # noqa: S603 (this very Python, and our own code)
        [sys.executable, "-P", "-c", _MAIN.format(path=sys.path), order],
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        process_group=0,  # Ctrl-C is for us
    )
    assert process.stdout is not None
    try:
        while is_wanted():
            head = process.stdout.read(_LENGTH_BYTES)
            n_bytes = int.from_bytes(head, "little")
            frame = process.stdout.read(n_bytes)
            if len(head) < _LENGTH_BYTES or len(frame) < n_bytes:
                end = f"{snapshot.name}: the process that reads it ended early ({_how(process)}); run again"
                yield Window(broken=SnapshotError(end))
                return
            if not n_bytes:
                return
            yield _unpacked(frame)
        raise Stopped
    finally:
        process.kill()
        process.stdout.close()
        process.wait()


def _how(process: subprocess.Popen[bytes]) -> str:
    status = process.wait()
    return f"killed by {signal.Signals(-status).name}" if status < 0 else f"exit status {status}"


def main() -> None:
    """The process: windows to standard output, each with its length before it, and a length of 0 at the end."""
    signal.signal(signal.SIGPIPE, signal.SIG_DFL)  # when nobody reads any more, it ends
    order = json.loads(sys.argv[1])
    out = sys.stdout.buffer
    with Snapshot(order["source"]) as snapshot:
        found = windows(snapshot, category_filter(order["category"]), **order["options"])
        for frame in read_ahead(map(_packed, found), _PROCESS_AHEAD):
            _send(out, frame)
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
