"""arXiv's metadata snapshot (JSON Lines, as Kaggle has it): a stream of bytes -> lines -> papers.

Memory is bounded by the longest line, whatever the file holds. A bad line has a number, an offset and a reason.
"""

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
from dataclasses import dataclass
from datetime import date
from importlib.resources import files
from itertools import count
from pathlib import Path
from sys import intern
from typing import IO, Any, cast

import orjson

from lunacy.errors import SnapshotError
from lunacy.paper import Paper, canonical_id, fold

if sys.version_info >= (3, 14):
    from compression.zstd import ZstdError, ZstdFile
else:
    from backports.zstd import ZstdError, ZstdFile

SAMPLE = files("lunacy") / "sample" / "papers.jsonl.zst"
MAX_LINE_BYTES = 16 * 2**20
_CHUNK_BYTES = 2**20
_SHOWN_BYTES = 200  # of a bad line, in the quarantine
_LONGEST_ID = 200  # characters
_MONTHS = "Jan Feb Mar Apr May Jun Jul Aug Sep Oct Nov Dec".split()
_BROKEN = (EOFError, ZstdError, zlib.error, lzma.LZMAError, gzip.BadGzipFile, zipfile.BadZipFile)
_STRANGE = (NotImplementedError, RuntimeError, UnicodeDecodeError)  # what zipfile raises for a zip it cannot read


class BadLine(Exception):
    """A line that is no paper; the message is the reason."""


@dataclass(frozen=True, slots=True)
class Line:
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

    def __enter__(self) -> Snapshot:
        return self

    def __exit__(self, *exc: object) -> None:
        self._raw.close()  # not `_file`, whose lock a thread may hold that waits for a pipe

    @property
    def position_bytes(self) -> int:
        """How far the file has been read, of `size_bytes`, both compressed where the file is; 0 for a stream."""
        return 0 if self.size_bytes is None else self._file.tell()

    def lines(self) -> Iterator[Line]:
        """The lines that are not blank. Raises SnapshotError where the file breaks off or is damaged."""
        offset = 0
        try:
            if self.size_bytes is not None:
                self._file.seek(0)
            stream = self._uncompressed()
            for number in count(1):
                raw = stream.readline(MAX_LINE_BYTES + 1)
                if not raw:
                    return
                start, offset = offset, offset + len(raw)
                fault = "" if raw.endswith(b"\n") else "cut-off last line: "
                if len(raw) > MAX_LINE_BYTES and fault:
                    fault = f"longer than {MAX_LINE_BYTES:,} bytes"
                    offset += _skip_line(stream)
                    raw = raw[:_SHOWN_BYTES]
                if number == 1:
                    raw = raw.removeprefix(codecs.BOM_UTF8)
                raw = raw.strip()
                if raw or fault.startswith("longer"):
                    yield Line(number, start, raw, fault)
        except _STRANGE as error:
            raise SnapshotError(f"{self.name}: cannot be unpacked here ({error}); unpack it first") from None
        except _BROKEN as error:
            raise SnapshotError(f"{self.name}: damaged or cut off after byte {offset:,} of its text: {error}") from None
        except OSError as error:
            raise SnapshotError(f"{self.name}: {error.strerror or error} after byte {offset:,} of its text") from None

    def _uncompressed(self) -> io.BufferedReader[Any]:
        magic = self._file.peek(4)[:4]
        if magic.startswith(b"\x1f\x8b"):
            return _buffered(gzip.GzipFile(fileobj=self._file))
        if magic == b"\x28\xb5\x2f\xfd" or (magic[1:] == b"\x2a\x4d\x18" and magic[0] >> 4 == 5):  # or a frame to skip
            return _buffered(ZstdFile(self._file))
        if magic == b"PK\x03\x04":
            return self._member()
        return cast(io.BufferedReader, self._file)

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


def parse(line: Line) -> Paper:
    """The paper in `line`, in the schema of the Kaggle arXiv dataset. Raises BadLine with the reason."""
    if line.fault.startswith("longer"):
        raise BadLine(line.fault)
    try:
        record = orjson.loads(line.raw)
    except orjson.JSONDecodeError as error:
        raise BadLine(line.fault + _why_not_json(line.raw, error)) from None
    if not isinstance(record, dict):
        raise BadLine(f"not a JSON object but {_kind(record)}")
    identifier = _text(record, "id", required=True)
    if len(identifier) > _LONGEST_ID or not identifier.isprintable() or " " in identifier:
        raise BadLine("id is not one printable word")
    return Paper(
        id=canonical_id(identifier) or identifier,
        title=_text(record, "title", required=True),
        abstract=_text(record, "abstract", required=True),
        authors=_text(record, "authors"),
        categories=_categories(record.get("categories")),
        submitted=_submitted(record.get("versions")),
        updated=_iso_date(_text(record, "update_date")),
        doi=_text(record, "doi"),
    )


def _why_not_json(raw: bytes, error: orjson.JSONDecodeError) -> str:
    try:
        raw.decode()
    except UnicodeDecodeError as wrong:
        return f"invalid UTF-8 at byte {wrong.start} of the line"
    return f"not JSON: {error.msg} at character {error.pos}"


def _kind(value: Any) -> str:
    kinds = {dict: "an object", list: "a list", str: "text", bool: "true or false", type(None): "null"}
    return kinds.get(type(value), "a number")


def _text(record: dict[str, Any], name: str, *, required: bool = False) -> str:
    value = record.get(name)
    if value is None:
        if required:
            raise BadLine(f"{name} is missing")
        return ""
    if not isinstance(value, str):
        raise BadLine(f"{name} is {_kind(value)}, not text")
    folded = fold(value)
    if required and not folded:
        raise BadLine(f"{name} is empty")
    return folded


def _categories(value: Any) -> tuple[str, ...]:
    if value is None:
        return ()
    if isinstance(value, list) and all(isinstance(one, str) for one in value):  # early versions of the dataset
        value = " ".join(value)
    if not isinstance(value, str):
        raise BadLine(f"categories is {_kind(value)}, not text")
    return tuple(map(intern, value.split()))


def _iso_date(text: str) -> str:
    if not text:
        return ""
    try:
        return date.fromisoformat(text).isoformat()
    except ValueError:
        return ""


def _submitted(versions: Any) -> str:
    """The day of the first version: its `created` is like "Mon, 2 Apr 2007 19:18:42 GMT"."""
    try:
        _weekday, day, month, year = versions[0]["created"].split()[:4]
        return date(int(year), _MONTHS.index(month) + 1, int(day)).isoformat()
    except (TypeError, KeyError, IndexError, ValueError, AttributeError, OverflowError):  # null, or another shape
        return ""


class Quarantine:
    """The lines that are no papers, in a file beside the index: number, offset, reason and how the line begins.

    The file is made anew by each run, with its first bad line.
    """

    def __init__(self, path: Path, snapshot_name: str) -> None:
        self.path = path
        self.n_lines = 0
        self._name = os.fsencode(snapshot_name).decode(errors="replace")
        self._file: IO[bytes] | None = None

    def add(self, line: Line, reason: str) -> None:
        """Write down one bad line."""
        if self._file is None:
            self._file = self.path.open("wb")
        self.n_lines += 1
        entry = {
            "snapshot": self._name,
            "line": line.number,
            "offset": line.offset,
            "reason": reason,
            "begins": line.raw[:_SHOWN_BYTES].decode(errors="replace"),
        }
        self._file.write(orjson.dumps(entry, option=orjson.OPT_APPEND_NEWLINE))

    def __enter__(self) -> Quarantine:
        return self

    def __exit__(self, *exc: object) -> None:
        """Close the file; one that an earlier run left goes if this run had no bad line."""
        if self._file is None:
            self.path.unlink(missing_ok=True)
        else:
            self._file.close()
