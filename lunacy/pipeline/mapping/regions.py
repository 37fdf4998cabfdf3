"""The regions of the map: where papers lie together, at several levels of detail, and what they are called."""

from __future__ import annotations

from collections.abc import Iterable, Sequence

import numpy as np
import numpy.typing as npt

from lunacy.arrays import Rows, Vectors
from lunacy.derived.placing import Positions
from lunacy.pipeline.mapping.density import Density, density_of
from lunacy.pipeline.mapping.merging import Hills, levels_of
from lunacy.pipeline.mapping.naming import Labels, labels_of
from lunacy.progress import Progress, Report, no_report
from lunacy.region import Region

_FIRST, _TIMES = 10, 4  # regions of level 0; times as many of each further level
_FEWEST = 30  # papers a region, on average


def regions_of(
    positions: Positions,
    titles: Sequence[str],
    categories: Sequence[str],
    vectors: Iterable[Vectors],
    *,
    progress: Report = no_report,
) -> tuple[Region, ...]:
    """The regions of papers at `positions`, (n, 2) float32 in the unit square, by level, the largest first.

    `categories`: the first of each paper, "" for none; `vectors`: theirs, of unit length, in blocks of up to 2^14. It
    does not depend on the order of the papers. A region of which nothing can be said, for want of titles and
    categories, is left out.
    """
    if not len(positions):
        return ()
    progress(Progress("finding the regions of the map", 0, None))
    density = density_of(positions)
    names, numbers = np.unique(np.asarray(categories, np.str_), return_inverse=True)
    archives = np.unique([name.partition(".")[0] for name in names], return_inverse=True)[1]
    is_known = names[numbers] != ""
    hills = Hills(density, [np.where(is_known, group, -1) for group in (numbers, archives[numbers])])
    levels = _different(levels_of(hills, density, _sizes(len(positions)), progress))
    papers = [level[density.of_papers] for level in levels]
    labels = labels_of(papers, titles, names.tolist(), numbers, vectors, progress)
    found = []
    for number, (of_papers, named) in enumerate(zip(papers, labels, strict=True)):
        found += _regions(number, of_papers, named, density, positions)
    return tuple(sorted(found, key=lambda one: (one.level, -one.n_papers, one.x, one.y)))


def _sizes(n_papers: int) -> list[int]:
    """How many regions each level has."""
    sizes = [_FIRST]
    while n_papers >= _FEWEST * sizes[-1] * _TIMES:
        sizes.append(sizes[-1] * _TIMES)
    return sizes if n_papers >= _FEWEST * _FIRST else [max(n_papers // _FEWEST, 1)]


def _different(levels: Sequence[Rows]) -> list[Rows]:
    """Without those that are as the one before."""
    n_regions = [0, *(int(level.max()) + 1 for level in levels)]
    return [level for level, before, n in zip(levels, n_regions, n_regions[1:], strict=False) if n > before]


def _regions(level: int, of_papers: Rows, named: Labels, density: Density, positions: Positions) -> list[Region]:
    places = positions[_places(of_papers, named.have, density, positions)].tolist()
    sizes = np.bincount(of_papers).tolist()
    return [
        Region(level, x, y, n_papers, label.text, label.further)
        for (x, y), n_papers, label in zip(places, sizes, named.labels, strict=True)
        if label.text
    ]


def _places(of_papers: Rows, have: npt.NDArray[np.bool_], density: Density, positions: Positions) -> Rows:
    """The paper of each region, (n_regions,), at which its label stands.

    It is one where many lie, of those that have the label, and is not far from the middle of these.
    """
    sizes = np.bincount(of_papers)
    weights = have | (np.bincount(of_papers, have, len(sizes)) == 0)[of_papers]  # all, where none has it
    n_having = np.bincount(of_papers, weights)
    spread, apart = np.ones(len(sizes)), np.zeros(len(of_papers))  # squares, in cells
    for at in np.divmod(density.cells, len(density.grid)):
        mean = np.bincount(of_papers, at * weights) / n_having
        spread += np.bincount(of_papers, at**2 * weights) / n_having - mean**2
        apart += (at - mean[of_papers]) ** 2
    scores = weights * density.grid.ravel()[density.cells] * np.exp(-apart / spread[of_papers] / 2)
    best = np.zeros(len(sizes))
    np.maximum.at(best, of_papers, scores)
    of_best = np.flatnonzero(weights & (scores == best[of_papers]))
    order = of_best[np.lexsort((positions[of_best, 1], positions[of_best, 0], of_papers[of_best]))]
    return order[np.diff(of_papers[order], prepend=-1) > 0]
