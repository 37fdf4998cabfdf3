"""Hills of papers merged to regions: those first that lie near, with no valley between them, and have like categories.

It is Ward's method over hills that touch (Murtagh and Legendre 2014, https://arxiv.org/abs/1111.6285), by which regions
of one level are about equally large and compact, and each lies within one of the level before.
"""

from __future__ import annotations

import heapq
from collections.abc import Sequence

import numpy as np
import numpy.typing as npt

from lunacy.arrays import Rows
from lunacy.pipeline.mapping.density import Density
from lunacy.progress import Progress, Report

_UNLIKE = 4.0  # times more that a merger costs where two hills have no category in common, nor an archive
_VALLEY = 0.5  # the power of how much deeper a valley is than the lower of two peaks
_DEEPEST = 0.01  # of the lower peak: the density in a valley, where there is none
_REPORTED = 5_000  # mergers


class Hills:
    """Hills, and what they were merged to so far."""

    def __init__(self, density: Density, groups: Sequence[Rows]) -> None:
        """`groups`: by which papers differ, such as their categories and archives: numbers, (n,); -1 for none."""
        n, of_papers = density.n_hills, density.of_papers
        self.n = n  # hills; what they are merged to is numbered from there on
        self.into = np.arange(2 * n)
        self.weight, self.peak, self.place = np.zeros(2 * n), np.zeros(2 * n), np.zeros((2 * n, 2))
        ends = np.cumsum([int(group.max(initial=0)) + 1 for group in groups])
        self.shares = np.zeros((2 * n, ends[-1]), np.float32)  # of the papers: each category, then each archive
        self.n_groups = len(groups)
        self.weight[:n] = np.bincount(of_papers, minlength=n)
        for axis, at in enumerate(np.divmod(density.cells, len(density.grid))):  # whole numbers, whose sum is exact
            self.place[:n, axis] = np.bincount(of_papers, at, n) / self.weight[:n]
        np.maximum.at(self.peak, of_papers, density.grid.ravel()[density.cells])
        for group, end in zip(groups, ends.tolist(), strict=True):
            known = group >= 0
            np.add.at(self.shares, (of_papers[known], end - 1 - group[known]), 1)
        self.shares[:n] /= self.weight[:n, None]

    def merge(self, one: int, other: int, to: int) -> None:
        """Put two of them together, under a new number."""
        pair = [one, other]
        self.weight[to] = self.weight[pair].sum()
        part = self.weight[pair] / self.weight[to]
        self.place[to] = part @ self.place[pair]
        self.shares[to] = part @ self.shares[pair]
        self.peak[to] = self.peak[pair].max()
        self.into[pair] = to

    def costs(self, one: Rows | int, others: Rows, passes: npt.NDArray[np.float64]) -> npt.NDArray[np.float64]:
        """Of merging, (m,), each of `others` with `one` or the one of the same position; `passes`: between them."""
        mine, theirs = self.weight[one], self.weight[others]
        apart = ((self.place[one] - self.place[others]) ** 2).sum(-1)
        difference = np.abs(self.shares[one] - self.shares[others]).sum(-1) / 2 / self.n_groups
        lower = np.minimum(self.peak[one], self.peak[others])
        valley = lower / np.maximum(passes, _DEEPEST * lower)
        cost = mine * theirs / (mine + theirs) * apart
        return np.asarray(cost * (1 + _UNLIKE * difference) * valley**_VALLEY, np.float64)

    def merged(self) -> Rows:
        """What each hill belongs to by now, numbered from 0: (n,)."""
        into = self.into
        while np.any(into[into] != into):
            into = into[into]
        return np.asarray(np.unique(into[: self.n], return_inverse=True)[1], np.int64)


def levels_of(hills: Hills, density: Density, sizes: Sequence[int], progress: Report) -> list[Rows]:
    """The region of each hill, (n_hills,), at each level; `sizes`: how many regions each shall have, ascending.

    One has fewer where there are not as many hills.
    """
    beside, heap = _touching(hills, density)
    number, found = hills.n, []
    n_left = hills.n
    for size in reversed(sizes):
        while n_left > size and heap:
            _cost, one, other = heapq.heappop(heap)
            if hills.into[one] != one or hills.into[other] != other:
                continue
            _merge(hills, beside, heap, (one, other, number))
            number, n_left = number + 1, n_left - 1
            if not number % _REPORTED:
                progress(Progress("finding the regions of the map", number - hills.n, hills.n))
        found.append(hills.merged())
    return found[::-1]


_Heap = list[tuple[float, int, int]]  # cost, and two that touch
_Beside = list[dict[int, float]]  # of each: those that touch it, and the density at the pass to them


def _touching(hills: Hills, density: Density) -> tuple[_Beside, _Heap]:
    """Which hills touch, and what it costs to merge them."""
    labels, grid = density.hills, density.grid
    ones, others, passes = [], [], []
    for before, behind in ((np.s_[:, :-1], np.s_[:, 1:]), (np.s_[:-1], np.s_[1:])):
        border = labels[before] != labels[behind]
        pair = np.sort(np.stack([labels[before][border], labels[behind][border]]), axis=0)
        ones.append(pair[0])
        others.append(pair[1])
        passes.append(np.minimum(grid[before][border], grid[behind][border]))
    codes = np.concatenate(ones).astype(np.int64) * hills.n + np.concatenate(others)
    pairs, at = np.unique(codes, return_inverse=True)
    highest = np.zeros(len(pairs))
    np.maximum.at(highest, at, np.concatenate(passes))
    one, other = pairs // hills.n, pairs % hills.n
    beside: _Beside = [{} for _ in range(2 * hills.n)]
    for first, second, height in zip(one.tolist(), other.tolist(), highest.tolist(), strict=True):
        beside[first][second] = beside[second][first] = height
    heap = list(zip(hills.costs(one, other, highest).tolist(), one.tolist(), other.tolist(), strict=True))
    heapq.heapify(heap)
    return beside, heap


def _merge(hills: Hills, beside: _Beside, heap: _Heap, those: tuple[int, int, int]) -> None:
    """Merge the first two of `those` into the third; what touched either touches it."""
    one, other, to = those
    hills.merge(one, other, to)
    around = beside[one]
    for third, height in beside[other].items():
        around[third] = max(height, around.get(third, 0.0))
    del around[one], around[other]
    beside[one], beside[other], beside[to] = {}, {}, around
    if around:
        others = np.fromiter(around, np.int64, len(around))
        passes = np.fromiter(around.values(), np.float64, len(around))
        for cost, third in zip(hills.costs(to, others, passes).tolist(), around, strict=True):
            heapq.heappush(heap, (cost, third, to))
    for third, height in around.items():
        beside[third].pop(one, None)
        beside[third].pop(other, None)
        beside[third][to] = height
