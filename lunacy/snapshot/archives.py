"""The one snapshot in a zip or a tar."""

from __future__ import annotations

import io
import re
import tarfile
import zipfile
from collections.abc import Sequence
from typing import Any

from lunacy.errors import SnapshotError
from lunacy.snapshot.members import CHUNK_BYTES, buffered

_MOST_FILES = 10_000  # in a tar, whose list is held in memory
_SNAPSHOT = re.compile(r"\.(json|jsonl|ndjson)(\.\w+)?$", re.IGNORECASE)
_HOUSEKEEPING = re.compile(r"(.*/)?(__MACOSX/.*|\.[^/]*|Thumbs\.db|desktop\.ini)", re.IGNORECASE)  # no user's files
_ZIP_END, _ZIP_END_BYTES, _LONGEST_NOTE = b"PK\x05\x06", 22, 2**16


def is_tar(head: bytes) -> bool:
    """Whether `head` is the first block of a tar, which has its own checksum."""
    if len(head) < tarfile.BLOCKSIZE or head.startswith((b"{", b"\0")):
        return False
    try:
        tarfile.TarInfo.frombuf(head[: tarfile.BLOCKSIZE], "utf-8", "surrogateescape")
    except tarfile.HeaderError:
        return False
    return True


def from_tar(stream: io.BufferedReader[Any], name: str) -> io.BufferedReader[Any]:
    """The snapshot in a tar called `name`. Raises SnapshotError unless it holds one, and TarError, EOFError."""
    archive = tarfile.open(fileobj=stream, mode="r:")  # noqa: SIM115 (its stream is closed by whoever opened it)
    found: list[tarfile.TarInfo] = []
    for n_files, info in enumerate(archive):
        if n_files == _MOST_FILES:
            raise SnapshotError(f"{name}: holds more than {_MOST_FILES:,} files; unpack the one you want")
        if info.isfile():
            found.append(info)
    stream.seek(archive.offset)
    if not (block := stream.read(tarfile.BLOCKSIZE)):
        raise EOFError("it ends before its end-of-archive marker")
    while block:
        if block.strip(b"\0"):
            raise tarfile.ReadError("there is something behind its end, perhaps another tar")
        block = stream.read(CHUNK_BYTES)
    return buffered(archive.extractfile(found[_the_one([info.name for info in found], name)]))


def from_zip(file: io.BufferedReader[Any], name: str) -> io.BufferedReader[Any]:
    """The snapshot in a zip called `name`. Raises SnapshotError unless it holds one, and what zipfile raises."""
    size_bytes = file.seek(0, io.SEEK_END)
    file.seek(max(0, size_bytes - _LONGEST_NOTE - _ZIP_END_BYTES))
    tail = file.read()
    archive = zipfile.ZipFile(file)
    found = [info for info in archive.infolist() if not info.filename.endswith("/")]  # is_dir fails without a name
    member = found[_the_one([info.filename for info in found], name)]
    _before, _mark, end = tail.rpartition(_ZIP_END)
    n_noted = int.from_bytes(end[_ZIP_END_BYTES - 6 : _ZIP_END_BYTES - 4], "little")
    if end[_ZIP_END_BYTES - 4 + n_noted :].strip(b"\0"):
        raise zipfile.BadZipFile("there is something behind its end")
    if min(info.header_offset for info in archive.infolist()):
        raise zipfile.BadZipFile("there is something before it, perhaps another zip")
    if member.flag_bits & 1:
        raise SnapshotError(f"{name}: is encrypted; unpack it first")
    return buffered(archive.open(member))


def _the_one(files: Sequence[str], name: str) -> int:
    """The place of the only snapshot among the files of an archive. Raises SnapshotError, naming some."""
    places = [place for place, file in enumerate(files) if not _HOUSEKEEPING.fullmatch(file)]
    places = [place for place in places if _SNAPSHOT.search(files[place])] or places
    if len(places) != 1:
        shown = ", ".join(files[place] for place in places[:5]) or "none"
        raise SnapshotError(f"{name}: holds {len(places)} snapshots ({shown}); unpack the one you want")
    return places[0]
