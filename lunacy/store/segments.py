"""Segments: immutable FAISS `IndexFlatIP` files of unit float32 rows, streamed to disk and memory-mapped.

The file is FAISS' own format (`write_index_header` and `WRITEXBVECTOR` in faiss/impl/index_write.cpp), so that any
FAISS program can open it. We write it ourselves because `faiss.write_index` needs all rows in memory, and we compare
size and header before FAISS reads one, because a forged header makes FAISS crash. Two fields of the header that FAISS
writes and never looks at say that it is ours, with its number and the mark of its index: so we know our own files.
"""

from __future__ import annotations

import hashlib
import os
import stat
import struct
from collections.abc import Iterator, Sequence
from contextlib import suppress
from dataclasses import dataclass
from itertools import count
from pathlib import Path
from typing import Any

import faiss
import numpy as np

from lunacy.arrays import NONE, Rows, Vectors
from lunacy.atomic import part_name
from lunacy.errors import IndexDamaged, StoreError, VectorsError
from lunacy.readahead import read_in_order
from lunacy.store.files import begin_of
from lunacy.store.own_database import see_verify

UNIT_TOLERANCE = 1e-3  # of a row's norm
_HEADER = struct.Struct("<4siq4sI8sBiQ")  # fourcc, dim, n, ours, number, mark, trained, metric (0: product), floats
_OURS, _MARK = b"luna", slice(24, 32)  # of the header
_BLOCK_BYTES = 2**22
_MUCH = 1 / 16  # of the rows: reading all in order takes a disk less time than as many pages here and there


def segment_name(number: int) -> str:
    """The file's name in the index folder."""
    return f"segment-{number:08d}.faiss"


def _header(n_rows: int, dim: int, number: int, mark: bytes) -> bytes:
    return _HEADER.pack(b"IxFI", dim, n_rows, _OURS, number, mark, 1, 0, n_rows * dim)


def mark_of(path: Path) -> bytes | None:
    """The mark of the index whose segment a file is; None for any file but one of ours under its own name."""
    header = begin_of(path, _HEADER.size)
    if len(header) < _HEADER.size:
        return None
    _fourcc, _dim, _n, ours, number, mark, *_ = _HEADER.unpack(header)
    return bytes(mark) if ours == _OURS and path.name == segment_name(number) else None


@dataclass(frozen=True, slots=True)
class Segment:
    """What the database says of a segment: it holds the rows `first_row` to `end_row` - 1."""

    number: int
    first_row: int
    n_rows: int
    size_bytes: int
    sha256: str

    @property
    def name(self) -> str:
        """The file's name in the index folder."""
        return segment_name(self.number)

    @property
    def end_row(self) -> int:
        """The row behind its last one."""
        return self.first_row + self.n_rows

    def positions(self, rows: Rows) -> Rows:
        """Which of `rows`, ascending, are its own, as positions in it."""
        return rows[slice(*np.searchsorted(rows, (self.first_row, self.end_row)))] - self.first_row


def require_unit_rows(vectors: Vectors, dim: int, ids: Sequence[str]) -> None:
    """Raises VectorsError, naming the paper, unless there is a float32 vector of length 1 for each of `ids`."""
    if vectors.shape != (shape := (len(ids), dim)) or vectors.dtype != np.float32:
        raise VectorsError(f"{vectors.dtype} {vectors.shape} came as vectors of papers; float32 {shape} is needed")
    with np.errstate(all="ignore"):
        norms = np.sqrt(np.einsum("ij,ij->i", vectors, vectors))  # (n,)
    if len(wrong := np.flatnonzero(~(np.abs(norms - 1) < UNIT_TOLERANCE))):
        paper, norm = ids[int(wrong[0])], norms[wrong[0]]
        raise VectorsError(f"the vector of {paper} has the length {norm:.4g}, and 1 is needed; was it normalised?")


class SegmentWriter:
    """A segment in the making: rows stream to disk, the header comes last, and then the name."""

    def __init__(self, folder: Path, number: int, dim: int, mark: bytes) -> None:
        """`number`: the least that it may have. `mark`: the index's, 8 bytes."""
        self.path = folder / part_name("segment")
        self.n_rows = 0
        self._number, self._dim, self._mark = number, dim, mark
        self._file = self.path.open("xb+")
        try:
            self._file.write(bytes(_HEADER.size))
        except BaseException:
            self.discard()
            raise

    def append(self, vectors: Vectors) -> None:
        """Add rows: (n, dim) float32, unit. Raises VectorsError for rows of another shape or type."""
        if vectors.shape[1:] != (self._dim,) or vectors.dtype != np.float32:
            raise VectorsError(
                f"vectors of {vectors.dtype} {vectors.shape} do not go into an index of {self._dim} dimensions; "
                "(n, dim) float32 is needed"
            )
        self._file.write(np.ascontiguousarray(vectors).data)
        self.n_rows += len(vectors)

    def finish(self, first_row: int) -> Segment:
        """Write the header, flush all to disk, give it its name, and say what the database must know.

        It gets the first number whose name is free: a file that stands there is not ours.
        """
        number = next(n for n in count(self._number) if not os.path.lexists(self.path.with_name(segment_name(n))))
        self._file.seek(0)
        self._file.write(_header(self.n_rows, self._dim, number, self._mark))
        self._file.flush()
        os.fsync(self._file.fileno())
        self._file.seek(0)
        sha256 = hashlib.file_digest(self._file, "sha256").hexdigest()
        size_bytes = self._file.tell()
        self._file.close()
        os.rename(self.path, self.path.with_name(segment_name(number)))
        return Segment(number, first_row, self.n_rows, size_bytes, sha256)

    def discard(self) -> None:
        """Give it up and remove the file."""
        with suppress(OSError):  # closing writes what is buffered, and may fail like any write
            self._file.close()
        with suppress(OSError):  # what cannot be removed is garbage, which the next writer removes
            self.path.unlink(missing_ok=True)


class OpenSegment:
    """A segment, memory-mapped: the FAISS index that searches it, and its rows, (n_rows, dim) float32."""

    def __init__(self, folder: Path, segment: Segment, dim: int, dead: Rows = NONE, withdrawn: Rows = NONE) -> None:
        """Map the file. `dead`, `withdrawn`: its positions, ascending, that no paper has, and of withdrawn papers.

        Raises FileNotFoundError, and IndexDamaged when it is not what the database says.
        """
        path = folder / segment.name
        check_shape(path, segment, dim)
        self.segment = segment
        self.dead = dead
        self.dead_or_withdrawn = dead
        if len(withdrawn):  # by a mask: the first call of `np.union1d` takes 20 ms
            is_either = np.zeros(segment.n_rows, np.bool_)
            is_either[dead] = is_either[withdrawn] = True
            self.dead_or_withdrawn = np.flatnonzero(is_either)
        try:
            self.index: faiss.Index = faiss.read_index(os.fspath(path), faiss.IO_FLAG_MMAP_IFC)
        except RuntimeError as error:  # FAISS' own errors; the file's shape is right
            path.stat()  # FileNotFoundError: merged away just now
            reason = " ".join(str(error).rpartition("failed: ")[2].split())  # without the place in FAISS' source
            hint = "is there enough memory, and of addresses? ulimit -v tells their limit"
            raise StoreError(f"{path.name} cannot be mapped into memory: {reason}", where=folder, hint=hint) from None
        # by NumPy, not by FAISS' own ways to copy rows: these start threads of OpenMP, and hang in a forked child
        flat: Any = self.index
        self.rows: Vectors = faiss.rev_swig_ptr(flat.get_xb(), segment.n_rows * dim).reshape(segment.n_rows, dim)

    @property
    def n_live(self) -> int:
        """How many of its rows have a paper."""
        return self.segment.n_rows - len(self.dead)

    @property
    def live(self) -> Rows:
        """The positions that have a paper, ascending."""
        return np.delete(np.arange(self.segment.n_rows), self.dead)

    def vectors(self, positions: Rows) -> Vectors:
        """The rows at `positions` (0 is the segment's first): (n, dim) float32."""
        is_much = len(positions) > _MUCH * len(self.rows)
        return (self.in_order() if is_much else self.rows)[positions]

    def in_order(self) -> Vectors:
        """All rows, (n_rows, dim) float32, for one who reads them from the first to the last."""
        read_in_order(self.rows)
        return self.rows

    def blocks(self) -> Iterator[tuple[int, Vectors]]:
        """All rows in order, copied block by block: (first position, (n, dim) float32)."""
        step, rows = max(1, _BLOCK_BYTES // (4 * self.index.d)), self.in_order()
        for start in range(0, len(rows), step):
            yield start, rows[start : start + step].copy()


def check_shape(path: Path, segment: Segment, dim: int) -> None:
    """Size and header are what the database says, so that FAISS may read the file. Raises IndexDamaged if not."""
    if not stat.S_ISREG(path.stat().st_mode):
        raise IndexDamaged(f"{path.name} is no plain file", where=path.parent, hint=see_verify(path.parent))
    with path.open("rb") as file:
        header = file.read(_HEADER.size)
        size_bytes = os.fstat(file.fileno()).st_size
    wanted_bytes = _HEADER.size + 4 * segment.n_rows * dim
    if not size_bytes == segment.size_bytes == wanted_bytes:
        sizes = f"{size_bytes:,} bytes, should be {wanted_bytes:,}"
        raise IndexDamaged(f"{path.name}: {sizes}", where=path.parent, hint=see_verify(path.parent))
    mark = header[_MARK].ljust(8)  # whatever it is: `verify` compares the whole file
    if header != _header(segment.n_rows, dim, segment.number, mark):
        raise IndexDamaged(
            f"{path.name}: its header does not match papers.db", where=path.parent, hint=see_verify(path.parent)
        )
