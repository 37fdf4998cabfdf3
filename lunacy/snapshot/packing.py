"""A packed file -> its text. Packings are told by their first bytes, and one may be in another: a .tar.gz."""

from __future__ import annotations

import bz2
import gzip
import io
import lzma
import re
import sys
import tarfile
import zipfile
import zlib
from collections.abc import Callable
from functools import partial
from typing import Any

from lunacy.errors import SnapshotError
from lunacy.snapshot.archives import from_tar, from_zip, is_tar
from lunacy.snapshot.members import CHUNK_BYTES, Members, buffered

if sys.version_info >= (3, 14):
    from compression.zstd import DecompressionParameter, ZstdDecompressor, ZstdError
else:
    from backports.zstd import DecompressionParameter, ZstdDecompressor, ZstdError

STRANGE = (NotImplementedError, RuntimeError, UnicodeDecodeError)  # what zipfile raises for a zip it cannot read
FAILURES = (
    *(*STRANGE, OSError, EOFError, MemoryError),
    *(ZstdError, zlib.error, lzma.LZMAError, zipfile.BadZipFile, tarfile.TarError),
)
_HEAD_BYTES = tarfile.BLOCKSIZE
_MOST_LAYERS = 4


def packing_of(stream: io.BufferedReader[Any]) -> str:
    """How the bytes that come next are packed; "" for not at all. They stay to be read."""
    head = beginning(stream, _HEAD_BYTES)
    if head.startswith(b"\x1f\x8b"):
        return "gzip"
    if head.startswith(b"\x28\xb5\x2f\xfd") or re.match(rb"[\x50-\x5f]\x2a\x4d\x18", head):  # or a frame to skip
        return "zstd"
    if re.match(rb"BZh[1-9](1AY&SY|\x17rE8P\x90)", head):
        return "bzip2"
    if head.startswith((b"\xfd7zXZ\x00", b"]\x00\x00")):
        return "xz"
    if head.startswith(b"PK\x03\x04"):
        return "zip"
    return "tar" if is_tar(head) else ""


def beginning(stream: io.BufferedReader[Any], n_bytes: int) -> bytes:
    """The next `n_bytes`, or those before an end or a damage; of a pipe, those that have come. They stay to be read."""
    if not stream.seekable():
        return stream.peek(n_bytes)[:n_bytes]
    place, head = stream.tell(), b""
    try:
        while len(head) < n_bytes and (piece := stream.read1(n_bytes - len(head))):
            head += piece
    except FAILURES:
        if not head:
            raise
    stream.seek(place)
    return head


def unpacked(file: io.BufferedReader[Any], name: str) -> io.BufferedReader[Any]:
    """The text of `file` from its beginning. Raises SnapshotError where it does not hold one snapshot, and FAILURES.

    `name`: how messages call it.
    """
    stream = file
    for _ in range(_MOST_LAYERS):
        packing = packing_of(stream)
        if packing == "gzip":
            stream = buffered(gzip.GzipFile(fileobj=stream), seekable=stream.seekable())
        elif packing in _DECOMPRESSORS:
            stream = io.BufferedReader(Members(stream, _DECOMPRESSORS[packing]), CHUNK_BYTES)
        elif packing in _ARCHIVES and not stream.seekable():
            how = f"unpack it first ({_ARCHIVES[packing]} | ...)"
            raise SnapshotError(f"{name}: a .{packing} cannot be read from a pipe; {how}")
        elif packing == "tar":
            stream = from_tar(stream, name)
        elif packing == "zip" and stream is file:
            stream = from_zip(stream, name)
        else:
            break
    return stream


_ARCHIVES = {"zip": "unzip -p FILE", "tar": "tar -xO -f FILE"}
_WINDOW = DecompressionParameter.window_log_max
_DECOMPRESSORS: dict[str, Callable[[], Any]] = {
    "bzip2": bz2.BZ2Decompressor,
    "xz": lzma.LZMADecompressor,
    "zstd": partial(ZstdDecompressor, options={_WINDOW: _WINDOW.bounds()[1]}),  # zstd --long=31, as far as it goes here
}
