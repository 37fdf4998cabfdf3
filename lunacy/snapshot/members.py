"""Decompressing streams: all members of a packed file, one behind another.

There may be zeros between and behind them, as tapes leave them. Anything else behind a member is damage, as an end
before its end is: the readers that Python has for bzip2, xz and zstd pass over it.
"""

from __future__ import annotations

import io
from collections.abc import Callable
from typing import Any

CHUNK_BYTES = 2**20
_PACKED_BYTES = 2**17  # read at a time


class Members(io.RawIOBase):
    """The text of all members of a packed file. It goes back by beginning again, for a tar that is packed."""

    def __init__(self, file: io.BufferedReader[Any], make: Callable[[], Any]) -> None:
        """`make`: a decompressor of a member, as `bz2` has it."""
        self._file = file
        self._make = make
        self._start = file.tell() if file.seekable() else 0
        self._rewind()

    def _rewind(self) -> None:
        self._decompressor = self._make()
        self._place = 0

    def readable(self) -> bool:
        return True

    def seekable(self) -> bool:
        return self._file.seekable()

    def tell(self) -> int:
        return self._place

    def seek(self, place: int, whence: int = io.SEEK_SET) -> int:
        """Of a place from the end nobody asks."""
        place += self._place if whence == io.SEEK_CUR else 0
        if place < self._place:
            self._file.seek(self._start)
            self._rewind()
        while self._place < place and self._read(min(CHUNK_BYTES, place - self._place)):
            pass
        return self._place

    def readinto(self, buffer: Any) -> int:
        piece = self._read(len(buffer))
        buffer[: len(piece)] = piece
        return len(piece)

    def _read(self, size: int) -> bytes:
        piece = b""
        while not piece:
            packed, is_whole = b"", True
            if self._decompressor.eof:
                packed = self._decompressor.unused_data.lstrip(b"\0")
                while not packed:
                    if not (more := self._file.read1(_PACKED_BYTES)):
                        return b""
                    packed = more.lstrip(b"\0")
                self._decompressor = self._make()
            elif self._decompressor.needs_input:
                packed = self._file.read1(_PACKED_BYTES)
                is_whole = bool(packed)
            piece = self._decompressor.decompress(packed, size)
            if not (piece or is_whole):
                raise EOFError("it ends before its end-of-stream marker")
        self._place += len(piece)
        return piece


class _Pieces(io.RawIOBase):
    """A decompressing stream, read piece by piece: where it breaks off, what came before has been handed on."""

    def __init__(self, stream: Any, seekable: bool) -> None:
        self._stream = stream
        self._seekable = seekable

    def readable(self) -> bool:
        return True

    def seekable(self) -> bool:
        return self._seekable

    def tell(self) -> int:
        return int(self._stream.tell())

    def seek(self, place: int, whence: int = io.SEEK_SET) -> int:
        return int(self._stream.seek(place, whence))

    def readinto(self, buffer: Any) -> int:
        piece = self._stream.read1(len(buffer))
        buffer[: len(piece)] = piece
        return len(piece)


def buffered(stream: Any, *, seekable: bool = True) -> io.BufferedReader[Any]:
    """A stream whose lines are found in C, over big pieces: zipfile's own `readline` is slow, gzip's fetches 8 kB."""
    return io.BufferedReader(_Pieces(stream, seekable), CHUNK_BYTES)
