"""A stream of bytes -> lines: plain or packed, from a file or a pipe."""

from __future__ import annotations

import codecs
import io
import os
import sys
from collections.abc import Callable, Iterator
from importlib.resources import files
from itertools import count
from pathlib import Path
from typing import IO, Any, NamedTuple, cast

from lunacy.errors import SnapshotError
from lunacy.kinds import HEAD_BYTES
from lunacy.snapshot.beginning import why_no_snapshot
from lunacy.snapshot.members import CHUNK_BYTES
from lunacy.snapshot.packing import FAILURES, STRANGE, beginning, packing_of, unpacked

SAMPLE = files("lunacy") / "sample" / "papers.jsonl.zst"
MAX_LINE_BYTES = 16 * 2**20
KEPT_BYTES = 200  # of a bad line
_TOLD_BYTES = 512  # of a pipe, by which its packing is told


class Line(NamedTuple):
    """One line that is not blank."""

    number: int  # from 1, blank lines counted
    offset: int  # in bytes, of its start in the uncompressed snapshot
    raw: bytes  # without its line end; of an overlong line, its beginning
    fault: str = ""  # why this cannot be a paper, as far as it is known without parsing


class Snapshot:
    """An open snapshot: plain, gzip, zstd, bzip2, xz, zip or tar, told by content, or `-` for standard input.

    With no source it is the sample that lunacy ships. Raises SnapshotError when the source cannot be read.
    """

    def __init__(self, source: str | Path | None = None) -> None:
        source = None if source is None else os.path.expanduser(source)
        self.source = source
        self._is_stdin = str(source) == "-"
        self.name = "the sample" if source is None else "standard input" if self._is_stdin else str(source)
        try:
            if self._is_stdin:
                file: io.RawIOBase | IO[bytes] = _own_stdin()
            else:
                file = SAMPLE.open("rb") if source is None else Path(source).open("rb")  # noqa: SIM115 (ours to close)
        except OSError as error:
            raise SnapshotError(f"{self.name}: {error.strerror}; give a file in JSON Lines, or - for a pipe") from None
        self._raw = file
        self._begun: io.BufferedReader[Any] | None = None
        seekable = file.seekable()
        raw = cast(io.RawIOBase, file) if seekable else _Pipe(file)
        self._file: io.BufferedReader[Any] = io.BufferedReader(raw, CHUNK_BYTES)
        self.is_stream = self._is_stdin or not seekable  # its lines can be read only once
        self.size_bytes = self._file.seek(0, io.SEEK_END) if seekable else None
        if seekable:
            self._file.seek(0)
        self.changed_ns = os.fstat(file.fileno()).st_mtime_ns if seekable else None
        self.n_met = 0  # how many lines, blank ones too, `lines` has met

    def __enter__(self) -> Snapshot:
        return self

    def __exit__(self, *exc: object) -> None:
        self._raw.close()  # not `_file`, whose lock a thread may hold that waits for a pipe

    @property
    def position_bytes(self) -> int:
        """How far the file has been read, of `size_bytes`, both compressed where the file is; 0 for a stream."""
        return 0 if self.size_bytes is None else self._file.tell()

    @property
    def is_plain(self) -> bool:
        """Whether it is a file of lines as they are, which can be read from anywhere."""
        if self.is_stream:
            return False
        self._file.seek(0)
        return not packing_of(self._file)

    def check(self) -> None:
        """Raises SnapshotError, saying what it is, where its beginning shows that it is no snapshot."""
        try:
            stream = self._unpacked()
            head = beginning(stream, HEAD_BYTES)
        except FAILURES as error:
            raise self._failure(error, 0) from None
        is_enough = stream.seekable() or stream is self._file or len(head) >= _TOLD_BYTES
        if reason := why_no_snapshot(head, is_enough=is_enough):
            raise SnapshotError(f"{self.name}: {reason}")

    def lines(self, start: int = 0, stop: int | None = None) -> Iterator[Line]:
        """The lines that are not blank. Raises SnapshotError where the file breaks off or is damaged.

        `start`, `stop`: of a plain file those that begin in these bytes, and their numbers begin there too.
        """
        offset = start
        self.n_met = 0
        try:
            stream = self._file if stop is not None else self._unpacked()
            if stop is not None:
                self._file.seek(max(0, start - 1))
            if start:
                offset += _skip_line(stream) - 1  # the line that begins before; of it, at least the byte before `start`
            for number in count(1):
                if stop is not None and offset >= stop:
                    return
                raw = stream.readline(MAX_LINE_BYTES + 1)
                if not raw:
                    return
                self.n_met = number
                begin, offset = offset, offset + len(raw)
                fault = "" if raw.endswith(b"\n") else "cut-off last line: "
                if len(raw) > MAX_LINE_BYTES and fault:
                    fault = f"longer than {MAX_LINE_BYTES:,} bytes"
                    offset += _skip_line(stream)
                    raw = raw[:KEPT_BYTES]
                if begin == 0:
                    raw = raw.removeprefix(codecs.BOM_UTF8)
                raw = raw.strip()
                if raw or fault.startswith("longer"):
                    yield Line(number, begin, raw, fault)
        except FAILURES as error:
            raise self._failure(error, offset) from None

    def _unpacked(self) -> io.BufferedReader[Any]:
        """The text from its beginning; of a pipe, from where it has been read to."""
        if self._begun is None or self.size_bytes is not None:
            if self.size_bytes is not None:
                self._file.seek(0)
            self._begun = unpacked(self._file, self.name)
        return self._begun

    def _failure(self, error: Exception, offset: int) -> SnapshotError:
        if isinstance(error, STRANGE):
            return SnapshotError(f"{self.name}: cannot be unpacked here ({error}); unpack it first")
        if isinstance(error, MemoryError) or "not enough memory" in str(error):  # as zstd says it
            return SnapshotError(f"{self.name}: there is too little memory to unpack it here; unpack it first")
        if isinstance(error, OSError) and error.errno is not None:
            return SnapshotError(f"{self.name}: {error.strerror} after byte {offset:,} of its text")
        why = str(error)[:200]  # zipfile quotes names, which are of any length
        return SnapshotError(f"{self.name}: damaged or cut off after byte {offset:,} of its text: {why}")


class _Pipe(io.RawIOBase):
    """A pipe whose first bytes come together, so many that its packing can be told, unless it begins like JSON."""

    def __init__(self, file: Any) -> None:
        self._read: Callable[[int], bytes] = getattr(file, "read1", file.read)
        self._is_begun = False

    def readable(self) -> bool:
        return True

    def readinto(self, buffer: Any) -> int:
        piece = self._read(len(buffer))
        while not self._is_begun and len(piece) < _TOLD_BYTES and not piece.lstrip().startswith(b"{"):
            self._is_begun = not (more := self._read(len(buffer) - len(piece)))
            piece += more
        self._is_begun = True
        buffer[: len(piece)] = piece
        return len(piece)


def _own_stdin() -> io.RawIOBase:
    """Standard input without Python's buffer, whose lock a waiting thread would hold at the end of the process."""
    if sys.stdin is None:
        raise SnapshotError("standard input is closed; give a file, or pipe a snapshot in")
    try:
        return open(os.dup(sys.stdin.fileno()), "rb", buffering=0)
    except io.UnsupportedOperation:  # not a real file: somebody replaced sys.stdin
        return _Pipe(sys.stdin.buffer)


def _skip_line(stream: io.BufferedReader[Any]) -> int:
    """Reads to the end of the line; how many bytes that was."""
    skipped = 0
    while piece := stream.readline(CHUNK_BYTES):
        skipped += len(piece)
        if piece.endswith(b"\n"):
            break
    return skipped
