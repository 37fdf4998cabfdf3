"""8-bit codes of segments: an eighth of the bytes to scan, and what a row scores at most by them.

A row is coded by its coordinates along the directions in which the rows of the index are longest, and by the length of
the rest of it. To the score of two vectors their rests add at most the product of their lengths (Cauchy-Schwarz), so
the product of such coordinates is no less than the score. The coordinates are rotated, so that none is much larger than
the others, and rounded to whole numbers of 8 bits, and so are those of a query: FAISS multiplies the numbers as they
are, where it makes floats of other codes first. What rounding takes from a product is at most the length of what was
rounded away, by Cauchy-Schwarz again.
"""

from __future__ import annotations

import os
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Any

import faiss
import numpy as np
import numpy.typing as npt

from lunacy.arrays import Scores, Vectors
from lunacy.derived import once_per_view
from lunacy.derived.faiss_threads import in_threads, one_thread_each
from lunacy.progress import Progress, Report
from lunacy.readahead import read_in_order
from lunacy.store import Cache, Changes, OpenSegment, Segment, View, caches
from lunacy.store.segments import UNIT_TOLERANCE

KIND = "codes"
LEAST_ROWS = 200_000  # with fewer, a flat scan takes some 10 ms, and codes cost every update more than they save
LEAST_SEGMENT = 4096  # rows; smaller ones will soon be merged
_SAMPLED = 8192  # rows in which the directions are looked for
_REST = 0.1  # of the rows' squared lengths is in the rest, at most: some hundred rows then need their own vectors
_MULTIPLE = 32  # of as many coordinates, FAISS multiplies whole numbers
_MOST = 0.75  # of the dimensions: where more are needed, all are taken, and there is no rest
_ROUNDING = 1e-6  # more than float32 takes from the squared length of a vector of length 1


@dataclass(frozen=True, slots=True)
class Coded:
    """Queries, rounded as the codes of rows are: the same for all segments."""

    coordinates: Vectors  # (q, n) whole numbers
    scale: Scores  # (q,): they are coordinates times that, rounded
    length: Scores  # (q,): the norms of (coordinates / scale)
    off: Scores  # (q,): the norms of what was rounded away


@dataclass(frozen=True, slots=True)
class Codes:
    """The codes of a segment, memory-mapped; positions are those of the segment."""

    index: faiss.Index  # of whole numbers
    axes: Vectors  # (n, dim + 1), for all segments: what each coordinate takes of a vector, and of its rest's length
    scale: float  # a code is a coordinate times that, rounded
    off: float  # the largest norm of (coordinates - code / scale)

    def most(self, coded: Coded, products: npt.NDArray[Any]) -> Scores:
        """What rows score at most whose codes have (q, c) `products` with the queries'."""
        unit = 1 / (self.scale * coded.scale)
        off = coded.length * self.off + coded.off * (1 + UNIT_TOLERANCE)
        scores: Scores = products * unit[:, None] + off[:, None]
        return scores


def code(queries: Vectors, axes: Vectors) -> Coded:
    """The codes of (q, dim) float32 queries, which are few."""
    leading = np.vecdot(queries[:, None], axes[:, :-1])  # (q, n), by no threads of BLAS
    exact = _with_rest(leading, queries, axes)
    scale = 127 / np.maximum(np.abs(exact).max(axis=1, keepdims=True), np.finfo(np.float32).tiny)  # (q, 1)
    coordinates = np.rint(exact * scale)
    length, off = (np.linalg.norm(of, axis=1) for of in (coordinates / scale, exact - coordinates / scale))
    return Coded(coordinates.astype(np.float32), scale[:, 0], length, off)


def _with_rest(leading: Vectors, vectors: Vectors, axes: Vectors) -> Scores:
    """The coordinates of (n, dim) vectors, of which `leading` holds what is not the rest: (n, n_axes).

    The rest is taken a little longer, so that no rounding makes it shorter than it is.
    """
    lengths = [np.einsum("ij,ij->i", of, of, dtype=np.float64) for of in (vectors, leading)]
    rest = np.sqrt(np.maximum((1 + _ROUNDING) * lengths[0] - lengths[1], 0))
    coordinates: Scores = leading + rest[:, None] * axes[:, -1]
    return coordinates


@once_per_view
def open_codes(view: View) -> dict[int, Codes]:
    """The codes of those segments that have them, by the number of the segment."""
    opened = {}
    mine = [cache for cache in view.caches if cache.kind == KIND]
    if (axes := _axes_of(mine, view)) is not None:
        for cache in mine:
            if cache.segments and is_current(cache, view):
                index: Any = faiss.read_index(os.fspath(_path(view, cache)), faiss.IO_FLAG_MMAP_IFC)
                read_in_order(faiss.rev_swig_ptr(index.codes.data(), index.codes.size()))
                opened[cache.segments[0][0]] = Codes(index, axes, cache.facts["scale"], cache.facts["off"])
    return opened


def is_current(cache: Cache, view: View) -> bool:
    """Whether the segment that it was made from is there, and its axes; these were made from none."""
    if cache.segments:
        is_made = any(cache.is_made_from([segment]) for segment in view.stored_segments)
        has_facts = all(isinstance(cache.facts.get(fact), float) for fact in ("scale", "off"))
        has_axes = any(other.name == cache.facts.get("axes") for other in view.caches)
        if not (is_made and has_facts and has_axes):
            return False
    return caches.path_of(view.folder, cache) is not None


def _path(view: View, cache: Cache) -> Path:
    return view.folder / caches.FOLDER_NAME / cache.name


def _axes_of(mine: Sequence[Cache], view: View) -> Vectors | None:
    """The axes of all codes: (n, dim + 1)."""
    kept = [cache for cache in mine if not cache.segments and is_current(cache, view)]
    return np.load(_path(view, kept[0])) if kept else None


def make(view: View, before: Sequence[Cache], since: Changes | None, progress: Report) -> list[Cache]:  # noqa: ARG001 (segments do not change)
    """The codes of every segment of at least LEAST_SEGMENT rows, and before them their axes."""
    kept = [one for one in before if is_current(one, view)]
    found = _axes_of(kept, view)
    if found is None or not any(one.segments for one in kept):
        kept, found = [], None
    have = {one.segments for one in kept}
    lacking = [
        one for one in view.stored_segments if one.n_rows >= LEAST_SEGMENT and ((one.number, one.sha256),) not in have
    ]
    if not lacking:
        return kept
    progress(Progress("making 8-bit codes"))
    with one_thread_each():
        axes = _find_axes(view, lacking) if found is None else found
        kept = kept or [_add_axes(view, axes)]
        return kept + in_threads(partial(_make, view, axes, kept[0].name), lacking)


def _make(view: View, axes: Vectors, name: str, segment: Segment) -> Cache:
    return caches.add(
        view.folder,
        KIND,
        f"{KIND}-{segment.number:08d}",
        [segment],
        size_bytes=segment.n_rows * len(axes),
        write=partial(_write, view, axes, name, segment),
    )


def _write(view: View, axes: Vectors, name: str, of: Segment, path: Path) -> tuple[int, dict[str, Any]]:
    """Write the codes of a segment; the size of the file's head, and its facts. `name`: of the axes."""
    segment = OpenSegment(view.folder, of, view.fingerprint.dim)  # mapped for this only: what is read goes with it
    scale = 127 / max(float(np.abs(block).max()) for block in _coordinates(segment, axes))
    index: Any = faiss.IndexScalarQuantizer(
        len(axes), faiss.ScalarQuantizer.QT_8bit_direct_signed, faiss.METRIC_INNER_PRODUCT
    )
    off = 0.0
    for coordinates in _coordinates(segment, axes):
        codes = np.rint(coordinates * scale)
        index.add(codes.astype(np.float32))
        off = max(off, float(np.linalg.norm(coordinates - codes / scale, axis=1).max()))
    faiss.write_index(index, os.fspath(path))
    return path.stat().st_size - of.n_rows * len(axes), {"axes": name, "scale": scale, "off": off}


def _coordinates(segment: OpenSegment, axes: Vectors) -> Iterator[Scores]:
    """Of all rows, block by block: (b, n)."""
    for _start, block in segment.blocks():
        yield _with_rest(block @ axes[:, :-1].T, block, axes)


def _add_axes(view: View, axes: Vectors) -> Cache:
    def write(path: Path) -> tuple[int, dict[str, Any]]:
        with path.open("wb") as file:
            np.save(file, axes)
        return path.stat().st_size, {}

    return caches.add(view.folder, KIND, "axes", [], size_bytes=axes.nbytes, write=write)


def _find_axes(view: View, segments: Sequence[Segment]) -> Vectors:
    """What each coordinate takes of a vector, and of the length of its rest, for rows like those of `segments`."""
    step = max(1, sum(segment.n_rows for segment in segments) // _SAMPLED)
    opened = (OpenSegment(view.folder, segment, view.fingerprint.dim) for segment in segments)
    rows = np.concatenate([segment.vectors(np.arange(0, segment.segment.n_rows, step)) for segment in opened])
    dim = rows.shape[1]
    values, directions = np.linalg.eigh((rows.T @ rows).astype(np.float64))  # ascending
    n_leading = dim - int(np.searchsorted(np.cumsum(values), _REST * values.sum()))
    n = -(-(n_leading + 1) // _MULTIPLE) * _MULTIPLE
    if n > _MOST * dim:
        axes = np.hstack([_rotation(dim), np.zeros((dim, 1))])
    else:
        rotation = _rotation(n)
        axes = np.hstack([rotation[:, 1:] @ directions[:, dim - n + 1 :].T, rotation[:, :1]])
    return axes.astype(np.float32)


def _rotation(n: int) -> Scores:
    """(n, n), orthogonal."""
    rotation: Scores = np.linalg.qr(np.random.default_rng(0).standard_normal((n, n)))[0]
    return rotation
