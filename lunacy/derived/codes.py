"""8-bit codes of a segment: a quarter of the bytes to scan, and how far a score by them can be off.

For a unit query, the score of a row and that of its code differ by at most the norm of (row - decoded code)
(Cauchy-Schwarz), so the largest such norm in the segment turns a score by code into an upper limit of the true one.
"""

from __future__ import annotations

import os
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import faiss
import numpy as np

from lunacy.store import OpenSegment, Segment, View, caches

KIND = "codes"


@dataclass(frozen=True, slots=True)
class Codes:
    """The codes of a segment, memory-mapped; positions are those of the segment."""

    index: faiss.Index
    bound: float  # the largest norm of (row - decoded code)


def open_codes(view: View) -> dict[int, Codes]:
    """The codes of those segments that have them, by the number of the segment."""
    segments = {segment.segment.number: segment.segment for segment in view.segments}
    opened = {}
    for cache in view.caches:
        segment = segments.get(cache.segments[0][0]) if cache.kind == KIND else None
        if segment is not None and cache.is_made_from([segment]):
            path = caches.path_of(view.folder, cache)
            if path is not None:
                index = faiss.read_index(os.fspath(path), faiss.IO_FLAG_MMAP_IFC)
                opened[segment.number] = Codes(index, cache.facts["bound"])
    return opened


def write_codes(view: View, of: Segment, path: Path) -> tuple[int, dict[str, Any]]:
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
