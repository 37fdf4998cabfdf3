"""8-bit codes of a segment: a quarter of the bytes to scan, and how far a score by them can be off.

For a unit query, the score of a row and that of its code differ by at most the norm of (row - decoded code)
(Cauchy-Schwarz), so the largest such norm in the segment turns a score by code into an upper limit of the true one.
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

from lunacy.derived import once_per_view
from lunacy.derived.faiss_threads import in_threads
from lunacy.progress import Progress, Report
from lunacy.readahead import read_in_order
from lunacy.store import Cache, Changes, OpenSegment, Segment, View, caches

KIND = "codes"
LEAST_ROWS = 200_000  # with fewer, a flat scan takes some 10 ms, and codes cost every update more than they save
LEAST_SEGMENT = 4096  # rows; smaller ones will soon be merged


@dataclass(frozen=True, slots=True)
class Codes:
    """The codes of a segment, memory-mapped; positions are those of the segment."""

    index: faiss.Index
    bound: float  # the largest norm of (row - decoded code)


@once_per_view
def open_codes(view: View) -> dict[int, Codes]:
    """The codes of those segments that have them, by the number of the segment."""
    opened = {}
    for cache in view.caches:
        if cache.kind == KIND and is_current(cache, view):
            path = view.folder / caches.FOLDER_NAME / cache.name
            index: Any = faiss.read_index(os.fspath(path), faiss.IO_FLAG_MMAP_IFC)
            read_in_order(faiss.rev_swig_ptr(index.codes.data(), index.codes.size()))
            opened[cache.segments[0][0]] = Codes(index, cache.facts["bound"])
    return opened


def is_current(cache: Cache, view: View) -> bool:
    """Whether the segment that it was made from is there."""
    is_made = any(cache.is_made_from([segment]) for segment in view.stored_segments)
    return is_made and isinstance(cache.facts.get("bound"), float) and caches.path_of(view.folder, cache) is not None


def make(view: View, before: Sequence[Cache], since: Changes | None, progress: Report) -> list[Cache]:  # noqa: ARG001 (segments do not change)
    """The codes of every segment of at least LEAST_SEGMENT rows."""
    kept = [one for one in before if is_current(one, view)]
    have = {one.segments for one in kept}
    lacking = [
        one for one in view.stored_segments if one.n_rows >= LEAST_SEGMENT and ((one.number, one.sha256),) not in have
    ]
    if lacking:
        progress(Progress("making 8-bit codes"))
    return kept + in_threads(partial(_make, view), lacking)


def _make(view: View, segment: Segment) -> Cache:
    return caches.add(
        view.folder,
        KIND,
        f"{KIND}-{segment.number:08d}",
        [segment],
        size_bytes=segment.n_rows * view.fingerprint.dim,
        write=partial(_write, view, segment),
    )


def _write(view: View, of: Segment, path: Path) -> tuple[int, dict[str, Any]]:
    """Write the codes of a segment; the size of the file's head, and its facts."""
    segment = OpenSegment(view.folder, of, view.fingerprint.dim)  # mapped for this only: what is read goes with it
    dim = view.fingerprint.dim
    index = faiss.IndexScalarQuantizer(dim, faiss.ScalarQuantizer.QT_8bit_uniform, faiss.METRIC_INNER_PRODUCT)
    extremes = np.array([(block.min(), block.max()) for _start, block in segment.blocks()])  # (blocks, 2)
    least, most = extremes[:, 0].min(), extremes[:, 1].max()
    index.train(np.repeat(np.array([[least], [most]], np.float32), dim, axis=1))  # all that training looks at
    for _start, block in segment.blocks():
        index.add(block)
    bound = max(_residuals(segment, index))
    faiss.write_index(index, os.fspath(path))
    return path.stat().st_size - segment.segment.n_rows * dim, {"bound": bound}


def _residuals(segment: OpenSegment, index: faiss.Index) -> Iterator[float]:
    for start, block in segment.blocks():
        residual = block.astype(np.float64) - index.reconstruct_n(start, len(block))  # (n, dim)
        yield float(np.sqrt(np.einsum("ij,ij->i", residual, residual)).max())
