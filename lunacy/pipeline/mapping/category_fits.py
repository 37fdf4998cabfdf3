"""How well the names of arXiv's categories, and of what these are part of, fit the regions of the map."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from lunacy.arrays import Rows
from lunacy.category_names import short_names


@dataclass(frozen=True, slots=True)
class Names:
    """The names that papers have by their categories."""

    names: Sequence[str]  # those of categories first
    has: npt.NDArray[np.bool_]  # (n_categories, n_names): "math.NT" has "Number Theory" and "Mathematics"
    categories: Rows  # (n,): that of each paper

    def of_papers(self, wanted: Rows) -> npt.NDArray[np.bool_]:
        """Whether each has the name `wanted` of it, (n,); -1: none."""
        return np.asarray(self.has[self.categories, wanted] & (wanted >= 0), np.bool_)


def names_of(categories: Sequence[str], numbers: Rows) -> Names:
    """`numbers`: (n,), the category of each paper."""
    of_each = [short_names(one) for one in categories]
    rank = {name: at for names in of_each for at, name in enumerate(names)}  # 0: of a category, not what it is part of
    names = sorted(rank, key=lambda name: (rank[name], name))
    has = np.array([[name in of_one for name in names] for of_one in of_each], np.bool_).reshape(len(of_each), -1)
    return Names(names, has if names else np.zeros((len(of_each), 1), np.bool_), numbers)


@dataclass(frozen=True, slots=True)
class Fit:
    """How well a name fits a region."""

    name: int
    fit: float  # the harmonic mean of precision and recall
    n_papers: int  # of the region, that have it


def fits_of(names: Names, of_papers: Rows) -> list[list[Fit]]:
    """Of the names that any paper of a region has, the best first; `of_papers`: (n,), the region of each paper."""
    from scipy.sparse import coo_matrix, csr_matrix

    sizes = np.bincount(of_papers)
    shape = len(sizes), len(names.has)
    counts = coo_matrix((np.ones(len(of_papers), np.int32), (of_papers, names.categories)), shape=shape).tocsr()
    entries = (counts @ csr_matrix(names.has.astype(np.int32))).tocoo()
    totals = np.bincount(entries.col, entries.data, names.has.shape[1])
    fits = 2 * entries.data / (sizes[entries.row] + totals[entries.col])
    found: list[list[Fit]] = [[] for _ in sizes]
    for at in np.lexsort((entries.col, -fits, entries.row)).tolist():
        found[entries.row[at]].append(Fit(int(entries.col[at]), float(fits[at]), int(entries.data[at])))
    return found
