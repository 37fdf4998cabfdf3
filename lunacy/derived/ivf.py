"""IVF lists: how they are made (k-means in two levels, assignment in two levels, 8-bit codes), and opened.

Plain k-means compares each row with each centroid: 4,096 of them for a million rows. In two levels it is 64 and then
64 or so. `lunacy bench search` tells how long it takes and what recall it gives.
"""

from __future__ import annotations

import os
from dataclasses import dataclass
from itertools import pairwise
from pathlib import Path
from typing import Any

import faiss
import numpy as np
import numpy.typing as npt

from lunacy.advice import command
from lunacy.arrays import Rows, Vectors
from lunacy.derived import once_per_view
from lunacy.derived.faiss_threads import in_thread, in_threads, multiply
from lunacy.errors import UsageError
from lunacy.measured import IvfFacts
from lunacy.progress import Progress, Report, no_report, reported
from lunacy.store import Cache, OpenSegment, View, caches

KIND = "ivf"
_PER_LIST = 64  # rows of the sample for each list
_TURNS = 8  # of k-means
_BLOCK, _PIECES = 2**13, 32  # rows assigned at a time, and how often in all threads before that is reported
_NEAR = 2  # groups in which a row looks for its list

Lists = npt.NDArray[np.int64]  # (n,)


@dataclass(frozen=True, slots=True)
class Ivf:
    """The lists, memory-mapped, and what was measured of them."""

    index: Any  # faiss.IndexIVF
    covered: frozenset[int]  # numbers of the segments that they were made from and that are still there
    facts: IvfFacts


@once_per_view
def open_ivf(view: View) -> Ivf | None:
    """The lists of the index; None when there are none that fit this commit."""
    for cache in view.caches:
        if cache.kind == KIND and is_current(cache, view):
            path = view.folder / caches.FOLDER_NAME / cache.name
            return Ivf(map_lists(path), _covered(cache, view), IvfFacts.read(cache.facts))
    return None


def require_ivf(view: View, where: str | Path) -> Ivf:
    """As `open_ivf`. Raises UsageError where there are none; `where`: the index, as its user calls it."""
    ivf = open_ivf(view)
    if ivf is None:
        hint = f"make them with: {command('ivf', '--index', where)}"
        raise UsageError("the index has no IVF lists", where=where, hint=hint)
    return ivf


def _covered(cache: Cache, view: View) -> frozenset[int]:
    """The numbers of the segments that are there and that the lists were made from."""
    return frozenset(one.number for one in view.stored_segments if (one.number, one.sha256) in set(cache.segments))


def is_current(cache: Cache, view: View) -> bool:
    """Whether segments are there that the lists were made from; others are searched without them."""
    try:
        IvfFacts.read(cache.facts)
    except ValueError:
        return False
    return bool(_covered(cache, view)) and caches.path_of(view.folder, cache) is not None


def map_lists(path: Path) -> Any:
    """The FAISS index in a file, its lists memory-mapped."""
    index: Any = faiss.read_index(os.fspath(path), faiss.IO_FLAG_MMAP)
    lists: Any = faiss.downcast_InvertedLists(index.invlists)
    lists.prefetch_nthread = 0  # by default each search starts 32 threads that read ahead: 2 to 4 times as long
    return index


def n_lists(n_rows: int) -> int:
    """A power of two near 4 sqrt(n), with some rows a list."""
    wanted = 2 ** round(np.log2(4 * np.sqrt(max(n_rows, 1))))
    return int(max(1, min(wanted, n_rows // 8)))


def write_lists(view: View, path: Path, progress: Report = no_report) -> tuple[int, int, Lists]:
    """Write the lists of all rows of `view` that have a paper: bytes of the file's head, lists, the list of each row.

    The list of a row without a paper is -1.
    """
    multiply(_PER_LIST)
    rng = np.random.default_rng(0)
    dim, nlist = view.fingerprint.dim, n_lists(view.n_papers)
    progress(Progress("finding centroids"))
    groups = _train(_sample(view, nlist * _PER_LIST, rng), nlist)
    centroids = np.concatenate(groups)  # (nlist, dim)
    quantizer = faiss.IndexFlatIP(dim)
    quantizer.add(centroids)
    index: Any = faiss.IndexIVFScalarQuantizer(
        quantizer,
        dim,
        len(centroids),
        faiss.ScalarQuantizer.QT_8bit_uniform,
        faiss.METRIC_INNER_PRODUCT,
        False,  # codes of the rows themselves, not of what is left of them beside their centroid
    )
    extremes = np.array([(block.min(), block.max()) for one in view.segments for _start, block in one.blocks()])
    ends = np.array([[extremes[:, 0].min()], [extremes[:, 1].max()]], np.float32)
    in_thread(lambda: index.sq.train(np.repeat(ends, dim, axis=1)))  # all that training looks at
    index.is_trained = True
    lists, codes = _assigned(view, index.sq, _Groups(groups), progress)
    _add(index, lists, codes)
    faiss.write_index(index, os.fspath(path))
    return path.stat().st_size - index.ntotal * (index.code_size + 8), len(centroids), lists


def _assigned(view: View, quantizer: Any, groups: _Groups, progress: Report) -> tuple[Lists, npt.NDArray[np.uint8]]:
    """The list of each row, (n,), and its code, (n, dim)."""
    lists = np.full(view.end_row, -1, np.int64)
    codes = np.empty((view.end_row, view.fingerprint.dim), np.uint8)

    def assign(piece: tuple[OpenSegment, Rows]) -> None:
        segment, positions = piece
        block, rows = segment.vectors(positions), positions + segment.segment.first_row
        lists[rows], codes[rows] = groups.assign(block), quantizer.compute_codes(block)

    pieces = [
        (segment, live[start : start + _BLOCK])
        for segment in view.segments
        for live in [segment.live]
        for start in range(0, len(live), _BLOCK)
    ]
    together = [pieces[start : start + _PIECES] for start in range(0, len(pieces), _PIECES)]
    sizes = [sum(len(positions) for _segment, positions in some) for some in together]
    for some in reported("filling the lists", together, sizes, progress):
        in_threads(assign, some)
    return lists, codes


def _add(index: Any, lists: Lists, codes: npt.NDArray[np.uint8]) -> None:
    """Add all rows, with their codes, list by list: `add_core` makes the codes in one thread, and each list grows row
    by row, which took six times as long.
    """
    order = np.argsort(lists, kind="stable")  # (n,): rows
    ends = np.searchsorted(lists[order], np.arange(index.nlist + 1))
    for number, (start, end) in enumerate(pairwise(ends.tolist())):
        rows = order[start:end]
        mine = codes[rows]  # has a name, as `swig_ptr` does not keep it
        index.invlists.add_entries(number, len(rows), faiss.swig_ptr(rows), faiss.swig_ptr(mine))
    index.ntotal = int(ends[-1] - ends[0])


def _sample(view: View, n: int, rng: np.random.Generator) -> Vectors:
    live = view.live_rows()
    return view.vectors(np.sort(rng.choice(live, min(n, len(live)), replace=False)))


def _train(sample: Vectors, nlist: int) -> list[Vectors]:
    """Unit centroids, `nlist` in all, in groups of neighbours."""
    # FAISS' two_level_clustering took 20 s where this and `_Groups` take 4 s (120,000 papers, 1,024 lists), for a
    # recall of 0.763 instead of 0.753 with 4 lists, 0.976 instead of 0.974 with 32: it runs its groups one by one
    tops = in_thread(lambda: _k_means(sample, max(1, round(np.sqrt(nlist)))))
    owners = in_thread(lambda: _nearest(sample, tops, 1))[1][:, 0]  # (n,)
    sizes = np.bincount(owners, minlength=len(tops))
    shares = np.minimum(np.maximum(1, np.floor(nlist * sizes / sizes.sum()).astype(int)), np.maximum(sizes, 1))
    return in_threads(
        lambda group: _k_means(sample[owners == group], shares[group]) if sizes[group] else tops[group][None],
        range(len(tops)),
    )


def _k_means(points: Vectors, k: int) -> Vectors:
    if len(points) <= k:
        return points.copy()
    means = faiss.Kmeans(
        points.shape[1],
        k,
        niter=_TURNS,
        spherical=True,
        seed=0,
        min_points_per_centroid=1,
        max_points_per_centroid=256,
    )
    means.train(points)
    return np.asarray(means.centroids, np.float32)


class _Groups:
    """Centroids in groups, for finding the list of a row: the best in the groups whose means are nearest."""

    def __init__(self, groups: list[Vectors]) -> None:
        self._groups = groups
        self._firsts = np.cumsum([0, *(len(group) for group in groups)])  # of each group's lists
        means = np.stack([group.mean(axis=0) for group in groups])  # (g, dim)
        self._means = means / np.maximum(np.linalg.norm(means, axis=1, keepdims=True), 1e-9)

    def assign(self, rows: Vectors) -> Lists:
        """The list of each row of (n, dim)."""
        _scores, near = _nearest(rows, self._means, min(_NEAR, len(self._groups)))  # (n, near)
        order = np.argsort(near, axis=None, kind="stable")  # (n * near,): by group
        ends = np.searchsorted(near.ravel()[order], np.arange(len(self._groups) + 1)).tolist()
        best = np.full(len(rows), -np.inf, np.float32)
        lists = np.zeros(len(rows), np.int64)
        for group, centroids in enumerate(self._groups):
            mine = order[ends[group] : ends[group + 1]] // near.shape[1]  # ascending
            if len(mine):
                scores, indexes = (found[:, 0] for found in _nearest(rows[mine], centroids, 1))
                better = scores > best[mine]
                best[mine[better]] = scores[better]
                lists[mine[better]] = self._firsts[group] + indexes[better]
        return lists


def _nearest(rows: Vectors, centroids: Vectors, k: int) -> tuple[npt.NDArray[np.float32], Lists]:
    """(n, k) scores and indexes of the best centroids of each row; by FAISS, as NumPy's products have threads of their
    own, which get into each other's way.
    """
    index = faiss.IndexFlatIP(centroids.shape[1])
    index.add(centroids)
    found: tuple[npt.NDArray[np.float32], Lists] = index.search(rows, k)
    return found
