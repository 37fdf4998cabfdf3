"""The lines that are no papers, kept beside the index."""

from __future__ import annotations

import os
from pathlib import Path
from typing import IO

import orjson

from lunacy.snapshot.lines import Line

_SHOWN_BYTES = 200  # of a bad line


class Quarantine:
    """The lines that are no papers, in a file beside the index: snapshot, number, offset, reason and its begin.

    The file is made with the first bad line; at `path` there must be none.
    """

    def __init__(self, path: Path) -> None:
        self.path = path
        self.n_lines = 0
        self.first = ""  # where the first bad line is, and why it is one
        self._file: IO[bytes] | None = None

    def add(self, snapshot_name: str, line: Line, reason: str) -> None:
        """Write down one bad line."""
        if self._file is None:
            self._file = self.path.open("xb")
            self.first = f"the first, line {line.number}: {reason}"
        self.n_lines += 1
        entry = {
            "snapshot": os.fsencode(snapshot_name).decode(errors="replace"),
            "line": line.number,
            "offset": line.offset,
            "reason": reason,
            "begins": line.raw[:_SHOWN_BYTES].decode(errors="replace"),
        }
        self._file.write(orjson.dumps(entry, option=orjson.OPT_APPEND_NEWLINE))

    def __enter__(self) -> Quarantine:
        return self

    def __exit__(self, *exc: object) -> None:
        """Close the file."""
        if self._file is not None:
            self._file.close()
