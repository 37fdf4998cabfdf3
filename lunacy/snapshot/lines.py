"""A stream of bytes -> lines: plain, .gz, .zst or .zip, from a file or a pipe."""

from __future__ import annotations

import codecs
import gzip
import io
import lzma
import os
import sys
import zipfile
import zlib
from collections.abc import Iterator
from importlib.resources import files
from itertools import count
from pathlib import Path
from typing import IO, Any, NamedTuple, cast

from lunacy.errors import SnapshotError

if sys.version_info >= (3, 14):
    from compression.zstd import ZstdError, ZstdFile
else:
    from backports.zstd import ZstdError, ZstdFile

SAMPLE = files("lunacy") / "sample" / "papers.jsonl.zst"
MAX_LINE_BYTES = 16 * 2**20
_CHUNK_BYTES = 2**20
_KEPT_BYTES = 200  # of an overlong line
_BROKEN = (EOFError, ZstdError, zlib.error, lzma.LZMAError, gzip.BadGzipFile, zipfile.BadZipFile)
_STRANGE = (NotImplementedError, RuntimeError, UnicodeDecodeError)  # what zipfile raises for a zip it cannot read


class Line(NamedTuple):
    """One line that is not blank."""

    number: int  # from 1, blank lines counted
    offset: int  # in bytes, of its start in the uncompressed snapshot
    raw: bytes  # without its line end; of an overlong line, its beginning
    fault: str = ""  # why this cannot be a paper, as far as it is known without parsing


class Snapshot:
    """An open snapshot: plain, .gz, .zst or .zip, told apart by content, or `-` for standard input.

    With no source it is the sample that lunacy ships. Raises SnapshotError when the source cannot be read.
    """

    def __init__(self, source: str | Path | None = None) -> None:
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
        self._file = io.BufferedReader(cast(io.RawIOBase, file), _CHUNK_BYTES)
        seekable = self._file.seekable()
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
        return not self._packing()

    def lines(self, start: int = 0, stop: int | None = None) -> Iterator[Line]:
        """The lines that are not blank. Raises SnapshotError where the file breaks off or is damaged.

        `start`, `stop`: of a plain file those that begin in these bytes, and their numbers begin there too.
        """
        offset = start
        self.n_met = 0
        try:
            if self.size_bytes is not None:
                self._file.seek(max(0, start - 1))
            stream = cast(io.BufferedReader, self._file) if stop is not None else self._uncompressed()
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
                    raw = raw[:_KEPT_BYTES]
                if begin == 0:
                    raw = raw.removeprefix(codecs.BOM_UTF8)
                raw = raw.strip()
                if raw or fault.startswith("longer"):
                    yield Line(number, begin, raw, fault)
        except _STRANGE as error:
            raise SnapshotError(f"{self.name}: cannot be unpacked here ({error}); unpack it first") from None
        except _BROKEN as error:
            raise SnapshotError(f"{self.name}: damaged or cut off after byte {offset:,} of its text: {error}") from None
        except OSError as error:
            raise SnapshotError(f"{self.name}: {error.strerror or error} after byte {offset:,} of its text") from None

    def _packing(self) -> str:
        magic = self._file.peek(4)[:4]
        if magic.startswith(b"\x1f\x8b"):
            return "gzip"
        if magic == b"\x28\xb5\x2f\xfd" or (magic[1:] == b"\x2a\x4d\x18" and magic[0] >> 4 == 5):  # or a frame to skip
            return "zstd"
        return "zip" if magic == b"PK\x03\x04" else ""

    def _uncompressed(self) -> io.BufferedReader[Any]:
        packing = self._packing()
        if packing == "gzip":
            return _buffered(gzip.GzipFile(fileobj=self._file))
        if packing == "zstd":
            return _buffered(ZstdFile(self._file))
        return self._member() if packing else cast(io.BufferedReader, self._file)

    def _member(self) -> io.BufferedReader:
        if self.size_bytes is None:
            raise SnapshotError(
                f"{self.name}: a .zip cannot be read from a pipe; unpack it first (unzip -p FILE | ...)"
            )
        archive = zipfile.ZipFile(self._file)
        members = [info for info in archive.infolist() if info.filename.endswith((".json", ".jsonl"))]
        members = members or [info for info in archive.infolist() if not info.is_dir()]
        if len(members) != 1:
            names = ", ".join(info.filename for info in members[:5]) or "none"
            raise SnapshotError(f"{self.name}: holds {len(members)} snapshots ({names}); unpack the one you want")
        if members[0].flag_bits & 1:
            raise SnapshotError(f"{self.name}: is encrypted; unpack it first")
        return _buffered(archive.open(members[0]))


class _Pieces(io.RawIOBase):
    """A decompressing stream, read piece by piece: where it breaks off, what came before has been handed on."""

    def __init__(self, stream: Any) -> None:
        self._stream = stream

    def readable(self) -> bool:
        return True

    def readinto(self, buffer: Any) -> int:
        piece = self._stream.read1(len(buffer))
        buffer[: len(piece)] = piece
        return len(piece)


def _buffered(stream: Any) -> io.BufferedReader:
    """A stream whose lines are found in C, over big pieces: zipfile's own `readline` is slow, gzip's fetches 8 kB."""
    return io.BufferedReader(_Pieces(stream), _CHUNK_BYTES)


def _own_stdin() -> io.RawIOBase:
    """Standard input without Python's buffer, whose lock a waiting thread would hold at the end of the process."""
    if sys.stdin is None:
        raise SnapshotError("standard input is closed; give a file, or pipe a snapshot in")
    try:
        return open(os.dup(sys.stdin.fileno()), "rb", buffering=0)
    except io.UnsupportedOperation:  # not a real file: somebody replaced sys.stdin
        return _Pieces(sys.stdin.buffer)


def _skip_line(stream: io.BufferedReader) -> int:
    """Reads to the end of the line; how many bytes that was."""
    skipped = 0
    while piece := stream.readline(_CHUNK_BYTES):
        skipped += len(piece)
        if piece.endswith(b"\n"):
            break
    return skipped
