"""What a person sees who waits: commands on a terminal of 80 and of 120 columns, recorded as (time, bytes).

    python -m tests.bench.terminal [N] [FOLDER]

For each command: when the first line was seen, the longest time without a change, the widest line, and what stands on
the screen at the end. The index is of the first N papers of the sample (2,000). FOLDER
keeps the recordings, a JSON line for each piece of output.
"""

from __future__ import annotations

import fcntl
import os
import pty
import re
import select
import struct
import sys
import tempfile
import termios
import time
from collections.abc import Callable
from dataclasses import dataclass, field
from itertools import islice, pairwise
from pathlib import Path

import orjson

from lunacy.snapshot import Snapshot
from tests.conftest import lines, record

LUNACY = [sys.executable, "-m", "lunacy"]
ROWS = 24
FIRST = "hep-th/9108006"  # of the sample
_PIECE = re.compile(r"\x1b\[([\d;?]*)([a-zA-Z])|\x1b\].*?(?:\x07|\x1b\\)|[\r\n\b]|[^\x1b\r\n\b]", re.DOTALL)


class Screen:
    """A terminal that knows what lunacy uses: returns, line feeds, erasing to the end of a line, wrapping."""

    def __init__(self, columns: int) -> None:
        self._columns = columns
        self._lines: list[list[str]] = [[]]
        self._at = 0  # column of the cursor
        self.has_wrapped = False

    def feed(self, text: str) -> None:
        """Show more output."""
        for found in _PIECE.finditer(text):
            piece = found[0]
            if piece == "\r":
                self._at = 0
            elif piece == "\n":
                self._lines.append([])
                self._at = 0
            elif piece == "\b":
                self._at = max(0, self._at - 1)
            elif piece.startswith("\x1b"):
                if found[2] == "K":
                    del self._lines[-1][self._at :]
            else:
                self._put(piece)

    def _put(self, letter: str) -> None:
        if self._at == self._columns:
            self._lines.append([])
            self._at, self.has_wrapped = 0, True
        line = self._lines[-1]
        line[self._at : self._at + 1] = [letter]
        self._at += 1

    @property
    def text(self) -> str:
        """What can be read."""
        return "\n".join("".join(line).rstrip() for line in self._lines).strip("\n")


@dataclass
class Session:
    """A command on a terminal."""

    columns: int
    pieces: list[tuple[float, bytes]] = field(default_factory=list)  # seconds since the start, output
    changes_s: list[float] = field(default_factory=list)  # when the screen changed
    end_s: float = 0.0
    status: int = 0
    screen: Screen = field(init=False)

    def __post_init__(self) -> None:
        self.screen = Screen(self.columns)

    def run(self, command: list[str], folder: Path, key: Callable[[str, float], bytes] = lambda _text, _s: b"") -> None:
        """Run `command` in `folder`; `key` says what is typed, given the screen and the time."""
        started = time.monotonic()
        child, terminal = pty.fork()
        if not child:
            fcntl.ioctl(0, termios.TIOCSWINSZ, struct.pack("HHHH", ROWS, self.columns, 0, 0))
            os.chdir(folder)
            os.execvpe(command[0], command, {**os.environ, "TERM": "xterm"})
        seen = ""
        while True:
            if typed := key(seen, time.monotonic() - started):
                os.write(terminal, typed)
            if not select.select([terminal], [], [], 0.05)[0]:
                continue
            try:
                piece = os.read(terminal, 2**16)
            except OSError:  # the end of a terminal
                piece = b""
            now = time.monotonic() - started
            if not piece:
                break
            self.pieces.append((now, piece))
            self.screen.feed(piece.decode(errors="replace"))
            if self.screen.text != seen:
                seen = self.screen.text
                self.changes_s.append(now)
        _pid, status = os.waitpid(child, 0)
        self.end_s, self.status = time.monotonic() - started, os.waitstatus_to_exitcode(status)

    @property
    def longest_gap_s(self) -> float:
        """The longest time without a change."""
        moments = [0.0, *self.changes_s, self.end_s]
        return max(after - before for before, after in pairwise(moments))

    def report(self, name: str) -> str:
        """A line of figures, and the last lines of the screen."""
        first = f"{self.changes_s[0]:.2f} s" if self.changes_s else "never"
        head = (
            f"{name} ({self.columns} columns): first line after {first}, longest time without a change "
            f"{self.longest_gap_s:.2f} s, {self.end_s:.1f} s in all, exit {self.status}"
            + (", WRAPPED" if self.screen.has_wrapped else "")
        )
        return "\n".join([head, *(f"    | {line}" for line in self.screen.text.splitlines()[-8:])])


class CtrlC:
    """Ctrl-C, some seconds after the embedding began."""

    def __init__(self, after_s: float) -> None:
        self._after_s = after_s
        self._began_s: float | None = None

    def __call__(self, text: str, now_s: float) -> bytes:
        """What is typed, given the screen."""
        if self._began_s is None and "embedding" in text:
            self._began_s = now_s
        if self._began_s is None or now_s < self._began_s + self._after_s:
            return b""
        self._after_s = float("inf")
        return b"\x03"


def main() -> None:
    """Record all, and print the figures."""
    n_papers = int(sys.argv[1]) if len(sys.argv) > 1 else 2000
    kept = Path(sys.argv[2]) if len(sys.argv) > 2 else None
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        with Snapshot(None) as sample:
            everything = b"".join(line.raw.rstrip(b"\n") + b"\n" for line in islice(sample.lines(), n_papers))
        (folder / "sample.jsonl").write_bytes(everything)
        (folder / "newer.jsonl").write_bytes(everything + lines([record("2401.00001")]))
        for columns in (80, 120):
            into = f"ix{columns}"
            index = [*LUNACY, "index", "sample.jsonl", "--into", into]
            sessions = {
                "Ctrl-C": (index, CtrlC(5)),
                "index": (index, None),
                "query ID": ([*LUNACY, "query", FIRST, "--top", "2", "--index", into], None),
                "query --text": ([*LUNACY, "query", "--text", "dark matter", "--top", "2", "--index", into], None),
                "update without news": (index, None),
                "update": ([*LUNACY, "index", "newer.jsonl", "--into", into], None),
            }
            for title, (command, key) in sessions.items():
                session = Session(columns)
                session.run(command, folder, key) if key else session.run(command, folder)
                print(f"load {os.getloadavg()[0]:.1f}: {session.report(title)}", flush=True)
                if kept:
                    records = [
                        {"s": round(s, 3), "bytes": piece.decode(errors="replace")} for s, piece in session.pieces
                    ]
                    kept.mkdir(parents=True, exist_ok=True)
                    (kept / f"{title.replace(' ', '-')}-{columns}.jsonl").write_bytes(
                        b"".join(orjson.dumps(one, option=orjson.OPT_APPEND_NEWLINE) for one in records)
                    )


if __name__ == "__main__":
    main()
